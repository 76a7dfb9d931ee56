// What is wrong with a file, where, and what to write instead.

/// A stretch of one line of one file. Lines and columns count from 1; columns count characters.
public struct SourceRange: Hashable, Sendable {
    public var file: String
    public var line: Int
    public var column: Int
    /// Characters covered; at least 1.
    public var length: Int

    public init(file: String, line: Int, column: Int = 1, length: Int = 1) {
        self.file = file
        self.line = line
        self.column = column
        self.length = length
    }
}

/// A word of a line after quotes, escapes and variables, with the place it was written at.
public struct Word: Hashable, Sendable {
    public var text: String
    public var range: SourceRange

    public init(_ text: String, at range: SourceRange) {
        self.text = text
        self.range = range
    }
}

/// One problem of one configuration. An error keeps Portico from starting; a warning does not.
public struct ConfigProblem: Error, Hashable, Sendable {
    public enum Severity: String, Sendable { case error, warning, notice }

    public var severity: Severity
    /// What is wrong, in one clause, without a full stop: `unknown keyword 'blance'`.
    public var message: String
    /// Where; nil when no place in a file is to blame.
    public var range: SourceRange?
    /// What would have been right: `expected one of roundrobin, leastconn`.
    public var expected: String?
    /// The nearest word that is known.
    public var suggestion: String?

    public init(
        _ message: String, at range: SourceRange?, expected: String? = nil, suggestion: String? = nil,
        severity: Severity = .error
    ) {
        self.severity = severity
        self.message = message
        self.range = range
        self.expected = expected
        self.suggestion = suggestion
    }
}
