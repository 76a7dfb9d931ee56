// The result of reading files: drafts, problems, and the files' texts.

/// The contents of all files, parsed line by line. References between sections are not resolved yet.
public struct LoadedConfiguration: Sendable {
    /// All `global` sections combined.
    public internal(set) var global: Draft
    /// Every frontend, backend and listen, in file order.
    public internal(set) var proxies: [Draft] = []
    /// Every other section except `defaults`, in file order; names are unique within a kind.
    public internal(set) var sections: [Draft] = []
    /// The problems in the order in which they were found; `ProblemPrinter` sorts them.
    public var problems: [ConfigProblem] = []
    /// The files' texts, for printing problems.
    public internal(set) var sources = Sources()
    /// The environment after `setenv` and similar keywords.
    public internal(set) var environment: [String: String]

    /// Whether all files and conditional blocks were read. If not, unresolved references may be defined in the missing
    /// parts.
    public internal(set) var isComplete = true

    /// Whether there are errors, with which Portico does not start.
    public var hasErrors: Bool { problems.contains { $0.severity == .error } }

    init(environment: [String: String]) {
        global = Draft(kind: .global, name: "global", range: SourceRange(file: "", line: 1))
        self.environment = environment
    }
}

extension Language {
    /// Reads files in turn; for a folder, its `*.cfg` files sorted by name, except hidden files and subfolders.
    ///
    /// Unreadable files and an empty configuration are reported as problems. `isDiagnostic` enables `.diag` messages.
    public func load(
        paths: [String], environment: [String: String], isDiagnostic: Bool = false
    ) -> LoadedConfiguration {
        SuggestionBudget.limit {
            var loader = Loader(self, environment: environment, isDiagnostic: isDiagnostic)
            loader.load(paths: paths)
            return loader.finish()
        }
    }

    /// Parses a text as if it were the contents of the file `name`.
    public func load(
        text: String, named name: String, environment: [String: String] = [:], isDiagnostic: Bool = false
    ) -> LoadedConfiguration {
        load(bytes: Array(text.utf8), named: name, environment: environment, isDiagnostic: isDiagnostic)
    }

    /// Parses bytes, which need not be UTF-8, as if they were the contents of the file `name`.
    public func load(
        bytes: [UInt8], named name: String, environment: [String: String] = [:], isDiagnostic: Bool = false
    ) -> LoadedConfiguration {
        SuggestionBudget.limit {
            var loader = Loader(self, environment: environment, isDiagnostic: isDiagnostic)
            loader.load(bytes, named: name)
            return loader.finish()
        }
    }
}

extension Language {
    /// Evaluates a condition in the syntax of `.if`; `name` takes the place of the file name in problems.
    public func holds(
        condition: String, named name: String, environment: [String: String]
    ) throws(ConfigProblem) -> Bool {
        var lexer = Lexer(Array(condition.utf8), file: name)
        let line = lexer.nextLine { environment[$0] } ?? Lexer.Line()
        if let problem = line.problem { throw problem }
        return try FileCondition.holds(line.words, Predicate.Context(environment: environment, program: program))
    }
}

/// The texts of the files that were read.
public struct Sources: Sendable {
    /// The names of the files, in the order in which they were read.
    public private(set) var names: [String] = []
    private var texts: [String: [UInt8]] = [:]

    public init() {}

    public mutating func add(_ bytes: [UInt8], named name: String) {
        if texts.updateValue(bytes, forKey: name) == nil { names.append(name) }
    }

    /// The bytes of a file; nil if it has not been read.
    public subscript(name: String) -> [UInt8]? { texts[name] }
}
