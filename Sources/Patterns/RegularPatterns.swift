// Regular expressions to match against: `path_reg`, `-m reg`.

internal import Basics
public import Configuration

public struct RegularPatterns: Sendable {
    /// A stretch of the table's regular expressions.
    private let expressions: TableSlice

    public init(_ words: [Word], ignoringCase: Bool, _ table: inout PatternTable) throws(ConfigProblem) {
        let start = table.regularExpressions.count
        for word in words { _ = try table.keep(regularExpression: word, ignoringCase: ignoringCase) }
        expressions = TableSlice(start..<table.regularExpressions.count)
    }

    public func matches(_ value: RawSpan, _ matcher: RegularMatcher, _ program: PatternProgram) -> Bool {
        for i in expressions.range where matcher.finds(program.patterns.regularExpressions[i], in: value) {
            return true
        }
        return false
    }
}
