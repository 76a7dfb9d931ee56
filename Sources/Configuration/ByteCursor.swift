// A cursor over the bytes of a file that tracks line and column and recognises line ends.

internal import Basics

/// A position in a file. Columns count characters, so that continuation bytes of UTF-8 do not advance them.
struct ByteCursor: Sendable {
    let file: String
    let bytes: [UInt8]
    private(set) var position = 0
    private(set) var line = 1
    private(set) var column = 1
    /// The column at the end of the last line that was continued with a backslash.
    private(set) var continuedColumn = 1

    init(_ bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
        // Skip a byte order mark, which some editors write.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    var here: SourceRange { SourceRange(file: file, line: line, column: column) }
    var isAtEnd: Bool { position >= bytes.count }
    var current: UInt8? { self[0] }

    /// The byte `offset` bytes after the current one; nil past the end.
    subscript(_ offset: Int) -> UInt8? {
        position + offset < bytes.count ? bytes[position + offset] : nil
    }

    /// Whether the cursor is at LF, CR LF, or the end of the file.
    var isAtLineEnd: Bool {
        switch current {
        case nil, .newline: true
        case .carriageReturn: self[1] == .newline || self[1] == nil
        default: false
        }
    }

    /// Whether the cursor is at a backslash that continues the line.
    var isAtContinuation: Bool {
        guard current == .backslash else { return false }
        return self[1] == .newline || self[1] == .carriageReturn && self[2] == .newline
    }

    /// Advances by one byte, which must not be a line end.
    mutating func advance() {
        if bytes[position] & 0xC0 != 0x80 { column += 1 }
        position += 1
    }

    mutating func advance(by count: Int) {
        for _ in 0..<count { advance() }
    }

    mutating func skipLineEnd() {
        if current == .carriageReturn { position += 1 }
        guard current == .newline else { return }
        position += 1
        line += 1
        column = 1
    }

    mutating func skipContinuation() {
        continuedColumn = column
        position += 1
        skipLineEnd()
    }

    mutating func skipBlanks() {
        while let byte = current {
            if isAtContinuation {
                skipContinuation()
            } else if byte.isBlank {
                advance()
            } else {
                return
            }
        }
    }

    /// Skips the rest of the line, including continuation lines and the line end.
    mutating func skipLine() {
        while !isAtLineEnd {
            if isAtContinuation { skipContinuation() } else { advance() }
        }
        skipLineEnd()
    }

    /// Skips to the end of the line. A backslash in a comment does not continue the line.
    mutating func skipComment() {
        while let byte = current, byte != .newline { position += 1 }
    }

    /// Returns the bytes up to the next one with a special meaning in an unquoted word. Most words consist only of
    /// these.
    mutating func readPlainBytes() -> ArraySlice<UInt8> {
        let start = position
        while let byte = current, byte.isPlain { position += 1 }
        column += position - start
        return bytes[start..<position]
    }

    /// Returns the bytes up to the line's end or the first byte for which `isEnd` returns true.
    mutating func read(until isEnd: (UInt8) -> Bool) -> String {
        let start = position
        while let byte = current, !isAtLineEnd, !isAtContinuation, !isEnd(byte) { advance() }
        return String(verbatim: bytes[start..<position])
    }
}

extension UInt8 {
    static let newline = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let backslash = UInt8(ascii: "\\")
    static let doubleQuote = UInt8(ascii: "\"")
    static let singleQuote = UInt8(ascii: "'")
    static let hash = UInt8(ascii: "#")
    static let dollar = UInt8(ascii: "$")

    /// Space, tab, vertical tab, form feed.
    var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0B || self == 0x0C }

    fileprivate var isPlain: Bool {
        self > 0x20 && self < 0x7F && self != .backslash && self != .doubleQuote && self != .singleQuote
            && self != .hash
    }
}
