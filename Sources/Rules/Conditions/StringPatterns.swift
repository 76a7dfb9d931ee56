// Texts to match against, and the ways to compare (manual, section 7.1.3).

internal import Basics

struct StringPatterns: Sendable {
    enum Comparison: Sendable {
        case exact, prefix, suffix, substring
        /// Between slashes or question marks.
        case directory
        /// Between slashes, question marks, dots or colons.
        case domain
    }

    let comparison: Comparison
    let ignoresCase: Bool
    /// A stretch of the table's strings.
    private let strings: Stretch

    init(_ comparison: Comparison, ignoringCase: Bool, _ texts: [String], _ table: inout RuleTable) {
        self.comparison = comparison
        ignoresCase = ignoringCase
        let start = table.strings.count
        for text in texts {
            var bytes = Array(text.utf8)
            if comparison == .directory || comparison == .domain {
                // Delimiters around the text are implied.
                bytes = Array(bytes.drop { Self.isDelimiter($0, comparison) })
                while let last = bytes.last, Self.isDelimiter(last, comparison) { bytes.removeLast() }
            }
            if ignoresCase { bytes = bytes.map(asciiLowercased) }
            table.strings.append(table.keep(bytes))
        }
        strings = Stretch(start..<table.strings.count)
    }

    func matches(_ value: RawSpan, _ program: RuleProgram) -> Bool {
        for i in strings.range where matches(value, program.text(program.table.strings[i])) { return true }
        return false
    }

    private func matches(_ value: RawSpan, _ pattern: RawSpan) -> Bool {
        let spare = value.byteCount - pattern.byteCount
        guard spare >= 0 else { return false }
        switch comparison {
        case .exact: return spare == 0 && isEqual(value, 0, pattern)
        case .prefix: return isEqual(value, 0, pattern)
        case .suffix: return isEqual(value, spare, pattern)
        case .substring:
            guard pattern.byteCount > 0 else { return true }
            let first = pattern[0]
            var i = 0
            while true {
                i = value.firstIndex(from: i) { (ignoresCase ? asciiLowercased($0) : $0) == first }
                if i > spare { return false }
                if isEqual(value, i, pattern) { return true }
                i += 1
            }
        case .directory, .domain:
            // A text of nothing but delimiters names no part.
            guard pattern.byteCount > 0 else { return false }
            for i in 0...spare {
                let end = i + pattern.byteCount
                if i == 0 || isDelimiter(value[i - 1]), end == value.byteCount || isDelimiter(value[end]),
                    isEqual(value, i, pattern)
                {
                    return true
                }
            }
            return false
        }
    }

    @inline(__always)
    private func isEqual(_ value: RawSpan, _ offset: Int, _ pattern: RawSpan) -> Bool {
        for k in 0..<pattern.byteCount {
            let byte = ignoresCase ? asciiLowercased(value[offset &+ k]) : value[offset &+ k]
            if byte != pattern[k] { return false }
        }
        return true
    }

    private func isDelimiter(_ byte: UInt8) -> Bool { Self.isDelimiter(byte, comparison) }

    private static func isDelimiter(_ byte: UInt8, _ comparison: Comparison) -> Bool {
        switch byte {
        case 0x2F, 0x3F: true
        case 0x2E, 0x3A: comparison == .domain
        default: false
        }
    }
}
