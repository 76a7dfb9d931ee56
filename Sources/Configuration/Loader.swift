// Files become drafts: which section a line is in, which keyword it is, what is wrong with it.
//
// A line has at most one error, the first; a line that a condition leaves out has none. A section whose first line is wrong brings no errors about
// its other lines but their own. What a line means is its keyword's business; what a section's first line
// means is in SectionHeader.swift, what an unknown line may have meant in UnknownLines.swift.

internal import Basics

/// Reads files, one after the other, into one configuration.
struct Loader {
    let language: Language
    /// Whether what is only of use to somebody who looks for mistakes is said: `-dD`.
    let isDiagnostic: Bool
    var result: LoadedConfiguration
    var place = Place.outside
    /// The section being read, or the global one between sections.
    var draft: Draft
    var names = SectionNames()
    /// The current section's rules of the old kind, in today's words, and where it has 'http-request allow' and the like.
    var oldRules: [(rule: OldRule, words: [Word])] = []
    /// Whether it is these that are read.
    var runsOldRules = false
    var allows: [String: SourceRange] = [:]
    /// Whether the lines of the current section are indented; nil until one was seen.
    var isIndented: Bool?
    /// What `default-path` said last, and where the process was started, once it has gone elsewhere.
    var base = BasePath.current
    var start: String?
    /// The files being read, the including ones first, by their canonical names.
    private var open: [(path: String, canonical: String)] = []
    /// Whether the file being read is in another program's language.
    private var isForeign = false
    /// The `.if` blocks of the file being read.
    private var blocks = ConditionalBlocks()

    /// Where a line stands.
    enum Place {
        /// Before the first section of a file.
        case outside
        /// Behind a first line that is not known: its lines cannot be judged.
        case skipped
        /// In `draft`, which goes to the result; or not, when its name is wrong.
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

    /// Reads a file that stands on its own: it begins outside of any section.
    mutating func load(_ bytes: [UInt8], named name: String) {
        goToBase(for: name)
        read(bytes, named: name)
        closeSection()
        goBack()
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
    /// Reads a file, included by a word or else on its own.
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
            take(line)
            fulfilRequests()
        }
    }

    private mutating func fulfilRequests() {
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
            case .branch(let change): takeBranch(change)
            case .base(let base, let word): go(to: base, at: word)
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

    /// What `.SECTION` stands for.
    private var sectionName: String {
        if case .inside = place { draft.name } else { "" }
    }
}

// MARK: - Lines

extension Loader {
    private mutating func take(_ line: Lexer.Line) {
        if isForeign { return }
        let isRead = blocks.areLinesRead
        if isRead { result.problems += line.warnings }
        if let problem = line.problem {
            add(problem)
            if let first = line.words.first { blocks.takeBroken(first) }
            guard isRead else { return }
            // A section's first line: the rest of the section is no business of the one before it.
            if let first = line.words.first, isSectionWord(first.text) { skipSection() }
            return
        }
        guard let first = line.words.first else { return }
        do throws(ConfigProblem) {
            if first.text.hasPrefix(".") {
                try takeDirective(line.words)
            } else if !isRead {
                return
            } else if let kind = language.sectionKind(named: first.text) {
                try openSection(kind, line.words)
            } else if HAProxyKeywords.sections.contains(first.text) {
                skipSection()
                throw HAProxyKeywords.notDone("section '\(first.text)'", at: first.range)
            } else {
                try takeBodyLine(line.words)
            }
        } catch {
            if error.severity == .error, ForeignSyntax.isLikely(line.words) {
                // Nothing else in the file means anything here.
                isForeign = true
                result.isComplete = false
                skipSection()
                add(ForeignSyntax.problem(line.words))
            } else {
                add(error)
            }
        }
    }

    /// A line that begins with a dot: where lines are not read, only those that change that.
    private mutating func takeDirective(_ words: [Word]) throws(ConfigProblem) {
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

    private mutating func takeBranch(_ change: ConditionalBlocks.Change) {
        let context = Predicate.Context(environment: result.environment, program: language.program)
        do throws(ConfigProblem) {
            try blocks.take(change) { (words) throws(ConfigProblem) in try FileCondition.holds(words, context) }
        } catch {
            add(error)
            // Neither branch was read: what seems to be missing may stand there.
            result.isComplete = false
        }
    }

    private mutating func takeBodyLine(_ words: [Word]) throws(ConfigProblem) {
        if case .skipped = place { return }
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
        if case .inside = place, let rule = OldRule.of(bare), case .unknown = language.match(bare, in: .all) {
            guard modifier == nil else { throw ConfigProblem("'\(rule.name)' cannot be negated", at: words[0].range) }
            return try takeOldRule(rule, bare)
        }
        try takeLine(try renewed(bare), behind: modifier)
    }

    /// The `no` or the `default` before a keyword. An option without either is off, so that the two mean the same.
    private func modifier(of words: [Word]) -> Word? {
        switch words[0].text {
        case "no": words[0]
        case "default": words.count > 1 && isKnown(words.dropFirst()) ? words[0] : nil
        default: nil
        }
    }

    /// A line in today's spelling, without the word before its keyword.
    mutating func takeLine(_ words: ArraySlice<Word>, behind modifier: Word? = nil) throws(ConfigProblem) {
        switch language.match(words, in: sections) {
        case .found(let keyword, let count):
            if case .outside = place, keyword.name != "include" { throw outside(keyword.name, keyword.sections, words) }
            let name = Self.joined(words.prefix(count), as: keyword.name)
            if let modifier, !keyword.isNegatable {
                throw ConfigProblem("'\(keyword.name)' cannot be negated", at: modifier.range)
            }
            noteAllow(keyword, at: name.range)
            var arguments = Arguments(
                words: Array(words.dropFirst(count)), keyword: name, isNegated: modifier != nil)
            if keyword.takesParentheses, let last = words.prefix(count).last { try arguments.takeParentheses(last) }
            arguments.isMoved = runsOldRules
            try run(keyword, arguments)
        case .misplaced(let name, let count, let allowed):
            throw misplaced(name, allowed: allowed, at: Self.joined(words.prefix(count), as: name).range)
        case .unknown:
            try judgeUnknown(words, isNegated: modifier != nil)
        }
    }

    /// Parses a line, with its warnings whether or not it then fails.
    mutating func run(_ keyword: Keyword, _ arguments: Arguments) throws(ConfigProblem) {
        var arguments = arguments
        arguments.environment = result.environment
        defer { result.problems += arguments.warnings }
        try keyword.parse(&arguments, &draft)
        if let word = arguments.peek {
            throw ConfigProblem(
                "unexpected '\(word.text)' in the line of '\(keyword.name)'", at: word.range, expected: keyword.usage)
        }
    }

    /// The sections that fit where the line stands: before any section, all.
    var sections: Sections {
        if case .inside = place { Sections(draft.kind) } else { .all }
    }

    /// Several words as one, with the place of all of them.
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

    /// A line before the first section. It is not known which section is missing, so one such error is enough.
    private mutating func outside(_ name: String, _ sections: Sections, _ words: ArraySlice<Word>) -> ConfigProblem {
        place = .skipped
        return ConfigProblem(
            "'\(name)' stands before the first section", at: words.first?.range,
            expected: "a line with \(sections.names.listed("or")) above it")
    }
}

extension [String] {
    /// `a, b or c`.
    func listed(_ conjunction: String) -> String {
        guard let last, count > 1 else { return first ?? "" }
        return dropLast().joined(separator: ", ") + " \(conjunction) " + last
    }
}
