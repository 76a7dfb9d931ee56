// `regsub`: text with what a regular expression finds in it replaced (manual, section 7.3.1).

internal import Basics
internal import Configuration
internal import Patterns

struct Substitution: Sendable {
    /// The expression's index in the table.
    private let expression: Int
    private let template: TableSlice
    private let isEverywhere: Bool

    static let rows: [ConverterRow] = [
        ConverterRow(
            "regsub", "(<regex>,<text>[,<flags>])", takes: .string, yields: .string,
            summary:
                "The text with its first match replaced, with flag g all; i ignores case. \\\\0 to \\\\9 are groups. No "
                + "value if matching would take more than tune.regex.max-steps steps."
        ) { (arguments, table) throws(ConfigProblem) in
            .substitution(try Substitution(&arguments, &table))
        }
    ]

    private init(_ arguments: inout ExpressionArguments, _ table: inout ExpressionTable) throws(ConfigProblem) {
        let pattern = try arguments.string("a regular expression")
        let patternArgument = arguments
        template = table.keep(arguments.optionalString() ?? "")
        let flags = arguments.optionalString() ?? ""
        guard flags.allSatisfy({ $0 == "g" || $0 == "i" }) else {
            throw arguments.problem("unknown flags '\(flags)'", expected: "g to replace all, i to ignore case")
        }
        isEverywhere = flags.contains("g")
        do throws(RegularExpression.Fault) {
            expression = try table.patterns.keep(
                regularExpression: pattern.verbatimBytes, ignoringCase: flags.contains("i"))
        } catch {
            throw patternArgument.problem(
                "the regular expression does not compile: \(error.text)", atByte: error.offset)
        }
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        let input = value.bytes(context)
        let matcher = context.regularMatcher
        let undecided = context.undecidedMatches.count
        let isFound = context.withBytes(input) {
            matcher.substitute(
                program.patterns.regularExpressions[expression], in: $0, by: program.text(template),
                everywhere: isEverywhere, upTo: ConversionLimits.bytesMax)
        }
        // Whether all is replaced that was to be is not known.
        guard context.undecidedMatches.count == undecided else { return nil }
        guard isFound else { return .string(input) }
        guard matcher.output.count <= ConversionLimits.bytesMax else {
            matcher.shrink()
            return nil
        }
        return .string(context.make { $0 += matcher.output })
    }
}
