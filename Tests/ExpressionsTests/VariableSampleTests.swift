// Variables: what they are set to, how long they live, what their names may be.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct VariableSampleTests {
    private func name(_ text: String) throws -> VariableName {
        try VariableName(Word(text, at: SourceRange(file: "test.cfg", line: 1)))
    }

    @Test(arguments: ["proc.a", "sess.a", "txn.a", "req.a", "res.a.b-c_1"])
    func `A variable keeps what it is set to, and its type`(variable: String) throws {
        let context = try exchange()
        context.processVariables = ProcessVariables()
        let session = Session()
        context.session = session
        let name = try name(variable)
        #expect(try value("var(\(variable))", context) == nil)
        #expect(try value("var(\(variable),none)", context) == "none")
        context.set(name, .integer(7))
        #expect(try value("var(\(variable))", context) == "7")
        context.set(name, .address(.v4(0x7F00_0001)))
        #expect(try value("var(\(variable))", context) == "127.0.0.1")
        context.withScratch { context.set(name, .string(context.make { $0.append("text") })) }
        #expect(try value("var(\(variable)),upper", context) == "TEXT")
        #expect(try value("var(\(variable),none)", context) == "text")
        context.unset(name)
        #expect(try value("var(\(variable))", context) == nil)
    }

    @Test func `Variables of an exchange end with it, those of the connection and the process do not`() throws {
        let context = try exchange()
        context.processVariables = ProcessVariables()
        let session = Session()
        context.session = session
        for scope in VariableScope.allCases { context.set(try name("\(scope.rawValue).x"), .bool(true)) }
        context.clear()
        for scope in VariableScope.allCases {
            let isKept = scope == .process || scope == .session
            #expect(try value("var(\(scope.rawValue).x)", context) == (isKept ? "1" : nil))
        }
    }

    @Test func `A text that is set again and again leaves no memory behind`() throws {
        let context = try exchange()
        let (first, second) = (try name("txn.first"), try name("txn.second"))
        context.withScratch { context.set(first, .string(context.make { $0.append("stays") })) }
        for i in 0..<10_000 {
            context.withScratch { context.set(second, .string(context.make { $0 += Array("text \(i)".utf8) })) }
        }
        #expect(try value("var(txn.first)", context) == "stays")
        #expect(try value("var(txn.second)", context) == "text 9999")
    }

    @Test func `A text that is too long is not taken`() throws {
        let context = try exchange()
        let name = try name("txn.x")
        context.withScratch {
            context.set(
                name, .string(context.make { $0 += Array(repeating: 0x61, count: VariableStore.textBytesMax + 1) }))
        }
        #expect(try value("var(txn.x)", context) == nil)
    }

    @Test(arguments: [
        (SetCondition.ifExists, false, true), (.ifNotExists, true, false), (.ifSet, false, true),
        (.ifNotSet, true, false),
        (.ifEmpty, false, false), (.ifNotEmpty, true, true), (.ifGreater, true, true), (.ifLess, true, false),
    ])
    func `A condition decides whether a variable is set`(condition: SetCondition, alone: Bool, over5: Bool) throws {
        let context = try exchange()
        let name = try name("txn.x")
        context.set(name, .integer(3), if: [condition])
        #expect(try value("var(txn.x)", context) == (alone ? "3" : nil))
        context.set(name, .integer(5))
        context.set(name, .integer(3), if: [condition])
        #expect(try value("var(txn.x)", context) == (over5 ? "3" : "5"))
    }

    /// Such a variable was never set. As HAProxy 2.6 does, only numbers are compared.
    @Test(arguments: [
        (nil, "str(abc)", "ifgt", "abc"), ("str(abc)", "str(b)", "ifgt", "b"), ("str(abc)", "str(b)", "iflt", "b"),
        ("str(9)", "int(3)", "iflt", "3"), ("int(5)", "str(1)", "iflt", "1"), ("int(5)", "bool(true)", "iflt", "1"),
        ("bool(true)", "int(9)", "ifgt", "9"), ("src", "src", "ifgt", "10.0.1.7"), (nil, "int(3)", "iflt", "3"),
        ("int(5)", "int(3)", "ifgt", "3"), ("int(5)", "int(5)", "ifgt", "5"), ("int(5)", "int(7)", "ifgt", "5"),
        ("int(5)", "int(7)", "iflt", "7"), ("int(5)", "int(4)", "iflt", "5"), ("int(5)", "int(9)", "ifempty", "5"),
        ("int(5)", "str()", "ifempty", ""), ("int(5)", "str()", "ifnotempty", "5"), ("int(5)", "src", "ifempty", "5"),
        ("int(5)", "int(4)", "ifnotempty", "4"), (nil, "int(4)", "ifset,ifgt", nil),
    ])
    func `A comparison of what is no number sets the variable`(
        old: String?, new: String, condition: String, expected: String?
    ) throws {
        let context = try exchange()
        let lines =
            (old.map { "http-request set-var(txn.x) \($0)\n" } ?? "")
            + "http-request set-var(txn.x,\(condition)) \(new)"
        guard case .proceed = try Section(.listen, lines).rules.ruleSet(.httpRequest).run(on: context) else {
            throw Unexpected(what: "stopped by \(lines)")
        }
        #expect(try value("var(txn.x)", context) == expected)
    }

    @Test(arguments: [
        ("var(x)", "'x' names no variable: its scope is missing", "txn.x"),
        ("var(txm.x)", "'txm' is no scope of variables", "txn.x"),
        ("var(txn.)", "'txn.' cannot name a variable", nil), ("var(txn.a b)", "'txn.a b' cannot name a variable", nil),
    ])
    func `A wrong name is refused`(expression: String, message: String, suggestion: String?) throws {
        let problem = try problem("http-request set-header x \"%[\(expression)]\"")
        #expect(problem.message == message)
        #expect(problem.suggestion == suggestion)
    }
}

/// A client's session.
private final class Session: SessionVariables {
    var sessionVariables: VariableStore?
}
