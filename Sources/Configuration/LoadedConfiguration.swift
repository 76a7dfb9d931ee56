// What came out of reading files: drafts, the problems on the way, and the text to show them in.

/// Everything that files say, line by line understood but not yet put together: names are still names.
public struct LoadedConfiguration: Sendable {
    /// All `global` sections together.
    public internal(set) var global: Draft
    /// Every frontend, backend and listen, in file order.
    public internal(set) var proxies: [Draft] = []
    /// Every other section but `defaults`, in file order; names are unique within a kind.
    public internal(set) var sections: [Draft] = []
    /// In the order they were found; `ProblemPrinter` sorts them.
    public var problems: [ConfigProblem] = []
    /// The files' texts, for printing problems.
    public internal(set) var sources = Sources()
    /// The environment as `setenv` and its like left it.
    public internal(set) var environment: [String: String]

    /// Whether every file could be read; if not, what else is missing may stand in the rest.
    public internal(set) var isComplete = true

    /// Whether Portico must not start with this.
    public var hasErrors: Bool { problems.contains { $0.severity == .error } }

    init(environment: [String: String]) {
        global = Draft(kind: .global, name: "global", range: SourceRange(file: "", line: 1))
        self.environment = environment
    }
}

extension Language {
    /// Reads files in turn; of a folder its `*.cfg` files by name, without hidden ones and without folders in it.
    ///
    /// What cannot be read is a problem of the result, as is a configuration that says nothing.
    /// With `isDiagnostic`, `.diag` lines say what they say.
    public func load(
        paths: [String], environment: [String: String], isDiagnostic: Bool = false
    ) -> LoadedConfiguration {
        SuggestionBudget.limit {
            var loader = Loader(self, environment: environment, isDiagnostic: isDiagnostic)
            loader.load(paths: paths)
            return loader.finish()
        }
    }

    /// Reads a text as if it were the file `name`.
    public func load(
        text: String, named name: String, environment: [String: String] = [:], isDiagnostic: Bool = false
    ) -> LoadedConfiguration {
        load(bytes: Array(text.utf8), named: name, environment: environment, isDiagnostic: isDiagnostic)
    }

    /// Reads bytes, which need not be UTF-8, as if they were the file `name`.
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
    /// Whether a condition such as stands behind `.if` holds; `name` is what it is called in problems.
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
    /// In the order in which they were read.
    public private(set) var names: [String] = []
    private var texts: [String: [UInt8]] = [:]

    public init() {}

    public mutating func add(_ bytes: [UInt8], named name: String) {
        if texts.updateValue(bytes, forKey: name) == nil { names.append(name) }
    }

    /// The bytes of a file; nil if it was not read.
    public subscript(name: String) -> [UInt8]? { texts[name] }
}
