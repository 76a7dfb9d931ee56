// Finds one value in a JSON text (RFC 8259). Reading stops behind the value, and values before it are only skipped: errors in
// the rest of the text are not reported.

internal import Basics

struct JSONScanner: ~Escapable {
    /// Arrays and objects within one another, no deeper than a word has bits. JSON of people and programs rarely has ten.
    static let depthMax = 64

    /// The value at an offset; ranges are ranges of the text, a string's without its quotes.
    enum Token {
        /// Nothing, null, an object, or no JSON.
        case none
        case bool(Bool)
        case number(Range<Int>)
        case string(Range<Int>, hasEscapes: Bool)
        case array(Range<Int>)
    }

    private let text: RawSpan
    private var i = 0

    @_lifetime(copy text)
    init(_ text: RawSpan) {
        self.text = text
        skipSpace()
    }

    private var peek: UInt8? { i < text.byteCount ? text[i] : nil }

    @_lifetime(self: copy self)
    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { i += 1 }
    }

    /// Takes a byte and the space behind it.
    @_lifetime(self: copy self)
    private mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        i += 1
        skipSpace()
        return true
    }

    /// Goes to the value of the first member of this name of the object here. False if there is none.
    @_lifetime(self: copy self)
    mutating func enter(_ name: RawSpan) -> Bool {
        guard skip(0x7B) else { return false }
        while true {
            guard let (key, hasEscapes) = string() else { return false }
            let isWanted = isSame(key, hasEscapes, name)
            skipSpace()
            guard skip(0x3A) else { return false }
            if isWanted { return true }
            guard skipValue() else { return false }
            skipSpace()
            guard skip(0x2C) else { return false }
        }
    }

    /// Goes to an element of the array here, counted from 0. False if there is none.
    @_lifetime(self: copy self)
    mutating func enter(_ place: Int) -> Bool {
        guard skip(0x5B), peek != 0x5D else { return false }
        for _ in 0..<place {
            guard skipValue() else { return false }
            skipSpace()
            guard skip(0x2C) else { return false }
        }
        return true
    }

    @_lifetime(self: copy self)
    mutating func token() -> Token {
        let start = i
        guard let first = peek else { return .none }
        switch first {
        case 0x22: return string().map { .string($0, hasEscapes: $1) } ?? .none
        case 0x5B: return skipValue() ? .array(start..<i) : .none
        case 0x74: return word("true") ? .bool(true) : .none
        case 0x66: return word("false") ? .bool(false) : .none
        case 0x2D, 0x30...0x39: return number().map { .number($0) } ?? .none
        default: return .none
        }
    }

    @_lifetime(self: copy self)
    private mutating func word(_ word: StaticString) -> Bool {
        let end = i + word.utf8CodeUnitCount
        guard end <= text.byteCount, text.extracting(i..<end).equals(word) else { return false }
        i = end
        return true
    }

    /// A sign, digits, and what fractions and exponents are made of.
    @_lifetime(self: copy self)
    private mutating func number() -> Range<Int>? {
        let start = i
        if peek == 0x2D { i += 1 }
        guard let first = peek, first &- 0x30 < 10 else { return nil }
        while let byte = peek,
            byte &- 0x30 < 10 || byte == 0x2E || byte | 0x20 == 0x65 || byte == 0x2B || byte == 0x2D
        { i += 1 }
        return start..<i
    }

    /// The stretch between the quotes of the string here, and whether it has backslashes.
    @_lifetime(self: copy self)
    private mutating func string() -> (Range<Int>, Bool)? {
        guard peek == 0x22 else { return nil }
        i += 1
        let start = i
        var hasEscapes = false
        while let byte = peek {
            if byte == 0x22 {
                i += 1
                return (start..<i - 1, hasEscapes)
            }
            if byte == 0x5C {
                hasEscapes = true
                i += 1
            }
            i += 1
        }
        return nil
    }

    /// Passes over the value here. False if there is none, or one that is too deep or does not end.
    @_lifetime(self: copy self)
    private mutating func skipValue() -> Bool {
        // The lowest of `depth` bits tells whether the innermost one is an object.
        var kinds: UInt64 = 0
        var depth = 0
        repeat {
            guard let byte = peek else { return false }
            switch byte {
            case 0x22:
                guard string() != nil else { return false }
            case 0x7B, 0x5B:
                guard depth < Self.depthMax else { return false }
                kinds = kinds << 1 | (byte == 0x7B ? 1 : 0)
                depth += 1
                i += 1
            case 0x7D, 0x5D:
                guard depth > 0, kinds & 1 == (byte == 0x7D ? 1 : 0) else { return false }
                kinds >>= 1
                depth -= 1
                i += 1
            case 0x2C, 0x3A:
                guard depth > 0 else { return false }
                i += 1
            case 0x2D, 0x30...0x39:
                guard number() != nil else { return false }
            case 0x74:
                guard word("true") else { return false }
            case 0x66:
                guard word("false") else { return false }
            case 0x6E:
                guard word("null") else { return false }
            case 0x20, 0x09, 0x0A, 0x0D: skipSpace()
            default: return false
            }
        } while depth > 0
        return true
    }

    /// Whether a key is this name.
    private func isSame(_ key: Range<Int>, _ hasEscapes: Bool, _ name: RawSpan) -> Bool {
        let key = text.extracting(key)
        guard hasEscapes else { return key.isEqual(to: name) }
        var plain: [UInt8] = []
        guard Self.unescape(key, &plain) else { return false }
        return unsafe plain.span.bytes.isEqual(to: name)
    }

    /// Appends what a string stands for. False if an escape is none.
    static func unescape(_ text: RawSpan, _ out: inout [UInt8]) -> Bool {
        var i = 0
        while i < text.byteCount {
            let byte = text[i]
            i += 1
            guard byte == 0x5C else {
                out.append(byte)
                continue
            }
            guard i < text.byteCount else { return false }
            let letter = text[i]
            i += 1
            switch letter {
            case 0x22, 0x5C, 0x2F: out.append(letter)
            case 0x62: out.append(0x08)
            case 0x66: out.append(0x0C)
            case 0x6E: out.append(0x0A)
            case 0x72: out.append(0x0D)
            case 0x74: out.append(0x09)
            case 0x75:
                guard var scalar = fourDigits(text, &i) else { return false }
                if 0xD800..<0xDC00 ~= scalar {
                    // The first half of what needs two.
                    guard i + 1 < text.byteCount, text[i] == 0x5C, text[i + 1] == 0x75 else { return false }
                    i += 2
                    guard let low = fourDigits(text, &i), 0xDC00..<0xE000 ~= low else { return false }
                    scalar = 0x1_0000 + ((scalar - 0xD800) << 10 | (low - 0xDC00))
                }
                guard let scalar = Unicode.Scalar(scalar) else { return false }
                out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            default: return false
            }
        }
        return true
    }

    private static func fourDigits(_ text: RawSpan, _ i: inout Int) -> UInt32? {
        guard i + 4 <= text.byteCount else { return nil }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = hexadecimalDigit(text[i]) else { return nil }
            value = value << 4 | UInt32(digit)
            i += 1
        }
        return value
    }
}
