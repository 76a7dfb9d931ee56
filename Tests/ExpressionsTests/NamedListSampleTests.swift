// Conditions by their names within expressions: the sample acl, and when(acl,…).

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct NamedListSampleTests {
    /// A section that is read to its end; its problems are thrown.
    private func section(_ text: String) throws -> Draft {
        var draft = try Section(.listen, text).draft
        if let problem = draft.resolve(UserLists([])).first { throw problem }
        var drafts = [draft]
        var patterns = PatternSets()
        if let problem = patterns.resolve(&drafts).first { throw problem }
        return drafts[0]
    }

    private func values(of draft: Draft, _ path: String) throws -> [String] {
        let context = try exchange("GET \(path) HTTP/1.1\nHost: a\n\n")
        _ = draft[RulesSettings.self].ruleSet(.httpRequest).run(on: context)
        #expect(context.scratch.isEmpty)
        return lines(context.request.fields).dropFirst().map { String($0) }
    }

    @Test func `A named condition is a value, wherever its lines stand`() throws {
        let draft = try section(
            """
            http-request set-header x-one %[acl(app)]
            http-request set-header x-two %[acl(app,!get)]
            http-request set-header x-three %[acl(app,get),iif(both,not)]
            http-request set-header x-four "%[path,when(acl,app)]/%[path,when(!acl,app)]/%[path,when(acl,!app)]"
            http-request set-header x-five %[acl(METH_GET)]
            acl app path_beg /app
            acl get method GET
            acl app path /start
            http-request deny if { acl(app,!get) }
            """)
        #expect(
            try values(of: draft, "/app/x")
                == ["x-one: 1", "x-two: 0", "x-three: both", "x-four: /app/x//", "x-five: 1"])
        #expect(try values(of: draft, "/start").first == "x-one: 1")
        #expect(
            try values(of: draft, "/other")
                == ["x-one: 0", "x-two: 0", "x-three: not", "x-four: //other//other", "x-five: 1"])
    }

    @Test func `A log's format asks for the conditions of its section`() throws {
        let draft = try section("log-format %[path,when(acl,app)]\nacl app path_beg /app")
        let log = draft[ExchangeLogSettings.self].exchangeLog(isHTTP: true)
        for (path, expected) in [("/app/x", "/app/x"), ("/other", "-")] {
            let context = try exchange("GET \(path) HTTP/1.1\nHost: a\n\n")
            context.timers.requestDone = context.timers.accepted
            var line: [UInt8] = []
            log.render(context, into: &line)
            #expect(String(decoding: line, as: UTF8.self) == expected)
        }
    }

    @Test func `What may yet come leaves the whole undecided`() throws {
        let draft = try section(
            "acl long req.len ge 4\ntcp-request content accept if { acl(long) }\ntcp-request content reject")
        let context = ExchangeContext()
        context.clear()
        context.requestProbe = RequestProbe(limits: .init())
        context.requestPayload = Array("abc".utf8)
        context.mayGrow = true
        let rules = draft[RulesSettings.self].ruleSet(.requestContent)
        guard case .wait = rules.run(on: context) else { throw Unexpected(what: "it did not wait") }
        context.requestPayload = Array("abcd".utf8)
        guard case .proceed = rules.run(on: context) else { throw Unexpected(what: "it was not accepted") }
    }

    @Test func `Until the section is read nothing is named so`() throws {
        #expect(try value("acl(TRUE)", exchange()) == "0")
    }

    @Test(arguments: [
        ("http-request deny if { acl(none) }", "no condition is named 'none'"),
        ("acl a acl(a)\nhttp-request deny if a", "the condition 'a' would ask for itself here"),
        ("acl a acl(b)\nacl b acl(c)\nacl c path,when(acl,a) -m found", "the condition 'a' would ask for itself here"),
        ("http-request deny if { acl }", "'acl' lacks an argument"),
    ])
    func `What leads nowhere, or round in a circle, is refused`(text: String, message: String) throws {
        let problem = #expect(throws: ConfigProblem.self) { try section(text) }
        #expect(problem?.message == message)
    }
}
