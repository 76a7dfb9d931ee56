// The lines of a file of patterns, as HAProxy reads them: a line that begins with '#' is a comment, blanks in front are
// not part of it, and an empty one is skipped. In a list the rest of the line is the pattern, blanks at its end included.
// In a map the key goes up to a blank, and the value from there to the end without the blanks around it.

internal import Basics
internal import Configuration

struct PatternLines {
    struct Line {
        let number: Int
        /// Where the key begins, in characters from 1.
        let column: Int
        let key: Range<Int>
        let value: Range<Int>
    }

    /// So many mistakes of one kind are reported of a file; the others are likely the same.
    static let problemsMax = 10

    private let content: [UInt8]
    private let isMap: Bool
    private var position = 0
    private var number = 0

    init(_ content: [UInt8], isMap: Bool) {
        self.content = content
        self.isMap = isMap
    }

    mutating func next() -> Line? {
        while position < content.count {
            let start = position
            var end = start
            while end < content.count, content[end] != 0x0A { end += 1 }
            position = end + 1
            number += 1
            if content[start] == 0x23 { continue }
            // What follows a carriage return is no part of the line either.
            if let cut = content[start..<end].firstIndex(of: 0x0D) { end = cut }
            let key = content[start..<end].firstIndex { !Self.isBlank($0) } ?? end
            guard key < end else { continue }
            return line(start, key, end)
        }
        return nil
    }

    func text(_ range: Range<Int>) -> String { String(verbatim: content[range]) }

    private func line(_ start: Int, _ key: Int, _ end: Int) -> Line {
        var keyEnd = end
        var value = end..<end
        if isMap {
            keyEnd = content[key..<end].firstIndex(where: Self.isBlank) ?? end
            let first = content[keyEnd..<end].firstIndex { !Self.isBlank($0) } ?? end
            var last = end
            while last > first, Self.isBlank(content[last - 1]) { last -= 1 }
            value = first..<last
        }
        return Line(number: number, column: key - start + 1, key: key..<keyEnd, value: value)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
