// The words of one line behind its keyword, taken one after the other by the keyword's parser.
//
// Every refusal names the word it is about and what would have been right there. A warning is kept
// in the cursor, so that a parser can warn and go on.

public import Basics

/// A cursor over the words of one line behind its keyword.
public struct Arguments: Sendable {
    /// The keyword itself; its range covers the whole name, `option httplog` say. While a row of `parameters` parses,
    /// the parameter's name.
    public let keyword: Word
    /// Whether the line began with `no`.
    public let isNegated: Bool
    /// Whether the line is read elsewhere than where it stands: a rule of the old kind, which runs behind its section's others.
    public internal(set) var isMoved = false
    /// What was said with `warn`, in order.
    public private(set) var warnings: [ConfigProblem] = []

    /// The variables that addresses may name.
    var environment: [String: String] = [:]

    private let words: [Word]
    private var position: Int
    /// What stands in parentheses behind the name.
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

    /// The next word, not taken.
    public var peek: Word? { isAtEnd ? nil : words[position] }

    /// Takes the next word. `what` says what it should be, with its article: "a server name".
    public mutating func next(_ what: String) throws(ConfigProblem) -> Word {
        guard let word = nextIfPresent() else {
            throw ConfigProblem("'\(keyword.text)' lacks an argument", at: endOfLine, expected: what)
        }
        return word
    }

    /// Takes an address: the values of variables are put in, as HAProxy does in all of them.
    public mutating func nextAddress(_ what: String) throws(ConfigProblem) -> Word {
        let (word, unset) = try next(what).expandingVariables(environment)
        for name in unset { warn("the variable '\(name)' is not set: nothing stands for it", at: word) }
        return word
    }

    public mutating func nextIfPresent() -> Word? {
        guard !isAtEnd else { return nil }
        defer { position += 1 }
        return words[position]
    }

    /// Takes the next word if it is exactly `text`.
    public mutating func skip(_ text: String) -> Bool {
        guard peek?.text == text else { return false }
        position += 1
        return true
    }

    /// Takes the name of an HTTP field. A colon behind it, as messages have one, is warned about and left out.
    public mutating func nextFieldName(_ what: String = "a field name") throws(ConfigProblem) -> Word {
        withoutColon(try next(what))
    }

    /// The field's name without the colon that is no part of it.
    public mutating func withoutColon(_ word: Word) -> Word {
        guard word.text.hasSuffix(":"), word.text.count > 1 else { return word }
        let name = String(word.text.dropLast())
        warn("the colon is no part of a field's name", at: word, expected: name)
        return Word(name, at: word.range)
    }

    /// Takes what stands in parentheses behind the keyword's name: the `txn.user` of `set-var(txn.user)`.
    public mutating func inParentheses(_ what: String) throws(ConfigProblem) -> Word {
        guard let word = parentheses, !word.text.isEmpty else {
            let name = keyword.text.split(separator: " ").last ?? ""
            throw problem("'\(name)' lacks its argument", expected: "\(name)(…) with \(what), without a blank")
        }
        parentheses = nil
        return word
    }

    /// Takes apart the last word of a name that has parentheses behind it.
    public mutating func takeParentheses(_ word: Word) throws(ConfigProblem) {
        guard let open = word.text.firstIndex(of: "(") else { return }
        guard word.text.hasSuffix(")") else {
            throw problem("'(' is not closed", at: word, expected: "')' at the end of the word")
        }
        var inside = Word(String(word.text[word.text.index(after: open)...].dropLast()), at: word.range)
        // Where quotes or escapes make the place unclear, the whole word is shown.
        if word.range.length == word.text.count, !inside.text.isEmpty {
            inside.range.column += word.text.distance(from: word.text.startIndex, to: open) + 1
            inside.range.length = inside.text.count
        }
        parentheses = inside
    }

    /// Takes all that is left.
    public mutating func rest() -> [Word] {
        defer { position = words.count }
        return isAtEnd ? [] : Array(words[position...])
    }

    /// Takes a whole number.
    public mutating func integer(_ what: String, in range: ClosedRange<Int>) throws(ConfigProblem) -> Int {
        try next(what).integer(what, in: range)
    }

    /// Takes a whole number; one above `range` becomes its end, with a warning. For limits of which HAProxy takes any
    /// number.
    public mutating func cappedInteger(_ what: String, in range: ClosedRange<Int>) throws(ConfigProblem) -> Int {
        let word = try next(what)
        if word.exceeds(range.upperBound) {
            warn("\(word.text) is more than Portico takes: it is \(range.upperBound)", at: word)
            return range.upperBound
        }
        return try word.integer(what, in: range)
    }

    /// Takes a limit as `cappedInteger` does; 0 stands for none of its own, which is nil.
    public mutating func limit(_ what: String, to most: Int) throws(ConfigProblem) -> Int? {
        let number = try cappedInteger(what, in: 0...most)
        return number == 0 ? nil : number
    }

    /// Takes a time: `10` (in `defaultUnit`), `500us`, `5s`, `1m`, `2h`, `1d`.
    public mutating func time(
        _ what: String, defaultUnit: TimeUnit = .milliseconds
    ) throws(ConfigProblem) -> TimeSpan {
        try next(what).time(what, defaultUnit: defaultUnit)
    }

    /// Takes a time of at least some tenths of a second as a rule. A bare number below 100 is warned about: a file that leaves the unit
    /// out mostly means seconds.
    public mutating func longTime(_ what: String) throws(ConfigProblem) -> TimeSpan {
        guard let word = peek, let number = Int(word.text), 1..<100 ~= number else { return try time(what) }
        let span = try time(what)
        warn("'\(word.text)' without a unit is \(number) milliseconds", at: word, expected: "\(number)s or \(number)ms")
        return span
    }

    /// Takes a size in bytes: `16384`, `16k`, `1m`, `2g`.
    public mutating func size(_ what: String) throws(ConfigProblem) -> Int {
        try next(what).size(what)
    }

    /// Takes one of some words; another one is refused with the list of all and the nearest.
    public mutating func choice<T>(
        _ what: String, of choices: KeyValuePairs<String, T>
    ) throws(ConfigProblem) -> T {
        guard let word = nextIfPresent() else {
            throw ConfigProblem("'\(keyword.text)' lacks an argument", at: endOfLine, expected: oneOf(choices))
        }
        return try word.choice(what, of: choices)
    }

    /// Notes that the line works but should be another one.
    public mutating func warn(
        _ message: String, at word: Word? = nil, expected: String? = nil, suggestion: String? = nil
    ) {
        var warning = problem(message, at: word, expected: expected, suggestion: suggestion)
        warning.severity = .warning
        warnings.append(warning)
    }

    /// Adds a notice: what the line says is allowed, but its effect is easily overlooked.
    public mutating func notice(_ message: String, at word: Word? = nil, expected: String? = nil) {
        var notice = problem(message, at: word, expected: expected)
        notice.severity = .notice
        warnings.append(notice)
    }

    /// A problem to throw, at `word` or else at the keyword.
    public func problem(
        _ message: String, at word: Word? = nil, expected: String? = nil, suggestion: String? = nil
    ) -> ConfigProblem {
        ConfigProblem(message, at: (word ?? keyword).range, expected: expected, suggestion: suggestion)
    }

    /// Runs the parameters of a line (`bind`, `server`) until its words end, or until `stop` says that the next word is
    /// not ours.
    ///
    /// A row's parser sees its own name as the cursor's `keyword`, so that its problems point at the parameter.
    public mutating func parameters<T>(
        _ table: [Parameter<T>], of keyword: String, into target: inout T,
        until stop: (Word) -> Bool = { _ in false }
    ) throws(ConfigProblem) {
        while let word = peek, !stop(word) {
            guard !word.text.isEmpty else {
                throw ConfigProblem("an empty word where a parameter of '\(keyword)' should be", at: word.range)
            }
            guard let parameter = table.first(where: { $0.name == word.text }) else {
                let known = HAProxyWords.Kind(behind: keyword).flatMap {
                    HAProxyWords.refusal(of: word.text, as: $0, at: word.range)
                }
                throw known
                    ?? ConfigProblem(
                        "unknown parameter '\(word.text)' of '\(keyword)'", at: word.range,
                        suggestion: meant(word.text, among: table.map(\.name)))
            }
            var own = Arguments(words: words, from: position + 1, keyword: word, isNegated: false)
            own.environment = environment
            // What was warned about stays said when the parameter then fails.
            defer { warnings += own.warnings }
            try parameter.parse(&own, &target)
            position = own.position
        }
    }

    /// The place right behind the last word.
    private var endOfLine: SourceRange {
        var place = (words.last ?? keyword).range
        place.column += place.length
        place.length = 1
        return place
    }
}
