// Parses the first line of a section: kind, name and defaults.
//
//   global | defaults [<name>] [from <defaults>] | frontend|backend|listen <name> [from <defaults>]
//   <kind> <name>, for the kinds that the modules above declare
//
// An invalid line is reported once. The section's other lines are still checked, and its name is registered if it could
// be parsed, so that references to it are not reported as well.

/// The names of the sections so far.
struct SectionNames {
    var hasSection = false
    /// A frontend and a backend may have the same name; a listen section is in both.
    var frontends: [String: (kind: SectionKind, range: SourceRange)] = [:]
    var backends: [String: (kind: SectionKind, range: SourceRange)] = [:]
    /// The names of other sections, by kind.
    var others: [SectionKind: [String: (kind: SectionKind, range: SourceRange)]] = [:]
    /// The `defaults` sections with a name. Two may have the same name as long as no section refers to it.
    var defaults: [String: [Draft]] = [:]
    /// The defaults of a proxy without `from`.
    var lastDefaults: Draft?
}

extension Loader {
    /// Parses the first line of a section and starts its draft.
    mutating func openSection(_ kind: SectionKind, _ words: [Word]) throws(ConfigProblem) {
        closeSection()
        isIndented = nil
        names.hasSection = true
        var rest = words.dropFirst()
        let keyword = words[0]

        // Discard the section if the line turns out to be invalid.
        context = .inside(isKept: false)
        draft = Draft(kind: kind, name: kind.name, range: keyword.range)
        if kind == .global {
            draft = result.global
            context = .inside(isKept: true)
            try refuse(rest, behind: "global", expected: "a new line")
            return
        }

        var name: Word?
        if let word = rest.first, kind.isNamed || word.text != "from" {
            name = word
            rest = rest.dropFirst()
        } else if kind.isNamed, !kind.mayLackName {
            throw ConfigProblem(
                "'\(kind.name)' lacks a name", at: keyword.range, expected: "\(kind.name) <name>")
        }
        let unnamed = kind.mayLackName ? "" : kind.name
        draft = Draft(kind: kind, name: name?.text ?? unnamed, range: name?.range ?? keyword.range)
        if let name {
            try checkLetters(of: name)
            try registerName(kind, name)
        }
        context = .inside(isKept: true)
        let defaults = try inheritedDefaults(kind, &rest)
        if let defaults { draft = Draft(kind: kind, name: draft.name, range: draft.range, from: defaults) }
        if kind == .frontend || kind == .listen, let address = rest.first, address.text.looksLikeAddress {
            try bind(rest)
        } else {
            let usage =
                kind == .defaults
                ? "defaults [<name>] [from <defaults>]"
                : "\(kind.name) <name>" + (kind.hasDefaults ? " [from <defaults>]" : "")
            try refuse(rest, behind: kind.name, expected: usage)
        }
    }

    /// Ends the current section and adds it to the result.
    mutating func closeSection() {
        runOldRules()
        defer { context = .outside }
        guard case .inside(isKept: true) = context else { return }
        if draft.kind == .global {
            result.global = draft
        } else if draft.kind == .defaults {
            names.lastDefaults = draft
            if draft.name != SectionKind.defaults.name { names.defaults[draft.name, default: []].append(draft) }
        } else if draft.kind.isProxy {
            result.proxies.append(draft)
        } else {
            result.sections.append(draft)
        }
    }

    /// Starts an unknown section, whose lines are not checked.
    mutating func skipSection() {
        closeSection()
        names.hasSection = true
        context = .skipped
    }

    private func checkLetters(of name: Word) throws(ConfigProblem) {
        if name.text.isEmpty { throw ConfigProblem("a section's name is empty", at: name.range) }
        let wrong = name.text.first { letter in
            !(letter.isASCII && (letter.isLetter || letter.isNumber || "-_.:".contains(letter)))
        }
        guard let wrong else { return }
        throw ConfigProblem(
            "'\(wrong)' is not allowed in a section's name", at: name.range,
            expected: "letters, digits, '-', '_', '.' and ':'")
    }

    private mutating func registerName(_ kind: SectionKind, _ name: Word) throws(ConfigProblem) {
        let isFront = kind == .frontend || kind == .listen
        let isBack = kind == .backend || kind == .listen
        let first =
            (isFront ? names.frontends[name.text] : nil) ?? (isBack ? names.backends[name.text] : nil)
            ?? names.others[kind]?[name.text]
        if let first {
            throw ConfigProblem(
                "there is \(first.kind.article) \(first.kind.name) '\(name.text)' already, at \(first.range.file):\(first.range.line)",
                at: name.range)
        }
        if isFront { names.frontends[name.text] = (kind, name.range) }
        if isBack { names.backends[name.text] = (kind, name.range) }
        if !SectionKind.builtIn.contains(kind) { names.others[kind, default: [:]][name.text] = (kind, name.range) }
    }

    /// The defaults that the section inherits: those given with `from`, or for a proxy the last ones.
    private mutating func inheritedDefaults(
        _ kind: SectionKind, _ rest: inout ArraySlice<Word>
    ) throws(ConfigProblem) -> Draft? {
        if !kind.hasDefaults { return nil }
        guard let from = rest.first, from.text == "from" else { return kind == .defaults ? nil : names.lastDefaults }
        guard let name = rest.dropFirst().first else {
            throw ConfigProblem("'from' lacks a name", at: from.range, expected: "the name of a defaults section")
        }
        rest = rest.dropFirst(2)
        let found = names.defaults[name.text] ?? []
        guard let defaults = found.last else {
            throw ConfigProblem(
                "no defaults section named '\(name.text)' above", at: name.range,
                suggestion: nearest(name.text, among: names.defaults.keys))
        }
        guard found.count == 1 else {
            let positions = found.map { "\($0.range.file):\($0.range.line)" }
            throw ConfigProblem(
                "'\(name.text)' names several defaults sections: \(positions.listed("and"))", at: name.range)
        }
        return defaults
    }

    /// Converts the old form, with an address after the name, to a `bind` line.
    private mutating func bind(_ words: ArraySlice<Word>) throws(ConfigProblem) {
        let bindWord = Self.joined(words, as: "bind")
        let line = "bind " + words.map(\.text.quoted).joined(separator: " ")
        guard case .found(let keyword, _) = language.match([Word("bind", at: bindWord.range)], in: sections) else {
            throw ConfigProblem("an address after a section's name", at: bindWord.range, expected: line)
        }
        add(
            ConfigProblem(
                "an address after a section's name is an old form; write in a line of its own: \(line)",
                at: bindWord.range, severity: .warning))
        try run(keyword, Arguments(words: Array(words), keyword: bindWord))
    }

    private func refuse(
        _ rest: ArraySlice<Word>, behind keyword: String, expected: String
    ) throws(ConfigProblem) {
        guard let word = rest.first else { return }
        throw ConfigProblem("unexpected '\(word.text)' in the line of '\(keyword)'", at: word.range, expected: expected)
    }
}

extension String {
    fileprivate var looksLikeAddress: Bool { contains(":") || contains("@") || hasPrefix("/") }

    /// The word with quotes and escapes as needed in a file.
    var quoted: String {
        let needsQuotes = isEmpty || contains { " \t#'\"\\".contains($0) }
        if !needsQuotes { return self }
        if !contains("'") { return "'\(self)'" }
        return "\""
            + reduce(into: "") { text, letter in
                if "\"\\$".contains(letter) { text.append("\\") }
                text.append(letter)
            } + "\""
    }
}
