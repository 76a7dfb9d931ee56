// A lossless mapping between arbitrary bytes and strings.
//
// A configuration file consists of bytes: a pattern may contain the byte E9, which is not valid UTF-8 on its own. Its
// words are nevertheless handled as strings. Each byte that is not part of valid UTF-8 is mapped to one private-use
// character, U+10FE80 for 80 to U+10FEFF for FF; `verbatimBytes` maps it back. If the input contains these characters
// themselves, encoded in UTF-8, each of their bytes is mapped in the same way, so that the mapping is always
// reversible.

extension String {
    /// Maps bytes to text. `verbatimBytes` is the inverse.
    public init(verbatim bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        if !bytes.contains(VerbatimText.lead), let text = String(validating: bytes, as: UTF8.self) {
            self = text
        } else {
            self = String(decoding: VerbatimText.escaped(bytes), as: UTF8.self)
        }
    }

    /// The bytes that the text was made from with `init(verbatim:)`. For any other text, its UTF-8 bytes.
    public var verbatimBytes: [UInt8] {
        let bytes = Array(utf8)
        return bytes.contains(VerbatimText.lead) ? VerbatimText.unescaped(bytes) : bytes
    }

    /// Calls `body` with `verbatimBytes` as a C string, for paths in system calls.
    @safe
    public func withVerbatimCString<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
        let bytes = verbatimBytes.map { CChar(bitPattern: $0) } + [0]
        return unsafe bytes.withUnsafeBufferPointer { unsafe body($0.baseAddress.unsafelyUnwrapped) }
    }

    /// The text for display: a byte that is not valid UTF-8 is shown as `\xE9`.
    public var showingVerbatimBytes: String {
        guard utf8.contains(VerbatimText.lead), unicodeScalars.contains(where: VerbatimText.isByte) else { return self }
        var text = ""
        for scalar in unicodeScalars {
            if VerbatimText.isByte(scalar) {
                text += "\\x" + String(scalar.value - VerbatimText.base, radix: 16, uppercase: true)
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension RawSpan {
    /// The bytes mapped to text with `String(verbatim:)`.
    public var verbatimText: String { unsafe withUnsafeBytes { unsafe String(verbatim: $0) } }
}

extension Unicode.Scalar {
    /// Whether the character represents a byte that is not valid UTF-8.
    public var isVerbatimByte: Bool { VerbatimText.isByte(self) }
}

private enum VerbatimText {
    /// The first UTF-8 byte of all characters above U+FFFFF.
    static let lead: UInt8 = 0xF4
    /// A byte's character has the code `base` plus the byte.
    static let base: UInt32 = 0x10_FE00

    static func isByte(_ scalar: Unicode.Scalar) -> Bool { (base + 0x80...base + 0xFF).contains(scalar.value) }

    static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 16)
        var i = 0
        while i < bytes.count {
            let length = sequenceLength(bytes, at: i)
            if length > 0, !isEscape(bytes, at: i) {
                out += bytes[i..<i + length]
                i += length
            } else {
                out += [lead, 0x8F, bytes[i] < 0xC0 ? 0xBA : 0xBB, 0x80 | bytes[i] & 0x3F]
                i += 1
            }
        }
        return out
    }

    static func unescaped(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var i = 0
        while i < bytes.count {
            if isEscape(bytes, at: i) {
                out.append((bytes[i + 2] == 0xBA ? 0x80 : 0xC0) | bytes[i + 3] & 0x3F)
                i += 4
            } else {
                out.append(bytes[i])
                i += 1
            }
        }
        return out
    }

    /// Whether the UTF-8 form of a byte's character starts at `i`.
    private static func isEscape(_ bytes: [UInt8], at i: Int) -> Bool {
        i + 3 < bytes.count && bytes[i] == lead && bytes[i + 1] == 0x8F && bytes[i + 2] | 1 == 0xBB
            && bytes[i + 3] & 0xC0 == 0x80
    }

    /// The length of the well-formed UTF-8 sequence at `i` (Unicode, table 3-7), or 0.
    private static func sequenceLength(_ bytes: [UInt8], at i: Int) -> Int {
        let first = bytes[i]
        let (length, second): (Int, ClosedRange<UInt8>) =
            switch first {
            case 0x00...0x7F: (1, 0...0)
            case 0xC2...0xDF: (2, 0x80...0xBF)
            case 0xE0: (3, 0xA0...0xBF)
            case 0xED: (3, 0x80...0x9F)
            case 0xE1...0xEF: (3, 0x80...0xBF)
            case 0xF0: (4, 0x90...0xBF)
            case 0xF1...0xF3: (4, 0x80...0xBF)
            case 0xF4: (4, 0x80...0x8F)
            default: (0, 0...0)
            }
        if length <= 1 { return length }
        guard i + length <= bytes.count, second.contains(bytes[i + 1]) else { return 0 }
        for k in 2..<max(2, length) where bytes[i + k] & 0xC0 != 0x80 { return 0 }
        return length
    }
}
