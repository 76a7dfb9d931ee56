// `var`: what a variable holds (manual, section 7.3.1).

internal import Basics
internal import Configuration
internal import Patterns

struct VariableSample: SampleFamily {
    private let name: VariableName
    /// What stands in for a variable that is not set.
    private let fallback: TableSlice?

    static let rows: [SampleRow] = [
        SampleRow(
            "var", "(<name>[,<default>])", yields: .any, from: .start,
            summary: "What the variable holds, of the type it was set with; the default, a text, if it is not set."
        ) { (arguments, table) throws(ConfigProblem) in
            let name = try arguments.variable()
            return .variable(
                VariableSample(name: name, fallback: arguments.optionalText().map { table.keep($0) }))
        }
    ]
    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        if let value = context.variable(name) { return value }
        return fallback.map { text in .string(context.make { $0.append(program.text(text)) }) }
    }
}
