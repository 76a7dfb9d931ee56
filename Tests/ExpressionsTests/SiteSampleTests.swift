// Samples about the site, the process and the connection: (expression, expected), as the manual has them.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct SiteSampleTests {
    private func routed() throws -> ExchangeContext {
        let context = try exchange()
        context.site = TestSite()
        context.backendIndex = 0
        context.serverNumber = 0
        return context
    }

    @Test(arguments: [
        ("nbsrv", "2009"), ("nbsrv(api)", "2109"), ("be_conn", "2002"), ("be_conn(api)", "2102"),
        ("be_conn_free(shop)", "2003"), ("be_sess_rate", "2004"), ("queue", "2006"), ("queue(api)", "2106"),
        ("avg_queue", "2007"), ("connslots(shop)", "2008"),
        ("fe_conn", "1002"), ("fe_conn(www)", "1002"), ("fe_req_rate", "1005"), ("fe_sess_rate(www)", "1004"),
        ("srv_conn(s1)", "3002"), ("srv_conn_free(shop/s1)", "3003"), ("srv_queue(s1)", "3006"),
        ("srv_sess_rate(s1)", "3004"), ("srv_weight(s1)", "3011"), ("srv_iweight(s1)", "3012"),
        ("srv_uweight(s1)", "3013"), ("srv_is_up(s1)", "1"),
        ("be_id", "2001"), ("fe_id", "1001"), ("srv_id", "3001"), ("fe_defbe", "api"),
        ("fe_client_timeout", "1014"), ("fe_tarpit_timeout", "1019"), ("be_connect_timeout", "2016"),
        ("be_queue_timeout", "2017"), ("be_server_timeout", "2015"), ("be_tarpit_timeout", "2019"),
        ("be_tunnel_timeout", "2018"), ("cur_connect_timeout", "2016"), ("cur_queue_timeout", "2017"),
        ("cur_tarpit_timeout", "2019"), ("cur_client_timeout", "1014"), ("cur_server_timeout", "2015"),
        ("cur_tunnel_timeout", "2018"), ("act_conn", "2"), ("stopping", "0"),
        ("uptime", "24"), ("be_max_retries", "2023"), ("cur_max_retries", "2023"), ("dst_conn", "7"),
    ])
    func `What the site answers is what the sample yields`(expression: String, expected: String) throws {
        #expect(try value(expression, routed()) == expected)
    }

    @Test func `set-timeout shows in the current time-outs, and only there`() throws {
        let context = try routed()
        context.directives.serverTimeout = .milliseconds(1_500)
        context.directives.tunnelTimeout = .forever
        context.directives.clientTimeout = .seconds(2)
        #expect(try value("cur_server_timeout", context) == "1500")
        #expect(try value("cur_tunnel_timeout", context) == "0")
        #expect(try value("cur_client_timeout", context) == "2000")
        context.directives.connectTimeout = .milliseconds(7)
        context.directives.queueTimeout = .milliseconds(8)
        context.directives.tarpitTimeout = .milliseconds(9)
        #expect(try value("be_server_timeout", context) == "2015")
        #expect(try value("cur_connect_timeout", context) == "7")
        #expect(try value("cur_queue_timeout", context) == "8")
        #expect(try value("cur_tarpit_timeout", context) == "9")
    }

    @Test(arguments: [
        ("fc_rtt", "12"), ("fc_rtt(ms)", "12"), ("fc_rtt(us)", "12499"), ("fc_rttvar", "1"), ("fc_rttvar(us)", "500"),
        ("fc_unacked", "1"), ("fc_sacked", "2"), ("fc_fackets", "3"), ("fc_lost", "4"), ("fc_retrans", "5"),
        ("fc_reordering", "6"), ("bc_rtt", "12"), ("bc_rttvar(us)", "500"),
    ])
    func `The system's measures of a connection, where it is one of TCP`(expression: String, expected: String) throws {
        let context = try routed()
        #expect(try value(expression, context) == nil)
        for socket: Int32 in [9, 8] {
            context.connection.clientSocket = socket
            context.serverSocket = socket
            #expect(try value(expression, context) == (socket == 9 ? expected : nil))
        }
    }

    @Test func `Before a backend is chosen its numbers are the frontend's, or none`() throws {
        let context = try exchange()
        context.site = TestSite()
        #expect(try value("be_id", context) == "1001")
        #expect(try value("be_conn(shop)", context) == "2002")
        for sample in ["nbsrv", "be_conn", "srv_id", "be_server_timeout", "cur_server_timeout"] {
            #expect(try value(sample, context) == nil, "\(sample)")
        }
    }

    @Test func `Names are kept for the plan's builder, each with its place`() throws {
        let section = try Section(.listen, "http-request deny if { nbsrv(shop) lt 2 } { srv_is_up(api/s1) }")
        let references = section.draft.ruleReferences
        #expect(references.map(\.name) == ["shop", "api/s1"])
        #expect(references.map(\.range.column) == [30, 55])
        #expect(try problem("http-request deny if { srv_is_up }").message == "'srv_is_up' lacks an argument")
    }
}

@Suite struct ProcessSampleTests {
    private func number(_ expression: String, _ context: ExchangeContext) throws -> Int {
        let text = try value(expression, context)
        return try #require(text.flatMap { Int($0) })
    }

    @Test(arguments: [
        ("proc", "1"), ("nbproc", "1"), ("thread", "3"), ("bin(48 )", nil), ("bin(4869)", "Hi"), ("meth(GET)", "GET"),
        ("ipv4(192.0.2.1)", "192.0.2.1"), ("ipv6(2001:DB8::1)", "2001:db8::1"), ("str()", ""),
        ("fc_http_major", "1"), ("bc_http_major", "1"), ("so_id", "2"), ("so_name", "public"),
        ("http_first_req", "0"), ("src", "192.0.2.77"), ("fc_src", "10.0.1.7"), ("fc_src_port", "4711"),
        ("fc_dst", "192.168.0.1"), ("fc_dst_port", "80"), ("bc_src", "10.9.9.1"), ("bc_src_port", "40000"),
        ("bc_dst", "10.9.9.2"), ("bc_dst_port", "8080"), ("src_is_local", "0"), ("dst_is_local", "0"),
        ("fc_src_is_local", "0"), ("fc_dst_is_local", "1"), ("rand(1)", "0"),
        ("fc_err", "0"), ("fc_err_name", ""), ("fc_err_str", "Success"), ("fc_nb_streams", "1"),
        ("fc_glitches", "0"), ("bc_glitches", "0"), ("fc_settings_streams_limit", "1"), ("bc_err", "0"),
        ("bc_err_name", ""), ("bc_err_str", "Success"),
        ("bc_nb_streams", "1"), ("bc_settings_streams_limit", "1"), ("bc_reused", "1"), ("bc_be_queue", "4"),
        ("bc_srv_queue", "3"), ("tgroup", "0"), ("quic_enabled", "0"), ("txn.id32", "7"),
    ])
    func `A sample yields what the manual says`(expression: String, expected: String?) throws {
        let context = try exchange()
        context.client = .ip(.v4(0xC000_024D), port: 1)
        let isLocal = expression == "fc_dst_is_local"
        context.connection.origin = ConnectionOrigin(
            peer: .ip(.v4(0x0A00_0107), port: 4711), local: .ip(.v4(isLocal ? 0x7F00_0001 : 0xC0A8_0001), port: 80))
        context.sourceAddress = .ip(.v4(0x0A09_0901), port: 40_000)
        context.serverAddress = .ip(.v4(0x0A09_0902), port: 8_080)
        context.connection.listener = ListenerIdentity(socketID: 2, socketName: "public")
        context.threadIndex = 3
        context.serverConnectionWasUsed = true
        context.outcome.counts.backendQueue = 4
        context.outcome.counts.serverQueue = 3
        context.requestCounter = 5 << 32 + 7
        context.connection.isFirstRequest = false
        if let expected {
            #expect(try value(expression, context) == expected)
        } else {
            #expect(throws: ConfigProblem.self) { try value(expression, context) }
        }
    }

    @Test func `A connection of HTTP/2 says what it is at each moment, on either side`() throws {
        let context = try exchange()
        context.serverAddress = .ip(.v4(0x0A09_0902), port: 8_080)
        let (client, server) = (SharedConnectionFacts(), SharedConnectionFacts())
        (client.glitches, client.streams, client.streamsMax) = (3, 7, 100)
        (server.glitches, server.streams, server.streamsMax) = (1, 2, 50)
        let names = ["http_major", "glitches", "nb_streams", "settings_streams_limit"]
        func values(_ side: String) throws -> [String?] { try names.map { try value("\(side)_\($0)", context) } }
        context.connection.shared = client
        #expect(try values("fc") == ["2", "3", "7", "100"])
        #expect(try values("bc") == ["1", "0", "1", "1"])
        context.destination.sharedConnection = server
        client.streams = 8
        #expect(try values("fc") == ["2", "3", "8", "100"])
        #expect(try values("bc") == ["2", "1", "2", "50"])
        context.connection.streamID = 5
        context.destination.streamID = 7
        #expect(try value("fs.id", context) == "5" && value("bs.id", context) == "7")
        for side in ["fs", "bs"] {
            #expect(try value("\(side).aborted", context) == "0" && value("\(side).rst_code", context) == nil)
        }
        context.outcome.clientResetCode = 8
        context.outcome.serverResetCode = 0
        #expect(try value("fs.aborted", context) == "1" && value("fs.rst_code", context) == "8")
        #expect(try value("bs.aborted", context) == "1" && value("bs.rst_code", context) == "0")
        context.forgetConnection()
        context.clear()
        context.serverAddress = .ip(.v4(0x0A09_0902), port: 8_080)
        #expect(try values("fc") == ["1", "0", "1", "1"])
        #expect(try values("bc") == ["1", "0", "1", "1"])
    }

    @Test func `Where no server was reached nothing is known of a connection to it`() throws {
        let context = try exchange()
        for sample in [
            "bc_err", "bc_err_name", "bc_err_str", "bc_glitches", "bc_http_major", "bc_nb_streams", "bc_reused",
            "bc_settings_streams_limit",
        ] {
            #expect(try value(sample, context) == nil, "\(sample)")
        }
    }

    @Test func `An address of this machine is told from one that is not`() throws {
        let context = try exchange()
        context.client = .ip(.v6(0, 1), port: 1)
        #expect(try value("src_is_local", context) == "1")
        context.client = .ip(.v6(0x2001_0DB8_0000_0000, 1), port: 1)
        #expect(try value("src_is_local", context) == "0")
        context.client = .path("/run/x")
        #expect(try value("src_is_local", context) == "1")
    }

    @Test func `The clock goes on`() throws {
        let context = try exchange()
        let before = WallTime.now()
        let seconds = try number("date", context)
        let later = try number("date(3600)", context)
        let milliseconds = try number("date(0,ms)", context)
        let microseconds = try number("date(-5,us)", context)
        let part = try number("date_us", context)
        let after = WallTime.now()
        #expect(before.seconds...after.seconds ~= seconds)
        #expect(before.seconds...after.seconds ~= later - 3_600)
        #expect(before.seconds * 1_000...(after.seconds + 1) * 1_000 ~= milliseconds)
        #expect(before.seconds * 1_000_000...(after.seconds + 1) * 1_000_000 ~= microseconds + 5)
        #expect(0..<1_000_000 ~= part)
    }

    @Test func `Chance and names`() throws {
        let context = try exchange()
        for _ in 0..<100 {
            let narrow = try number("rand(3)", context)
            #expect(0..<3 ~= narrow)
            let wide = try number("rand", context)
            #expect(0..<1 << 32 ~= wide)
        }
        let names = try Set((0..<50).compactMap { _ in try value("uuid", context) })
        #expect(names.count == 50)
        for name in names {
            #expect(name.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
        }
        #expect(try value("uuid(4)", context)?.count == 36)
        let before = WallTime.now()
        let timed = try #require(try value("uuid(7)", context))
        #expect(timed.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
        let milliseconds = Int(timed.filter { $0 != "-" }.prefix(12), radix: 16)
        #expect(milliseconds.map { before.seconds * 1_000...(WallTime.now().seconds + 1) * 1_000 ~= $0 } == true)
        #expect(try value("hostname", context)?.isEmpty == false)
        #expect(try number("pid", context) > 0)
    }

    @Test func `the clock and the random numbers are those of the site`() throws {
        let context = try exchange()
        let site = TestSite()
        context.site = site
        site.time = WallTime(seconds: 1_700_000_000, microseconds: 123_456)
        site.bits = 0x4000_0000_0000_0000
        #expect(try number("date", context) == 1_700_000_000)
        #expect(try number("date(0,us)", context) == 1_700_000_000_123_456)
        #expect(try number("date_us", context) == 123_456)
        #expect(try number("rand(8)", context) == 2)
        #expect(try value("uuid", context) == "40000000-0000-4000-8000-000000000000")
        #expect(try value("uuid(7)", context) == "018bcfe5-687b-7000-8000-000000000000")
    }

    @Test func `A variable of the environment is what it was when the file was read`() throws {
        var section = try Section(
            .listen, "http-request set-header a %[env(WHO)]\nhttp-request set-header b %[env(NO)]")
        #expect(section.draft.resolve(UserLists([]), environment: ["WHO": "me"]) == [])
        let context = try exchange()
        _ = section.rules.ruleSet(.httpRequest).run(on: context)
        #expect(lines(context.request.fields).suffix(2) == ["a: me", "b: "])
    }

    @Test(arguments: [
        ("ipv4(::1)", "'::1' is no IPv4 address"), ("ipv6(1.2.3.4)", "'1.2.3.4' is no IPv6 address"),
        ("bin(abc)", "'abc' is no row of bytes"), ("bin(zz)", "'zz' is no row of bytes"),
        ("date(1,h)", "'h' is no unit of time here"), ("date(x)", "'x' is not an offset"),
        ("rand(0)", "'0' is not a range"), ("uuid(1)", "there is no version 1 here"),
        ("env", "'env' lacks an argument"),
    ])
    func `A wrong argument is refused`(expression: String, message: String) throws {
        #expect(try problem("http-request set-header x \"%[\(expression)]\"").message == message)
    }
}
