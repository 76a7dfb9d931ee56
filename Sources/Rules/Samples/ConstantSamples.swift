// Samples that ask nothing of the exchange.

internal import Basics
internal import Configuration

enum ConstantSample: Sendable {
    case bool(Bool)
    case integer(Int)
    case string(Stretch)

    static let rows: [SampleRow] = [
        SampleRow("always_true", yields: .bool, from: .connection, summary: "Always true.") {
            (_, _) throws(ConfigProblem) in .constant(.bool(true))
        },
        SampleRow("always_false", yields: .bool, from: .connection, summary: "Never true.") {
            (_, _) throws(ConfigProblem) in .constant(.bool(false))
        },
        SampleRow(
            "bool", "(<value>)", yields: .bool, from: .connection,
            summary: "The value given: true, 1, yes, on, or false, 0, no, off."
        ) { (arguments, _) throws(ConfigProblem) in
            let text = try arguments.string("true or false")
            switch text {
            case "true", "1", "yes", "on": return .constant(.bool(true))
            case "false", "0", "no", "off": return .constant(.bool(false))
            default:
                throw arguments.text.problem(
                    "'\(text)' is neither true nor false", at: arguments.ownerRange, expected: "true or false")
            }
        },
        SampleRow("int", "(<number>)", yields: .integer, from: .connection, summary: "The whole number given.") {
            (arguments, _) throws(ConfigProblem) in
            .constant(.integer(try arguments.integer("a whole number", in: .min ... .max)))
        },
        SampleRow("str", "(<text>)", yields: .string, from: .connection, summary: "The text given.") {
            (arguments, table) throws(ConfigProblem) in
            .constant(.string(table.keep(try arguments.string("a text").utf8)))
        },
    ]

    @inline(__always)
    func fetch(_ facts: ExchangeFacts, _ program: RuleProgram) -> SampleValue? {
        switch self {
        case .bool(let value): .bool(value)
        case .integer(let value): .integer(value)
        case .string(let text): .string(facts.make { $0.append(program.text(text)) })
        }
    }
}
