// Where a rule stands: for `last_rule_line` and its like, and for reports of matches without a result.

public import Configuration
public import Patterns

/// Where a rule stands.
public struct RuleOrigin: Sendable {
    public let file: TableSlice
    public let line: Int32
}

extension ExpressionTable {
    public mutating func origin(of line: SourceRange) -> RuleOrigin {
        let file = fileNames[line.file] ?? keep(line.file)
        fileNames[line.file] = file
        return RuleOrigin(file: file, line: Int32(clamping: line.line))
    }
}
