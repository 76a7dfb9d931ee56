// A word of the language is one row: it names itself, says where it may stand, documents itself and
// parses itself. Rows live next to the behaviour they configure; the program's KeywordRegistry lists all tables.

/// One keyword: a row of a table.
///
/// `name` is one word (`balance`) or a family and a member (`option httplog`, `timeout client`,
/// `http-request return`); the longest name that matches the line wins.
public struct Keyword: Sendable {
    public typealias Parser = @Sendable (inout Arguments, inout Draft) throws(ConfigProblem) -> Void

    public let name: String
    public let sections: Sections
    /// The line as it is written, with `<arguments>` and `[optional parts]`.
    public let usage: String
    /// One or two sentences for the help and the manual.
    public let summary: String
    /// Whether `no <name>` is allowed; the parser then looks at `Arguments.isNegated`.
    public let isNegatable: Bool
    /// Whether the name's last word is written with something in parentheses behind it, without a blank: `set-var(txn.user)`.
    /// The parser takes that with `Arguments.inParentheses`.
    public let takesParentheses: Bool
    /// Called with the words after the name. Words it leaves over are reported as unexpected.
    public let parse: Parser

    public init(
        _ name: String, in sections: Sections, usage: String, summary: String, negatable: Bool = false,
        takesParentheses: Bool = false, parse: @escaping Parser
    ) {
        self.name = name
        self.sections = sections
        self.usage = usage
        self.summary = summary
        self.isNegatable = negatable
        self.takesParentheses = takesParentheses
        self.parse = parse
    }
}

extension Keyword {
    /// The same row, parsed otherwise.
    public func parsing(_ parse: @escaping Parser) -> Keyword {
        Keyword(
            name, in: sections, usage: usage, summary: summary, negatable: isNegatable,
            takesParentheses: takesParentheses, parse: parse)
    }
}

/// One word of a line that has a language of its own: an option of `bind` or `server`, say.
public struct Parameter<Target>: Sendable {
    public typealias Parser = @Sendable (inout Arguments, inout Target) throws(ConfigProblem) -> Void

    public let name: String
    public let usage: String
    public let summary: String
    /// Called with the cursor behind the name; takes only the words that belong to it.
    public let parse: Parser

    public init(_ name: String, usage: String, summary: String, parse: @escaping Parser) {
        self.name = name
        self.usage = usage
        self.summary = summary
        self.parse = parse
    }

    /// The row as the help prints it.
    public var help: ParameterHelp { ParameterHelp(name: name, usage: usage, summary: summary) }
}

/// A parameter without its parser, for help and manual.
public struct ParameterHelp: Sendable {
    public let name: String
    public let usage: String
    public let summary: String
}

/// The parameters that may follow a keyword, for help and manual.
public struct ParameterGroup: Sendable {
    /// The keyword they follow: `bind`, `server`.
    public let keyword: String
    public let parameters: [ParameterHelp]

    public init<Target>(of keyword: String, _ table: [Parameter<Target>]) {
        self.keyword = keyword
        parameters = table.map(\.help)
    }
}
