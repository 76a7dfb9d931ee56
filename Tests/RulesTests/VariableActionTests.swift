// set-var, set-var-fmt, unset-var: in rules and in the global section.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct VariableActionTests {
    private func run(_ lines: String, _ facts: ExchangeFacts, _ family: RuleFamily = .httpRequest) throws {
        guard case .proceed = try Section(.listen, lines).rules.ruleSet(family).run(on: facts) else {
            throw Unexpected(what: "stopped by \(lines)")
        }
        #expect(facts.scratch.isEmpty)
    }

    @Test func `set-var keeps the value and its type`() throws {
        let facts = try exchange("GET /a?x=1 HTTP/1.1\nHost: h\nN: 7\n\n")
        try run(
            """
            http-request set-var(txn.path) path
            http-request set-var(txn.src) src
            http-request set-var(txn.n) hdr_val(n)
            http-request set-var(req.a.b-c) path,upper
            """, facts)
        #expect(try value("var(txn.path)", facts) == "/a")
        #expect(try value("var(txn.src)", facts) == "10.0.1.7")
        #expect(try value("var(txn.n)", facts) == "7")
        #expect(try value("var(req.a.b-c)", facts) == "/A")
        #expect(try holds("{ var(txn.src) -m ip 10.0.0.0/8 }", facts))
        #expect(try holds("{ var(txn.n) -m int gt 6 }", facts))
    }

    @Test func `An expression without a value leaves the variable alone`() throws {
        let facts = try exchange()
        try run("http-request set-var(txn.x) str(kept)\nhttp-request set-var(txn.x) hdr(nosuch)", facts)
        #expect(try value("var(txn.x)", facts) == "kept")
    }

    @Test func `set-var-fmt keeps a text`() throws {
        let facts = try exchange()
        try run("http-request set-var-fmt(txn.from) %[src]:%[src_port]\nhttp-request set-var-fmt(txn.e) \"\"", facts)
        #expect(try value("var(txn.from)", facts) == "10.0.1.7:4711")
        #expect(try value("var(txn.e)", facts) == "")
    }

    @Test func `unset-var takes it away`() throws {
        let facts = try exchange()
        try run("http-request set-var(sess.x) int(1)\nhttp-request unset-var(sess.x)", facts)
        #expect(try value("var(sess.x)", facts) == nil)
    }

    @Test func `Conditions in the parentheses all have to hold`() throws {
        let facts = try exchange()
        try run(
            """
            http-request set-var(txn.x,ifnotexists,ifnotempty) int(5)
            http-request set-var(txn.x,ifnotexists) int(6)
            http-request set-var(txn.x,ifset,ifgt) int(7)
            http-request set-var-fmt(txn.y,ifnotempty) %[hdr(nosuch)]
            """, facts)
        #expect(try value("var(txn.x)", facts) == "5")
        #expect(try value("var(txn.y)", facts) == nil)
    }

    @Test func `Rules on responses set variables too`() throws {
        let facts = try exchange()
        try answer("HTTP/1.1 404 Not Found\nServer: s\n\n", facts)
        try run("http-response set-var(res.s) status if { status 404 }", facts, .httpResponse)
        try run("http-after-response set-var-fmt(txn.t) <%[var(res.s)]>", facts, .httpAfterResponse)
        #expect(try value("var(txn.t)", facts) == "<404>")
    }

    @Test func `The global section sets variables of the process once, in file order`() throws {
        let lines = [
            "set-var proc.a int(1),lower", "set-var-fmt proc.b \"<%[var(proc.a)]>\"", "set-var proc.c ipv4(1.2.3.4)",
            "set-var proc.d env(SITE)",
        ]
        let section = try Section(.global, lines.joined(separator: "\n"))
        let variables = ProcessVariables()
        section.rules.setVariables(of: variables, environment: ["SITE": "east"])
        let facts = try exchange()
        facts.processVariables = variables
        #expect(try value("var(proc.b)", facts) == "<1>")
        #expect(try value("var(proc.c)", facts) == "1.2.3.4")
        #expect(try value("var(proc.d)", facts) == "east")
    }

    @Test(arguments: [
        ("http-request set-var(x) path", "'x' names no variable: its scope is missing"),
        ("http-request set-var(txn.x,ifnotexist) path", "unknown condition 'ifnotexist'"),
        ("http-request set-var(txn.x)", "'http-request set-var' lacks an argument"),
        ("http-request set-var txn.x path", "'set-var' lacks its argument"),
        (
            "http-request set-var(txn.x) res.hdr(a)",
            "'res.hdr' needs the response's head, which is not there yet in http-request rules"
        ),
        ("http-request unset-var(txn.x,ifset)", "'txn.x,ifset' cannot name a variable"),
        ("tcp-request connection set-var(txn.x) src", "'txn.x' cannot be set in tcp-request connection rules"),
    ])
    func `A wrong line is refused`(line: String, message: String) throws {
        #expect(try problem(line).message == message)
    }

    @Test func `The place of a wrong name is its own`() throws {
        let problem = try problem("http-request set-var(txm.x,ifset) path")
        #expect(problem.range?.column == 22 && problem.range?.length == 5)
        #expect(problem.suggestion == "txn.x")
    }

    @Test(arguments: [
        ("set-var txn.x int(1)", "'txn.x' cannot be set in the global section"),
        ("set-var proc.x src", "'src' needs the connection, which is not there yet in the global section"),
        ("set-var proc.x", "'set-var' lacks an argument"),
    ])
    func `A wrong line of the global section is refused`(line: String, message: String) throws {
        #expect(try problem(line, in: .global).message == message)
    }
}
