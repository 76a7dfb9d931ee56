// JA4: what kind of program a TLS client is, from its hello. Three parts: what it speaks and how much it offers; a digest of its
// ciphers; a digest of its extensions and signature algorithms. Both lists are sorted, so that a client which shuffles its
// extensions keeps its fingerprint. The method is FoxIO's, published at github.com/FoxIO-LLC/ja4 (JA4 itself under the BSD licence).

internal import Basics
internal import COpenSSL

enum Fingerprint {
    /// `t13d1516h2_8daaf6152771_e5627efa2ab1`, always 36 bytes.
    static func ja4(_ hello: ClientHello, _ message: RawSpan) -> [UInt8] {
        let ciphers = numbers(message, hello.ciphers)
        var types: [UInt8] = []
        hello.appendExtensionTypes(message, to: &types)
        let extensions = unsafe numbers(types.span.bytes, 0..<types.count)

        var out: [UInt8] = [UInt8(ascii: "t")]
        out += version(hello, message).utf8
        out.append(UInt8(ascii: hello.hasServerName ? "d" : "i"))
        out.append(twoDigits: ciphers.count)
        out.append(twoDigits: extensions.count)
        appendProtocol(hello, message, to: &out)
        out.append(UInt8(ascii: "_"))
        appendDigest(of: list(ciphers.sorted()), to: &out)
        out.append(UInt8(ascii: "_"))
        // Names and protocols depend on the server, not on the program.
        var text = list(extensions.filter { $0 != 0 && $0 != 16 }.sorted())
        let algorithms = numbers(message, hello.signatureAlgorithms)
        if !algorithms.isEmpty, !text.isEmpty { text += [UInt8(ascii: "_")] + list(algorithms) }
        appendDigest(of: text, to: &out)
        return out
    }

    /// Whether the value stands for nothing and is there so that servers get used to what they do not know (GREASE, RFC 8701).
    static func isNoise(_ value: Int) -> Bool { value & 0x0F0F == 0x0A0A && value >> 8 == value & 0xFF }

    /// The values of a list of numbers of two bytes, without noise.
    private static func numbers(_ bytes: RawSpan, _ range: Range<Int>?) -> [Int] {
        guard let range else { return [] }
        return stride(from: range.lowerBound, to: range.upperBound - 1, by: 2).map {
            Int(bytes[$0]) << 8 | Int(bytes[$0 + 1])
        }.filter { !isNoise($0) }
    }

    /// The newest version that the client offers.
    private static func version(_ hello: ClientHello, _ message: RawSpan) -> String {
        let newest = numbers(message, hello.versions).max() ?? Int(hello.major) << 8 | Int(hello.minor)
        return switch newest {
        case 0x0304: "13"
        case 0x0303: "12"
        case 0x0302: "11"
        case 0x0301: "10"
        case 0x0300: "s3"
        case 0x0002: "s2"
        default: "00"
        }
    }

    /// The first and the last letter of the first protocol that is offered; of its hexadecimal digits where one is no letter.
    private static func appendProtocol(_ hello: ClientHello, _ message: RawSpan, to out: inout [UInt8]) {
        guard let list = hello.protocols, let length = list.first.map({ Int(message[$0]) }), length > 0 else {
            out += "00".utf8
            return
        }
        let first = message[list.lowerBound + 1]
        let last = message[list.lowerBound + length]
        if first.isLetterOrDigit, last.isLetterOrDigit {
            out += [first, last]
        } else {
            out += [UInt8(hexadecimalDigit: Int(first >> 4)), UInt8(hexadecimalDigit: Int(last & 15))]
        }
    }

    private static func list(_ values: [Int]) -> [UInt8] {
        var out: [UInt8] = []
        for value in values {
            if !out.isEmpty { out.append(UInt8(ascii: ",")) }
            out.append(hexadecimal: value)
        }
        return out
    }

    /// Appends the first twelve digits of the text's SHA-256; zeros if there is no text.
    private static func appendDigest(of text: [UInt8], to out: inout [UInt8]) {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        if !text.isEmpty {
            let isDone = unsafe EVP_Digest(text, text.count, &digest, nil, EVP_sha256(), nil)
            precondition(isDone == 1, "OpenSSL makes no SHA-256")
        }
        for byte in digest.prefix(6) {
            out += [UInt8(hexadecimalDigit: Int(byte >> 4)), UInt8(hexadecimalDigit: Int(byte & 15))]
        }
    }
}

extension [UInt8] {
    /// Four digits.
    mutating func append(hexadecimal value: Int, isUpperCase: Bool = false) {
        for shift in [12, 8, 4, 0] {
            let digit = UInt8(hexadecimalDigit: value >> shift & 15)
            append(isUpperCase && digit >= 0x61 ? digit - 0x20 : digit)
        }
    }

    /// A count, 99 at most.
    fileprivate mutating func append(twoDigits value: Int) {
        let value = Swift.min(value, 99)
        self += [UInt8(0x30 + value / 10), UInt8(0x30 + value % 10)]
    }
}

extension UInt8 {
    fileprivate init(hexadecimalDigit value: Int) {
        self = value < 10 ? UInt8(ascii: "0") + UInt8(value) : UInt8(ascii: "a") + UInt8(value - 10)
    }

    fileprivate var isLetterOrDigit: Bool {
        self &- 0x30 < 10 || (self | 0x20) &- 0x61 < 26
    }
}
