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
    // All texts one behind the other, so that a walk over them touches one piece of memory.
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    init(_ comparison: Comparison, ignoringCase: Bool) {
        self.comparison = comparison
        ignoresCase = ignoringCase
    }

    var isEmpty: Bool { ends.isEmpty }

    mutating func append(_ text: String) {
        var text = Array(text.utf8)
        if comparison == .directory || comparison == .domain {
            // Delimiters around the text are implied.
            text = Array(text.drop(while: isDelimiter))
            while let last = text.last, isDelimiter(last) { text.removeLast() }
        }
        if ignoresCase { text = text.map(asciiLowercased) }
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
    }

    func matches(_ value: RawSpan) -> Bool {
        var start = 0
        for end in ends {
            if matches(value, start..<end) { return true }
            start = end
        }
        return false
    }

    private func matches(_ value: RawSpan, _ pattern: Range<Int>) -> Bool {
        let spare = value.byteCount - pattern.count
        guard spare >= 0 else { return false }
        switch comparison {
        case .exact: return spare == 0 && isEqual(value, 0, pattern)
        case .prefix: return isEqual(value, 0, pattern)
        case .suffix: return isEqual(value, spare, pattern)
        case .substring:
            for i in 0...spare where isEqual(value, i, pattern) { return true }
            return false
        case .directory, .domain:
            // A text of nothing but delimiters names no part.
            guard !pattern.isEmpty else { return false }
            for i in 0...spare {
                let end = i + pattern.count
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
    private func isEqual(_ value: RawSpan, _ offset: Int, _ pattern: Range<Int>) -> Bool {
        var i = offset
        for k in pattern {
            let byte = ignoresCase ? asciiLowercased(value[i]) : value[i]
            if byte != bytes[k] { return false }
            i += 1
        }
        return true
    }

    private func isDelimiter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x2F, 0x3F: true
        case 0x2E, 0x3A: comparison == .domain
        default: false
        }
    }
}
