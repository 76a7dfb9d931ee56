// Text that was read as bytes and can be written as the same bytes again, be they UTF-8 or not.
//
// A configuration is bytes: a pattern may be the byte E9, which is no UTF-8. Its words are strings all the same, for they are
// compared, printed and taken apart. So a byte that is not part of valid UTF-8 becomes one character of a private plane,
// U+10FE80 for 80 to U+10FEFF for FF, and code that needs the bytes asks for `verbatimBytes`. Those characters themselves, written
// in UTF-8, are kept byte by byte in the same way, so that the mapping can always be undone.

extension String {
    /// The bytes as text, from which `verbatimBytes` makes the same bytes.
    public init(verbatim bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        if !bytes.contains(VerbatimText.lead), let text = String(validating: bytes, as: UTF8.self) {
            self = text
        } else {
            self = String(decoding: VerbatimText.escaped(bytes), as: UTF8.self)
        }
    }

    /// The bytes that the text was made of; those of its UTF-8 if it was made otherwise.
    public var verbatimBytes: [UInt8] {
        let bytes = Array(utf8)
        return bytes.contains(VerbatimText.lead) ? VerbatimText.unescaped(bytes) : bytes
    }

    /// Calls `body` with the bytes as a C string: for paths, which the system takes as bytes.
    @safe
    public func withVerbatimCString<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
        let bytes = verbatimBytes.map { CChar(bitPattern: $0) } + [0]
        return unsafe bytes.withUnsafeBufferPointer { unsafe body($0.baseAddress.unsafelyUnwrapped) }
    }

    /// The text for people: a byte that is no UTF-8 is written as `\xE9`.
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
    /// The bytes as text, as `String(verbatim:)` reads them.
    public var verbatimText: String { unsafe withUnsafeBytes { unsafe String(verbatim: $0) } }
}

extension Unicode.Scalar {
    /// Whether it stands for a byte that is no UTF-8.
    public var isVerbatimByte: Bool { VerbatimText.isByte(self) }
}

private enum VerbatimText {
    /// The first byte of all characters beyond U+FFFFF.
    static let lead: UInt8 = 0xF4
    /// The character of a byte is this and the byte.
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

    /// Whether the character of a byte stands here.
    private static func isEscape(_ bytes: [UInt8], at i: Int) -> Bool {
        i + 3 < bytes.count && bytes[i] == lead && bytes[i + 1] == 0x8F && bytes[i + 2] | 1 == 0xBB
            && bytes[i + 3] & 0xC0 == 0x80
    }

    /// The length of the well-formed sequence that begins here (Unicode, table 3-7); 0 if none does.
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
