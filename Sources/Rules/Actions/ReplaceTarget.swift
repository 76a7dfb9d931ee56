// `replace-path`, `replace-pathq`, `replace-uri`: the target rewritten by a regular expression (manual,
// `http-request replace-path`).
//
// A part that matches is replaced whole by what the format makes, in which `\1` and so on stand for groups. A
// result that is no valid target fails, and so does a match that came to no result.

internal import Basics
internal import Configuration
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Patterns

struct ReplaceTargetAction: Sendable {
    private let part: SampleBytes.RequestPart
    /// The expression's index in the table.
    private let expression: Int
    private let format: Format

    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        let matcher = context.regularMatcher
        let old = context.all(part)
        let undecided = context.undecidedMatches.count
        guard context.withBytes(old, { matcher.finds(program.patterns.regularExpressions[expression], in: $0) }) else {
            return context.undecidedMatches.count == undecided ? .next : .failed
        }
        // An expression in the format may match something itself: its matches come first, this one again behind.
        format.render(context, program)
        let template = context.rendered
        _ = context.withBytes(old) { matcher.finds(program.patterns.regularExpressions[expression], in: $0) }
        context.withBytes(old) { unsafe matcher.expand(template.span.bytes, of: $0) }
        return context.setTarget(part, matcher.output) ? .next : .failed
    }

    static let rows = [
        row("replace-path", .path, "Rewrites the path if it matches; the query stays."),
        row("replace-pathq", .pathAndQuery, "Rewrites path and query, taken together, if they match."),
        row("replace-uri", .target, "Rewrites the whole target if it matches."),
    ]

    private static func row(_ name: String, _ part: SampleBytes.RequestPart, _ summary: String) -> ActionRow {
        ActionRow(
            name, in: [.httpRequest], "<regex> <format>", summary: summary
        ) { (arguments, family, table) throws(ConfigProblem) in
            let pattern = try arguments.next("a regular expression")
            let expression = try table.expressions.patterns.keep(regularExpression: pattern, ignoringCase: false)
            let format = try Format(
                arguments.next("what to write instead"), for: .message, in: family.hook, &table.formats)
            return .replaceTarget(ReplaceTargetAction(part: part, expression: expression, format: format))
        }
    }
}
