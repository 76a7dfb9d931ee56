// Parses files into drafts: finds the section and the keyword of each line, and reports problems.
//
// At most one error, the first, is reported for a line, and none for lines excluded by a condition. If a section's
// first line is wrong, its other lines are still checked, but do not cause errors that merely follow from it. Keywords
// parse their own lines; a section's first line is parsed in SectionHeader.swift, unknown lines are handled in
// UnknownLines.swift.

internal import Basics

/// Reads files into one configuration.
struct Loader {
    let language: Language
    /// `-dD`: whether to report diagnostic messages.
    let isDiagnostic: Bool
    var result: LoadedConfiguration
    var context = Context.outside
    /// The section being parsed, or the global one between sections.
    var draft: Draft
    var names = SectionNames()
    /// The current section's old rules in today's syntax.
    var oldRules: [(rule: OldRule, words: [Word])] = []
    /// Whether the old rules are being parsed.
    var runsOldRules = false
    /// The position of the current section's first `allow` rule, by family (`http-request`, `http-response`).
    var allows: [String: SourceRange] = [:]
    /// Whether the lines of the current section are indented; nil before the first one.
    var isIndented: Bool?
    /// The last `default-path`.
    var base = BasePath.current
    /// The working directory in which the process was started; nil until it has been changed.
    var start: String?
    /// The files being read, including files before included ones, with their canonical paths.
    private var open: [(path: String, canonical: String)] = []
    /// Whether the current file is in another program's language.
    private var isForeign = false
    /// The conditional blocks of the current file.
    private var blocks = ConditionalBlocks()

    /// The context of a line.
    enum Context {
        /// Before the first section of a file.
        case outside
        /// In an unknown section, whose lines are not checked.
        case skipped
        /// In `draft`. It is discarded if `isKept` is false, because the section's first line is wrong.
        case inside(isKept: Bool)
    }

    init(_ language: Language, environment: [String: String], isDiagnostic: Bool) {
        self.language = language
        self.isDiagnostic = isDiagnostic
        result = LoadedConfiguration(environment: environment)
        draft = result.global
    }

    mutating func load(paths: [String]) {
        var files: [String] = []
        for path in paths {
            guard Files.isFolder(path) else {
                files.append(path)
                continue
            }
            do throws(Files.Refusal) {
                let found = try Files.configurations(in: path)
                if found.isEmpty { add(ConfigProblem("no *.cfg file in \(path)", at: nil, severity: .warning)) }
                files += found
            } catch {
                addUnreadable(path, error, at: nil)
            }
        }
        result.environment["HAPROXY_CFGFILES"] = files.joined(separator: ";")
        result.environment["HAPROXY_BRANCH"] = language.program.version
        for file in files { read(file, at: nil) }
    }

    /// Parses a file that is not included by another: it starts outside any section.
    mutating func load(_ bytes: [UInt8], named name: String) {
        changeToBase(for: name)
        read(bytes, named: name)
        closeSection()
        changeBack()
    }

    consuming func finish() -> LoadedConfiguration {
        if !names.hasSection, !result.hasErrors {
            add(ConfigProblem("there is no section", at: nil, expected: "a frontend and a backend, or a listen"))
        }
        return result
    }

    mutating func add(_ problem: ConfigProblem) {
        result.problems.append(problem)
        SuggestionBudget.note(problem)
    }
}

// MARK: - Files

extension Loader {
    /// Reads a file; `word` is the argument of the `include` line, nil for a file that is not included.
    private mutating func read(_ path: String, at word: Word?) {
        let canonical = Files.canonical(path)
        if let first = open.firstIndex(where: { $0.canonical == canonical }) {
            let chain = open[first...].map(\.path) + [path]
            add(ConfigProblem("files include each other: \(chain.joined(separator: ", "))", at: word?.range))
            return
        }
        let bytes: [UInt8]
        do throws(Files.Refusal) {
            bytes = try Files.contents(of: path)
        } catch {
            addUnreadable(path, error, at: word?.range)
            return
        }
        open.append((path, canonical))
        if word == nil { load(bytes, named: path) } else { read(bytes, named: path) }
        open.removeLast()
    }

    private mutating func addUnreadable(_ path: String, _ refusal: Files.Refusal, at range: SourceRange?) {
        result.isComplete = false
        add(ConfigProblem("cannot read \(path): \(refusal.text)", at: range))
    }

    private mutating func read(_ bytes: [UInt8], named name: String) {
        result.sources.add(bytes, named: name)
        var lexer = Lexer(bytes, file: name)
        let blocksAround = blocks
        blocks = ConditionalBlocks()
        defer {
            result.problems += blocks.unclosed
            blocks = blocksAround
            isForeign = false
        }
        while true {
            let environment = result.environment
            let section = sectionName
            let line = lexer.nextLine { name in name == ".SECTION" ? section : environment[name] }
            guard let line else { return }
            process(located(line))
            performRequests()
        }
    }

    private mutating func performRequests() {
        if draft[LoaderRequests.self].pending.isEmpty { return }
        let requests = draft[LoaderRequests.self].pending
        draft[LoaderRequests.self].pending = []
        for request in requests {
            switch request {
            case .include(let word): include(word)
            case .set(let name, let value): result.environment[name] = value
            case .preset(let name, let value):
                if result.environment[name] == nil { result.environment[name] = value }
            case .unset(let name): result.environment[name] = nil
            case .keepOnly(let names): result.environment = result.environment.filter { names.contains($0.key) }
            case .branch(let change): changeBranch(change)
            case .base(let base, let word): change(to: base, at: word)
            case .say(let text, let severity):
                guard severity != nil || isDiagnostic else { continue }
                add(ConfigProblem(text.text, at: text.range, severity: severity ?? .notice))
            }
        }
    }

    private mutating func include(_ word: Word) {
        let path = Files.join(start ?? "", Files.join(Files.folder(of: word.range.file), word.text))
        if word.text.contains(where: { "*?[".contains($0) }) {
            let files = Files.matches(of: path).filter { !Files.isFolder($0) }
            if files.isEmpty { add(ConfigProblem("no file matches '\(path)'", at: word.range, severity: .notice)) }
            for file in files { read(file, at: word) }
        } else {
            read(path, at: word)
        }
    }

    /// The value of `.SECTION`.
    private var sectionName: String {
        if case .inside = context { draft.name } else { "" }
    }
}

// MARK: - Lines

extension Loader {
    private mutating func process(_ line: Lexer.Line) {
        if isForeign { return }
        let isRead = blocks.areLinesRead
        if isRead { result.problems += line.warnings }
        if let problem = line.problem {
            add(problem)
            if let first = line.words.first { blocks.processMalformed(first) }
            guard isRead else { return }
            // The malformed first line of a section: its lines do not belong to the previous section.
            if let first = line.words.first, isSectionWord(first.text) { skipSection() }
            return
        }
        guard let first = line.words.first else { return }
        do throws(ConfigProblem) {
            if first.text.hasPrefix(".") {
                try parseDirective(line.words)
            } else if !isRead {
                return
            } else if let kind = language.sectionKind(named: first.text) {
                try openSection(kind, line.words)
            } else if HAProxyKeywords.sections.contains(first.text) {
                skipSection()
                throw HAProxyKeywords.notSupported("section '\(first.text)'", at: first.range)
            } else {
                try parseBodyLine(line.words)
            }
        } catch {
            if error.severity == .error, ForeignSyntax.isLikely(line.words) {
                // Ignore the rest of the file.
                isForeign = true
                result.isComplete = false
                skipSection()
                add(ForeignSyntax.problem(line.words))
            } else {
                add(error)
            }
        }
    }

    /// Parses a directive. Where lines are not processed, only directives of conditional blocks are.
    private mutating func parseDirective(_ words: [Word]) throws(ConfigProblem) {
        let first = words[0]
        guard case .found(let keyword, _) = language.match(words[...], in: .all) else {
            guard blocks.areLinesRead else { return }
            let names = language.keywords.map(\.name).filter { $0.hasPrefix(".") }
            throw ConfigProblem(
                "unknown directive '\(first.text)'", at: first.range,
                expected: "one of \(names.joined(separator: ", "))",
                suggestion: nearest(first.text, among: names))
        }
        guard blocks.areLinesRead || ConditionalBlocks.keywords.contains(keyword.name) else { return }
        try run(keyword, Arguments(words: Array(words.dropFirst()), keyword: first))
    }

    private mutating func changeBranch(_ change: ConditionalBlocks.Change) {
        let context = Predicate.Context(environment: result.environment, program: language.program)
        do throws(ConfigProblem) {
            try blocks.process(change) { (words) throws(ConfigProblem) in try FileCondition.holds(words, context) }
        } catch {
            add(error)
            // Neither branch was processed: unresolved references may be defined there.
            result.isComplete = false
        }
    }

    private mutating func parseBodyLine(_ words: [Word]) throws(ConfigProblem) {
        if case .skipped = context { return }
        defer { if isIndented == nil { isIndented = words[0].range.column > 1 } }
        guard !words[0].text.isEmpty else {
            throw ConfigProblem("the line begins with an empty word", at: words[0].range, expected: "a keyword")
        }
        let modifier = modifier(of: words)
        let bare = modifier == nil ? words[...] : words.dropFirst()
        guard !bare.isEmpty else {
            throw ConfigProblem("'no' lacks a keyword", at: words[0].range, expected: "the keyword to negate behind it")
        }
        if modifier?.text == "default", bare.first?.text != "option" {
            throw ConfigProblem("'default' stands only before 'option'", at: words[0].range)
        }
        if case .inside = context, let rule = OldRule.of(bare), case .unknown = language.match(bare, in: .all) {
            guard modifier == nil else { throw ConfigProblem("'\(rule.name)' cannot be negated", at: words[0].range) }
            return try convertOldRule(rule, bare)
        }
        try parseLine(try converted(bare), behind: modifier)
    }

    /// The `no` or `default` before a keyword. Both mean the same, because every option is off by default.
    private func modifier(of words: [Word]) -> Word? {
        switch words[0].text {
        case "no": words[0]
        case "default": words.count > 1 && isKnown(words.dropFirst()) ? words[0] : nil
        default: nil
        }
    }

    /// Parses a line in today's syntax, without its `no` or `default`.
    mutating func parseLine(_ words: ArraySlice<Word>, behind modifier: Word? = nil) throws(ConfigProblem) {
        switch language.match(words, in: sections) {
        case .found(let keyword, let count):
            if case .outside = context, keyword.name != "include" {
                throw outside(keyword.name, keyword.sections, words)
            }
            let name = Self.joined(words.prefix(count), as: keyword.name)
            if let modifier, !keyword.isNegatable {
                throw ConfigProblem("'\(keyword.name)' cannot be negated", at: modifier.range)
            }
            recordAllow(keyword, at: name.range)
            var arguments = Arguments(
                words: Array(words.dropFirst(count)), keyword: name, isNegated: modifier != nil)
            if keyword.takesParentheses, let last = words.prefix(count).last { try arguments.takeParentheses(last) }
            arguments.isMoved = runsOldRules
            try run(keyword, arguments)
        case .misplaced(let name, let count, let allowed):
            throw misplaced(name, allowed: allowed, at: Self.joined(words.prefix(count), as: name).range)
        case .unknown:
            try handleUnknown(words, isNegated: modifier != nil)
        }
    }

    /// Calls a keyword's parser. Warnings are kept even if it throws.
    mutating func run(_ keyword: Keyword, _ arguments: Arguments) throws(ConfigProblem) {
        var arguments = arguments
        arguments.environment = result.environment
        if draft.kind != .global { arguments.global = result.global }
        defer { result.problems += arguments.warnings }
        try keyword.parse(&arguments, &draft)
        if let word = arguments.peek {
            throw ConfigProblem(
                "unexpected '\(word.text)' in the line of '\(keyword.name)'", at: word.range, expected: keyword.usage)
        }
    }

    /// The section kinds to look up the current line in; all of them outside a section.
    var sections: Sections {
        if case .inside = context { Sections(draft.kind) } else { .all }
    }

    /// A word with the range of several words.
    static func joined(_ words: ArraySlice<Word>, as text: String) -> Word {
        guard let first = words.first?.range, let last = words.last?.range else {
            preconditionFailure("keyword '\(text)' has no words")
        }
        var range = first
        if last.line == first.line { range.length = max(first.length, last.column + last.length - first.column) }
        return Word(text, at: range)
    }

    private func isKnown(_ words: ArraySlice<Word>) -> Bool {
        if case .found = language.match(words, in: sections) { return true }
        return HAProxyKeywords.known(words) != nil
    }

    private func isSectionWord(_ text: String) -> Bool {
        language.sectionKind(named: text) != nil || HAProxyKeywords.sections.contains(text)
    }

    /// The problem of a line before the first section. Only the first such line is reported.
    private mutating func outside(_ name: String, _ sections: Sections, _ words: ArraySlice<Word>) -> ConfigProblem {
        context = .skipped
        return ConfigProblem(
            "'\(name)' before the first section", at: words.first?.range,
            expected: "a line with \(sections.names.listed("or")) above it")
    }
}
