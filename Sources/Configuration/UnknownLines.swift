// Handles lines whose keyword is not in the language: old keywords that can be converted, keywords that are ignored,
// keywords of HAProxy that Portico does not support, the first line of a misspelt section, and typing errors.

extension Loader {
    /// The line in today's syntax; warns if it is an old keyword.
    mutating func converted(_ words: ArraySlice<Word>) throws(ConfigProblem) -> ArraySlice<Word> {
        guard case .inside = context, case .unknown = language.match(words, in: .all),
            let spelling = OldSpelling.of(words)
        else { return words }
        let new = spelling.convert(words)
        if spelling.old == "block", let allow = allows["http-request"], let first = words.first {
            throw ConfigProblem(
                "'block' also applied to requests that 'http-request allow' accepts, at \(allow.file):\(allow.line)",
                at: first.range, expected: "above that one: \(new.map(\.text.quoted).joined(separator: " "))")
        }
        add(
            ConfigProblem(
                "'\(spelling.old)' is an old spelling; write: \(new.map(\.text.quoted).joined(separator: " "))",
                at: Self.joined(words.prefix(spelling.wordCount), as: spelling.old).range, severity: .warning))
        return new[...]
    }

    /// Converts an old rule, which is parsed at the end of its section.
    mutating func convertOldRule(_ rule: OldRule, _ words: ArraySlice<Word>) throws(ConfigProblem) {
        guard let first = words.first else { return }
        let new = try rule.converted(words)
        let line = new.map(\.text.quoted).joined(separator: " ")
        add(
            ConfigProblem(
                "'\(rule.name)' is an old spelling; write, after the section's other \(rule.family) lines: \(line)",
                at: first.range, severity: .warning))
        oldRules.append((rule, new))
    }

    /// Records the first `allow` rule of a family: it did not affect old rules, but does affect today's.
    mutating func recordAllow(_ keyword: Keyword, at range: SourceRange) {
        guard keyword.name == "http-request allow" || keyword.name == "http-response allow" else { return }
        let family = String(keyword.name.prefix { $0 != " " })
        if allows[family] == nil { allows[family] = range }
    }

    /// Parses the section's old rules, after all others; `reqadd` and `rspadd` last.
    mutating func runOldRules() {
        let additions = oldRules.filter(\.rule.isAddition)
        let rules = oldRules.filter { !$0.rule.isAddition } + additions
        let allows = allows
        runsOldRules = true
        defer { runsOldRules = false }
        for (rule, words) in rules {
            do throws(ConfigProblem) {
                if let allow = allows[rule.family] {
                    throw ConfigProblem(
                        "'\(rule.name)' also applied to messages that '\(rule.family) allow' accepts, at \(allow.file):\(allow.line)",
                        at: words[0].range, expected: "its new line above that one")
                }
                if rule.isAllowance, let addition = additions.first(where: { $0.rule.family == rule.family }) {
                    throw rule.refusal(
                        "'\(addition.rule.name)' also applied to messages that it accepted", at: words[0])
                }
                try parseLine(words[...])
            } catch {
                add(error)
            }
        }
        oldRules = []
        self.allows = [:]
    }

    /// Throws the problem of a line that matches no keyword; returns if the line can be ignored.
    mutating func handleUnknown(_ words: ArraySlice<Word>, isNegated: Bool) throws(ConfigProblem) {
        guard let first = words.first else { return }
        if let known = IgnoredKeyword.of(words) { return try ignore(known, words) }
        if first.text == "appsession" { throw Self.appsession(words) }
        let members = language.members(of: first.text, in: sections)
        if let name = HAProxyKeywords.known(words), members.isEmpty || name.contains(" "),
            !language.keywords.contains(where: { $0.name == name })
        {
            // A feature that Portico does not have is always off.
            if isNegated { return }
            let count = name.split(separator: " ").count
            throw HAProxyKeywords.refusal(of: name, at: Self.joined(words.prefix(count), as: name).range)
        }
        let behind = words.dropFirst()
        if let second = behind.first, members.contains(second.text) {
            let inner = language.members(of: first.text, second.text, in: sections)
            let pair = Self.joined(words.prefix(2), as: "\(first.text) \(second.text)")
            if !inner.isEmpty { throw unknownMember(of: pair, behind.dropFirst().first, inner) }
        }
        if !members.isEmpty { throw unknownMember(of: first, behind.first, members) }
        let family = language.keywords(beginningWith: [first.text])
        if !family.isEmpty {
            let allowed = family.reduce(into: Sections()) { $0.formUnion($1.sections) }
            throw misplaced(first.text, allowed: allowed, at: first.range)
        }
        if let problem = unknownSection(first) { throw problem }
        throw ConfigProblem(
            "unknown keyword '\(first.text)'", at: first.range,
            suggestion: SuggestionBudget.consume() ? language.name(near: first.text, in: sections) : nil)
    }

    /// HAProxy had `appsession` until 1.6. What it was for, the application's own cookie can do.
    private static func appsession(_ words: ArraySlice<Word>) -> ConfigProblem {
        let name = words.dropFirst().first?.text ?? "<name>"
        return ConfigProblem(
            "'appsession' is gone, from HAProxy too: each proxy remembered sessions for itself",
            at: words[words.startIndex].range,
            expected: "cookie \(name) prefix, and 'cookie <value>' in each server line")
    }

    private mutating func ignore(_ known: IgnoredKeyword, _ words: ArraySlice<Word>) throws(ConfigProblem) {
        let range = Self.joined(words.prefix(known.wordCount), as: known.name).range
        guard known.sections.isSuperset(of: sections) else {
            throw misplaced(known.name, allowed: known.sections, at: range)
        }
        guard known.isWarnedAbout else { return }
        add(ConfigProblem("'\(known.name)' is ignored: \(known.reason)", at: range, severity: .warning))
    }

    /// The problem of a known family with an unknown member: `option foo`, `timeout foo`.
    private func unknownMember(of family: Word, _ member: Word?, _ members: [String]) -> ConfigProblem {
        let (one, article) =
            switch family.text {
            case "option": ("option", "an")
            case "timeout": ("timeout", "a")
            case "http-request", "http-response", "http-after-response", "tcp-request connection",
                "tcp-request session", "tcp-request content", "tcp-response content":
                ("\(family.text) action", "an")
            default: ("word", "a")
            }
        guard let member else {
            var range = family.range
            range.column += range.length
            range.length = 1
            // List the members only if there are few.
            let expected =
                members.count <= 12 ? "one of \(members.joined(separator: ", "))" : "\(article) \(one)'s name"
            return ConfigProblem("'\(family.text)' lacks an argument", at: range, expected: expected)
        }
        let message =
            one == "word" ? "unknown word '\(member.text)' after '\(family.text)'" : "unknown \(one) '\(member.text)'"
        // The name in `set-vra(txn.user)` ends at the parenthesis.
        let name = String(member.text.prefix { $0 != "(" })
        return ConfigProblem(
            message, at: member.range,
            suggestion: meant(name, among: members) ?? meant(name, among: elsewhere(family.text)))
    }

    /// The members of the family in any section.
    private func elsewhere(_ family: String) -> [String] {
        guard let blank = family.firstIndex(of: " ") else { return language.members(of: family, in: nil) }
        return language.members(of: String(family[..<blank]), String(family[family.index(after: blank)...]), in: nil)
    }

    /// The problem of a line that looks like the first line of a misspelt or unknown section; nil if it does not.
    ///
    /// The following lines then belong to an unknown section and are not checked.
    private mutating func unknownSection(_ word: Word) -> ConfigProblem? {
        let meant = closest(word.text, among: language.sectionKinds.map(\.name))
        let isAtMargin = word.range.column == 1
        let looksLikeSection =
            switch context {
            case .outside: true
            case .skipped: false
            case .inside:
                meant != nil && (isAtMargin || language.name(near: word.text, in: sections) == nil)
                    || isAtMargin && isIndented == true
            }
        guard looksLikeSection else { return nil }
        skipSection()
        return ConfigProblem(
            "unknown section '\(word.text)'", at: word.range,
            expected: meant == nil ? "one of \(language.sectionKinds.map(\.name).joined(separator: ", "))" : nil,
            suggestion: meant)
    }

    func misplaced(_ name: String, allowed: Sections, at range: SourceRange) -> ConfigProblem {
        ConfigProblem(
            "'\(name)' is not allowed in \(draft.kind.withArticle), only in \(allowed.names.listed("or"))", at: range)
    }
}
