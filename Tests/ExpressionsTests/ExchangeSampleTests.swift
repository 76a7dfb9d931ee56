// Samples about an exchange that has ended, or has come some way: captures, timers, what came of it.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct ExchangeSampleTests {
    private func ended() throws -> ExchangeContext {
        let context = try exchange("GET http://a.example/x/y?z=1 HTTP/1.1\nHost: a.example\n\n")
        try answer("HTTP/1.1 503 Unavailable\n\n", context)
        context.outcome.serverStatus = 500
        context.outcome.retries = 2
        context.directives.priority.level = -3
        context.directives.priority.offset = 250
        context.outcome.isRedispatched = true
        context.outcome.termination = Termination(.server, .headers)
        context.outcome.bytesFromClient = 120
        context.outcome.bytesToClient = 4_500
        context.requestCaptures.begin([8, 8])
        context.responseCaptures.begin([8])
        unsafe context.requestCaptures.set(0, Array("curl/8.0 (linux)".utf8).span.bytes)
        unsafe context.responseCaptures.set(0, Array("nginx".utf8).span.bytes)
        func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: 5_000_000_000 + milliseconds * 1_000_000) }
        context.timers.accepted = at(0)
        context.timers.acceptDate = WallTime(seconds: 1_700_000_000, microseconds: 250_000)
        context.timers.handshakeDone = at(1)
        context.timers.requestBegun = at(3)
        context.timers.requestDone = at(8)
        context.timers.queueLeft = at(18)
        context.timers.connected = at(38)
        context.timers.responseHeadDone = at(78)
        context.timers.ended = at(158)
        return context
    }

    @Test(arguments: [
        ("fc.timer.handshake", "1"), ("req.timer.idle", "2"), ("req.timer.hdr", "5"), ("req.timer.tq", "8"),
        ("req.timer.queue", "10"), ("bc.timer.connect", "20"), ("res.timer.hdr", "40"), ("res.timer.data", "80"),
        ("txn.timer.total", "155"), ("fc.timer.total", "158"), ("txn.timer.user", "156"),
        ("accept_date", "1700000000"), ("accept_date(ms)", "1700000000250"), ("accept_date(us)", "1700000000250000"),
        ("request_date(ms)", "1700000000253"), ("bytes_in", "120"), ("req.bytes_in", "120"), ("bytes_out", "4500"),
        ("res.bytes_out", "4500"),
        ("status", "503"), ("server_status", "500"), ("txn.status", "503"), ("txn.conn_retries", "2"),
        ("prio_class", "-3"), ("prio_offset", "250"), ("txn.redispatched", "1"), ("txn.sess_term_state", "SH"),
        ("capture.req.hdr(0)", "curl/8.0"), ("capture.res.hdr(0)", "nginx"), ("capture.req.method", "GET"),
        ("capture.req.uri", "/x/y?z=1"), ("capture.req.ver", "HTTP/1.1"), ("capture.res.ver", "HTTP/1.1"),
    ])
    func `A sample yields what the manual says`(expression: String, expected: String) throws {
        #expect(try value(expression, ended()) == expected)
    }

    @Test(arguments: ["capture.req.hdr(1)", "capture.req.hdr(7)", "capture.res.hdr(1)"])
    func `What was not captured yields nothing`(expression: String) throws {
        #expect(try value(expression, ended()) == nil)
    }

    @Test func `Captures are of the request as it was received`() throws {
        let context = try ended()
        _ = unsafe context.request.setTarget(Array("/other".utf8).span.bytes)
        _ = unsafe context.request.setMethod(Array("PUT".utf8).span.bytes)
        #expect(try value("capture.req.uri", context) == "/x/y?z=1")
        #expect(try value("capture.req.method", context) == "GET")
        context.requestLine = Array("OPTIONS * HTTP/1.1".utf8)
        #expect(try value("capture.req.uri", context) == nil)
        context.requestLine = []
        #expect(try value("capture.req.method", context) == nil)
    }

    @Test func `A response's body is what is here of it`() throws {
        let context = try exchange()
        try answer("HTTP/1.1 200 OK\nContent-Length: 10\n\n", context)
        context.responseBody = Array("hello".utf8)
        #expect(try value("res.body", context) == "hello")
        #expect(try value("res.body,upper", context) == "HELLO")
        #expect(try value("res.body_len", context) == "5")
        #expect(try value("res.body_size", context) == "10")
        try answer("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", exchange())
        context.response.clear()
        #expect(try value("res.body_size", context) == "5")
    }

    @Test func `The last rule that ended its list is known by its place`() throws {
        let section = try Section(
            .listen,
            """
            http-request set-var(txn.x) str(y)
            http-request deny if { path /deny }
            http-request allow if { path /allow }
            http-response return status 200 if { path /return }
            """)
        func place(_ path: String) throws -> [String?] {
            let context = try exchange("GET \(path) HTTP/1.1\nHost: a\n\n")
            _ = section.rules.ruleSet(.httpRequest).run(on: context)
            _ = section.rules.ruleSet(.httpResponse).run(on: context)
            return try ["last_rule_file", "last_rule_line", "last_entity"].map { try value($0, context) }
        }
        #expect(try place("/") == [nil, nil, nil])
        #expect(try place("/deny") == ["test.cfg", "2", "test.cfg:2"])
        #expect(try place("/allow") == ["test.cfg", "3", "test.cfg:3"])
        #expect(try place("/return") == ["test.cfg", "4", "test.cfg:4"])
    }

    @Test func `set-retries shows in the samples, if it is a possible number`() throws {
        let context = try exchange()
        context.site = TestSite()
        context.backendIndex = 0
        for (amount, expected) in [("3", "3"), ("int(5)", "5"), ("int(101)", "2023"), ("var(txn.none)", "2023")] {
            context.directives.retries = nil
            let section = try Section(.listen, "http-request set-retries \(amount)")
            _ = section.rules.ruleSet(.httpRequest).run(on: context)
            #expect(try value("cur_max_retries", context) == expected, "\(amount)")
        }
        #expect(try problem("http-request set-retries 101").message.contains("101"))
    }

    @Test func `A section says what has to be kept for it`() throws {
        #expect(try !Section(.listen, "http-request deny if { dst_port 80 }").draft.asksForSocketConnections)
        #expect(try Section(.listen, "http-request deny if { dst_conn gt 5 }").draft.asksForSocketConnections)
        #expect(try !Section(.listen, "http-request deny if { req.body_len 5 }").draft.looksIntoResponseBodies)
        #expect(try Section(.listen, "http-response deny if { res.body_len 5 }").draft.looksIntoResponseBodies)
        #expect(try !Section(.listen, "http-request deny if { path / }").draft.looksIntoRequestBodies)
        #expect(try Section(.listen, "http-request deny if { req.body_len gt 5 }").draft.looksIntoRequestBodies)
        #expect(try Section(.listen, "log-format %[req.body_param(x)]").draft.looksIntoRequestBodies)
        #expect(try !Section(.listen, "log-format %ci").draft.looksAtCaptures)
        #expect(try Section(.listen, "http-response set-header x %[capture.req.uri]").draft.looksAtCaptures)
    }

    @Test func `A stage that was not reached is -1`() throws {
        let context = try exchange()
        for sample in ["req.timer.queue", "bc.timer.connect", "res.timer.hdr"] {
            #expect(try value(sample, context) == "-1", "\(sample)")
        }
        #expect(try value("server_status", context) == nil)
    }
}
