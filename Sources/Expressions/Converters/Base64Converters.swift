// `base64` and its like for URLs, both ways (manual, section 7.3.1; RFC 4648 sections 4 and 5).

internal import Basics
internal import Configuration

/// The two alphabets.
enum Base64: Sendable {
    /// With `+` and `/`, and `=` to fill up the last four.
    case ordinary
    /// With `-` and `_`, not filled up.
    case url

    func append(_ bytes: RawSpan, to out: inout [UInt8]) {
        var i = 0
        while i < bytes.byteCount {
            let rest = bytes.byteCount - i
            let word =
                UInt32(bytes[i]) << 16 | (rest > 1 ? UInt32(bytes[i + 1]) << 8 : 0)
                | (rest > 2 ? UInt32(bytes[i + 2]) : 0)
            for place in 0..<4 {
                if place <= rest {
                    out.append(character(UInt8(truncatingIfNeeded: word >> UInt32(18 - 6 * place)) & 63))
                } else if self == .ordinary {
                    out.append(0x3D)
                }
            }
            i += 3
        }
    }

    /// False if the text is not of this alphabet, or of a length that nothing has.
    func decode(_ text: RawSpan, to out: inout [UInt8]) -> Bool {
        var end = text.byteCount
        if self == .ordinary {
            guard end % 4 == 0 else { return false }
            for _ in 0..<2 where end > 0 && text[end - 1] == 0x3D { end -= 1 }
        }
        guard end % 4 != 1 else { return false }
        var word: UInt32 = 0
        var bits: UInt32 = 0
        for i in 0..<end {
            guard let value = value(text[i]) else { return false }
            word = word << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                out.append(UInt8(truncatingIfNeeded: word >> bits))
            }
        }
        return true
    }

    private func character(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: value + 0x41
        case 26..<52: value - 26 + 0x61
        case 52..<62: value - 52 + 0x30
        case 62: self == .url ? 0x2D : 0x2B
        default: self == .url ? 0x5F : 0x2F
        }
    }

    private func value(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x41...0x5A: character - 0x41
        case 0x61...0x7A: character - 0x61 + 26
        case 0x30...0x39: character - 0x30 + 52
        case 0x2B where self == .ordinary, 0x2D where self == .url: 62
        case 0x2F where self == .ordinary, 0x5F where self == .url: 63
        default: nil
        }
    }
}

enum Base64Converter: Sendable {
    case encode(Base64)
    case decode(Base64)

    static let rows: [ConverterRow] = [
        ConverterRow("base64", takes: .binary, yields: .string, summary: "The bytes in base64.") {
            (_, _) throws(ConfigProblem) in .base64(.encode(.ordinary))
        },
        ConverterRow("ub64enc", takes: .binary, yields: .string, summary: "The bytes in base64url, not padded.") {
            (_, _) throws(ConfigProblem) in .base64(.encode(.url))
        },
        ConverterRow("b64dec", takes: .string, yields: .binary, summary: "The bytes that a base64 text stands for.") {
            (_, _) throws(ConfigProblem) in .base64(.decode(.ordinary))
        },
        ConverterRow(
            "ub64dec", takes: .string, yields: .binary,
            summary: "The bytes that a base64url text without padding stands for."
        ) { (_, _) throws(ConfigProblem) in .base64(.decode(.url)) },
    ]

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        context.convert(value.bytes(context)) { input, out in
            switch self {
            case .encode(let alphabet):
                alphabet.append(input, to: &out)
                return true
            case .decode(let alphabet): return alphabet.decode(input, to: &out)
            }
        }
    }
}
