// Converters that know variables: (expression, expected), as the manual has them and HAProxy 2.6 answers.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct VariableConverterTests {
    @Test(arguments: [
        ("str(a),set-var(txn.x),concat(,txn.x)", "aa"), ("int(7),set-var(txn.x),add(txn.x)", "14"),
        ("str(a),set-var(txn.name,ifnotexists),concat(,txn.name)", nil),
        ("str(a),set-var(txn.name,ifexists),concat(,txn.name)", "aa"),
        ("str(a),set-var(txn.name,ifempty),concat(,txn.name)", nil),
        ("int(9),set-var(txn.five,ifgt),concat(,txn.five)", nil),
        ("int(9),set-var(txn.five,iflt),concat(,txn.five)", "99"),
        ("int(9),set-var(txn.five,ifexists,iflt,ifnotempty),concat(,txn.five)", "99"),
        ("int(9),set-var(txn.five,ifexists,ifgt),concat(,txn.five)", nil),
        ("str(a),set-var(txn.x),upper,concat(,txn.x)", "Aa"),
        ("src,set-var(txn.x),concat(/,txn.x)", "127.0.0.1/127.0.0.1"),
        ("str(a),unset-var(txn.name),concat(,txn.name)", "a"), ("hdr(none),unset-var(txn.name)", nil),
        ("hdr(none),set-var(txn.name)", nil),
        ("str(Name),strcmp(txn.name)", "0"), ("str(Nam),strcmp(txn.name)", "-1"), ("str(Namea),strcmp(txn.name)", "1"),
        ("str(Zame),strcmp(txn.name)", "12"), ("str(Name),strcmp(txn.none)", nil), ("str(5),strcmp(txn.five)", "0"),
        ("str(9),strcmp(txn.five)", "4"), ("var(txn.empty),strcmp(txn.name)", "-1"),
    ])
    func `A variable is set, forgotten, compared with`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test func `What was set stays`() throws {
        let context = try exchangeWithVariables()
        #expect(try value("path,set-var(txn.x),length", context) == "15")
        #expect(try value("var(txn.x)", context) == "/cart/items.php")
        #expect(try value("str(a),unset-var(txn.x)", context) == "a")
        #expect(try value("var(txn.x)", context) == nil)
        #expect(try value("str(a),set-var(txn.name,ifnotexists)", context) == nil)
        #expect(try value("var(txn.name)", context) == "Name")
        // What does not come to be is not set, and forgets nothing.
        #expect(try value("hdr(none),unset-var(txn.name)", context) == nil)
        #expect(try value("var(txn.name)", context) == "Name")
    }

    @Test(arguments: [
        ("str(a),set-var", "'set-var' lacks an argument"),
        ("str(a),set-var(x)", "'x' names no variable: its scope is missing"),
        ("str(a),set-var(txn.x,never)", "'never' is no condition"),
        ("str(a),unset-var(txm.x)", "'txm' is no scope of variables"),
        ("str(a),strcmp(name)", "'name' names no variable: its scope is missing"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
