// `url_dec` and `url_enc`: %XX and the bytes they stand for (manual, section 7.3.1; RFC 3986 section 2.1).

internal import Basics
internal import Configuration

enum URLConverter: Sendable {
    /// Whether `+` is a space everywhere, rather than behind the first `?` only.
    case decode(isForm: Bool)
    case encode

    static let rows: [ConverterRow] = [
        ConverterRow(
            "url_dec", "([<in_form>])", takes: .string, yields: .string,
            summary:
                "The text with the bytes that %XX stand for, and spaces for the `+` behind a `?`; with an <in_form> "
                + "other than 0 for each `+`. Nothing if two digits are missing somewhere."
        ) { (arguments, _) throws(ConfigProblem) in
            .url(.decode(isForm: try arguments.optionalInteger("a number", in: .min ... .max) ?? 0 != 0))
        },
        ConverterRow(
            "url_enc", "([<enc_type>])", takes: .string, yields: .string,
            summary:
                "The text with %XX for all bytes but letters, digits, `-`, `.`, `_` and `~`; the one type is `query`."
        ) { (arguments, _) throws(ConfigProblem) in
            if let type = arguments.optionalString(), type != "query" {
                throw arguments.problem("'\(type)' is no way to encode", expected: "query")
            }
            return .url(.encode)
        },
    ]

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        let input = value.bytes(context)
        switch self {
        case .decode(let isForm):
            return context.convert(input) { text, out in
                var isQuery = isForm
                var i = 0
                while i < text.byteCount {
                    let byte = text[i]
                    i += 1
                    switch byte {
                    case 0x25:
                        guard i + 1 < text.byteCount, let high = hexadecimalDigit(text[i]),
                            let low = hexadecimalDigit(text[i + 1])
                        else { return false }
                        out.append(high << 4 | low)
                        i += 2
                    case 0x2B where isQuery: out.append(0x20)
                    case 0x3F:
                        isQuery = true
                        out.append(byte)
                    default: out.append(byte)
                    }
                }
                return true
            }
        case .encode:
            return context.convert(input) { text, out in
                for i in 0..<text.byteCount {
                    let byte = text[i]
                    if Self.isUnreserved(byte) {
                        out.append(byte)
                    } else {
                        out.append(0x25)
                        out.append(hexadecimal: byte)
                    }
                }
                return true
            }
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        byte | 0x20 &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E
    }
}
