// Numbers to match against: single ones, ranges, and what `ge 5` and the like mean (manual, section 7.1.2).

internal import Configuration

struct IntegerPatterns: Sendable {
    private var ranges: [ClosedRange<Int>] = []

    var isEmpty: Bool { ranges.isEmpty }

    func contains(_ value: Int) -> Bool {
        for range in ranges where range.contains(value) { return true }
        return false
    }

    /// The operators, which hold for all values behind them.
    enum Operator: String, CaseIterable {
        case equal = "eq", greaterOrEqual = "ge", greater = "gt", lessOrEqual = "le", less = "lt"
    }

    /// Reads `5`, `1024:65535`, `:1023`, `1024:`, with an operator in front of a single number.
    mutating func append(_ word: Word, _ comparison: Operator) throws(ConfigProblem) {
        let problem = ConfigProblem(
            "'\(word.text)' is not a whole number", at: word.range,
            expected: "a number or a range like 1024:65535, with eq, ge, gt, le or lt in front if need be")
        let parts = word.text.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 1:
            guard let value = Int(parts[0]) else { throw problem }
            switch comparison {
            case .equal: ranges.append(value...value)
            case .greaterOrEqual: ranges.append(value ... .max)
            case .greater: if value < .max { ranges.append(value + 1 ... .max) }
            case .lessOrEqual: ranges.append(.min...value)
            case .less: if value > .min { ranges.append(.min...value - 1) }
            }
        case 2:
            guard let low = parts[0].isEmpty ? .min : Int(parts[0]), let high = parts[1].isEmpty ? .max : Int(parts[1]),
                low <= high, word.text != ":"
            else { throw problem }
            guard comparison == .equal else {
                throw ConfigProblem(
                    "'\(comparison.rawValue)' stands before a range", at: word.range, expected: "a single number")
            }
            ranges.append(low...high)
        default: throw problem
        }
    }
}
