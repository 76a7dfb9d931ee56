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
    private func conditions(_ context: ExchangeContext) throws -> [String] {
        try ["error", "normal", "forwarded", "toapplet", "processed", "stopping"].filter { condition in
            let isSo = try value("str(x),when(\(condition))", context) == "x"
            #expect(try value("str(x),when(!\(condition))", context) == (isSo ? nil : "x"))
            return isSo
        }
    }

    @Test func `A value is there when something is so`() throws {
        let context = try exchange()
        context.site = TestSite()
        #expect(try conditions(context) == ["normal"])
        context.serverName = "<STATS>"
        #expect(try conditions(context) == ["normal", "toapplet", "processed"])
        context.serverName = "s1"
        context.serverNumber = 0
        #expect(try conditions(context) == ["normal"])
        context.serverAddress = .ip(.loopbackV4, port: 80)
        #expect(try conditions(context) == ["normal", "forwarded", "processed"])
        context.outcome.status = 502
        #expect(try conditions(context) == ["error", "forwarded", "processed"])
        context.outcome.status = 200
        context.outcome.isRedispatched = true
        #expect(try conditions(context) == ["error", "forwarded", "processed"])
    }

    @Test(arguments: [
        ("str(a),when", "'when' lacks an argument"), ("str(a),when(eror)", "'eror' is no condition here"),
        ("str(a),when(acl)", "'when' lacks an argument"), ("str(a),when(error,x)", "'when' takes no argument 'x'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
