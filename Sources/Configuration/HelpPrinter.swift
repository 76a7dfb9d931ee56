// `portico help`: the rows of the language as pages for a terminal.
//
//   help                  every keyword, by section
//   help backend          what may stand in a backend
//   help balance          one row; with its parameters, if it has some
//   help option           every row whose name begins so
//   help server weight    one parameter
//   help samples          a group of words that no keyword has

/// Prints what the language knows about its words.
public struct HelpPrinter: Sendable {
    private let language: Language
    private let width: Int

    /// - Parameter width: the columns of the terminal.
    public init(_ language: Language, width: Int = 80) {
        self.language = language
        self.width = max(40, width)
    }

    /// The page for what somebody typed behind `help`; for an unknown word, the nearest known one.
    public func text(for words: [String]) -> String {
        var words = words.flatMap { $0.split(separator: " ").map(String.init) }
        if words.count > 1, words[0] == "no" { words.removeFirst() }
        guard let first = words.first else { return overview }
        if let page = page(for: words) { return page }

        let name = words.joined(separator: " ")
        let asWords = words.map { Word($0, at: SourceRange(file: "", line: 1)) }[...]
        if let ignored = IgnoredKeyword.of(asWords) { return "'\(ignored.name)' is ignored: \(ignored.reason)\n" }
        if HAProxyKeywords.known(asWords) == name || HAProxyKeywords.sections.contains(name) {
            return "'\(name)' is known to HAProxy, but Portico does not do it yet\n"
        }
        let group = language.parameterGroups.first { $0.keyword == words.dropLast().joined(separator: " ") }
        let meant =
            group.flatMap { group in
                nearest(words[words.count - 1], among: group.parameters.map(\.name)).map { "\(group.keyword) \($0)" }
            } ?? nearest(name, among: language.keywords.map(\.name)) ?? language.name(near: first, in: .all)
        return "there is no '\(name)'\n" + (meant.map { "did you mean '\($0)'?\n" } ?? "")
    }

    private func page(for words: [String]) -> String? {
        let name = words.joined(separator: " ")
        let rows = language.keywords.filter { $0.name == name }
        if !rows.isEmpty { return rows.map(entry).joined(separator: "\n") }
        if let kind = SectionKind(rawValue: name) { return page(of: kind) }
        let family = language.keywords(beginningWith: words)
        if !family.isEmpty { return list(family.map { ($0.usage, $0.summary) }) }
        if let group = language.parameterGroups.first(where: { $0.keyword == name }) {
            return list(group.parameters.map { ($0.usage, $0.summary) })
        }
        let group = words.dropLast().joined(separator: " ")
        let parameters = language.parameterGroups.filter { $0.keyword == group }.flatMap(\.parameters)
        if let parameter = parameters.first(where: { $0.name == words.last }) {
            return "\(parameter.usage)\n" + paragraph(parameter.summary) + paragraph("Belongs to \(group).")
        }
        return nil
    }
}

// MARK: - Pages

extension HelpPrinter {
    private var overview: String {
        var text = ""
        for kind in SectionKind.allCases {
            let names = names(in: kind)
            text += kind.rawValue + "\n"
            if kind == .listen, Set(names) == Set(self.names(in: .frontend) + self.names(in: .backend)) {
                text += paragraph("everything that a frontend or a backend may have") + "\n"
            } else {
                text += columns(names) + "\n"
            }
        }
        return text + "help <keyword> tells more about one of them.\n"
    }

    private func page(of kind: SectionKind) -> String {
        list(language.keywords.filter { $0.sections.contains(Sections(kind)) }.map { ($0.usage, $0.summary) })
    }

    private func entry(_ keyword: Keyword) -> String {
        var text = keyword.usage + "\n" + paragraph(keyword.summary)
        if keyword.isNegatable { text += paragraph("'no \(keyword.name)' switches it off.") }
        text += paragraph("In \(keyword.sections.names.listed("and")).")
        for group in language.parameterGroups where group.keyword == keyword.name {
            text += "\nParameters:\n" + list(group.parameters.map { ($0.usage, $0.summary) })
        }
        return text
    }

    private func names(in kind: SectionKind) -> [String] {
        language.keywords.filter { $0.sections.contains(Sections(kind)) }.map(\.name).sorted()
    }
}

// MARK: - Layout

extension HelpPrinter {
    private func list(_ entries: [(usage: String, summary: String)]) -> String {
        entries.map { $0.usage + "\n" + paragraph($0.summary) }.joined()
    }

    /// Names one below the other in as many columns as fit.
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

    /// Text in lines that fit, set in by four columns.
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

extension Sections {
    static let all: Sections = [.global, .proxies, .httpErrors]
}
