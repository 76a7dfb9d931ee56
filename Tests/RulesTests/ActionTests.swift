// Actions: what each does to the message or answers, as HAProxy does it, and how wrong lines are refused.

import Basics
import Configuration
import Foundation
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct ActionTests {
    private let request = "GET /a/b?x=1 HTTP/1.1\nHost: shop.example:8080\nX-One: 1\nX-Two: 2\nX-One: 3\n\n"

    private func outcome(_ lines: String, _ context: ExchangeContext? = nil) throws -> RuleOutcome {
        try Section(.listen, lines).rules.ruleSet(.httpRequest).run(on: context ?? exchange(request))
    }

    private func answer(_ lines: String, _ context: ExchangeContext? = nil) throws -> LocalResponse {
        guard case .answer(let response) = try outcome(lines, context) else {
            throw Unexpected(what: "no answer: \(lines)")
        }
        // Whatever rules made must be fit to be written.
        var head = ResponseHead()
        response.apply(to: &head)
        return response
    }

    private func fields(_ response: LocalResponse) -> [String] { response.fields.map { "\($0.name): \($0.value)" } }

    private func requestFields(after lines: String, _ request: String? = nil) throws -> [String] {
        let context = try exchange(request ?? self.request)
        guard case .proceed = try outcome(lines, context) else { throw Unexpected(what: "stopped by \(lines)") }
        #expect(context.scratch.isEmpty)
        return RuleTesting.lines(context.request.fields)
    }

    // MARK: return

    @Test func `return answers with what it is told`() throws {
        let plain = try answer("http-request return")
        #expect((plain.status, plain.body, plain.fields.count) == (200, [], 0))
        #expect(try answer("http-request return status 404").status == 404)

        let text = try answer("http-request return status 201 content-type text/plain string \"50% of it\"")
        #expect(text.status == 201)
        #expect(text.body == Array("50% of it".utf8))
        #expect(fields(text) == ["content-type: text/plain"])

        let computed = try answer(
            "http-request return content-type text/plain lf-string \"%[path] [%[hdr(no)]]  %[src]\""
                + " hdr X-A \"a  %[method]\" hdr X-B b"
        )
        #expect(computed.body == Array("/a/b []  10.0.1.7".utf8))
        #expect(fields(computed) == ["x-a: a  GET", "x-b: b", "content-type: text/plain"])
    }

    @Test func `return answers with a file's content`() throws {
        let path = "/tmp/portico-rules-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try Data("path %[path]\n".utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(
            try answer("http-request return content-type text/plain file \(path)").body == Array("path %[path]\n".utf8))
        #expect(
            try answer("http-request return content-type text/plain lf-file \(path)").body.starts(
                with: Array("path /a/b".utf8)))
        #expect(
            try problem("http-request return content-type text/plain file \(path)x").message
                == "cannot read '\(path)x': No such file or directory")
        try Data(count: (1 << 20) + 1).write(to: URL(filePath: path))
        #expect(
            try problem("http-request return content-type a/b file \(path)").message
                == "cannot read '\(path)': more than 1048576 bytes")
    }

    @Test func `return with the section's page for a status`() throws {
        guard case .answerStatus(503) = try outcome("http-request return status 503 default-errorfiles") else {
            throw Unexpected(what: "another outcome")
        }
    }

    @Test func `A response can be answered otherwise too`() throws {
        let rules = try Section(.listen, "http-response return status 200 content-type a/b string x if { status 404 }")
            .rules.ruleSet(.httpResponse)
        let context = try exchange()
        try RuleTesting.answer("HTTP/1.1 404 Not Found\n\n", context)
        guard case .answer(let response) = rules.run(on: context) else { throw Unexpected(what: "no answer") }
        #expect(response.body == Array("x".utf8))
    }

    // MARK: deny and allow

    @Test func `deny refuses with the page of a status`() throws {
        for (line, expected) in [
            ("http-request deny", 403), ("http-request deny deny_status 429", 429),
            ("http-request deny status 404", 404),
            ("http-request deny default-errorfiles status 500", 500),
        ] {
            guard case .denyStatus(expected) = try outcome(line) else { throw Unexpected(what: line) }
        }
        let context = try exchange()
        try RuleTesting.answer("HTTP/1.1 200 OK\n\n", context)
        guard
            case .denyStatus(502) = try Section(.listen, "http-response deny").rules.ruleSet(.httpResponse).run(
                on: context)
        else {
            throw Unexpected(what: "http-response deny")
        }
    }

    @Test func `deny refuses with its own content`() throws {
        guard
            case .deny(let response) = try outcome(
                "http-request deny deny_status 403 content-type text/plain lf-string \"no, %[src]\" hdr Retry-After 5")
        else { throw Unexpected(what: "another outcome") }
        #expect(response.status == 403)
        #expect(response.body == Array("no, 10.0.1.7".utf8))
        #expect(fields(response) == ["retry-after: 5", "content-type: text/plain"])
    }

    @Test func `allow ends the rules, and lets the redirect lines go on`() throws {
        guard case .proceed = try outcome("http-request allow if { path_beg /a }\nhttp-request deny") else {
            throw Unexpected(what: "denied in spite of allow")
        }
        #expect(try answer("http-request allow\nhttp-request deny\nredirect location /x").status == 302)
        guard case .denyStatus = try outcome("http-request allow if { path /other }\nhttp-request deny") else {
            throw Unexpected(what: "allowed in spite of the condition")
        }
    }

    @Test func `redirect lines come behind all other rules`() throws {
        guard case .denyStatus = try outcome("redirect location /x\nhttp-request deny") else {
            throw Unexpected(what: "redirected")
        }
    }

    // MARK: redirect

    @Test(arguments: [
        ("location /x code 301", ["301", "location: /x"]),
        (
            "location http://%[hdr(host)]%[path]",
            ["302", "location: http://shop.example:8080/a/b", "cache-control: no-cache"]
        ),
        ("prefix http://x.example", ["302", "location: http://x.example/a/b?x=1", "cache-control: no-cache"]),
        (
            "prefix http://x.example drop-query code 307",
            ["307", "location: http://x.example/a/b", "cache-control: no-cache"]
        ),
        ("prefix http://x.example drop-query append-slash code 308", ["308", "location: http://x.example/a/b/"]),
        ("prefix / drop-query append-slash code 301", ["301", "location: /a/b/"]),
        ("scheme https", ["302", "location: https://shop.example:8080/a/b?x=1", "cache-control: no-cache"]),
        (
            "scheme https drop-query code 303",
            ["303", "location: https://shop.example:8080/a/b", "cache-control: no-cache"]
        ),
        (
            "location /foo set-cookie A=b",
            ["302", "location: /foo", "cache-control: no-cache", "set-cookie: A=b; path=/;"]
        ),
        ("location /foo code 301 clear-cookie A=", ["301", "location: /foo", "set-cookie: A=; path=/; Max-Age=0;"]),
        ("location %[hdr(none)]/ ignore-empty code 301", ["301", "location: /"]),
    ])
    func `redirect leads where it should`(rule: String, expected: [String]) throws {
        let response = try answer("http-request redirect \(rule)")
        #expect(["\(response.status)"] + fields(response) == expected)
    }

    @Test func `redirect with an empty location goes on, if told so`() throws {
        guard case .proceed = try outcome("http-request redirect location %[hdr(none)] ignore-empty") else {
            throw Unexpected(what: "redirected to nowhere")
        }
    }

    @Test func `The old redirect line takes its value as it stands`() throws {
        #expect(fields(try answer("redirect location /100%[path] code 301 if TRUE")) == ["location: /100%[path]"])
        #expect(fields(try answer("redirect prefix http://x code 301")) == ["location: http://x/a/b?x=1"])
    }

    @Test func `redirect of requests without a path, and without a host`() throws {
        let asterisk = try exchange("OPTIONS * HTTP/1.1\nHost: a\n\n")
        #expect(fields(try answer("http-request redirect scheme https code 301", asterisk)) == ["location: https://a/"])
        let noHost = try exchange("GET /x HTTP/1.0\n\n")
        #expect(fields(try answer("http-request redirect scheme https code 301", noHost)) == ["location: https:///x"])
    }

    // MARK: header fields

    @Test func `set-header, add-header, del-header`() throws {
        #expect(
            try requestFields(after: "http-request set-header X-One \"%[src] %[path]\"")
                == ["host: shop.example:8080", "x-two: 2", "x-one: 10.0.1.7 /a/b"])
        #expect(
            try requestFields(after: "http-request add-header X-One 4").suffix(2) == ["x-one: 3", "x-one: 4"])
        #expect(try requestFields(after: "http-request del-header X-ONE") == ["host: shop.example:8080", "x-two: 2"])
        #expect(
            try requestFields(after: "http-request set-header Host other.example").contains("host: other.example"))
        #expect(try requestFields(after: "http-request del-header Host").first == "x-one: 1")
        #expect(try requestFields(after: "http-request set-header X-Empty \"\"").last == "x-empty: ")
        // The value is made before the old one goes.
        #expect(
            try requestFields(after: "http-request set-header X-Two \"%[hdr(x-two)]%[hdr(x-two)]\"").last == "x-two: 22"
        )
    }

    @Test func `The same on responses`() throws {
        let rules = try Section(
            .listen,
            """
            http-response set-header X-Frame-Options DENY
            http-response add-header Via "1.1 portico"
            http-response del-header Server
            http-response set-header X-Path %[path] if { status 200 }
            """
        ).rules.ruleSet(.httpResponse)
        let context = try exchange(request)
        try RuleTesting.answer("HTTP/1.1 200 OK\nServer: x\nVia: 1.0 a\n\n", context)
        guard case .proceed = rules.run(on: context) else { throw Unexpected(what: "stopped") }
        #expect(
            RuleTesting.lines(context.response.fields)
                == ["via: 1.0 a", "x-frame-options: DENY", "via: 1.1 portico", "x-path: /a/b"])
    }

    @Test func `A value that a rule makes cannot end its line`() throws {
        let context = try exchange(request)
        context.uniqueID = Array("a\r\nSet-Cookie: evil=1\r\n\r\n<html>\0".utf8)
        _ = try outcome("http-request set-header X-ID %[unique-id]", context)
        #expect(
            RuleTesting.lines(context.request.fields).last
                == "x-id: a%0D%0ASet-Cookie: evil=1%0D%0A%0D%0A<html>%00")
        for rule in ["http-request redirect location %[unique-id]", "http-request return hdr X-ID %[unique-id]"] {
            context.uniqueID = Array("a\r\n\r\nb".utf8)
            #expect(fields(try answer(rule, context))[0].hasSuffix(": a%0D%0A%0D%0Ab"))
        }
    }

    @Test func `Fields that frame messages are not for rules`() throws {
        for name in ["Content-Length", "transfer-encoding"] {
            let section = try Section(.listen, "http-request set-header \(name) 5\nhttp-response del-header \(name)")
            #expect(
                section.warnings.map(\.message)
                    == Array(repeating: "'\(name)' is Portico's to write: this line does nothing", count: 2))
            #expect(section.rules.ruleSet(.httpRequest).isEmpty)
            #expect(
                try problem("http-request return hdr \(name) 5").message
                    == "'\(name)' is Portico's to write, not a rule's")
        }
    }

    @Test func `Fields of the connection can be written and removed`() throws {
        let section = try Section(
            .listen,
            "http-request set-header Keep-Alive max=5\nhttp-request del-header Upgrade\n"
                + "http-request del-header Proxy-Connection")
        #expect(section.warnings.isEmpty)
        let context = try exchange("GET / HTTP/1.1\nHost: h\nUpgrade: h2c\nConnection: upgrade\nKeep-Alive: x\n\n")
        context.request.fields.setApartHopByHop()
        guard case .proceed = section.rules.ruleSet(.httpRequest).run(on: context) else {
            throw Unexpected(what: "stopped")
        }
        #expect(RuleTesting.lines(context.request.fields) == ["host: h", "connection: upgrade", "keep-alive: max=5"])
        let asksForUpgrade = context.request.upgradeRequested
        #expect(!asksForUpgrade)
        context.request.fields.removeSetApart()
        #expect(RuleTesting.lines(context.request.fields) == ["host: h", "keep-alive: max=5"])
    }

    // MARK: set-path

    @Test(arguments: [
        ("GET /a/b?x=1 HTTP/1.1", "/new", "/new?x=1"), ("GET /a HTTP/1.1", "/new", "/new"),
        ("GET /a?x HTTP/1.1", "/%[hdr(host)]%[path]", "/h/a?x"), ("GET /a? HTTP/1.1", "/b", "/b?"),
        ("GET http://h/a?x HTTP/1.1", "/b", "http://h/b?x"), ("GET http://h?x HTTP/1.1", "/b", "http://h/b?x"),
        ("GET http://h HTTP/1.1", "/b", "http://h/b"), ("OPTIONS * HTTP/1.1", "/b", "/b"),
        ("GET /a?x HTTP/1.1", "b", "/b?x"), ("GET /a?x HTTP/1.1", "%[hdr(no)]", "/?x"),
        ("GET /a HTTP/1.1", "/a b\u{9}c", "/a%20b%09c"), ("GET /a HTTP/1.1", "/é#", "/%C3%A9%23"),
        ("CONNECT h:443 HTTP/1.1", "/b", "h:443"),
    ])
    func `set-path gives another path and leaves the rest`(line: String, path: String, expected: String) throws {
        let host = line.hasPrefix("CONNECT") ? "h:443" : "h"
        let context = try exchange("\(line)\nHost: \(host)\n\n")
        _ = try outcome("http-request set-path \"\(path)\"", context)
        #expect(context.request.target.text == expected)
        // What is logged is what was received.
        #expect(String(decoding: context.requestLine, as: UTF8.self) == line)
        #expect(context.scratch.isEmpty)
    }

    @Test func `Rules see what rules before them did`() throws {
        let context = try exchange(request)
        guard
            case .denyStatus(404) = try outcome(
                """
                http-request set-path /moved%[path]
                http-request set-header X-Path %[path]
                http-request deny status 404 if { hdr(x-path) /moved/a/b }
                """, context)
        else { throw Unexpected(what: "the changed path was not seen") }
    }

    // MARK: mistakes

    @Test(arguments: [
        ("http-request return status 99", "99 is out of range"),
        ("http-request return status 600", "600 is out of range"),
        ("http-request return string x", "'string' needs a content-type"),
        ("http-request return content-type a/b string x file /y", "'file' after 'string': an answer has one body"),
        ("http-request return content-type a/b errorfile /nosuch", "cannot read '/nosuch': No such file or directory"),
        ("http-request return content-type \"a\\nb\" string x", "'a\nb' cannot be a header value"),
        ("http-request return sting x", "unexpected 'sting'"),
        ("http-request return hdr \"a b\" x", "'a b' cannot be a field name"),
        ("http-request return hdr content-type x", "the type is said by 'content-type <type>', not by hdr"),
        ("http-request return hdr x \"a\\nb\"", "a header value cannot hold a control character"),
        ("http-request return hdr x", "'http-request return' lacks an argument"),
        ("http-request return content-type a/b lf-string %[pth]", "unknown sample 'pth'"),
        ("http-request deny deny_status x", "'x' is not a whole number"),
        ("http-request allow now", "unexpected 'now'"),
        ("http-request redirect", "a redirection leads nowhere"),
        ("http-request redirect code 302", "a redirection leads nowhere"),
        ("http-request redirect location", "'http-request redirect' lacks an argument"),
        ("http-request redirect location /x code 300", "unknown status '300'"),
        ("http-request redirect location /x prefix /y", "'prefix' after 'location'"),
        ("http-request redirect location /x drop-qurey", "unexpected 'drop-qurey'"),
        ("http-request redirect location \"/x\\r\\ny\"", "a header value cannot hold a control character"),
        ("redirect location \"/x\\r\\ny\"", "a location cannot hold a control character"),
        ("http-request redirect location /x set-cookie \"a;b\"", "'a;b' cannot be a cookie"),
        ("http-request set-header", "'http-request set-header' lacks an argument"),
        ("http-request set-header X", "'http-request set-header' lacks an argument"),
        ("http-request set-header : y", "':' cannot be a field name"),
        ("http-request set-header X \"a\\r\\nb\"", "a header value cannot hold a control character"),
        ("http-request set-header X y z", "unexpected 'z'"),
        ("http-request del-header X -m exact", "unknown way to match 'exact'"),
        ("http-request set-path", "'http-request set-path' lacks an argument"),
        ("http-response add-header X %[nbsvr]", "unknown sample 'nbsvr'"),
        ("use_backend", "'use_backend' lacks an argument"),
        ("use_backend a b", "unexpected 'b'"),
        ("default_backend", "'default_backend' lacks an argument"),
    ])
    func `A wrong line says what is wrong`(line: String, message: String) throws {
        #expect(try problem(line).message == message)
    }

    @Test func `A word that is nearly right is suggested`() throws {
        #expect(try problem("http-request return sting x").suggestion == "string")
        #expect(try problem("http-request redirect location /x drop-qurey").suggestion == "drop-query")
    }

    @Test func `What does nothing is warned of`() throws {
        #expect(try Section(.listen, "http-request return content-type a/b").warnings.count == 1)
        #expect(try Section(.listen, "http-request redirect prefix / append-slash").warnings.count == 1)
        #expect(try Section(.listen, "http-request return default-errorfiles hdr a b").warnings.count == 1)
    }
}

@Suite struct RoutingTests {
    private let indices = ["a": 0, "b": 1, "b-app.example": 2, "own": 3]

    private func chosen(_ lines: String, _ path: String, orElse own: Int? = nil) throws -> Int? {
        let routing = try Section(.frontend, lines).rules.routing(orElse: own, indices: indices)
        return routing.choose(for: try exchange("GET \(path) HTTP/1.1\nHost: app.example\n\n"))
    }

    @Test func `The first line whose condition holds decides, then the default`() throws {
        let lines =
            "use_backend a if { path_beg /a }\nuse_backend b unless { path_end x }\ndefault_backend b-app.example"
        #expect(try chosen(lines, "/a") == 0)
        #expect(try chosen(lines, "/other") == 1)
        #expect(try chosen(lines, "/x") == 2)
        #expect(try chosen("use_backend a if FALSE", "/") == nil)
        #expect(try chosen("use_backend a if FALSE", "/", orElse: 3) == 3)
        #expect(try chosen("default_backend b", "/", orElse: 3) == 1)
    }

    @Test func `A line that leads to a disabled backend is passed over, unless a condition forces the way`() throws {
        func chosen(_ lines: String, _ path: String, keeping names: [String], orElse own: Int? = nil) throws -> Int? {
            let routing = try Section(.frontend, lines).rules.routing(
                orElse: own, indices: indices.filter { $0.key != "a" || names.contains("a") }, disabled: ["a"])
            return routing.choose(for: try exchange("GET \(path) HTTP/1.1\nHost: app.example\n\n"))
        }
        let lines = "use_backend a if { path_beg /a }\nuse_backend %[path,regsub(/,)] if { path /a }\ndefault_backend b"
        #expect(try chosen(lines, "/a", keeping: []) == 1)
        #expect(try chosen("default_backend a", "/", keeping: [], orElse: 3) == 3)
        #expect(try chosen("default_backend a", "/", keeping: []) == nil)
        let force = "force-be-switch if { path_end ! }\nforce-be-switch if { path /a }\n"
        #expect(try chosen(force + lines, "/a", keeping: ["a"]) == 0)
        #expect(try chosen(force + lines, "/a/b", keeping: ["a"]) == 1)
        #expect(try chosen(force + "use_backend %[path,regsub(/,)]\ndefault_backend b", "/a", keeping: ["a"]) == 0)
        #expect(try chosen(force + "default_backend a", "/a", keeping: ["a"], orElse: 3) == 0)
        #expect(try chosen(force + "default_backend a", "/", keeping: ["a"], orElse: 3) == 3)
        #expect(try problem("force-be-switch", in: .frontend).message == "'force-be-switch' lacks a condition")
    }

    @Test func `A computed name that nobody has ends the search`() throws {
        let lines =
            "use_backend b-%[hdr(host)] if { path_beg /x }\nuse_backend %[path] if { path_beg /y }\n"
            + "use_backend a\ndefault_backend b"
        #expect(try chosen(lines, "/x") == 2)
        #expect(try chosen(lines, "/y") == 1)
        #expect(try chosen(lines, "/z") == 0)
    }

    @Test func `Every name that is written out can be checked`() throws {
        let rules = try Section(
            .frontend, "use_backend a if TRUE\nuse_backend %[path]\nuse_backend 100%%\ndefault_backend c"
        ).rules
        #expect(rules.backendNames.map(\.text) == ["a", "100%", "c"])
        #expect(rules.backendNames[0].range.column == 13)
    }
}
