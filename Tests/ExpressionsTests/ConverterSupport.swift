// What the tables of converters share: one exchange with a few variables, so that a row is an expression and its value.

import Basics
import Configuration
import HTTP
import RuleTesting

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

/// An exchange of a client at 127.0.0.1 with `txn.five` (5), `txn.name` (Name), `txn.empty` (an empty text), `txn.zero` (0) and `txn.key` (a2V5).
func exchangeWithVariables() throws -> ExchangeContext {
    let context = try exchange("GET /cart/items.php?id=7&q=a,b HTTP/1.1\nHost: Shop.Example.com:8080\n\n")
    context.client = .ip(.loopbackV4, port: 4711)
    context.set(try VariableName("txn.five", problem: { _, _, _ in preconditionFailure() }), .integer(5))
    context.set(try VariableName("txn.zero", problem: { _, _, _ in preconditionFailure() }), .integer(0))
    for (name, text) in [("txn.name", "Name"), ("txn.empty", ""), ("txn.key", "a2V5")] {
        let name = try VariableName(name, problem: { _, _, _ in preconditionFailure() })
        context.withScratch { context.set(name, .string(context.make { $0 += Array(text.utf8) })) }
    }
    return context
}

/// What an expression yields with those.
func value(_ expression: String) throws -> String? { try value(expression, exchangeWithVariables()) }

/// The message that an expression is refused with.
func refusal(of expression: String) throws -> String {
    let escaped = expression.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        .replacing("$", with: "\\$")
    return try problem("http-request set-header x \"%[\(escaped)]\"").message
}
