// How bytes are escaped that would end the value they are part of: in logs (manual, section 8.6), in header values,
// in JSON.

public import Basics

/// Which bytes are written as an escape and two hexadecimal digits.
public struct ByteEncoding: Sendable {
    /// One bit for each byte below 64, and for each below 128.
    private let low: UInt64
    private let high: UInt64
    /// Whether it is also those from 128 on.
    private let touchesHighest: Bool
    let escape: UInt8

    /// Request lines in logs: what is not printable ASCII, `"` and `#`, as `#XX`.
    public static let logURL = ByteEncoding("\"#", touchingHighest: true, escape: 0x23)
    /// Captured values in logs: those and `{`, `|`, `}`.
    public static let logField = ByteEncoding("\"#{|}", touchingHighest: true, escape: 0x23)
    /// Other text in logs: control characters alone, so that a line stays a line.
    public static let logText = ByteEncoding("", escape: 0x23)
    /// Header values and bodies of answers: control characters except HTAB, as `%XX`.
    public static let message = ByteEncoding("", sparing: "\t", escape: 0x25)
    /// Paths that rules make: what cannot stand in a request line, as `%XX`.
    public static let path = ByteEncoding(" #", touchingHighest: true, escape: 0x25)

    /// Control characters and the `others`, without those to be spared.
    private init(_ others: String, sparing spared: String = "", touchingHighest: Bool = false, escape: UInt8) {
        var masks: [UInt64] = [0xFFFF_FFFF, 1 << 63]
        for byte in others.utf8 { masks[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
        for byte in spared.utf8 { masks[Int(byte >> 6)] &= ~(1 << UInt64(byte & 63)) }
        low = masks[0]
        high = masks[1]
        touchesHighest = touchingHighest
        self.escape = escape
    }

    @inline(__always)
    func touches(_ byte: UInt8) -> Bool {
        if byte >= 128 { return touchesHighest }
        return (byte < 64 ? low : high) &>> UInt64(byte & 63) & 1 != 0
    }
}

extension TextWriter {
    /// Appends `bytes` in an encoding; with `escapingParameters` also `"`, `\` and `]` with a backslash in front
    /// (RFC 5424 section 6.3.3).
    public mutating func append(_ bytes: RawSpan, _ encoding: ByteEncoding, escapingParameters: Bool = false) {
        // What needs nothing done goes in whole runs.
        var start = 0
        while true {
            let end = bytes.firstIndex(from: start) {
                encoding.touches($0) || (escapingParameters && ($0 == 0x22 || $0 == 0x5C || $0 == 0x5D))
            }
            append(bytes.extracting(start..<end))
            if end == bytes.byteCount { return }
            let byte = bytes[end]
            if encoding.touches(byte) {
                append(encoding.escape)
                append(hexadecimalDigits: byte)
            } else {
                append(0x5C)
                append(byte)
            }
            start = end + 1
        }
    }

    public mutating func append(_ bytes: [UInt8], _ encoding: ByteEncoding, escapingParameters: Bool = false) {
        unsafe append(bytes.span.bytes, encoding, escapingParameters: escapingParameters)
    }

    /// Appends a JSON string with its quotes (RFC 8259 section 7). What is not UTF-8 becomes U+FFFD.
    public mutating func append(json bytes: RawSpan) {
        guard bytes.isASCII else { return append(json: bytes.text) }
        append(0x22)
        append(jsonText: bytes)
        append(0x22)
    }

    public mutating func append(json bytes: [UInt8]) { unsafe append(json: bytes.span.bytes) }

    public mutating func append(json text: String) {
        append(0x22)
        var text = text
        text.withUTF8 { bytes in
            // Safe: the span does not leave this closure.
            unsafe append(jsonText: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes)))
        }
        append(0x22)
    }

    private mutating func append(jsonText bytes: RawSpan) {
        var start = 0
        while true {
            let end = bytes.firstIndex(from: start) { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C || $0 == 0x7F }
            append(bytes.extracting(start..<end))
            if end == bytes.byteCount { return }
            let byte = bytes[end]
            if byte == 0x22 || byte == 0x5C {
                append(0x5C)
                append(byte)
            } else {
                append("\\u00" as StaticString)
                append(hexadecimalDigits: byte)
            }
            start = end + 1
        }
    }
}

extension RawSpan {
    fileprivate var isASCII: Bool { firstIndex(from: 0) { $0 >= 0x80 } == byteCount }
}
