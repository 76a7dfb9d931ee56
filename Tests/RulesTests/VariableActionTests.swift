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
    private func run(_ lines: String, _ context: ExchangeContext, _ family: RuleFamily = .httpRequest) throws {
        guard case .proceed = try Section(.listen, lines).rules.ruleSet(family).run(on: context) else {
            throw Unexpected(what: "stopped by \(lines)")
        }
        #expect(context.scratch.isEmpty)
    }

    @Test func `set-var keeps the value and its type`() throws {
        let context = try exchange("GET /a?x=1 HTTP/1.1\nHost: h\nN: 7\n\n")
        try run(
            """
            http-request set-var(txn.path) path
            http-request set-var(txn.src) src
            http-request set-var(txn.n) hdr_val(n)
            http-request set-var(req.a.b-c) path,upper
            """, context)
        #expect(try value("var(txn.path)", context) == "/a")
        #expect(try value("var(txn.src)", context) == "10.0.1.7")
        #expect(try value("var(txn.n)", context) == "7")
        #expect(try value("var(req.a.b-c)", context) == "/A")
        #expect(try holds("{ var(txn.src) -m ip 10.0.0.0/8 }", context))
        #expect(try holds("{ var(txn.n) -m int gt 6 }", context))
    }

    @Test func `An expression without a value leaves the variable alone`() throws {
        let context = try exchange()
        try run("http-request set-var(txn.x) str(kept)\nhttp-request set-var(txn.x) hdr(nosuch)", context)
        #expect(try value("var(txn.x)", context) == "kept")
    }

    @Test func `set-var-fmt keeps a text`() throws {
        let context = try exchange()
        try run("http-request set-var-fmt(txn.from) %[src]:%[src_port]\nhttp-request set-var-fmt(txn.e) \"\"", context)
        #expect(try value("var(txn.from)", context) == "10.0.1.7:4711")
        #expect(try value("var(txn.e)", context) == "")
    }

    @Test func `unset-var takes it away`() throws {
        let context = try exchange()
        try run("http-request set-var(sess.x) int(1)\nhttp-request unset-var(sess.x)", context)
        #expect(try value("var(sess.x)", context) == nil)
    }

    @Test func `Conditions in the parentheses all have to hold`() throws {
        let context = try exchange()
        try run(
            """
            http-request set-var(txn.x,ifnotexists,ifnotempty) int(5)
            http-request set-var(txn.x,ifnotexists) int(6)
            http-request set-var(txn.x,ifset,ifgt) int(7)
            http-request set-var-fmt(txn.y,ifnotempty) %[hdr(nosuch)]
            """, context)
        #expect(try value("var(txn.x)", context) == "5")
        #expect(try value("var(txn.y)", context) == nil)
    }

    @Test func `Rules on responses set variables too`() throws {
        let context = try exchange()
        try answer("HTTP/1.1 404 Not Found\nServer: s\n\n", context)
        try run("http-response set-var(res.s) status if { status 404 }", context, .httpResponse)
        try run("http-after-response set-var-fmt(txn.t) <%[var(res.s)]>", context, .httpAfterResponse)
        #expect(try value("var(txn.t)", context) == "<404>")
    }

    @Test func `The global section sets variables of the process once, in file order`() throws {
        let lines = [
            "set-var proc.a int(1),lower", "set-var-fmt proc.b \"<%[var(proc.a)]>\"", "set-var proc.c ipv4(1.2.3.4)",
            "set-var proc.d env(SITE)",
        ]
        let section = try Section(.global, lines.joined(separator: "\n"))
        let variables = ProcessVariables()
        section.rules.setVariables(of: variables, environment: ["SITE": "east"])
        let context = try exchange()
        context.processVariables = variables
        #expect(try value("var(proc.b)", context) == "<1>")
        #expect(try value("var(proc.c)", context) == "1.2.3.4")
        #expect(try value("var(proc.d)", context) == "east")
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
