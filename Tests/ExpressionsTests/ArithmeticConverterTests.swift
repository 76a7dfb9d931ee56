// Converters of numbers: (expression, expected), as the manual has them and HAProxy 2.6 answers.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct ArithmeticConverterTests {
    @Test(arguments: [
        ("int(5),add(3)", "8"), ("int(5),add(-7)", "-2"), ("int(5),add(txn.five)", "10"),
        ("int(9223372036854775807),add(1)", "9223372036854775807"),
        ("int(9223372036854775807),add(-1)", "9223372036854775806"),
        ("int(5),sub(3)", "2"), ("int(5),sub(txn.five)", "0"),
        ("int(-9223372036854775807),sub(5)", "-9223372036854775808"),
        ("int(9223372036854775807),sub(-1)", "9223372036854775807"),
        ("int(5),mul(-3)", "-15"), ("int(9223372036854775807),mul(2)", "9223372036854775807"),
        ("int(-9223372036854775807),mul(2)", "-9223372036854775808"),
        ("int(9223372036854775807),mul(-2)", "-9223372036854775808"),
        ("int(-9223372036854775807),mul(-2)", "9223372036854775807"),
        ("int(17),div(5)", "3"), ("int(-5),div(2)", "-2"), ("int(5),div(0)", "9223372036854775807"),
        ("int(-5),div(0)", "9223372036854775807"), ("int(5),div(txn.zero)", "9223372036854775807"),
        ("int(17),mod(5)", "2"), ("int(-5),mod(3)", "-2"), ("int(5),mod(0)", "0"), ("int(5),mod(-1)", "0"),
        ("int(6),and(12)", "4"), ("int(6),or(9)", "15"), ("int(5),or(-1)", "-1"), ("int(6),xor(12)", "10"),
        ("int(5),neg", "-5"), ("int(0),neg", "0"), ("int(5),neg,add(7)", "2"), ("int(5),cpl", "-6"),
        ("int(5),even", "0"), ("int(4),even", "1"), ("int(-3),odd", "1"), ("int(4),odd", "0"),
        ("int(0),not", "1"), ("int(5),not", "0"), ("int(5),bool", "1"), ("int(0),bool", "0"),
        ("int(6),and(2),bool", "1"),
        // Other types become numbers first.
        ("str(abc),add(1)", "1"), ("str(12abc),add(1)", "13"), ("str(-5),add(1)", "-4"), ("str(+5),add(1)", "6"),
        ("bool(true),add(1)", "2"), ("int(5),add(txn.name)", "5"),
        // Nothing to compute with.
        ("int(5),add(txn.none)", nil), ("var(txn.empty),add(1)", nil),
    ])
    func `A number is computed`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    // HAProxy 2.6 computes these too and then writes the least number without its sign.
    @Test(arguments: [
        ("int(-9223372036854775808),neg", "9223372036854775807"),
        ("int(-9223372036854775808),div(-1)", "9223372036854775807"),
        ("int(-9223372036854775808),mod(-1)", "0"), ("int(-9223372036854775808),mul(-1)", "9223372036854775807"),
        ("int(-9223372036854775808),add(-1)", "-9223372036854775808"),
        ("int(-9223372036854775808),sub(1)", "-9223372036854775808"),
        ("int(9223372036854775807),sub(-9223372036854775808)", "9223372036854775807"),
    ])
    func `The least number is no trap`(_ expression: String, _ expected: String) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        ("int(5),add", "'add' lacks an argument"), ("int(5),add()", "'add' lacks an argument"),
        ("int(5),add(x)", "'x' is neither a number nor a variable"),
        ("int(5),mul(0x10)", "'0x10' is neither a number nor a variable"),
        ("int(5),div(tnx.five)", "'tnx' is no scope of variables"),
        ("int(5),neg(1)", "'neg' takes no argument '1'"), ("int(5),sub(1,2)", "'sub' takes no argument '2'"),
        ("method,add(1)", "'add' cannot take a value of type method"),
    ])
    func `What cannot be computed is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
