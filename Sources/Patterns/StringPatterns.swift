// Texts to match against, and the ways to compare (manual, section 7.1.3).

internal import Basics

public struct StringPatterns: Sendable {
    public enum Comparison: Sendable {
        case exact, prefix, suffix, substring
        /// Between slashes or question marks.
        case directory
        /// Between slashes, question marks, dots or colons.
        case domain
    }

    public let comparison: Comparison
    public let ignoresCase: Bool
    /// A stretch of the table's strings.
    private let strings: TableSlice

    public init(_ comparison: Comparison, ignoringCase: Bool, _ texts: [String], _ table: inout PatternTable) {
        self.comparison = comparison
        ignoresCase = ignoringCase
        let start = table.strings.count
        for text in texts {
            var bytes = text.verbatimBytes
            bytes = Array(bytes[unsafe Self.part(of: bytes.span.bytes, comparedAs: comparison)])
            if ignoresCase { bytes = bytes.map(asciiLowercased) }
            table.strings.append(table.keep(bytes))
        }
        strings = TableSlice(start..<table.strings.count)
    }

    public func matches(_ value: RawSpan, _ program: PatternProgram) -> Bool {
        for i in strings.range {
            let pattern = program.text(program.patterns.strings[i])
            if Self.matches(value, pattern, comparison, ignoringCase: ignoresCase) { return true }
        }
        return false
    }

    /// What of a pattern is compared: delimiters around a directory or domain are implied.
    public static func part(of pattern: RawSpan, comparedAs comparison: Comparison) -> Range<Int> {
        var range = 0..<pattern.byteCount
        guard comparison == .directory || comparison == .domain else { return range }
        while let first = range.first, isDelimiter(pattern[first], comparison) { range.removeFirst() }
        while let last = range.last, isDelimiter(pattern[last], comparison) { range.removeLast() }
        return range
    }

    @inline(__always)
    public static func matches(
        _ value: RawSpan, _ pattern: RawSpan, _ comparison: Comparison, ignoringCase ignoresCase: Bool
    ) -> Bool {
        let spare = value.byteCount - pattern.byteCount
        guard spare >= 0 else { return false }
        switch comparison {
        case .exact: return spare == 0 && isEqual(value, 0, pattern, ignoresCase)
        case .prefix: return isEqual(value, 0, pattern, ignoresCase)
        case .suffix: return isEqual(value, spare, pattern, ignoresCase)
        case .substring:
            guard pattern.byteCount > 0 else { return true }
            let first = ignoresCase ? asciiLowercased(pattern[0]) : pattern[0]
            var i = 0
            while true {
                i = value.firstIndex(from: i) { (ignoresCase ? asciiLowercased($0) : $0) == first }
                if i > spare { return false }
                if isEqual(value, i, pattern, ignoresCase) { return true }
                i += 1
            }
        case .directory, .domain:
            // A text of nothing but delimiters names no part.
            guard pattern.byteCount > 0 else { return false }
            for i in 0...spare {
                let end = i + pattern.byteCount
                if i == 0 || isDelimiter(value[i - 1], comparison),
                    end == value.byteCount || isDelimiter(value[end], comparison),
                    isEqual(value, i, pattern, ignoresCase)
                {
                    return true
                }
            }
            return false
        }
    }

    @inline(__always)
    private static func isEqual(
        _ value: RawSpan, _ offset: Int, _ pattern: RawSpan, _ ignoresCase: Bool
    ) -> Bool {
        for k in 0..<pattern.byteCount {
            let same =
                ignoresCase
                ? asciiLowercased(value[offset &+ k]) == asciiLowercased(pattern[k])
                : value[offset &+ k] == pattern[k]
            if !same { return false }
        }
        return true
    }

    private static func isDelimiter(_ byte: UInt8, _ comparison: Comparison) -> Bool {
        switch byte {
        case 0x2F, 0x3F: true
        case 0x2E, 0x3A: comparison == .domain
        default: false
        }
    }
}
