// A cursor over the arguments of one line, used by the parsers of keywords.
//
// Every problem refers to a word and names what was expected. Warnings are collected in the cursor, so that a parser
// can warn and continue.

public import Basics

/// A cursor over the words of one line after its keyword.
public struct Arguments: Sendable {
    /// The keyword; its range covers the whole name, for example `option httplog`. While a parameter is parsed, the
    /// parameter's name.
    public let keyword: Word
    /// Whether the line starts with `no`.
    public let isNegated: Bool
    /// Whether the line is processed at another position than its own: an old rule, which runs after the section's
    /// others.
    public internal(set) var isMoved = false
    /// The warnings and notices so far, in order.
    public private(set) var warnings: [ConfigProblem] = []

    /// The environment variables, which addresses may contain.
    var environment: [String: String] = [:]

    /// What the `global` sections above the line have said; nil in a `global` section.
    public internal(set) var global: Draft?

    private let words: [Word]
    private var position: Int
    /// The text in parentheses after the keyword's name.
    private var parentheses: Word?

    public init(words: [Word], keyword: Word, isNegated: Bool = false) {
        self.init(words: words, from: 0, keyword: keyword, isNegated: isNegated)
    }

    init(words: [Word], from position: Int, keyword: Word, isNegated: Bool) {
        self.words = words
        self.position = position
        self.keyword = keyword
        self.isNegated = isNegated
    }

    public var isAtEnd: Bool { position >= words.count }

    /// The next word, without advancing; nil at the end.
    public var peek: Word? { isAtEnd ? nil : words[position] }

    /// Returns the next word and advances. `what` describes it in messages, with its article: "a server name".
    /// - Throws: a problem if there is no word left.
    public mutating func next(_ what: String) throws(ConfigProblem) -> Word {
        guard let word = nextIfPresent() else {
            throw ConfigProblem("'\(keyword.text)' lacks an argument", at: endOfLine, expected: what)
        }
        return word
    }

    /// Returns the next word as an address with its environment variables expanded, as HAProxy does in all addresses.
    public mutating func nextAddress(_ what: String) throws(ConfigProblem) -> Word {
        let (word, unset) = try next(what).expandingVariables(environment)
        // A notice: a file may name variables that only some of its uses set.
        for name in unset { notice("the variable '\(name)' is not set: it expands to nothing", at: word) }
        return word
    }

    /// Returns the next word and advances; nil at the end.
    public mutating func nextIfPresent() -> Word? {
        guard !isAtEnd else { return nil }
        defer { position += 1 }
        return words[position]
    }

    /// Advances past the next word if it equals `text`; returns whether it did.
    public mutating func skip(_ text: String) -> Bool {
        guard peek?.text == text else { return false }
        position += 1
        return true
    }

    /// Returns the next word as the name of an HTTP field. Warns about a trailing colon and removes it.
    public mutating func nextFieldName(_ what: String = "a field name") throws(ConfigProblem) -> Word {
        withoutColon(try next(what))
    }

    /// The field name without a trailing colon, about which this warns.
    public mutating func withoutColon(_ word: Word) -> Word {
        guard word.text.hasSuffix(":"), word.text.count > 1 else { return word }
        let name = String(word.text.dropLast())
        warn("the colon is not part of a field's name", at: word, expected: name)
        return Word(name, at: word.range)
    }

    /// Returns the text in parentheses after the keyword's name: `txn.user` in `set-var(txn.user)`.
    public mutating func inParentheses(_ what: String) throws(ConfigProblem) -> Word {
        guard let word = parentheses, !word.text.isEmpty else {
            let name = keyword.text.split(separator: " ").last ?? ""
            throw problem("'\(name)' lacks its argument", expected: "\(name)(…) with \(what), without a blank")
        }
        parentheses = nil
        return word
    }

    /// The text in parentheses, if there is any.
    public mutating func nextInParentheses() -> Word? {
        defer { parentheses = nil }
        return parentheses.flatMap { $0.text.isEmpty ? nil : $0 }
    }

    /// Stores the text in parentheses at the end of a keyword's last word, if there is any.
    public mutating func takeParentheses(_ word: Word) throws(ConfigProblem) {
        guard let open = word.text.firstIndex(of: "(") else { return }
        guard word.text.hasSuffix(")") else {
            throw problem("'(' is not closed", at: word, expected: "')' at the end of the word")
        }
        var inside = Word(String(word.text[word.text.index(after: open)...].dropLast()), at: word.range)
        // If quotes or escapes make the position uncertain, use that of the whole word.
        if word.range.length == word.text.count, !inside.text.isEmpty {
            inside.range.column += word.text.distance(from: word.text.startIndex, to: open) + 1
            inside.range.length = inside.text.count
        }
        parentheses = inside
    }

    /// Returns all remaining words.
    public mutating func rest() -> [Word] {
        defer { position = words.count }
        return isAtEnd ? [] : Array(words[position...])
    }

    /// Parses the next word as a whole number.
    public mutating func integer(_ what: String, in range: ClosedRange<Int>) throws(ConfigProblem) -> Int {
        try next(what).integer(what, in: range)
    }

    /// Parses the next word as a whole number. A number above `range` is reduced to its upper bound, with a warning:
    /// for limits for which HAProxy accepts any number.
    public mutating func cappedInteger(_ what: String, in range: ClosedRange<Int>) throws(ConfigProblem) -> Int {
        let word = try next(what)
        if word.exceeds(range.upperBound) {
            warn("\(word.text) is more than Portico supports: \(range.upperBound) is used", at: word)
            return range.upperBound
        }
        return try word.integer(what, in: range)
    }

    /// Parses a limit like `cappedInteger`; returns nil for 0, which means no limit.
    public mutating func limit(_ what: String, to most: Int) throws(ConfigProblem) -> Int? {
        let number = try cappedInteger(what, in: 0...most)
        return number == 0 ? nil : number
    }

    /// Parses the next word as a time: `10` (in `defaultUnit`), `500us`, `5s`, `1m`, `2h`, `1d`.
    public mutating func time(
        _ what: String, defaultUnit: TimeUnit = .milliseconds
    ) throws(ConfigProblem) -> TimeSpan {
        try next(what).time(what, defaultUnit: defaultUnit)
    }

    /// Parses a time that is usually at least some tenths of a second. Warns about a number below 100 without a unit,
    /// which is usually meant in seconds.
    public mutating func longTime(_ what: String) throws(ConfigProblem) -> TimeSpan {
        guard let word = peek, let number = Int(word.text), 1..<100 ~= number else { return try time(what) }
        let span = try time(what)
        warn("'\(word.text)' without a unit is \(number) milliseconds", at: word, expected: "\(number)s or \(number)ms")
        return span
    }

    /// Parses the next word as a size in bytes: `16384`, `16k`, `1m`, `2g`.
    public mutating func size(_ what: String) throws(ConfigProblem) -> Int {
        try next(what).size(what)
    }

    /// Parses the next word as one of `choices`. The problem for any other word lists them and suggests the nearest.
    public mutating func choice<T>(
        _ what: String, of choices: KeyValuePairs<String, T>
    ) throws(ConfigProblem) -> T {
        guard let word = nextIfPresent() else {
            throw ConfigProblem("'\(keyword.text)' lacks an argument", at: endOfLine, expected: oneOf(choices))
        }
        return try word.choice(what, of: choices)
    }

    /// Adds a warning: the line is accepted but should be changed.
    public mutating func warn(
        _ message: String, at word: Word? = nil, expected: String? = nil, suggestion: String? = nil
    ) {
        var warning = problem(message, at: word, expected: expected, suggestion: suggestion)
        warning.severity = .warning
        warnings.append(warning)
    }

    /// Adds a notice: the line is correct, but its effect is easily overlooked.
    public mutating func notice(_ message: String, at word: Word? = nil, expected: String? = nil) {
        var notice = problem(message, at: word, expected: expected)
        notice.severity = .notice
        warnings.append(notice)
    }

    /// A problem to throw, at `word`, or at the keyword if `word` is nil.
    public func problem(
        _ message: String, at word: Word? = nil, expected: String? = nil, suggestion: String? = nil
    ) -> ConfigProblem {
        ConfigProblem(message, at: (word ?? keyword).range, expected: expected, suggestion: suggestion)
    }

    /// Parses the parameters of a line (`bind`, `server`) up to its end, or until `stop` returns true for the next
    /// word.
    ///
    /// A parameter's parser gets a cursor whose `keyword` is the parameter, so that problems point at it.
    public mutating func parameters<T>(
        _ table: [Parameter<T>], of keyword: String, into target: inout T,
        until stop: (Word) -> Bool = { _ in false }
    ) throws(ConfigProblem) {
        while let word = peek, !stop(word) {
            guard !word.text.isEmpty else {
                throw ConfigProblem("an empty word where a parameter of '\(keyword)' should be", at: word.range)
            }
            guard let parameter = table.first(where: { $0.isNamed(by: word) }) else {
                let known = HAProxyWords.Kind(after: keyword).flatMap {
                    HAProxyWords.refusal(of: word.text, as: $0, at: word.range)
                }
                throw known
                    ?? ConfigProblem(
                        "unknown parameter '\(word.text)' of '\(keyword)'", at: word.range,
                        suggestion: meant(word.text, among: table.map(\.name)))
            }
            var own = Arguments(words: words, from: position + 1, keyword: word, isNegated: false)
            own.environment = environment
            own.global = global
            if parameter.takesParentheses { try own.takeParentheses(word) }
            // Keep the warnings even if the parameter fails.
            defer { warnings += own.warnings }
            try parameter.parse(&own, &target)
            position = own.position
        }
    }

    /// The position after the last word.
    private var endOfLine: SourceRange {
        var range = (words.last ?? keyword).range
        range.column += range.length
        range.length = 1
        return range
    }
}
