// `json`: text as it stands between the quotes of a JSON string (manual, section 7.3.1; RFC 8259 section 7). The result is
// ASCII. Code points beyond U+FFFF have no escape of four digits, and are mistakes, as in HAProxy.

internal import Basics
internal import Configuration

enum JSONConverter: String, CaseIterable, Sendable {
    /// Each byte is a character.
    case ascii
    case utf8
    /// Mistakes are left out.
    case utf8s
    /// Characters that are written with more bytes than necessary are taken.
    case utf8p
    case utf8ps

    static let rows: [ConverterRow] = [
        ConverterRow(
            "json", "([<input-code>])", takes: .string, yields: .string,
            summary:
                "The text escaped for a JSON string. It is read as ascii, byte by byte, or as utf8; mistakes fail, or are "
                + "left out with utf8s; utf8p and utf8ps take what is written too long."
        ) { (arguments, _) throws(ConfigProblem) in
            let text = arguments.optionalString() ?? "ascii"
            guard let code = JSONConverter(rawValue: text) else {
                throw arguments.problem(
                    "'\(text)' is no input code", expected: allCases.map(\.rawValue).joined(separator: ", "))
            }
            return .json(code)
        }
    ]

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        context.convert(value.bytes(context)) { text, out in
            var i = 0
            while i < text.byteCount {
                let (scalar, end) = next(text, i)
                i = end
                if let scalar, scalar <= 0xFFFF {
                    Self.append(scalar, to: &out)
                } else if self != .utf8s, self != .utf8ps {
                    return false
                }
            }
            return true
        }
    }

    /// The code point at `start`, nil if there is none, and where the next one begins.
    private func next(_ text: RawSpan, _ start: Int) -> (UInt32?, Int) {
        let byte = text[start]
        if self == .ascii || byte < 0x80 { return (UInt32(byte), start + 1) }
        let size = byte.leadingOnes
        guard 2...4 ~= size else { return (nil, start + 1) }
        var scalar = UInt32(byte & (0x7F >> UInt8(size)))
        var i = start + 1
        while i < start + size {
            guard i < text.byteCount, text[i] & 0xC0 == 0x80 else { return (nil, i) }
            scalar = scalar << 6 | UInt32(text[i] & 0x3F)
            i += 1
        }
        let least: UInt32 = size == 2 ? 0x80 : size == 3 ? 0x800 : 0x1_0000
        let isTooLong = scalar < least && self != .utf8p && self != .utf8ps
        let isForbidden = 0xD800...0xDFFF ~= scalar || 0xFFFE...0xFFFF ~= scalar
        return (isTooLong || isForbidden ? nil : scalar, i)
    }

    private static func append(_ scalar: UInt32, to out: inout [UInt8]) {
        let letter: UInt8? =
            switch scalar {
            case 0x22, 0x5C, 0x2F: UInt8(scalar)
            case 0x08: 0x62
            case 0x09: 0x74
            case 0x0A: 0x6E
            case 0x0C: 0x66
            case 0x0D: 0x72
            default: nil
            }
        if let letter {
            out.append(0x5C)
            out.append(letter)
        } else if 0x20..<0x7F ~= scalar {
            out.append(UInt8(scalar))
        } else {
            out.append("\\u" as StaticString)
            for shift: UInt32 in stride(from: 16, to: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: scalar >> (shift - 4) & 15)
                out.append(digit < 10 ? digit + 0x30 : digit + 0x57)
            }
        }
    }
}

extension UInt8 {
    fileprivate var leadingOnes: Int { (~self).leadingZeroBitCount }
}
