// The books of a round: what its log says, line by line, against what its counters and its clients say.

import Balancing
import Basics
import Proxy

struct Ledger {
    static let format = "exchange %rt %ST %ts %U %B %cp %b %HM"

    struct Line {
        let number: Int
        let status: Int
        let termination: Substring
        let bytesIn: Int
        let bytesOut: Int
        let port: UInt16
        let backend: Substring
        let hasRequest: Bool
    }

    private(set) var lines: [Line] = []
    /// What does not add up.
    private(set) var faults: [String] = []

    init(_ log: [Substring]) {
        for text in log {
            let words = text.split(separator: " ")
            // Other lines are about Portico itself.
            guard words.first == "exchange" else { continue }
            guard words.count == 9, let number = Int(words[1]), let status = Int(words[2]), let bytesIn = Int(words[4]),
                let bytesOut = Int(words[5]), let port = UInt16(words[6])
            else {
                faults.append("a line of the log: \(text)")
                continue
            }
            lines.append(
                Line(
                    number: number, status: status, termination: words[3], bytesIn: bytesIn, bytesOut: bytesOut,
                    port: port, backend: words[7], hasRequest: words[8] != "<BADREQ>"))
        }
    }

    /// How exchanges ended, by the two letters of the log.
    var terminations: [String: Int] { Dictionary(lines.map { (String($0.termination), 1) }, uniquingKeysWith: +) }

    /// Each exchange has one line, and there is no line without one. Of several workers each counts by as many.
    mutating func checkNumbers(workers: Int) {
        for worker in 0..<workers {
            let own = lines.map(\.number).filter { $0 % workers == worker }.sorted()
            for (count, number) in own.enumerated() where number != count * workers + worker {
                faults.append("exchange \(min(count * workers + worker, number)) has no line, or two")
                return
            }
        }
    }

    mutating func check(_ plan: Plan, isTCP: Bool, accepted: Int) {
        let frontend = plan.frontends[0]
        expect("connections", frontend.traffic.total(.connections), accepted)
        expect("bytes in", frontend.traffic.total(.bytesIn), lines.reduce(0) { $0 + $1.bytesIn })
        expect("bytes out", frontend.traffic.total(.bytesOut), lines.reduce(0) { $0 + $1.bytesOut })
        if !isTCP {
            // As in HAProxy a head that was refused, too late or cut off is a request; one that the stop cut off is not.
            expect("requests", frontend.traffic.total(.requests), lines.count { $0.hasRequest || $0.status > 0 })
            let classes: [TrafficCounter] = [
                .responses1xx, .responses2xx, .responses3xx, .responses4xx, .responses5xx, .responsesOther,
            ]
            for counter in classes {
                // Nothing was said: -1. A handshake that failed is no exchange, its line has 0.
                let logged = lines.count {
                    $0.status != 0 && TrafficCounter.responses(status: $0.status) == counter
                }
                expect("\(counter)", frontend.traffic.total(counter), logged)
            }
        }
        for backend in plan.backends {
            let own = lines.filter { $0.backend == backend.name }
            expect("sessions of \(backend.name)", backend.backend.traffic.total(.sessions), own.count)
            expect(
                "bytes in of \(backend.name)", backend.backend.traffic.total(.bytesIn),
                own.reduce(0) { $0 + $1.bytesIn })
            expect(
                "bytes out of \(backend.name)", backend.backend.traffic.total(.bytesOut),
                own.reduce(0) { $0 + $1.bytesOut })
            let chosen = backend.backend.servers.reduce(0) { $0 + $1.traffic.total(.selections) }
            expect("selections of \(backend.name)", backend.backend.traffic.total(.selections), Int(chosen))
            atRest("active in \(backend.name)", backend.backend.active.current)
            atRest("queued for \(backend.name)", backend.backend.queued.current)
            for server in backend.backend.servers {
                if let most = server.limits.maxConnections, server.active.maximum > most {
                    faults.append("\(backend.name)/\(server.name) had \(server.active.maximum) requests at a time")
                }
                atRest("queued for \(backend.name)/\(server.name)", server.queued.current)
                atRest("active on \(backend.name)/\(server.name)", server.active.current)
                atRest("idle on \(backend.name)/\(server.name)", server.idle.current)
            }
        }
        atRest("connections", plan.site.admission.connections.current)
        atRest("sessions", frontend.sessions.current)
    }

    /// What a client got is what the log says was sent, in that order.
    mutating func check(_ clients: [any CountedClient], isTCP: Bool) {
        let byPort = Dictionary(grouping: lines, by: \.port)
        for client in clients {
            let lines = byPort[client.port] ?? []
            let logged = lines.map(\.status).filter { $0 > 0 }
            let isLogged =
                client.isMultiplexed
                ? Self.has(logged, client.statuses) : logged.starts(with: client.statuses)
            if !isTCP, !isLogged {
                faults.append("client \(client.port) got \(client.statuses), the log has \(logged)")
            }
            let sent = lines.reduce(0) { $0 + $1.bytesOut }
            if client.bytesReceived > sent {
                faults.append("client \(client.port) got \(client.bytesReceived) bytes, the log has \(sent)")
            }
            let taken = lines.reduce(0) { $0 + $1.bytesIn }
            if client.bytesSent < taken {
                faults.append("client \(client.port) sent \(client.bytesSent) bytes, the log has \(taken)")
            }
        }
    }

    /// Whether the log has all that a client got, in any order.
    private static func has(_ logged: [Int], _ got: [Int]) -> Bool {
        var left = Dictionary(logged.map { ($0, 1) }, uniquingKeysWith: +)
        for status in got {
            guard let count = left[status], count > 0 else { return false }
            left[status] = count - 1
        }
        return true
    }

    /// What servers got is what was counted of them.
    mutating func check(_ plan: Plan, against peers: [Peers], _ configuration: RoundConfiguration) {
        for backend in plan.backends {
            guard let route = Route(rawValue: backend.name), route.hasServers else { continue }
            // Rules may have led its connections elsewhere.
            if route != .resolved {
                for (server, port) in zip(backend.backend.servers, route.ports) {
                    let attempts = peers.reduce(0) { $0 + ($1.attempts[port] ?? 0) }
                    expect(
                        "connections to \(backend.name)/\(server.name)", server.traffic.total(.connections), attempts)
                }
            }
            // What is sent again is one line and several requests.
            if !configuration.hasFaults && !configuration.isTCP && route != .retried {
                let got = route.ports.reduce(0) { sum, port in
                    sum + peers.reduce(0) { $0 + ($1.requestsOnServers[port] ?? 0) }
                }
                expect(
                    "requests on servers of \(backend.name)", UInt64(got), lines.count { $0.backend == backend.name })
            }
        }
    }

    private mutating func expect(_ what: String, _ counted: UInt64, _ logged: Int) {
        if counted != UInt64(logged) { faults.append("\(what): counted \(counted), in the log \(logged)") }
    }

    private mutating func atRest(_ what: String, _ gauge: Int) {
        if gauge != 0 { faults.append("\(what): \(gauge) left at the end") }
    }
}
