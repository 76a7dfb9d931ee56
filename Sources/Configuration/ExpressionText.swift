// A word of the file that is a small language of its own: an expression, a log format.

internal import Basics

/// A word being read byte by byte, which knows where in the file each byte stands.
public struct ExpressionText {
    public let word: Word
    public let bytes: [UInt8]
    public var position: Int

    public init(_ word: Word) {
        self.word = word
        bytes = word.text.verbatimBytes
        position = 0
    }

    public var isAtEnd: Bool { position >= bytes.count }
    public var peek: UInt8? { isAtEnd ? nil : bytes[position] }

    public mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    /// Takes bytes as long as they are part of a name.
    public mutating func name() -> String {
        let start = position
        while let byte = peek, Self.isNameByte(byte) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// The place of some bytes of the word in its file. Where escapes make that unclear, the whole word's place.
    public func range(_ stretch: Range<Int>) -> SourceRange {
        let before = String(verbatim: bytes[..<stretch.lowerBound]).count
        let inside = String(verbatim: bytes[stretch]).count
        let quotes = word.range.length - word.text.count
        // Unquoted, or in one pair of quotes.
        guard quotes == 0 || quotes == 2 else { return word.range }
        var range = word.range
        range.column += before + quotes / 2
        range.length = max(1, inside)
        return range
    }

    public func problem(
        _ message: String, at stretch: Range<Int>, expected: String? = nil, suggestion: String? = nil
    ) -> ConfigProblem {
        ConfigProblem(message, at: range(stretch), expected: expected, suggestion: suggestion)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        // `+` is in `base32+src`.
        byte | 0x20 &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x5F || byte == 0x2E || byte == 0x2D || byte == 0x2B
    }
}
