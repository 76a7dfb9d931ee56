// `portico help`: prints the language's tables for a terminal.
//
//   help                  every keyword, by section
//   help backend          the keywords allowed in a backend
//   help balance          one keyword, with its parameters
//   help option           every keyword that starts with this word
//   help server weight    one parameter
//   help samples          a group of words that does not belong to a keyword
//   help path_beg         a word of such a group, or every keyword that ends with this word: `help httplog`

/// Prints help pages for keywords, parameters and sections.
public struct HelpPrinter: Sendable {
    private let language: Language
    private let width: Int

    /// - Parameter width: the columns of the terminal.
    public init(_ language: Language, width: Int = 80) {
        self.language = language
        self.width = max(40, width)
    }

    /// The page for the arguments of `help`, or a message if there is none.
    public func text(for words: [String]) -> String {
        let words = asked(words)
        if words.isEmpty { return overview }
        return page(for: words) ?? notFoundMessage(for: words)
    }

    /// Whether there is a page for the arguments of `help`.
    public func hasPage(for words: [String]) -> Bool {
        let words = asked(words)
        return words.isEmpty || page(for: words) != nil
    }

    private func asked(_ words: [String]) -> [String] {
        let words = words.flatMap { $0.split(separator: " ").map(String.init) }
        return words.count > 1 && words[0] == "no" ? Array(words.dropFirst()) : words
    }

    private func notFoundMessage(for words: [String]) -> String {
        let first = words[0]
        let name = words.joined(separator: " ")
        let asWords = words.map { Word($0, at: SourceRange(file: "", line: 1)) }[...]
        if HAProxyKeywords.known(asWords) == name || HAProxyKeywords.sections.contains(name) {
            return "'\(name)' is known to HAProxy, but Portico does not do it yet\n"
        }
        if let spelling = OldSpelling.of(asWords), spelling.wordCount == words.count {
            return "'\(name)' is an old spelling; write: \(spelling.new)\n"
        }
        if let rule = OldRule.of(asWords) {
            return "'\(name)' is an old spelling, gone from HAProxy: it becomes \(rule.family) rules where its pattern "
                + "says what it is about\n"
        }
        if words.count == 2, let kind = HAProxyWords.Kind(after: first),
            let known = HAProxyWords.refusal(of: words[1], as: kind, at: asWords[1].range)
        {
            return known.message + "\n"
        }
        let group = language.parameterGroups.first { $0.keyword == words.dropLast().joined(separator: " ") }
        let meant =
            group.flatMap { group in
                nearest(words[words.count - 1], among: group.parameters.map(\.name)).map { "\(group.keyword) \($0)" }
            } ?? nearest(name, among: language.keywords.map(\.name)) ?? language.name(near: first, in: .all)
        return "there is no '\(name)'\n" + (meant.map { "did you mean '\($0)'?\n" } ?? "")
            + "`portico help` lists all keywords\n"
    }

    private func page(for words: [String]) -> String? {
        let name = words.joined(separator: " ")
        let rows = language.keywords.filter { $0.name == name }
        if !rows.isEmpty { return rows.map(entry).joined(separator: "\n") }
        if let kind = language.sectionKind(named: name) { return page(of: kind) }
        let family = language.keywords(beginningWith: words)
        if !family.isEmpty { return list(of: family) }
        if let group = language.parameterGroups.first(where: { $0.keyword == name }) {
            return list(group.parameters.map { ($0.usage, $0.summary) })
        }
        let group = words.dropLast().joined(separator: " ")
        let parameters = language.parameterGroups.filter { $0.keyword == group }.flatMap(\.parameters)
        if let parameter = parameters.first(where: { $0.name == words.last }) {
            return entry(parameter, of: group)
        }
        return (words.count == 1 ? page(named: name) : nil) ?? ignored(words)
    }

    /// The page of a keyword that is accepted and has no effect, or nil.
    private func ignored(_ words: [String]) -> String? {
        let asWords = words.map { Word($0, at: SourceRange(file: "", line: 1)) }
        guard let known = IgnoredKeyword.of(asWords[...]), known.wordCount == words.count else { return nil }
        return known.explanation + "\n" + paragraph("In \(known.sections.names.listed("and")).")
            + (known.isWarnedAbout ? paragraph("A line with it gets a warning.") : "")
    }

    /// The page for a word without the words before it: every keyword that ends with it, and every parameter of this
    /// name.
    private func page(named name: String) -> String? {
        let members = language.keywords.filter { $0.name.hasSuffix(" " + name) }
        let isOne = Set(members.map(\.name)).count == 1
        let parameters = language.parameterGroups.flatMap { group in
            group.parameters.filter { $0.name == name }.map { entry($0, of: group.keyword) }
        }
        let entries = (isOne ? members.map(entry) : members.isEmpty ? [] : [list(of: members)]) + parameters
        return entries.isEmpty ? nil : entries.joined(separator: "\n")
    }

    private func list(of keywords: [Keyword]) -> String { list(keywords.map { ($0.usage, $0.summary) }) }
}

// MARK: - Pages

extension HelpPrinter {
    private var overview: String {
        var text = ""
        for kind in language.sectionKinds {
            let names = names(in: kind)
            text += kind.name + "\n"
            if kind == .listen, Set(names) == Set(self.names(in: .frontend) + self.names(in: .backend)) {
                text += paragraph("everything allowed in a frontend or a backend") + "\n"
            } else {
                text += columns(names) + "\n"
            }
        }
        let directives = language.keywords.filter(\.isDirective).map(\.name)
        if !directives.isEmpty { text += "Anywhere\n" + columns(directives) + "\n" }
        let others = language.parameterGroups.map(\.keyword).filter { group in
            !language.keywords.contains { $0.name == group }
        }
        if !others.isEmpty {
            text += "In rules, formats and conditions (help <group> lists them)\n" + columns(others) + "\n"
        }
        let own = Set(language.keywords.map(\.name))
        let ignored = ["tune.*"] + IgnoredKeyword.table.map(\.name).filter { !own.contains($0) }.sorted()
        text += "Accepted without effect (help <keyword> gives the reason)\n" + columns(ignored) + "\n"
        return text + "help <keyword> describes a keyword.\n"
    }

    private func page(of kind: SectionKind) -> String {
        list(of: language.keywords.filter { $0.sections.contains(Sections(kind)) && !$0.isDirective })
    }

    private func entry(_ keyword: Keyword) -> String {
        var text = keyword.usage + "\n" + paragraph(keyword.summary)
        if keyword.isNegatable { text += paragraph("'no \(keyword.name)' switches it off.") }
        text += paragraph(
            keyword.isDirective ? "Anywhere." : "In \(language.names(of: keyword.sections).listed("and")).")
        for group in language.parameterGroups where group.keyword == keyword.name {
            text += "\nParameters:\n" + list(group.parameters.map { ($0.usage, $0.summary) })
        }
        return text
    }

    private func entry(_ parameter: ParameterHelp, of group: String) -> String {
        "\(parameter.usage)\n" + paragraph(parameter.summary) + paragraph("Belongs to \(group).")
    }

    private func names(in kind: SectionKind) -> [String] {
        language.keywords.filter { $0.sections.contains(Sections(kind)) && !$0.isDirective }.map(\.name).sorted()
    }
}

// MARK: - Layout

extension HelpPrinter {
    private func list(_ entries: [(usage: String, summary: String)]) -> String {
        entries.map { $0.usage + "\n" + paragraph($0.summary) }.joined()
    }

    /// Names in as many columns as fit, sorted down the columns.
    private func columns(_ names: [String]) -> String {
        let widest = (names.map(\.count).max() ?? 0) + 2
        let count = max(1, (width - 2) / widest)
        let height = (names.count + count - 1) / count
        return (0..<height).map { row in
            let cells = stride(from: row, to: names.count, by: height).map { index in
                index + height < names.count
                    ? names[index] + String(repeating: " ", count: widest - names[index].count) : names[index]
            }
            return "  " + cells.joined() + "\n"
        }.joined()
    }

    /// Text wrapped to the width and indented by four columns.
    private func paragraph(_ text: String) -> String {
        var lines = [""]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].isEmpty {
                lines[lines.count - 1] = "    " + word
            } else if lines[lines.count - 1].count + 1 + word.count <= width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append("    " + word)
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension Keyword {
    /// Whether this is a directive, which begins with a dot and is allowed anywhere.
    var isDirective: Bool { name.hasPrefix(".") }
}
