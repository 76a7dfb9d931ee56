// What actions do to the two heads: targets, methods, statuses, fields by pattern, and what happens when there is no room.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct HeadActionTests {
    private func outcome(_ lines: String, _ context: ExchangeContext, _ family: RuleFamily = .httpRequest) throws
        -> RuleOutcome
    {
        defer { #expect(context.scratch.isEmpty) }
        return try Section(.listen, lines).rules.ruleSet(family).run(on: context)
    }

    private func isProceeding(_ outcome: RuleOutcome) -> Bool { if case .proceed = outcome { true } else { false } }
    private func isFailed(_ outcome: RuleOutcome) -> Bool { if case .rewriteFailed = outcome { true } else { false } }

    /// The request line and Host after the rules, or nil if they failed.
    private func requestLine(_ line: String, _ rule: String) throws -> String? {
        let context = try exchange("\(line) HTTP/1.1\nHost: h\n\n")
        let outcome = try outcome("http-request \(rule)", context)
        if isFailed(outcome) { return nil }
        return RulesTests.requestLine(context.request)
    }

    @Test(arguments: [
        ("GET /a?b", "set-path /c", "GET /c?b"), ("GET /a?b", "set-path c", "GET /c?b"),
        ("GET /a", "set-path \"/c d\"", "GET /c%20d"),
        ("GET http://h/a?b", "set-path /c", "GET http://h/c?b"),
        ("GET /a?b", "set-pathq /c?d", "GET /c?d"), ("GET /a?b", "set-pathq c", "GET /c"),
        ("GET http://h/a?b", "set-pathq /c", "GET http://h/c"),
        ("GET /a?b", "set-query c=%[query]", "GET /a?c=b"), ("GET /a", "set-query c", "GET /a?c"),
        ("GET /a?b", "set-query \"\"", "GET /a?"), ("GET /a", "set-query \"\"", "GET /a"),
        ("GET /a", "set-query \"c d\"", "GET /a?c%20d"),
        ("GET http://h", "set-query c", "GET http://h/?c"),
        ("GET /a", "set-uri /x?y", "GET /x?y"), ("GET /a", "set-uri http://o/x", "GET http://o/x"),
        ("GET /a", "set-uri nonsense", nil), ("GET /a", "set-uri \"\"", nil),
        ("GET /a", "set-method POST", "POST /a"), ("GET /a", "set-method %[method]X", "GETX /a"),
        ("GET /a", "set-method CONNECT", nil), ("GET /a", "set-method \"A B\"", nil),
        ("GET /a", "set-method %[hdr(nosuch)]", nil),
        ("OPTIONS *", "set-method GET", nil), ("OPTIONS *", "set-method OPTIONS", "OPTIONS *"),
        ("CONNECT h:80", "set-method GET", nil), ("CONNECT h:80", "set-path /x", nil),
        ("GET /a", "replace-uri (.*) x\\1", nil), ("GET /a", "replace-uri ^/(.*) http://o/\\1", "GET http://o/a"),
    ])
    func `The request line becomes another, or the request fails`(line: String, rule: String, result: String?) throws {
        #expect(try requestLine(line, rule) == result)
    }

    @Test func `A target with a host changes Host`() throws {
        let context = try exchange("GET /a HTTP/1.1\nHost: h\n\n")
        _ = try outcome("http-request set-uri http://other:81/x", context)
        #expect(lines(context.request.fields) == ["host: other:81"])
    }

    @Test(
        arguments: [
            ("X-a-1", "x-b"), ("-m str X-A-1", nil),
        ] as [(String, String?)])
    func `del-header wants to know how to match behind the name`(_: String, _: String?) throws {
        #expect(try problem("http-request del-header X -m exact").message == "unknown way to match 'exact'")
        #expect(try problem("http-request del-header X -m reg x").message == "unexpected 'x'")
        #expect(try problem("http-request del-header '(' -m reg").message.hasPrefix("the regular expression"))
        #expect(try problem("http-request del-header 'a b' -m str").message == "'a b' cannot be a field name")
    }

    @Test(arguments: [
        ("X-One", "host x-two y-one content-length"), ("x-one -m str", "host x-two y-one content-length"),
        ("X- -m beg", "host y-one content-length"), ("-ONE -m end", "host x-two content-length"),
        ("-t -m sub", "host x-one y-one content-length"), ("'^[xy]-o.e$' -m reg", "host x-two content-length"),
        (". -m reg", "content-length"), ("verylongnamethatnofieldhas -m sub", "host x-one x-two y-one content-length"),
        ("content -m beg", "host x-one x-two y-one content-length"),
    ])
    func `del-header removes what its pattern finds, and never what frames the message`(
        rule: String, left: String
    ) throws {
        let context = try exchange("PUT / HTTP/1.1\nHost: h\nX-One: 1\nX-Two: 2\nY-One: 3\nContent-Length: 0\n\n")
        _ = try outcome("http-request del-header \(rule)", context)
        #expect(names(context.request.fields).joined(separator: " ") == left)
    }

    @Test func `set-status changes status and reason`() throws {
        let context = try exchange()
        try answer("HTTP/1.1 200 Fine\n\n", context)
        context.outcome.status = -1
        _ = try outcome("http-response set-status 503 reason \"Slow Down\"", context, .httpResponse)
        #expect(statusLine(context.response) == "503 Slow Down")
        _ = try outcome("http-after-response set-status 404 if { status 503 }", context, .httpAfterResponse)
        #expect(statusLine(context.response) == "404 Not Found")
        for line in ["http-response set-status 101", "http-after-response set-status 100"] {
            #expect(try problem(line).message == line.suffix(3) + " is out of range")
        }
        _ = try outcome("http-after-response set-status 101 if { status 404 }", context, .httpAfterResponse)
        #expect(statusLine(context.response) == "101 Switching Protocols")
        #expect(
            try problem("http-response set-status 200 reason \"a\\nb\"").message
                == "a reason cannot hold a control character")
    }

    // MARK: strict-mode

    private let long = "GET / HTTP/1.1\nHost: h\nX: \(String(repeating: "x", count: 600))\n\n"

    @Test(arguments: [
        "set-header A %[hdr(x)]", "add-header A %[hdr(x)]", "replace-header X (.*) \\1\\1", "set-path /%[hdr(x)]",
    ])
    func `A head that would be too long fails the request, unless strict-mode is off`(rule: String) throws {
        let context = try exchange(long)
        context.headBytesMax = 1_000
        #expect(isFailed(try outcome("http-request \(rule)", context)))
        #expect(context.outcome.failedRewrites == 1)
        try receive(long, context)
        #expect(
            isProceeding(
                try outcome("http-request strict-mode off\nhttp-request \(rule)\nhttp-request set-header B b", context))
        )
        #expect(context.outcome.failedRewrites == 1)
        #expect(context.request.byteCount <= 1_000)
        #expect(RulesTests.requestLine(context.request) == "GET /")
        #expect(lines(context.request.fields).last == "b: b")
        #expect(context.request.fields.count == 3)
    }

    @Test func `strict-mode is on again for the next list of rules, and where it is switched on`() throws {
        let context = try exchange()
        #expect(isProceeding(try outcome("http-request strict-mode off\nhttp-request set-uri x", context)))
        #expect(isFailed(try outcome("http-request set-uri x", context)))
        #expect(
            isFailed(
                try outcome(
                    "http-request strict-mode off\nhttp-request strict-mode on\nhttp-request set-uri x", context))
        )
        #expect(try problem("http-request strict-mode maybe").message == "unknown mode 'maybe'")
    }

    @Test func `A field that is set to a shorter value has room, whatever was there`() throws {
        let context = try exchange(long)
        context.headBytesMax = 700
        let section = try Section(.listen, "http-request set-header X y")
        for _ in 0..<100 { #expect(isProceeding(section.rules.ruleSet(.httpRequest).run(on: context))) }
        #expect(lines(context.request.fields) == ["host: h", "x: y"])
    }
}

// Functions, since a span cannot leave the access to a class's property.

func requestLine(_ head: borrowing RequestHead) -> String { "\(head.methodName.text) \(head.target.text)" }

func statusLine(_ head: borrowing ResponseHead) -> String { "\(head.status) \(head.reason.text)" }

func names(_ fields: borrowing HeaderFields) -> [String] { (0..<fields.count).map { fields.name($0).text } }
