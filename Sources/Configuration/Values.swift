// Parses single words as values: numbers, times, sizes, choices.
//
// Parsing is strict: HAProxy reads `10foo` as 10 in some places; here the whole word has to be valid.

public import Basics

/// The units of times.
public enum TimeUnit: String, CaseIterable, Sendable {
    case microseconds = "us", milliseconds = "ms", seconds = "s", minutes = "m", hours = "h", days = "d"

    /// The length of the unit.
    public var nanoseconds: UInt64 {
        switch self {
        case .microseconds: 1_000
        case .milliseconds: 1_000_000
        case .seconds: 1_000_000_000
        case .minutes: 60_000_000_000
        case .hours: 3_600_000_000_000
        case .days: 86_400_000_000_000
        }
    }
}

extension Word {
    /// Parses the word as a whole number. `what` describes it in messages, with its article: "a weight".
    public func integer(_ what: String, in range: ClosedRange<Int>) throws(ConfigProblem) -> Int {
        let expected =
            range.upperBound == .max
            ? "\(what), \(range.lowerBound) or more" : "\(what) from \(range.lowerBound) to \(range.upperBound)"
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard isDecimal(digits) else {
            throw ConfigProblem("'\(text)' is not a whole number", at: self.range, expected: expected)
        }
        guard let value = Int(text), range.contains(value) else {
            throw ConfigProblem("\(text) is out of range", at: self.range, expected: expected)
        }
        return value
    }

    /// Whether the word is a whole number greater than `most`, even if it does not fit into an `Int`.
    func exceeds(_ most: Int) -> Bool {
        isDecimal(text[...]) && Int(text).map { $0 > most } ?? true
    }

    /// Parses the word as a time: digits and a unit, which may be omitted for `defaultUnit`.
    public func time(_ what: String, defaultUnit: TimeUnit = .milliseconds) throws(ConfigProblem) -> TimeSpan {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let suffix = text[digits.endIndex...]
        let unit = suffix.isEmpty ? defaultUnit : TimeUnit(rawValue: String(suffix))
        guard isDecimal(digits), let unit else {
            throw ConfigProblem(
                "'\(text)' is not a time", at: range,
                expected: "\(what): a whole number followed by us, ms, s, m, h or d, or by nothing for \(defaultUnit)"
            )
        }
        guard let count = UInt64(digits),
            case let (span, false) = count.multipliedReportingOverflow(by: unit.nanoseconds)
        else {
            throw ConfigProblem("\(text) is too long a time", at: range, expected: what)
        }
        return TimeSpan(nanoseconds: span)
    }

    /// Parses the word as a size in bytes: digits, optionally followed by `k`, `m` or `g` for KiB, MiB or GiB.
    public func size(_ what: String) throws(ConfigProblem) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit: Int? =
            switch text[digits.endIndex...] {
            case "": 1
            case "k", "K": 1 << 10
            case "m", "M": 1 << 20
            case "g", "G": 1 << 30
            default: nil
            }
        guard isDecimal(digits), let unit else {
            throw ConfigProblem(
                "'\(text)' is not a size", at: range,
                expected: "\(what): a whole number of bytes, or one followed by k, m or g")
        }
        guard let count = Int(digits), case let (size, false) = count.multipliedReportingOverflow(by: unit) else {
            throw ConfigProblem("\(text) is too big a size", at: range, expected: what)
        }
        return size
    }

    /// Parses the word as one of `choices`. The problem for any other word lists them and suggests the nearest.
    public func choice<T>(_ what: String, of choices: KeyValuePairs<String, T>) throws(ConfigProblem) -> T {
        if let chosen = choices.first(where: { $0.key == text }) { return chosen.value }
        let kind = String(withoutArticle(what))
        let known = HAProxyWords.Kind(rawValue: kind).flatMap {
            HAProxyWords.refusal(of: text, as: $0, at: range, expected: oneOf(choices))
        }
        throw known
            ?? ConfigProblem(
                "unknown \(kind) '\(text)'", at: range, expected: oneOf(choices),
                suggestion: meant(text, among: choices.map(\.key)))
    }
}

/// The list of choices for a message: `one of a, b, c`, or just `a`.
func oneOf<T>(_ choices: KeyValuePairs<String, T>) -> String {
    let names = choices.map(\.key)
    return names.count == 1 ? names[0] : "one of " + names.joined(separator: ", ")
}

private func isDecimal(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 &- 0x30 < 10 }
}

private func withoutArticle(_ what: String) -> Substring {
    for article in ["a ", "an ", "the "] where what.hasPrefix(article) { return what.dropFirst(article.count) }
    return what[...]
}

// MARK: - Global unique IDs

/// HAProxy's limits for `guid`: the ID of a section, server or listener that is unique in the whole configuration and
/// stays the same when the object is renamed.
public enum GlobalID {
    /// The maximum length in bytes.
    public static let bytesMax = 127

    /// Whether every byte is allowed in an ID: a letter, a digit, `.`, `:`, `-` or `_`.
    static func isWellFormed(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2E, 0x3A, 0x2D, 0x5F: true
            default: false
            }
        }
    }
}

extension Arguments {
    /// Parses the next word as a global unique ID.
    /// - Throws: a problem if its length or characters are invalid.
    public mutating func globalID() throws(ConfigProblem) -> Word {
        let word = try next("a unique ID")
        guard (1...GlobalID.bytesMax).contains(word.text.utf8.count) else {
            throw problem(
                "an ID of \(word.text.utf8.count) characters", at: word,
                expected: "1 to \(GlobalID.bytesMax) characters")
        }
        guard GlobalID.isWellFormed(word.text) else {
            throw problem(
                "'\(word.text)' cannot be a unique ID", at: word, expected: "letters, digits, '.', ':', '-' and '_'")
        }
        return word
    }
}
