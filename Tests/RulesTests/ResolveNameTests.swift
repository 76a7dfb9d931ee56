// `do-resolve`: the name that a rule asks for, and the use of the answer.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct ResolveNameTests {
    private func rules(_ lines: String, resolvers: [String] = ["other", "dns"]) throws -> RuleSet {
        var section = try Section(.listen, lines)
        let problems = section.draft.resolve(resolvers: NameIndex(of: "resolvers section", resolvers))
        if let problem = problems.first { throw problem }
        return section.rules.ruleSet(.httpRequest)
    }

    private func request(_ host: String) throws -> ExchangeContext { try exchange("GET / HTTP/1.1\nHost: \(host)\n\n") }

    /// Runs rules up to where they wait for an address.
    private func wait(_ rules: RuleSet, _ context: ExchangeContext) throws -> RulePosition {
        guard case .wait(.address, let position) = rules.run(on: context) else { throw Unexpected(what: "no wait") }
        #expect(context.scratch.isEmpty)
        return position
    }

    @Test func `a rule says what it wants, and the variable is set when it is known`() throws {
        let context = try request("A.test:80")
        let rules = try rules(
            """
            http-request do-resolve(txn.ip,dns,ipv4) req.hdr(host),host_only
            http-request deny unless { var(txn.ip) -m ip 10.0.0.0/8 }
            """)
        let position = try wait(rules, context)
        #expect(context.wantedName.name == Array("a.test".utf8))
        #expect(context.wantedName.resolvers == 1 && context.wantedName.prefersIPv4)
        context.found(.v4(0x0A00_0001))
        guard case .proceed = rules.run(on: context, from: position) else { throw Unexpected(what: "denied") }
    }

    @Test func `without an address the variable stays as it is`() throws {
        for before in ["", "http-request set-var(txn.ip) ipv4(192.0.2.1)\n"] {
            let context = try request("a.test")
            let rules = try rules(
                before
                    + """
                    http-request do-resolve(txn.ip,dns) req.hdr(host)
                    http-request deny if { var(txn.ip) -m found }
                    """)
            let position = try wait(rules, context)
            #expect(!context.wantedName.prefersIPv4)
            context.found(nil)
            switch rules.run(on: context, from: position) {
            case .proceed: #expect(before.isEmpty)
            default: #expect(!before.isEmpty)
            }
        }
    }

    @Test func `what is not there, or longer than a name, is not asked for`() throws {
        for host in ["", String(repeating: "a", count: 255)] {
            let context = try exchange("GET / HTTP/1.1\nHost: h\n\(host.isEmpty ? "A" : "X"): \(host)\n\n")
            guard case .proceed = try rules("http-request do-resolve(txn.ip,dns) req.hdr(x)").run(on: context) else {
                throw Unexpected(what: "a wait")
            }
        }
        let context = try exchange("GET / HTTP/1.1\nHost: h\nX: \(String(repeating: "a", count: 254))\n\n")
        _ = try wait(try rules("http-request do-resolve(txn.ip,dns) req.hdr(x)"), context)
    }

    @Test(arguments: [
        ("http-request do-resolve req.hdr(host)", "'do-resolve' lacks its argument"),
        ("http-request do-resolve(txn.ip) src", "do-resolve has two or three words in its parentheses"),
        ("http-request do-resolve(txn.ip,dns,ipv4,x) src", "do-resolve has two or three words in its parentheses"),
        ("http-request do-resolve(txn.ip,dns,ipv5) src", "unknown family 'ipv5'"),
        ("http-request do-resolve(ip,dns) src", "'ip' names no variable: its scope is missing"),
        ("http-request do-resolve(txn.ip,dns)", "'http-request do-resolve' lacks an argument"),
        ("http-request do-resolve(txn.ip,dns) nosuch", "unknown sample 'nosuch'"),
        ("http-request do-resolve(txn.ip,nds) src", "no resolvers section named 'nds'"),
    ])
    func `what is wrong is refused`(_ line: String, _ message: String) {
        #expect {
            try rules(line)
        } throws: { error in
            (error as? ConfigProblem)?.message.hasPrefix(message) == true
        }
    }
}
