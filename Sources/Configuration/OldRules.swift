// Converts the rules that HAProxy had until 2.1 for the lines of a message (`reqadd`, `reqrep`, `rspdel` and so on) to
// today's rules.
//
// Their patterns match a whole line: the request line, or a field with its name. If a pattern is clearly about one of
// the two, it is converted to a rule on that part; otherwise there is no equivalent, and the line is rejected with a
// hint.
//
// They ran after all `http-request` rules of their section, `reqadd` last; so do the converted rules
// (Loader.runOldRules).

/// An old rule keyword.
struct OldRule: Sendable {
    enum Kind: Sendable {
        case add, delete, replace
        /// Runs this action if a line matches.
        case act(String)
        /// There is no equivalent today.
        case none
    }

    let name: String
    let family: String
    let kind: Kind
    let ignoresCase: Bool

    static let table: [OldRule] = [
        request("reqadd", nil, .add), request("reqallow", "reqiallow", .act("allow")),
        request("reqdel", "reqidel", .delete), request("reqdeny", "reqideny", .act("deny")),
        request("reqpass", "reqipass", .none), request("reqrep", "reqirep", .replace),
        request("reqsetbe", "reqisetbe", .none), request("reqtarpit", "reqitarpit", .act("tarpit")),
        response("rspadd", nil, .add), response("rspdel", "rspidel", .delete),
        response("rspdeny", "rspideny", .act("deny")), response("rsprep", "rspirep", .replace),
    ].flatMap(\.self)

    /// For the manual.
    static let help =
        "- " + table.map { "`\($0.name)`" }.joined(separator: ", ")
        + ": rules after the section's other ones, if the pattern is about one field (`^Name: value`) or about a "
        + "request's target (`^([^ ]*) /path(.*)`).\n"

    static func of(_ words: ArraySlice<Word>) -> OldRule? {
        words.first.flatMap { word in table.first { $0.name == word.text } }
    }

    private static func request(_ name: String, _ lenient: String? = nil, _ kind: Kind) -> [OldRule] {
        rows("http-request", name, lenient, kind)
    }

    private static func response(_ name: String, _ lenient: String? = nil, _ kind: Kind) -> [OldRule] {
        rows("http-response", name, lenient, kind)
    }

    private static func rows(_ family: String, _ name: String, _ lenient: String?, _ kind: Kind) -> [OldRule] {
        let row = OldRule(name: name, family: family, kind: kind, ignoresCase: false)
        return [row] + (lenient.map { [OldRule(name: $0, family: family, kind: kind, ignoresCase: true)] } ?? [])
    }
}

// MARK: - Conversion

extension OldRule {
    /// The equivalent rule. Each of its words has the position of the word that it comes from.
    func converted(_ words: ArraySlice<Word>) throws(ConfigProblem) -> [Word] {
        guard let keyword = words.first else { return [] }
        var rest = words.dropFirst()
        guard let pattern = rest.popFirst() else {
            throw ConfigProblem(
                "'\(name)' lacks an argument", at: keyword.range,
                expected: "\(isAddition ? "a field" : "a pattern"); \(hint)")
        }
        switch kind {
        case .none: throw refusal("there is no equivalent today", at: keyword)
        case .add:
            guard let (field, value) = Self.fieldLine(pattern.text), !field.isEmpty else {
                throw refusal("'\(pattern.text)' is not a field", at: pattern)
            }
            return line("add-header", at: keyword, [field, value.formatLiteral], at: pattern) + rest
        case .delete: return line("del-header", at: keyword, try deletion(pattern), at: pattern) + rest
        case .replace:
            guard let text = rest.popFirst() else {
                throw ConfigProblem(
                    "'\(name)' lacks an argument", at: keyword.range, expected: "what replaces the line; \(hint)")
            }
            return try replacement(keyword, pattern, text, Array(rest))
        case .act(let action):
            return try line(action, at: keyword, [], at: keyword) + condition(pattern, Array(rest))
        }
    }

    var isAddition: Bool { if case .add = kind { true } else { false } }
    var isAllowance: Bool { if case .act("allow") = kind { true } else { false } }

    /// The problem for a rule that cannot be converted.
    func refusal(_ reason: String, at word: Word) -> ConfigProblem {
        ConfigProblem("'\(name)' is an old spelling, gone from HAProxy: \(reason)", at: word.range, expected: hint)
    }

    private var hint: String { "\(family) rules: portico help \(family)" }

    private func line(_ action: String, at keyword: Word, _ words: [String], at word: Word) -> [Word] {
        [Word(family, at: keyword.range), Word(action, at: keyword.range)] + words.map { Word($0, at: word.range) }
    }

    /// Splits `Name: value`; nil if there is no colon.
    private static func fieldLine(_ text: String) -> (name: String, value: String)? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        return (String(text[..<colon]), String(text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }))
    }

    // MARK: Kinds

    private func deletion(_ pattern: Word) throws(ConfigProblem) -> [String] {
        switch LinePattern(pattern.text) {
        case .field(let name, let value, _) where ["", ".*", "(.*)"].contains(value): return [name]
        case .fields(let prefix): return [prefix, "-m", "beg"]
        default: throw refusal("only a pattern for a field's name, like '^X-Name:', can become a rule", at: pattern)
        }
    }

    private func replacement(
        _ keyword: Word, _ pattern: Word, _ text: Word, _ own: [Word]
    ) throws(ConfigProblem) -> [Word] {
        let caseless = ignoresCase ? "(?i)" : ""
        switch LinePattern(pattern.text) {
        case .field(let name, let value, let isGrouped):
            guard let new = Self.newValue(text.text, of: name, isGrouped: isGrouped) else {
                throw refusal("the new line is not one of the field '\(name)'", at: text)
            }
            let pattern = Word(caseless + "^" + (value.isEmpty ? ".*" : value), at: pattern.range)
            return line("replace-header", at: keyword, [name], at: pattern)
                + [pattern, Word(new.formatLiteral, at: text.range)] + own
        case .target(let target) where family == "http-request":
            guard let new = target.replacement(text.text) else {
                throw refusal("the new line does not keep the request's method and version", at: text)
            }
            // An absolute URL replaces the whole target.
            let action = new.hasPrefix("/") || new.hasPrefix("\\") ? "replace-pathq" : "replace-uri"
            let test = target.methods.isEmpty ? [] : ["{", "method"] + target.methods + ["}"]
            return line(action, at: keyword, [caseless + target.pattern], at: pattern)
                + [Word(new.formatLiteral, at: text.range)]
                + (test.isEmpty ? own : try joined(test.map { Word($0, at: pattern.range) }, own))
        default: throw unclear(pattern)
        }
    }

    /// The value in the replacement for a field's line; nil if the replacement changes the name.
    private static func newValue(_ line: String, of name: String, isGrouped: Bool) -> String? {
        if line.contains("\\0") { return nil }
        // The first group includes the name; it is applied to the value.
        if isGrouped { return line.hasPrefix("\\1") && !line.dropFirst(2).contains("\\1") ? line : nil }
        guard let (newName, value) = fieldLine(line), newName.lowercased() == name.lowercased() else { return nil }
        return value
    }

    /// A condition that is true if the pattern matches and the line's own condition holds.
    private func condition(_ pattern: Word, _ own: [Word]) throws(ConfigProblem) -> [Word] {
        let sample = family == "http-request" ? "req" : "res"
        let flags = ignoresCase ? ["-m", "reg", "-i"] : ["-m", "reg"]
        var test: [String]
        switch LinePattern(pattern.text) {
        case .field(let name, let value, _) where ["", ".*", "(.*)"].contains(value):
            test = ["\(sample).hdr(\(name))", "-m", "found"]
        case .field(let name, let value, _): test = ["\(sample).fhdr(\(name))"] + flags + ["^" + value]
        case .target(let target) where family == "http-request":
            test = ["pathq"] + flags + [target.pattern]
            if !target.methods.isEmpty { test += ["}", "{", "method"] + target.methods }
        default: throw unclear(pattern)
        }
        return try joined((["{"] + test + ["}"]).map { Word($0, at: pattern.range) }, own)
    }

    /// A condition that is true if all of `tests` and the line's own condition `own` are.
    private func joined(_ tests: [Word], _ own: [Word]) throws(ConfigProblem) -> [Word] {
        let words = [Word("if", at: own.first?.range ?? tests[0].range)] + tests
        guard let first = own.first else { return words }
        let others = Array(own.dropFirst())
        // A condition with `or`, or one that `unless` negates as a whole, cannot be combined with another test.
        if first.text == "if", !others.contains(where: { $0.text == "or" || $0.text == "||" }) { return words + others }
        let isOneTest =
            others.count == 1
            || others.first?.text == "{" && others.firstIndex { $0.text == "}" } == others.count - 1
        if first.text == "unless", isOneTest, let test = others.first, !test.text.hasPrefix("!") {
            return words + [Word("!" + test.text, at: test.range)] + others.dropFirst()
        }
        throw refusal("its condition cannot be joined with that of the pattern", at: first)
    }

    private func unclear(_ pattern: Word) -> ConfigProblem {
        let field = "for one field, like '^Name: value'"
        return refusal(
            family == "http-request"
                ? "the pattern is neither for a target, like '^([^ ]*) /path(.*)', nor \(field)"
                : "the pattern is not \(field)", at: pattern)
    }
}

extension String {
    /// The text as a literal in a log format: percent signs are doubled.
    fileprivate var formatLiteral: String {
        split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
    }
}

// MARK: - Keywords with an exact equivalent

/// A removed keyword.
struct OldSpelling: Sendable {
    let old: String
    /// The words that replace it.
    let new: String

    var wordCount: Int { old.split(separator: " ").count }

    static let table = [
        OldSpelling(old: "contimeout", new: "timeout connect"),
        OldSpelling(old: "clitimeout", new: "timeout client"),
        OldSpelling(old: "srvtimeout", new: "timeout server"),
        OldSpelling(old: "redisp", new: "option redispatch"),
        OldSpelling(old: "redispatch", new: "option redispatch"),
        OldSpelling(old: "option forceclose", new: "option httpclose"),
        OldSpelling(old: "block", new: "http-request deny"),
    ]

    static func of(_ words: ArraySlice<Word>) -> OldSpelling? {
        table.first { spelling in
            words.starts(with: spelling.old.split(separator: " "), by: { $0.text == $1 })
        }
    }

    /// The line's words in today's syntax; each keeps its position.
    func convert(_ words: ArraySlice<Word>) -> [Word] {
        guard let first = words.first else { return [] }
        return new.split(separator: " ").map { Word(String($0), at: first.range) } + words.dropFirst(wordCount)
    }
}
