// Every column of `show stat` and every field of `show info`, with traffic that changes it: a printed value is measured,
// and a value that is not measured is empty.
//
// HAProxy has the same numbers, except for the rule that sets an invalid URI: HAProxy forwards it, and counts no failure.

import Foundation
import Testing

@Suite(.staged) struct ColumnScenarios {
    /// The expected value after the traffic of `House`.
    enum Expectation {
        case value(String)
        case range(ClosedRange<Int>)
        /// Any value except an empty one.
        case some

        func accepts(_ text: String) -> Bool {
            switch self {
            case .value(let wanted): text == wanted
            case .range(let wanted): Int(text).map(wanted.contains) ?? false
            case .some: !text.isEmpty
            }
        }
    }

    /// A column, where it is measured, and its expected value in a row after the traffic of `House`.
    struct Column {
        let name: String
        let source: String
        let rows: [String: Expectation]

        init(_ name: String, _ source: String, _ rows: [String: Expectation]) {
            self.name = name
            self.source = source
            self.rows = rows
        }
    }

    /// Columns that this traffic leaves empty, most of features that Portico does not have, by the reason.
    static let unmeasured: [String: [String]] = [
        "of agents, see AgentScenarios": [
            "last_agt", "agent_status", "agent_code", "agent_duration", "agent_desc", "agent_rise", "agent_fall",
            "agent_health",
        ],
        "no cookie persistence": ["cookie"],
        "no compression, no cache": [
            "comp_in", "comp_out", "comp_byp", "comp_rsp", "cache_lookups", "cache_hits",
        ],
        "HAProxy's pools estimate, Portico's look at what was needed": ["need_conn_est"],
        "for another exporter": ["agg_server_status", "agg_server_check_status", "agg_check_status"],
        "modules that are not built in": [
            "h1_open_connections", "h1_open_streams", "h1_total_connections", "h1_total_streams", "h1_bytes_in",
            "h1_bytes_out", "h1_spliced_bytes_in", "h1_spliced_bytes_out",
        ],
    ]

    static let columns = plain + http2

    /// This traffic has no HTTP/2.
    private static let http2 = [
        "h2_headers_rcvd", "h2_data_rcvd", "h2_settings_rcvd", "h2_rst_stream_rcvd", "h2_goaway_rcvd",
        "h2_detected_conn_protocol_errors", "h2_detected_strm_protocol_errors", "h2_rst_stream_resp", "h2_goaway_resp",
        "h2_open_connections", "h2_backend_open_streams", "h2_total_connections", "h2_backend_total_streams",
    ].map {
        Column(
            $0, "HTTP2Counters",
            ["www/FRONTEND": .value("0"), "app/BACKEND": .value("0"), "tunnel/BACKEND": .value("")]
        )
    }

    private static let plain: [Column] = [
        // Identity.
        Column("pxname", "the plan", ["www/FRONTEND": .value("www"), "app/s1": .value("app")]),
        Column("svname", "the plan", ["www/FRONTEND": .value("FRONTEND"), "app/s1": .value("s1")]),
        Column("pid", "constant", ["www/FRONTEND": .value("1")]),
        Column("iid", "the plan", ["www/FRONTEND": .value("2"), "app/BACKEND": .value("7"), "app/s1": .value("7")]),
        Column("sid", "the plan", ["www/FRONTEND": .value("0"), "app/s1": .value("1"), "failing/no": .value("7")]),
        Column(
            "type", "constant",
            ["www/FRONTEND": .value("0"), "app/BACKEND": .value("1"), "app/s1": .value("2")]),
        Column("mode", "the plan", ["www/FRONTEND": .value("http"), "tunnel/BACKEND": .value("tcp")]),
        Column("algo", "the plan", ["app/BACKEND": .value("roundrobin"), "app/s1": .value("")]),
        Column("addr", "Server.address", ["app/s1": .some, "app/BACKEND": .value("")]),

        Column("-", "constant: the columns of modules begin", ["app/s1": .value("-")]),

        // Load.
        Column("scur", "Gauge", ["www/FRONTEND": .value("1"), "app/BACKEND": .value("0"), "app/s1": .value("0")]),
        Column(
            "smax", "Gauge.maximum",
            ["www/FRONTEND": .range(2...6), "app/BACKEND": .range(2...3), "app/s1": .value("1")]),
        Column(
            "slim", "the plan", ["www/FRONTEND": .value("100"), "app/s1": .value("1"), "app/BACKEND": .value("10")]),
        Column(
            "stot", "TrafficCounter.sessions",
            ["www/FRONTEND": .value("17"), "app/BACKEND": .value("12"), "app/s1": .value("12")]),
        Column("qcur", "Gauge", ["app/BACKEND": .value("0"), "app/s1": .value("0"), "www/FRONTEND": .value("")]),
        Column("qmax", "Gauge.maximum", ["app/BACKEND": .value("1"), "app/s1": .value("0")]),
        Column("qlimit", "the plan", ["app/s1": .value("50"), "failing/down": .value("")]),
        Column("bin", "TrafficCounter.bytesIn", ["www/FRONTEND": .range(500...5_000), "app/s1": .range(300...5_000)]),
        Column(
            "bout", "TrafficCounter.bytesOut", ["www/FRONTEND": .range(1_000...20_000), "app/s1": .range(500...20_000)]),

        // Rates, in the second of the traffic or long after it.
        Column("rate", "RateMeter", ["www/FRONTEND": .range(0...18), "app/s1": .range(0...13)]),
        Column("rate_max", "RateMeter.maximum", ["www/FRONTEND": .range(1...18), "app/BACKEND": .range(1...13)]),
        Column("rate_lim", "no 'rate-limit sessions' yet", ["www/FRONTEND": .value("0"), "app/BACKEND": .value("")]),
        Column("req_rate", "RateMeter", ["www/FRONTEND": .range(0...30), "app/BACKEND": .value("")]),
        Column("req_rate_max", "RateMeter.maximum", ["www/FRONTEND": .range(1...30)]),
        Column("conn_rate", "RateMeter", ["www/FRONTEND": .range(0...18)]),
        Column("conn_rate_max", "RateMeter.maximum", ["www/FRONTEND": .range(1...18)]),

        // Requests and responses.
        Column("conn_tot", "TrafficCounter.connections", ["www/FRONTEND": .value("17")]),
        Column(
            "req_tot", "TrafficCounter.requests",
            [
                "www/FRONTEND": .value("19"), "app/BACKEND": .value("12"), "app/s1": .value("12"),
                "empty/BACKEND": .value("1"), "tunnel/BACKEND": .value(""),
            ]),
        Column(
            "lbtot", "TrafficCounter.selections",
            ["app/BACKEND": .value("11"), "app/s1": .value("11"), "empty/BACKEND": .value("0")]),
        Column("intercepted", "TrafficCounter.intercepted", ["www/FRONTEND": .value("1")]),
        Column("hrsp_1xx", "countServerResponse", ["app/s1": .value("1"), "www/FRONTEND": .value("0")]),
        Column(
            "hrsp_2xx", "countResponse",
            ["www/FRONTEND": .value("9"), "app/BACKEND": .value("7"), "app/s1": .value("7")]
        ),
        Column("hrsp_3xx", "countResponse", ["www/FRONTEND": .value("1"), "app/s1": .value("1")]),
        Column(
            "hrsp_4xx", "countResponse",
            ["www/FRONTEND": .value("3"), "app/BACKEND": .value("1"), "app/s1": .value("2")]
        ),
        Column(
            "hrsp_5xx", "countResponse",
            [
                "www/FRONTEND": .value("6"), "app/BACKEND": .value("3"), "app/s1": .value("1"),
                "empty/BACKEND": .value("1"), "failing/BACKEND": .value("1"), "failing/no": .value("0"),
            ]),
        Column("hrsp_other", "countResponse", ["www/FRONTEND": .value("0"), "tunnel/FRONTEND": .value("")]),

        // Denials and errors.
        Column("dreq", "TrafficCounter.deniedRequests", ["www/FRONTEND": .value("1"), "app/BACKEND": .value("0")]),
        Column(
            "dresp", "TrafficCounter.deniedResponses",
            ["www/FRONTEND": .value("1"), "app/BACKEND": .value("1"), "app/s1": .value("1")]),
        Column(
            "dcon", "TrafficCounter.deniedConnections", ["closed/FRONTEND": .value("1"), "www/FRONTEND": .value("0")]),
        Column("dses", "TrafficCounter.deniedSessions", ["shut/FRONTEND": .value("1")]),
        Column("ereq", "TrafficCounter.badRequests", ["www/FRONTEND": .value("1"), "app/BACKEND": .value("")]),
        Column(
            "econ", "TrafficCounter.connectionErrors",
            ["failing/no": .value("1"), "failing/BACKEND": .value("1"), "empty/BACKEND": .value("1")]),
        Column("eresp", "TrafficCounter.badResponses", ["app/s1": .value("2"), "app/BACKEND": .value("2")]),
        Column("eint", "TrafficCounter.internalErrors", ["www/FRONTEND": .value("1"), "app/BACKEND": .value("0")]),
        Column("wrew", "TrafficCounter.failedRewrites", ["www/FRONTEND": .value("1"), "app/s1": .value("0")]),
        Column("wretr", "TrafficCounter.retries", ["failing/no": .value("1"), "failing/BACKEND": .value("1")]),
        Column("wredis", "TrafficCounter.redispatches", ["moving/no": .value("1"), "moving/BACKEND": .value("1")]),
        Column("cli_abrt", "TrafficCounter.clientAborts", ["tunnel/s1": .value("1"), "tunnel/BACKEND": .value("1")]),
        Column("srv_abrt", "TrafficCounter.serverAborts", ["app/s1": .value("1"), "app/BACKEND": .value("1")]),

        // Connections to servers.
        Column("connect", "TrafficCounter.connections", ["app/s1": .range(3...13), "failing/no": .value("2")]),
        Column("reuse", "TrafficCounter.reuses", ["app/s1": .range(2...10)]),
        Column("srv_icur", "Server.idle", ["app/s1": .range(0...2)]),
        Column("src_ilim", "the plan", ["app/s1": .value("5"), "failing/no": .value("")]),
        Column("idle_conn_cur", "Server.idle without Server.idleReused", ["app/s1": .range(0...2)]),
        Column("safe_conn_cur", "Server.idleReused", ["app/s1": .range(0...2)]),
        Column("used_conn_cur", "Server.active", ["app/s1": .value("0")]),

        // TLS: none of this traffic is encrypted, TLSListenerScenarios has what is.
        Column(
            "ssl_sess", "TLSCounters", ["www/FRONTEND": .value("0"), "app/s1": .value("0"), "app/BACKEND": .value("")]),
        Column("ssl_reused_sess", "TLSCounters", ["www/FRONTEND": .value("0"), "app/s1": .value("0")]),
        Column("ssl_failed_handshake", "TLSCounters", ["www/FRONTEND": .value("0"), "app/s1": .value("0")]),

        // State and health.
        Column(
            "status", "Server.state, Backend.availability",
            [
                "www/FRONTEND": .value("OPEN"), "app/BACKEND": .value("UP"), "app/s1": .value("no check"),
                "failing/down": .value("DOWN"), "checked/up": .value("UP"), "checked/off": .value("MAINT"),
            ]),
        Column(
            "weight", "Server.weightNow, Backend.eligibleWeightNow",
            ["app/s1": .value("3"), "app/BACKEND": .value("3"), "checked/BACKEND": .value("5")]),
        Column("throttle", "SlowStart", ["app/s1": .value("")]),
        Column("hanafail", "Server.observedFailuresTotal", ["app/s1": .value("")]),
        Column("tracked", "Server.tracked", ["app/s1": .value("")]),
        Column(
            "uweight", "Server.weight, Backend.eligibleWeight",
            ["app/s1": .value("3"), "app/BACKEND": .value("3"), "checked/BACKEND": .value("5")]),
        Column(
            "act", "Backend.usableCounts",
            ["app/BACKEND": .value("1"), "checked/BACKEND": .value("1"), "checked/up": .value("1")]),
        Column("bck", "Backend.usableCounts", ["checked/BACKEND": .value("1"), "checked/spare": .value("1")]),
        Column("lastchg", "HealthRecord.since", ["app/BACKEND": .range(0...1_000), "failing/down": .range(0...1_000)]),
        Column("lastsess", "TrafficCounter.lastSession", ["app/s1": .range(0...1_000), "checked/up": .value("-1")]),
        Column("chkfail", "HealthRecord.failures", ["failing/down": .value("1"), "app/s1": .value("")]),
        Column("chkdown", "HealthRecord.falls", ["failing/down": .value("1"), "failing/BACKEND": .value("0")]),
        Column(
            "downtime", "HealthRecord.downtime",
            ["failing/down": .range(0...1_000), "app/s1": .value(""), "empty/BACKEND": .value("")]),
        Column("check_status", "HealthRecord.last", ["failing/down": .value("L4CON"), "checked/up": .value("L7OK")]),
        Column("check_code", "HealthRecord.last", ["checked/up": .value("200"), "failing/down": .value("")]),
        Column("check_duration", "HealthRecord.last", ["checked/up": .range(0...60_000), "app/s1": .value("")]),
        Column("check_desc", "HealthRecord.last", ["failing/down": .value("Layer4 connection problem")]),
        Column("last_chk", "HealthRecord.last", ["failing/down": .some]),
        Column("check_rise", "the plan", ["checked/up": .value("2"), "app/s1": .value("")]),
        Column("check_fall", "the plan", ["checked/up": .value("3")]),
        Column("check_health", "HealthRecord.health", ["checked/up": .value("4"), "failing/down": .value("0")]),

        // Times: a request of 300 ms, and one that waited for it.
        Column("qtime", "TimeAverages", ["app/s1": .range(1...30_000), "app/BACKEND": .range(1...30_000)]),
        Column("ctime", "TimeAverages", ["app/s1": .range(0...30_000), "www/FRONTEND": .value("")]),
        Column("rtime", "TimeAverages", ["app/s1": .range(20...30_000)]),
        Column("ttime", "TimeAverages", ["app/s1": .range(20...30_000)]),
        Column("qtime_max", "TrafficCounter.queueMax", ["app/s1": .range(1...60_000)]),
        Column("ctime_max", "TrafficCounter.connectMax", ["app/s1": .range(0...60_000)]),
        Column("rtime_max", "TrafficCounter.responseMax", ["app/s1": .range(300...60_000)]),
        Column("ttime_max", "TrafficCounter.totalMax", ["app/s1": .range(300...60_000)]),
    ]

    @Test("Each column of show stat is measured, or empty", .enabled(if: Portico.isItself))
    func everyColumn() throws {
        let house = try House()
        try house.play()
        var rows: [String: [String: String]] = [:]
        // Exchanges are counted shortly after their end.
        _ = try eventually {
            rows = try table(ask(house.socket, "show stat"))
            return rows["www/FRONTEND"]?["scur"] == "1" && rows["tunnel/FRONTEND"]?["scur"] == "0"
        }
        for column in Self.columns {
            for (row, expectation) in column.rows {
                let value = rows[row]?[column.name] ?? "(no such column)"
                #expect(expectation.accepts(value), "\(row): \(column.name) is '\(value)', not \(expectation)")
            }
        }
        for name in Self.unmeasured.values.joined() {
            for (row, values) in rows {
                #expect(values[name]?.isEmpty == true, "\(row): nothing measures \(name), and it is told")
            }
        }
    }

    @Test("There is no column that this table does not know")
    func completeTable() throws {
        let house = try House()
        let header = try #require(try ask(house.socket, "show stat").split(separator: "\n").first)
        let names = header.dropFirst(2).split(separator: ",").map(String.init)
        let known = Set(Self.columns.map(\.name)).union(Self.unmeasured.values.joined())
        if Portico.isItself { #expect(names.filter { !known.contains($0) } == []) }
        #expect(Self.columns.map(\.name).filter { !names.contains($0) } == [])
    }
}

extension ColumnScenarios {
    /// A site whose counters are known in advance.
    struct House {
        let socket: String
        let front: Int
        private let shut: Int
        private let closed: Int
        private let tunnel: Int
        let portico: Portico

        init() throws {
            socket = Stage.current.folder + "/admin.sock"
            front = try freePort()
            shut = try freePort()
            closed = try freePort()
            tunnel = try freePort()
            let server = try ScriptedServer { connection, _ in
                while true {
                    let request = try connection.receiveRequest(within: 60)
                    try connection.send(Self.answer(request.target))
                    if request.target == "/junk" || request.target == "/cut" { return }
                }
            }
            let dead = try freePort()
            portico = try Portico(
                """
                \(opening(global: "stats socket \(socket) level admin\n    nbthread 1", defaults: "    retries 1"))
                frontend www
                    bind 127.0.0.1:\(front)
                    maxconn 100
                    http-request deny if { path /denied }
                    http-request return status 200 if { path /own }
                    http-request set-uri nonsense if { path /rewrite }
                    http-response deny deny_status 502 if { status 410 }
                    use_backend failing if { path /failing }
                    use_backend moving if { path /moving }
                    use_backend empty if { path /empty }
                    default_backend app
                frontend shut
                    bind 127.0.0.1:\(shut)
                    tcp-request session reject
                    default_backend app
                frontend closed
                    bind 127.0.0.1:\(closed)
                    tcp-request connection reject
                    default_backend app
                listen tunnel
                    mode tcp
                    option tcplog
                    timeout client 200ms
                    bind 127.0.0.1:\(tunnel)
                    server s1 127.0.0.1:\(server.port)
                backend failing
                    server no 127.0.0.1:\(dead) id 7
                    server down 127.0.0.1:\(dead) check inter 50ms fall 1 backup
                backend app
                    fullconn 10
                    balance roundrobin
                    server s1 127.0.0.1:\(server.port) maxconn 1 maxqueue 50 weight 3 pool-max-conn 5
                backend moving
                    balance roundrobin
                    option redispatch 1
                    server no 127.0.0.1:\(dead)
                    server yes 127.0.0.1:\(server.port)
                backend empty
                backend checked
                    option httpchk
                    server up    127.0.0.1:\(server.port) check inter 50ms weight 5
                    server off   127.0.0.1:\(server.port) check disabled weight 7
                    server spare 127.0.0.1:\(server.port) backup weight 9
                """, listeningOn: front, shut, closed, tunnel)
        }

        private static func answer(_ target: String) -> String {
            func answer(_ status: String) -> String { "HTTP/1.1 \(status)\r\nContent-Length: 5\r\n\r\nhello" }
            switch target {
            case "/missing": return answer("404 Not Found")
            case "/moved": return answer("302 Found")
            case "/broken": return answer("500 Oops")
            case "/secret": return answer("410 Gone")
            case "/early": return "HTTP/1.1 103 Early Hints\r\n\r\n" + answer("200 OK")
            case "/junk": return "junk\r\n\r\n"
            case "/cut": return "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"
            case "/slow":
                Thread.sleep(forTimeInterval: 0.3)
                return answer("200 OK")
            default: return answer("200 OK")
            }
        }

        func play() throws {
            // One connection carries three requests and stays open.
            let client = try Connection(to: front)
            Stage.current.atTheEnd { client.close() }
            for _ in 1...3 { #expect(try client.fetch("/").status == 200) }
            for (target, status) in [
                ("/missing", 404), ("/moved", 302), ("/broken", 500), ("/secret", 502), ("/junk", 502),
                ("/denied", 403), ("/own", 200), ("/rewrite", 500), ("/failing", 503), ("/moving", 200),
                ("/empty", 503),
            ] {
                #expect(try fetch(target, from: front).status == status, "\(target)")
            }
            #expect(throws: (any Error).self) { try fetch("/cut", from: front) }
            let early = try Connection(to: front)
            try early.send("GET /early HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try early.receiveHead().status == 103)
            #expect(try early.receiveAnswer().status == 200)
            let bad = try Connection(to: front)
            try bad.send("nonsense\r\n\r\n")
            #expect(try bad.receiveAnswer().status == 400)
            try waitForAPlace()
            for port in [shut, closed] { #expect(try Connection(to: port).isClosedByPeer()) }
            // A client of a tunnel that stays silent.
            let silent = try Connection(to: tunnel)
            try silent.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try silent.receiveAll()
            #expect(try eventually { try table(ask(socket, "show stat"))["checked/up"]?["check_status"] == "L7OK" })
            #expect(try eventually { try table(ask(socket, "show stat"))["failing/down"]?["status"] == "DOWN" })
        }

        /// Two requests for a server with a limit of one connection.
        private func waitForAPlace() throws {
            let first = try Connection(to: front)
            try first.send("GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try eventually { try table(ask(socket, "show stat"))["app/s1"]?["scur"] == "1" })
            let second = try Connection(to: front)
            try second.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try first.receiveAnswer().status == 200)
            #expect(try second.receiveAnswer().status == 200)
        }
    }
}
