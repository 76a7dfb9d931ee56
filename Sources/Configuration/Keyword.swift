// A word of the language is one row: it names itself, says where it may stand, documents itself and
// parses itself. Rows live next to the behaviour they configure; the program's Assembly lists all tables.

/// What sections there are. A `listen` is a frontend and a backend in one; `http-errors` is a set of error pages,
/// a `userlist` a set of people with their passwords, `resolvers` a set of nameservers. A `ring` keeps log lines and sends
/// them on, a `log-profile` says how lines for a target look, `mailers` names mail servers.
public enum SectionKind: String, CaseIterable, Sendable {
    case global, defaults, frontend, backend, listen
    case httpErrors = "http-errors"
    case userlist, resolvers, ring
    case logProfile = "log-profile"
    case mailers

    /// Whether the section starts from defaults.
    public var hasDefaults: Bool {
        switch self {
        case .global, .defaults, .frontend, .backend, .listen: true
        case .httpErrors, .userlist, .resolvers, .ring, .logProfile, .mailers: false
        }
    }

    /// Whether the section needs a name of its own.
    public var isNamed: Bool { self != .global && self != .defaults }
}

/// The sections a keyword may stand in.
public struct Sections: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    public static let global = Sections(rawValue: 1 << 0)
    public static let defaults = Sections(rawValue: 1 << 1)
    public static let frontend = Sections(rawValue: 1 << 2)
    public static let backend = Sections(rawValue: 1 << 3)
    public static let listen = Sections(rawValue: 1 << 4)
    public static let httpErrors = Sections(rawValue: 1 << 5)
    public static let userlist = Sections(rawValue: 1 << 6)
    public static let resolvers = Sections(rawValue: 1 << 7)
    public static let ring = Sections(rawValue: 1 << 8)
    public static let logProfile = Sections(rawValue: 1 << 9)
    public static let mailers = Sections(rawValue: 1 << 10)

    /// The sections that make proxies.
    public static let proxies: Sections = [.defaults, .frontend, .backend, .listen]
    public static let frontends: Sections = [.defaults, .frontend, .listen]
    public static let backends: Sections = [.defaults, .backend, .listen]

    public init(_ kind: SectionKind) {
        switch kind {
        case .global: self = .global
        case .defaults: self = .defaults
        case .frontend: self = .frontend
        case .backend: self = .backend
        case .listen: self = .listen
        case .httpErrors: self = .httpErrors
        case .userlist: self = .userlist
        case .resolvers: self = .resolvers
        case .ring: self = .ring
        case .logProfile: self = .logProfile
        case .mailers: self = .mailers
        }
    }

    /// The names, in the order of the manual.
    public var names: [String] {
        SectionKind.allCases.filter { contains(Sections($0)) }.map(\.rawValue)
    }
}

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
