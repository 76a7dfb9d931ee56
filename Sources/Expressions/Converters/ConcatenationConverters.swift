// Text with more behind it: `concat` and `add_item` (manual, section 7.3.1).

internal import Basics
internal import Configuration
internal import Patterns

struct Concatenation: Sendable {
    private let start: TableSlice
    private let variable: VariableName?
    private let end: TableSlice
    /// Whether `start` parts items: it is left out where there is nothing on one of its sides.
    private let isList: Bool

    static let rows: [ConverterRow] = [
        ConverterRow(
            "concat", "([<start>[,<var>[,<end>]]])", takes: .string, yields: .string,
            summary: "The text with a text, what a variable holds, and another text behind it."
        ) { (arguments, table) throws(ConfigProblem) in
            let start = arguments.optionalString() ?? ""
            let variable = try arguments.optionalVariable()
            let end = arguments.optionalString() ?? ""
            return .concatenation(
                Concatenation(
                    start: table.keep(start), variable: variable, end: table.keep(end), isList: false))
        },
        ConverterRow(
            "add_item", "(<delim>[,<var>[,<suff>]])", takes: .string, yields: .string,
            summary:
                "The text, a delimiter, what a variable holds and a suffix; without the delimiter where there is "
                + "nothing before or behind it."
        ) { (arguments, table) throws(ConfigProblem) in
            let delimiter = try arguments.text("a delimiter")
            let variable = try arguments.optionalVariable()
            let suffix = arguments.optionalString() ?? ""
            guard variable != nil || !suffix.isEmpty else {
                throw arguments.problem("'add_item' adds nothing", expected: "a variable or a suffix")
            }
            return .concatenation(
                Concatenation(
                    start: table.keep(delimiter), variable: variable, end: table.keep(suffix), isList: true))
        },
    ]

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        let input = value.bytes(context)
        // A variable that is not set adds nothing.
        let added = variable.flatMap { context.variable($0)?.bytes(context) }
        let isDelimited = !isList || (input.count > 0 && (added?.count ?? 0) + end.count > 0)
        let output = context.convert(input) { text, out in
            out.append(text)
            if isDelimited { out.append(program.text(start)) }
            if let added { context.withBytes(added) { out.append($0) } }
            out.append(program.text(end))
            return true
        }
        return output
    }
}
