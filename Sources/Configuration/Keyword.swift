// Keywords as table rows: name, sections, documentation and parser. The tables are next to the behaviour that they
// configure; the program's KeywordRegistry lists all of them.

/// A keyword: one row of a table.
///
/// `name` is one word (`balance`) or a family and its member (`option httplog`, `timeout client`, `http-request
/// return`). The longest name that matches the line is used.
public struct Keyword: Sendable {
    public typealias Parser = @Sendable (inout Arguments, inout Draft) throws(ConfigProblem) -> Void

    public let name: String
    public let sections: Sections
    /// The syntax of the line, with `<arguments>` and `[optional parts]`.
    public let usage: String
    /// One or two sentences for the help and the manual.
    public let summary: String
    /// Whether `no <name>` is allowed; the parser then checks `Arguments.isNegated`.
    public let isNegatable: Bool
    /// Whether the name's last word is followed by an argument in parentheses, without a blank: `set-var(txn.user)`.
    /// The parser gets it with `Arguments.inParentheses`.
    public let takesParentheses: Bool
    /// Called with the words after the name. Words that it does not consume are reported as unexpected.
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
    /// The same keyword with another parser.
    public func parsing(_ parse: @escaping Parser) -> Keyword {
        Keyword(
            name, in: sections, usage: usage, summary: summary, negatable: isNegatable,
            takesParentheses: takesParentheses, parse: parse)
    }
}

/// A parameter of a line, such as an option of `bind` or `server`.
public struct Parameter<Target>: Sendable {
    public typealias Parser = @Sendable (inout Arguments, inout Target) throws(ConfigProblem) -> Void

    public let name: String
    public let usage: String
    public let summary: String
    /// Whether the name is followed by an argument in parentheses, without a blank; the parser gets it with
    /// `Arguments.inParentheses`.
    public let takesParentheses: Bool
    /// Called with the cursor after the name; consumes only the words that belong to the parameter.
    public let parse: Parser

    public init(
        _ name: String, usage: String, summary: String, takesParentheses: Bool = false, parse: @escaping Parser
    ) {
        self.name = name
        self.usage = usage
        self.summary = summary
        self.takesParentheses = takesParentheses
        self.parse = parse
    }

    /// Whether a word of a line begins the parameter.
    func isNamed(by word: Word) -> Bool {
        word.text == name || takesParentheses && word.text.hasPrefix("\(name)(")
    }

    /// The same parameter of a line whose target contains this one's at `place`.
    public func inside<Whole>(_ place: any (WritableKeyPath<Whole, Target> & Sendable)) -> Parameter<Whole> {
        let parse = parse
        return Parameter<Whole>(name, usage: usage, summary: summary, takesParentheses: takesParentheses) {
            (args, whole) throws(ConfigProblem) in
            try parse(&args, &whole[keyPath: place])
        }
    }

    /// The parameter without its parser, for help and manual.
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

extension [String] {
    /// The elements as a list in a sentence: `a, b or c`.
    func listed(_ conjunction: String) -> String {
        guard let last, count > 1 else { return first ?? "" }
        return dropLast().joined(separator: ", ") + " \(conjunction) " + last
    }
}
