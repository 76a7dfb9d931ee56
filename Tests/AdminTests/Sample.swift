// A snapshot for the tests: a frontend, a backend with a server in every state, a listen section with the page.

import Admin
import Basics

enum Sample {
    static func snapshot() -> StatsSnapshot {
        var snapshot = StatsSnapshot()
        snapshot.process = process()
        snapshot.proxies = [www(), app(), pages(), stats()]
        return snapshot
    }

    static func process() -> ProcessStats {
        var process = ProcessStats()
        process.version = "0.1.0"
        process.releaseDate = "2026/11/21"
        process.pid = 4_711
        process.threads = 4
        process.uptime = .seconds(3 * 86_400 + 4 * 3_600 + 5 * 60 + 6)
        process.startedAt = WallTime(seconds: 1_700_000_000)
        process.node = "edge-1"
        process.description = "Front door of the shop"
        process.connectionsLimit = 20_000
        process.descriptorsLimit = 65_536
        process.connectionsCurrent = 312
        process.connectionsTotal = 1_204_551
        process.requestsTotal = 48_120_345
        process.connectionRate = 41
        process.connectionRateMax = 530
        process.requestRate = 1_873
        process.requestRateMax = 9_120
        process.bytesInTotal = 21_474_836_480
        process.bytesOutTotal = 868_923_340_800
        process.bytesOutRate = 34_603_008
        process.residentBytes = 23_068_672
        process.bufferBytesAllocated = 4_194_304
        process.bufferBytesUsed = 131_072
        process.idlePercent = 93
        process.listeners = 6
        process.jobs = 318
        return process
    }

    private static func www() -> ProxyStats {
        var proxy = ProxyStats(name: "www", id: 2)
        var row = StatsRow(kind: .frontend)
        row.sessionsCurrent = 311
        row.sessionsMax = 2_044
        row.sessionsLimit = 20_000
        row.sessionsTotal = 1_204_000
        row.sessionRate = 40
        row.sessionRateMax = 530
        row.connectionRate = 40
        row.connectionRateMax = 530
        row.connectionsTotal = 1_204_000
        row.requestRate = 1_870
        row.requestRateMax = 9_117
        row.requestsTotal = 48_119_900
        row.interceptedTotal = 12
        row.http2 = http2()
        row.bytesIn = 21_474_000_000
        row.bytesOut = 868_923_000_000
        row.requestsDenied = 12
        row.requestErrors = 87
        row.responses = responses(success: 45_000_000, redirect: 2_100_000, clientError: 1_019_000, serverError: 900)
        proxy.frontend = row
        return proxy
    }

    /// In the order of the columns.
    private static func http2() -> HTTP2Stats {
        var stats = HTTP2Stats()
        (stats.headersReceived, stats.dataReceived, stats.settingsReceived) = (701, 702, 703)
        (stats.resetsReceived, stats.goAwaysReceived, stats.connectionErrors) = (704, 705, 706)
        (stats.streamErrors, stats.resetsSent, stats.goAwaysSent) = (707, 708, 709)
        (stats.connectionsCurrent, stats.streamsCurrent) = (710, 711)
        (stats.connectionsTotal, stats.streamsTotal) = (712, 713)
        return stats
    }

    private static func app() -> ProxyStats {
        var proxy = ProxyStats(name: "app", id: 3)
        proxy.description = "Flask"
        let states: [(String, RowState, UInt64)] = [
            ("flask1", .up, 273_906), ("flask2", .goingDown(1, of: 3), 12), ("flask3", .down, 252),
            ("flask4", .goingUp(1, of: 2), 3_725), ("flask5", .maintenance, 90_000), ("flask6", .drain, 60),
            ("flask7", .noCheck, 273_906), ("spare", .up, 273_906),
        ]
        for (index, (name, state, age)) in states.enumerated() {
            proxy.servers.append(server(name, index + 1, state, age: age))
        }
        proxy.servers[7].activeServers = 0
        proxy.servers[7].backupServers = 1
        var sum = StatsRow(kind: .backend)
        sum.algorithm = "roundrobin"
        sum.cookie = "SRV"
        sum.stateAge = .seconds(273_906)
        sum.sessionsCurrent = 26
        sum.sessionsMax = 480
        sum.sessionsLimit = 2_000
        sum.sessionsTotal = 9_420_000
        sum.sessionRate = 380
        sum.sessionRateMax = 1_100
        sum.chosenTotal = 9_420_000
        sum.weight = 500
        sum.weightConfigured = 800
        sum.activeServers = 4
        sum.backupServers = 1
        sum.bytesIn = 9_000_000_000
        sum.bytesOut = 120_000_000_000
        sum.retries = 14
        sum.redispatches = 3
        sum.connectErrors = 17
        sum.timesAverage.connect = 1
        sum.timesAverage.response = 18
        sum.timesAverage.total = 22
        sum.responses = responses(success: 9_000_000, redirect: 200_000, clientError: 219_000, serverError: 1_000)
        proxy.backend = sum
        return proxy
    }

    private static func server(_ name: String, _ id: Int, _ state: RowState, age: UInt64) -> StatsRow {
        var row = StatsRow(kind: .server, name: name, id: id)
        row.state = state
        row.stateAge = .seconds(age)
        row.address = "127.0.0.1:\(8_000 + id)"
        row.cookie = "c\(id)"
        row.weight = 100
        row.weightConfigured = 100
        row.activeServers = 1
        row.sessionsLimit = id == 2 ? 40 : nil
        row.sessionsMax = 60
        row.sessionsTotal = 1_300_000
        row.sessionRateMax = 200
        row.lastSessionAge = .seconds(1)
        row.bytesIn = 1_200_000_000
        row.bytesOut = 17_000_000_000
        row.responses = responses(success: 1_200_000, redirect: 30_000, clientError: 30_000, serverError: 40)
        if state != .noCheck {
            var check = CheckStats(code: "L7OK")
            check.meaning = "Layer7 check passed"
            check.detail = "OK"
            check.status = 200
            check.duration = .milliseconds(2)
            row.check = check
            row.checkRise = 2
            row.checkFall = 3
            row.checkHealth = 4
        }
        switch state {
        case .down, .goingUp:
            var check = CheckStats(code: "L4CON")
            check.meaning = "Layer4 connection problem"
            check.detail = "Connection refused"
            check.duration = .milliseconds(0)
            row.check = check
            row.checkHealth = 0
            row.checksFailed = 3
            row.timesDown = 2
            row.downtime = .seconds(age + 100)
            row.weight = 0
            row.connectErrors = 17
            row.retries = 14
            row.redispatches = 3
        default:
            row.sessionsCurrent = 7
            row.sessionRate = 76
            row.timesAverage.connect = 1
            row.timesAverage.response = 18
        }
        return row
    }

    private static func pages() -> ProxyStats {
        var proxy = ProxyStats(name: "static", id: 4)
        var sum = StatsRow(kind: .backend)
        sum.stateAge = .seconds(273_906)
        sum.sessionsTotal = 38_000_000
        sum.bytesOut = 740_000_000_000
        sum.responses = responses(success: 36_000_000, redirect: 1_900_000, clientError: 80_000, serverError: 0)
        proxy.backend = sum
        return proxy
    }

    private static func stats() -> ProxyStats {
        var proxy = ProxyStats(name: "stats", id: 5)
        var row = StatsRow(kind: .frontend)
        row.sessionsCurrent = 1
        row.sessionsMax = 3
        row.sessionsLimit = 20_000
        row.sessionsTotal = 551
        row.requestsTotal = 445
        row.connectionsTotal = 551
        row.bytesIn = 61_000
        row.bytesOut = 9_000_000
        row.interceptedTotal = 445
        row.responses = responses(success: 445, redirect: 0, clientError: 0, serverError: 0)
        proxy.frontend = row
        var sum = StatsRow(kind: .backend)
        sum.stateAge = .seconds(273_906)
        proxy.backend = sum
        return proxy
    }

    private static func responses(
        success: UInt64, redirect: UInt64, clientError: UInt64, serverError: UInt64
    ) -> StatusClassStats {
        var responses = StatusClassStats()
        responses.success = success
        responses.redirect = redirect
        responses.clientError = clientError
        responses.serverError = serverError
        return responses
    }
}
