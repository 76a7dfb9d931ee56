// Problems of a configuration, and positions in files.

/// A range in one line of a file. Lines and columns start at 1; columns count characters.
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

/// A word of a line after processing of quotes, escapes and variables, with its position.
public struct Word: Hashable, Sendable {
    public var text: String
    public var range: SourceRange
    /// The folder that a relative path refers to where `default-path` says so; nil: the working directory.
    public var folder: String?

    public init(_ text: String, at range: SourceRange, folder: String? = nil) {
        self.text = text
        self.range = range
        self.folder = folder
    }
}

/// A problem of a configuration. Errors prevent Portico from starting; warnings do not.
public struct ConfigProblem: Error, Hashable, Sendable {
    public enum Severity: String, Sendable { case error, warning, notice }

    public var severity: Severity
    /// The message, one clause without a full stop: `unknown keyword 'blance'`.
    public var message: String
    /// The position; nil if the problem has none.
    public var range: SourceRange?
    /// What was expected, printed as in `expected one of roundrobin, leastconn`.
    public var expected: String?
    /// The nearest known word, printed as in `did you mean 'balance'?`.
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
