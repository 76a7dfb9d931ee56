// Numbers to match against: single ones, ranges, and what `ge 5` and the like mean (manual, section 7.1.2).

internal import Basics
public import Configuration

public struct IntegerPatterns: Sendable {
    /// A stretch of the table's integers.
    public let ranges: TableSlice

    public func contains(_ value: Int, _ program: PatternProgram) -> Bool {
        for i in ranges.range where program.patterns.integers[i].contains(value) { return true }
        return false
    }

    /// The operators, which hold for all values behind them.
    enum Operator: String, CaseIterable {
        case equal = "eq", greaterOrEqual = "ge", greater = "gt", lessOrEqual = "le", less = "lt"
    }

    /// Reads `5`, `1024:65535`, `:1023`, `1024:`, with an operator in front of single numbers.
    public init(_ words: [Word], _ table: inout PatternTable) throws(ConfigProblem) {
        var ranges: [ClosedRange<Int>] = []
        var comparison = Operator.equal
        for (i, word) in words.enumerated() {
            if let found = Operator(rawValue: word.text) {
                comparison = found
                guard i + 1 < words.count else {
                    throw ConfigProblem("a number is missing behind '\(word.text)'", at: word.range)
                }
            } else if let range = try Self.range(word, comparison) {
                ranges.append(range)
            }
        }
        let start = table.integers.count
        table.integers += ranges
        self.ranges = TableSlice(start..<table.integers.count)
    }

    /// The same patterns, each with the operator that stands before it or before an earlier one: `gt 5`.
    public static func separated(_ words: [Word]) throws(ConfigProblem) -> [Word] {
        var separated: [Word] = []
        var comparison: Operator?
        for (i, word) in words.enumerated() {
            if let found = Operator(rawValue: word.text) {
                comparison = found
                guard i + 1 < words.count else {
                    throw ConfigProblem("a number is missing behind '\(word.text)'", at: word.range)
                }
            } else {
                // With its own place: what is wrong with it is shown there.
                _ = try range(word, comparison ?? .equal)
                separated.append(
                    Word(comparison.map { "\($0.rawValue) \(word.text)" } ?? word.text, at: word.range))
            }
        }
        return separated
    }

    /// One pattern of a file: `5`, `1024:65535`, `gt 5`. nil for what no number can be.
    public static func range(of key: RawSpan, _ place: SourceRange) throws(ConfigProblem) -> ClosedRange<Int>? {
        // Most are plain numbers.
        if let number = key.decimalValue.flatMap({ Int(exactly: $0) }) { return number...number }
        let words = key.text.split { $0 == " " || $0 == "\t" }
        if words.count == 2, let comparison = Operator(rawValue: String(words[0])) {
            return try range(Word(String(words[1]), at: place), comparison)
        }
        return try range(Word(key.text, at: place), .equal)
    }

    /// nil for what no number can be: greater than the greatest.
    private static func range(_ word: Word, _ comparison: Operator) throws(ConfigProblem) -> ClosedRange<Int>? {
        let problem = ConfigProblem(
            "'\(word.text)' is not a whole number", at: word.range,
            expected: "a number or a range like 1024:65535, with eq, ge, gt, le or lt in front if need be")
        let parts = word.text.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 1:
            guard let value = Int(parts[0]) else { throw problem }
            switch comparison {
            case .equal: return value...value
            case .greaterOrEqual: return value ... .max
            case .greater: return value < .max ? value + 1 ... .max : nil
            case .lessOrEqual: return .min...value
            case .less: return value > .min ? .min...value - 1 : nil
            }
        case 2:
            guard let low = parts[0].isEmpty ? .min : Int(parts[0]), let high = parts[1].isEmpty ? .max : Int(parts[1]),
                low <= high, word.text != ":"
            else { throw problem }
            guard comparison == .equal else {
                throw ConfigProblem(
                    "'\(comparison.rawValue)' stands before a range", at: word.range, expected: "a single number")
            }
            return low...high
        default: throw problem
        }
    }
}
