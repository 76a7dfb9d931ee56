// Actions about the exchange rather than its messages: what they tell the Proxy, and what makes rules wait.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct ExchangeActionTests {
    private func outcome(
        _ lines: String, _ context: ExchangeContext, _ family: RuleFamily = .httpRequest,
        from position: RulePosition = .start
    ) throws -> RuleOutcome {
        defer { #expect(context.scratch.isEmpty) }
        return try Section(.listen, lines).rules.ruleSet(family).run(on: context, from: position)
    }

    private func proceed(_ lines: String, _ context: ExchangeContext, _ family: RuleFamily = .httpRequest) throws {
        guard case .proceed = try outcome(lines, context, family) else { throw Unexpected(what: "stopped by \(lines)") }
    }

    @Test func `set-log-level and set-timeout tell the Proxy`() throws {
        let context = try exchange("GET / HTTP/1.1\nHost: h\nT: 250\nZ: 0\n\n")
        try proceed(
            """
            http-request set-log-level warning
            http-request set-timeout server 5s
            http-request set-timeout tunnel hdr_val(t)
            http-request set-timeout connect 1s
            http-request set-timeout queue 2s
            http-request set-timeout tarpit hdr_val(t),mul(2)
            http-request set-timeout client hdr_val(z)
            http-request set-timeout client hdr_val(nosuch)
            http-request disable-l7-retry
            """, context)
        #expect(context.directives.logSeverity == 4)
        #expect(context.directives.serverTimeout == .seconds(5))
        #expect(context.directives.tunnelTimeout == .milliseconds(250))
        #expect(context.directives.connectTimeout == .seconds(1))
        #expect(context.directives.queueTimeout == .seconds(2))
        #expect(context.directives.tarpitTimeout == .milliseconds(500))
        #expect(context.directives.clientTimeout == nil)
        #expect(!context.directives.retriesMessages)
        try proceed("http-request set-log-level silent", context)
        #expect(context.directives.logSeverity == -1)
        context.clear()
        #expect(context.directives.logSeverity == nil && context.directives.serverTimeout == nil)
        #expect(context.directives.retriesMessages)
    }

    @Test func `set-timeout wants a section that has the time-out`() throws {
        for timeout in ["connect", "queue", "server", "tunnel"] {
            let line = "http-request set-timeout \(timeout) 1s"
            let refusal = try problem(line, in: .frontend)
            #expect(refusal.message == "a frontend section has no 'timeout \(timeout)' to change")
            #expect(refusal.expected == "this line in a backend or listen section")
            _ = try Section(.backend, line)
            _ = try Section(.defaults, line)
        }
        #expect(
            try problem("http-response set-timeout client 1s", in: .backend).message
                == "a backend section has no 'timeout client' to change")
        for kind in [SectionKind.frontend, .backend] {
            _ = try Section(kind, "http-request set-timeout tarpit 1s")
        }
    }

    @Test func `What a listen section says of its servers is forgotten on the way to others`() throws {
        let context = try exchange()
        try proceed(
            """
            http-request set-timeout client 1s
            http-request set-timeout connect 1s
            http-request set-timeout queue 1s
            http-request set-timeout server 1s
            http-request set-timeout tarpit 1s
            http-request set-timeout tunnel 1s
            http-request set-retries 1
            """, context)
        context.directives.forgetServerSide()
        #expect(context.directives.clientTimeout == .seconds(1) && context.directives.tarpitTimeout == .seconds(1))
        #expect(context.directives.connectTimeout == nil && context.directives.queueTimeout == nil)
        #expect(context.directives.serverTimeout == nil && context.directives.tunnelTimeout == nil)
        #expect(context.directives.retries == nil)
    }

    @Test func `set-tos and set-mark tell the Proxy once what packets to the client carry`() throws {
        let context = try exchange("GET / HTTP/1.1\nHost: h\nT: 250\nL: 4294967296\n\n")
        try proceed("http-request set-tos 0x10\nhttp-request set-mark 4294967295", context)
        let marks = context.directives.consumePacketMarks()
        #expect(marks?.typeOfService == 0x10 && marks?.mark == 0xFFFF_FFFF)
        let again = context.directives.consumePacketMarks()
        #expect(again == nil)
        try proceed(
            "http-response set-fc-tos hdr_val(nosuch)\nhttp-response set-fc-mark int(7)", context, .httpResponse)
        let fromExpression = context.directives.consumePacketMarks()
        #expect(fromExpression?.mark == 7 && fromExpression?.typeOfService == nil)
        try proceed("http-request set-fc-tos hdr_val(t)\nhttp-request set-mark hdr_val(l)", context)
        let fitting = context.directives.consumePacketMarks()
        #expect(fitting?.typeOfService == 250 && fitting?.mark == nil)
        try proceed("http-request set-bc-tos 0x20\nhttp-request set-bc-mark int(9)", context)
        #expect(context.directives.serverMarks.typeOfService == 0x20 && context.directives.serverMarks.mark == 9)
        try proceed("http-request set-tos hdr_val(l)", context)
        let none = context.directives.consumePacketMarks()
        #expect(none == nil)
        for wrong in ["256", "0x100", "-1", "0x", "0x-1", "1e", "req.hdrs_bin"] {
            #expect(throws: ConfigProblem.self) { try Section(.listen, "http-request set-tos \(wrong)") }
        }
    }

    @Test func `set-nice is read, and said to have no effect`() throws {
        let section = try Section(.listen, "http-request set-nice -5 if { path / }")
        #expect(section.warnings.count == 1 && section.rules.ruleSet(.httpRequest).isEmpty)
        #expect(try problem("http-request set-nice -1025").range?.column == 23)
    }

    @Test func `Priorities are kept for the queue, the nearest to what was said that there are`() throws {
        let context = try exchange("GET / HTTP/1.1\nHost: h\nP: -5000\n\n")
        try proceed("http-request set-priority-class hdr_val(p)\nhttp-request set-priority-offset int(700000)", context)
        #expect(context.directives.priority.level == -2_047 && context.directives.priority.offset == 524_287)
        try proceed("tcp-request content set-priority-class int(5)", context, .requestContent)
        try proceed("http-request set-priority-offset hdr(nosuch)", context)
        #expect(context.directives.priority.level == 5 && context.directives.priority.offset == 524_287)
        context.clear()
        #expect(context.directives.priority.level == 0 && context.directives.priority.offset == 0)
    }

    @Test func `A service that is not there yet says so, and one that never was is refused`() throws {
        let line = "http-request use-service prometheus-exporter if { path / }"
        #expect(try Section(.listen, line).warnings.count == 1)
        guard case .answer(let response) = try outcome(line, try exchange()) else {
            throw Unexpected(what: "no answer")
        }
        #expect(response.status == 503 && response.fields.contains { $0 == ("content-type", "text/plain") })
        #expect(try problem("http-request use-service lua.x").message == "there is no service 'lua.x'")
    }

    @Test func `errorfiles answers with a section's page, and where it has none with the usual one`() throws {
        var section = try Section(
            .listen,
            """
            http-request return status 503 errorfiles pages if { path /a }
            http-request deny errorfiles pages if { path /b }
            http-request tarpit status 503 errorfiles pages hdr x y if { path /c }
            http-request deny errorfiles nosuch
            http-response return errorfiles pages
            """)
        #expect(section.warnings.count == 1)
        let problems = section.draft.resolveErrorFiles { page in
            if page.section.text != "pages" {
                return .problem(ConfigProblem("no such section", at: page.section.range))
            }
            return page.status == 503 ? .response(LocalResponse(status: 503, body: [0x61], closes: true)) : .usual
        }
        #expect(problems.map(\.severity) == [.warning, .error, .warning])
        let rules = section.rules.ruleSet(.httpRequest)
        guard case .answer(let page) = rules.run(on: try exchange("GET /a HTTP/1.1\nHost: h\n\n")),
            case .denyStatus(403) = rules.run(on: try exchange("GET /b HTTP/1.1\nHost: h\n\n")),
            case .tarpit = rules.run(on: try exchange("GET /c HTTP/1.1\nHost: h\n\n")),
            case .answerStatus(200) = section.rules.ruleSet(.httpResponse).run(on: try exchange())
        else { throw Unexpected(what: "other answers") }
        #expect(page.body == [0x61] && page.closes)
    }

    @Test func `early-hint adds up`() throws {
        let context = try exchange()
        try proceed(
            "http-request early-hint Link \"<%[path]style.css>; rel=preload\"\nhttp-request early-hint X-A a", context)
        #expect(context.directives.earlyHints.map { String(decoding: $0.name, as: UTF8.self) } == ["link", "x-a"])
        #expect(
            context.directives.earlyHints.map { String(decoding: $0.value, as: UTF8.self) } == [
                "</style.css>; rel=preload", "a",
            ])
    }

    @Test func `set-src and its like change the ends for what follows`() throws {
        let context = try exchange("GET / HTTP/1.1\nHost: h\nX-Real-IP: 192.0.2.7\nX-Port: 99\nX-Bad: none\n\n")
        try proceed("http-request set-src hdr(x-real-ip)\nhttp-request set-var(txn.seen) src", context)
        #expect(context.client == .ip(.v4(0xC000_0207), port: 4711))
        #expect(try value("var(txn.seen)", context) == "192.0.2.7")
        #expect(context.directives.hasOtherEnds)
        try proceed("http-request set-src-port hdr(x-port)\nhttp-request set-dst-port int(8443)", context)
        #expect(context.client.port == 99 && context.local == .ip(.v4(0xC0A8_0001), port: 8443))
        try proceed("http-request set-dst str(2001:db8::1)", context)
        #expect(context.local.description == "[2001:db8::1]:8443")
        // What is none changes nothing.
        try proceed(
            """
            http-request set-src hdr(x-bad)
            http-request set-src hdr(nosuch)
            http-request set-src-port int(70000)
            http-request set-dst-port int(-1)
            """, context)
        #expect(context.client.description == "192.0.2.7:99")
        #expect(context.local.port == 8443)
        context.local = .path("/run/x.sock")
        try proceed("http-request set-dst-port int(80)", context)
        #expect(context.local == .ip(.anyV4, port: 80))
    }

    @Test func `Rules wait, and go on behind the one that made them wait`() throws {
        let context = try exchange()
        let lines = """
            http-request set-header X-A a
            http-request pause 50ms
            http-request set-header X-B b
            http-request wait-for-body time 2s at-least 1k
            http-request wait-for-handshake
            http-request deny
            """
        guard case .wait(.pause(.milliseconds(50)), let first) = try outcome(lines, context) else {
            throw Unexpected(what: "no pause")
        }
        #expect(names(context.request.fields) == ["host", "x-a"])
        guard case .wait(.body(.seconds(2), 1_024), let second) = try outcome(lines, context, from: first) else {
            throw Unexpected(what: "no wait for the body")
        }
        #expect(names(context.request.fields) == ["host", "x-a", "x-b"])
        guard case .denyStatus(403) = try outcome(lines, context, from: second) else {
            throw Unexpected(what: "no end")
        }
        // No time, no pause; and as much of the body as there is.
        guard
            case .wait(.body(.seconds(2), nil), _) = try outcome(
                "http-request pause hdr_val(x)\nhttp-request wait-for-body time 2000", context)
        else { throw Unexpected(what: "another outcome") }
        try answer("HTTP/1.1 200 OK\n\n", context)
        guard
            case .wait(.pause(.milliseconds(200)), _) = try outcome(
                "http-response pause status", context, .httpResponse)
        else { throw Unexpected(what: "another outcome") }
    }

    @Test func `auth asks for a realm: the one said, or the section's name`() throws {
        let context = try exchange()
        guard case .challenge("Staff only") = try outcome("http-request auth realm \"Staff only\"", context) else {
            throw Unexpected(what: "no challenge")
        }
        guard case .challenge("www") = try outcome("http-request auth", context) else {
            throw Unexpected(what: "no challenge")
        }
    }

    @Test func `tarpit takes what deny takes`() throws {
        let context = try exchange()
        guard case .tarpitStatus(500) = try outcome("http-request tarpit", context),
            case .tarpitStatus(429) = try outcome("http-request tarpit deny_status 429", context),
            case .tarpit(let response) = try outcome(
                "http-request tarpit status 404 content-type text/plain string no", context)
        else { throw Unexpected(what: "another outcome") }
        #expect(response.status == 404 && response.body == Array("no".utf8))
    }

    @Test(arguments: [
        ("http-request set-log-level loud", "unknown level 'loud'"),
        ("http-request set-timeout check 1s", "unknown time-out 'check'"),
        ("http-request set-timeout server 0", "no time at all makes no sense here"),
        ("http-request set-timeout server 5x", "'5x' is not a time"),
        ("http-request set-timeout server nosuch", "unknown sample 'nosuch'"),
        ("http-request early-hint Content-Length 5", "'Content-Length' is Portico's to write, not a rule's"),
        ("http-request early-hint Link \"a\\nb\"", "a header value cannot hold a control character"),
        ("http-request pause", "'http-request pause' lacks an argument"),
        ("http-request wait-for-body 5s", "unknown time '5s'"),
        ("http-request wait-for-body time 5s at-least x", "'x' is not a size"),
        ("http-request set-src always_true", "'always_true' yields no address"),
        (
            "http-request set-src-port res.hdr(x)",
            "'res.hdr' needs the response's head, which is not there yet in http-request rules"
        ),
        ("http-request auth realm 'a\"b'", "'a\"b' cannot be a realm"),
        ("http-request tarpit deny_status 99", "99 is out of range"),
        ("http-response tarpit", ""),
    ])
    func `A wrong line is refused`(line: String, message: String) throws {
        if message.isEmpty {
            #expect(throws: Unexpected.self) { try Section(.listen, line) }
        } else {
            #expect(try problem(line).message == message)
        }
    }
}
