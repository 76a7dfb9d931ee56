// `when`: a value under a condition.

import Basics
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct WhenConverterTests {
    /// What conditions hold of an exchange.
    private func conditions(_ facts: ExchangeFacts) throws -> [String] {
        try ["error", "normal", "forwarded", "toapplet", "processed", "stopping"].filter { condition in
            let isSo = try value("str(x),when(\(condition))", facts) == "x"
            #expect(try value("str(x),when(!\(condition))", facts) == (isSo ? nil : "x"))
            return isSo
        }
    }

    @Test func `A value is there when something is so`() throws {
        let facts = try exchange()
        facts.site = TestSite()
        #expect(try conditions(facts) == ["normal"])
        facts.serverName = "<STATS>"
        #expect(try conditions(facts) == ["normal", "toapplet", "processed"])
        facts.serverName = "s1"
        facts.serverIndex = 0
        #expect(try conditions(facts) == ["normal"])
        facts.serverAddress = .ip(.loopbackV4, port: 80)
        #expect(try conditions(facts) == ["normal", "forwarded", "processed"])
        facts.status = 502
        #expect(try conditions(facts) == ["error", "forwarded", "processed"])
        facts.status = 200
        facts.isRedispatched = true
        #expect(try conditions(facts) == ["error", "forwarded", "processed"])
    }

    @Test(arguments: [
        ("str(a),when", "'when' lacks an argument"), ("str(a),when(eror)", "'eror' is no condition here"),
        ("str(a),when(acl)", "'when' lacks an argument"), ("str(a),when(error,x)", "'when' takes no argument 'x'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
