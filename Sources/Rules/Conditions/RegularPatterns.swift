// Regular expressions to match against: `path_reg`, `-m reg`.

internal import Basics
internal import Configuration

struct RegularPatterns: Sendable {
    /// A stretch of the table's regular expressions.
    private let expressions: Stretch

    init(_ words: [Word], ignoringCase: Bool, _ table: inout RuleTable) throws(ConfigProblem) {
        let start = table.regularExpressions.count
        for word in words { _ = try table.keep(regularExpression: word, ignoringCase: ignoringCase) }
        expressions = Stretch(start..<table.regularExpressions.count)
    }

    func matches(_ value: RawSpan, _ matcher: RegularMatcher, _ program: RuleProgram) -> Bool {
        for i in expressions.range where matcher.finds(program.table.regularExpressions[i], in: value) { return true }
        return false
    }
}
