// How bytes that could break out of their place are written: in logs (manual, section 8.6), in header values,
// in JSON.

internal import Basics

extension [UInt8] {
    /// Which bytes are written as an escape and two hexadecimal digits.
    enum Encoding {
        /// Request lines in logs: what is not printable ASCII, `"` and `#`, as `#XX`.
        case logURL
        /// Captured values in logs: those and `{`, `|`, `}`.
        case logField
        /// Other text in logs: control characters alone, so that a line stays a line.
        case logText
        /// Header values and bodies of answers: control characters except HTAB, as `%XX`.
        case message

        @inline(__always)
        func touches(_ byte: UInt8) -> Bool {
            switch self {
            case .logURL: byte < 0x20 || byte >= 0x7F || byte == 0x22 || byte == 0x23
            case .logField: byte < 0x20 || byte >= 0x7F || byte == 0x22 || byte == 0x23 || byte &- 0x7B < 3
            case .logText: byte < 0x20 || byte == 0x7F
            case .message: (byte < 0x20 && byte != 0x09) || byte == 0x7F
            }
        }

        var escape: UInt8 { self == .message ? 0x25 : 0x23 }
    }

    /// Appends `bytes` in this encoding; with `escapingParameters` also `"`, `\` and `]` with a backslash in front
    /// (RFC 5424 section 6.3.3).
    mutating func append(_ bytes: RawSpan, _ encoding: Encoding, escapingParameters: Bool = false) {
        for i in 0..<bytes.byteCount { append(bytes[i], encoding, escapingParameters) }
    }

    mutating func append(_ bytes: [UInt8], _ encoding: Encoding, escapingParameters: Bool = false) {
        for byte in bytes { append(byte, encoding, escapingParameters) }
    }

    @inline(__always)
    mutating func append(_ byte: UInt8, _ encoding: Encoding, _ escapingParameters: Bool) {
        if encoding.touches(byte) {
            append(encoding.escape)
            append(hexadecimalDigits: byte)
        } else {
            if escapingParameters, byte == 0x22 || byte == 0x5C || byte == 0x5D { append(0x5C) }
            append(byte)
        }
    }

    /// Appends two digits in upper case.
    mutating func append(hexadecimalDigits byte: UInt8) {
        append(hexadecimalDigit: byte &>> 4)
        append(hexadecimalDigit: byte & 15)
    }

    private mutating func append(hexadecimalDigit digit: UInt8) {
        append(digit < 10 ? digit &+ 0x30 : digit &+ 0x37)
    }

    /// Appends `value` in upper-case hexadecimal with at least `width` digits, as flag X writes numbers.
    mutating func append(hexadecimal value: UInt64, width: Int) {
        var shift = Swift.max((63 - (value | 1).leadingZeroBitCount) / 4, width - 1) * 4
        while shift >= 0 {
            append(hexadecimalDigit: UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 15)
            shift -= 4
        }
    }

    /// Appends a JSON string with its quotes (RFC 8259 section 7). What is not UTF-8 becomes U+FFFD.
    mutating func append(json bytes: RawSpan) {
        append(0x22)
        if bytes.isASCII {
            for i in 0..<bytes.byteCount { append(jsonByte: bytes[i]) }
        } else {
            for byte in bytes.text.utf8 { append(jsonByte: byte) }
        }
        append(0x22)
    }

    mutating func append(json bytes: [UInt8]) { unsafe append(json: bytes.span.bytes) }

    mutating func append(json text: String) {
        append(0x22)
        for byte in text.utf8 { append(jsonByte: byte) }
        append(0x22)
    }

    private mutating func append(jsonByte byte: UInt8) {
        switch byte {
        case 0x22, 0x5C:
            append(0x5C)
            append(byte)
        case 0..<0x20, 0x7F:
            append("\\u00")
            append(hexadecimalDigits: byte)
        default: append(byte)
        }
    }
}

extension RawSpan {
    fileprivate var isASCII: Bool {
        for i in 0..<byteCount where self[i] >= 0x80 { return false }
        return true
    }
}
