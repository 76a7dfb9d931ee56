// All keywords, looked up by name and section.
//
// The longest matching name is used: `http-check send` before `http-check`. A name may have several rows if their
// sections differ: `maxconn` of `global` is another keyword than that of a frontend.

internal import Basics

/// The configuration language: the keyword tables of all modules.
public struct Language: Sendable {
    /// The kinds of sections, in the order of the manual.
    public let sectionKinds: [SectionKind]
    public let keywords: [Keyword]
    public let parameterGroups: [ParameterGroup]
    /// The program's version and features, for the conditions of `.if`.
    let program: ProgramFacts

    /// The rows by the first word of their name, the longest names first.
    private let families: [String: [Row]]

    private struct Row: Sendable {
        let keyword: Keyword
        /// The words of its name after the first.
        let members: [String]

        /// Whether `words`, the line's words after the first, match the rest of the name.
        func matches(_ words: ArraySlice<Word>) -> Bool {
            guard keyword.takesParentheses, let last = members.last else {
                return words.starts(with: members, by: { $0.text == $1 })
            }
            return words.starts(with: members.dropLast(), by: { $0.text == $1 })
                && words.dropFirst(members.count - 1).first?.text.prefix { $0 != "(" } == last[...]
        }
    }

    /// - Parameter sections: the kinds of sections other than the built-in ones. Kinds that occur only in rows of
    ///   `keywords` are added after them.
    public init(
        sections: [SectionKind] = [], keywords: [Keyword], parameterGroups: [ParameterGroup],
        program: ProgramFacts = ProgramFacts(version: "0.0", features: [], options: [])
    ) {
        self.program = program
        self.keywords = keywords
        self.parameterGroups = parameterGroups
        sectionKinds = (SectionKind.builtIn + sections + keywords.flatMap(\.sections.members)).reduce(into: []) {
            if !$0.contains($1) { $0.append($1) }
        }

        var families: [String: [Row]] = [:]
        var taken: [String: Sections] = [:]
        for keyword in keywords {
            let doubled = taken[keyword.name, default: []].intersection(keyword.sections)
            precondition(doubled.isEmpty, "keyword '\(keyword.name)' has two rows for \(doubled.names)")
            taken[keyword.name, default: []].formUnion(keyword.sections)

            let words = keyword.name.split(separator: " ").map(String.init)
            precondition(!words.isEmpty, "a keyword has no name")
            precondition(
                words.count > 1 || !keyword.takesParentheses, "'\(keyword.name)' has no family before its parentheses")
            families[words[0], default: []].append(Row(keyword: keyword, members: Array(words.dropFirst())))
        }
        self.families = families.mapValues { rows in rows.sorted { $0.members.count > $1.members.count } }
    }
}

extension Language {
    /// The kind of section with this name, or nil.
    func sectionKind(named word: String) -> SectionKind? { sectionKinds.first { $0.name == word } }

    /// The names of the kinds of sections that are among `sections`.
    func names(of sections: Sections) -> [String] {
        sectionKinds.filter { sections.contains(Sections($0)) }.map(\.name)
    }

    /// The result of looking up the first words of a line.
    enum Match {
        /// A keyword, and the number of words in its name.
        case found(Keyword, words: Int)
        /// A keyword that is not allowed in this section, and the sections where it is.
        case misplaced(name: String, words: Int, allowed: Sections)
        case unknown
    }

    func match(_ words: ArraySlice<Word>, in sections: Sections) -> Match {
        guard let first = words.first, let family = families[first.text] else { return .unknown }
        let behind = words.dropFirst()
        var misplaced: Row?
        var allowed = Sections()
        for row in family where row.matches(behind) {
            if !row.keyword.sections.isDisjoint(with: sections) {
                return .found(row.keyword, words: 1 + row.members.count)
            }
            if misplaced == nil { misplaced = row }
            if row.members.count == misplaced?.members.count { allowed.formUnion(row.keyword.sections) }
        }
        guard let misplaced else { return .unknown }
        return .misplaced(name: misplaced.keyword.name, words: 1 + misplaced.members.count, allowed: allowed)
    }

    /// The keywords whose name starts with `words`, in the order of their tables.
    func keywords(beginningWith words: [String]) -> [Keyword] {
        keywords.filter { $0.name.split(separator: " ").starts(with: words.map { $0[...] }) }
    }

    /// The second words of the names that start with `family` and are allowed in `sections`; nil means any section.
    func members(of family: String, in sections: Sections?) -> [String] {
        (families[family] ?? []).filter { row in
            sections.map { !row.keyword.sections.isDisjoint(with: $0) } ?? true
        }.compactMap(\.members.first)
    }

    /// The third words of the names that start with these two words and are allowed in `sections`; nil means any
    /// section.
    func members(of family: String, _ second: String, in sections: Sections?) -> [String] {
        (families[family] ?? []).filter { row in
            sections.map { !row.keyword.sections.isDisjoint(with: $0) } ?? true
        }.compactMap { $0.members.count > 1 && $0.members[0] == second ? $0.members[1] : nil }
    }

    /// The keyword, or first word of a keyword, that is most similar to `word`; nil if none is similar.
    func name(near word: String, in sections: Sections) -> String? {
        let here = keywords.filter { !$0.sections.isDisjoint(with: sections) }
        // A member without its family: `httplog` for `option httplog`.
        if let whole = here.first(where: { $0.name.hasSuffix(" " + word) })?.name { return whole }
        return closest(word, among: Self.names(here)) ?? closest(word, among: Self.names(keywords))
    }

    private static func names(_ keywords: [Keyword]) -> [String] {
        keywords.flatMap { keyword in [keyword.name, String(keyword.name.prefix { $0 != " " })] }
    }
}
