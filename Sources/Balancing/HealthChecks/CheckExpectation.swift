// What a check expects of an answer, and how it is looked for in the bytes that have come.

internal import Basics
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Patterns

/// `tcp-check expect`, `http-check expect`, or a step of a protocol's own check.
struct CheckExpectation: Sendable {
    enum Pattern: Sendable {
        /// In the bytes that have come, or in a response's content.
        case text([UInt8])
        case binary([UInt8])
        /// An index in the table.
        case regular(Int)
        /// The same, for the bytes as hexadecimal digits in upper case.
        case hexRegular(Int)
        case format(Format)
        case hexFormat(Format)
        /// Of a response.
        case statuses([ClosedRange<Int>])
        case statusRegular(Int)
        case field(CheckedField)
        /// A response in gRPC's protocol about health.
        case grpcHealth
        /// An answer in a protocol that is known here.
        case reply(CheckReply)
    }

    var pattern: Pattern
    var isNegated = false
    /// Bytes without which nothing is concluded. Nil: as long as nothing is found, more is waited for.
    var bytesMin: Int?
    /// The codes of the result, where they are not the usual ones.
    var passedCode: CheckResult.Code?
    var failedCode: CheckResult.Code?
    var timeoutCode: CheckResult.Code?
    /// What the result says instead of the usual words.
    var onSuccess: Format?
    var onError: Format?
    /// The status that the result shows.
    var status: Expression?

    /// Statuses that pass where no line says which: 2xx and 3xx.
    static let usualStatuses = [200...399]

    init(_ pattern: Pattern) { self.pattern = pattern }

    var needsContext: Bool {
        if onSuccess != nil || onError != nil || status != nil { return true }
        return switch pattern {
        case .text, .binary, .statuses, .grpcHealth, .reply: false
        case .regular, .hexRegular, .format, .hexFormat, .statusRegular: true
        case .field(let field): field.needsContext
        }
    }

    /// Whether the content of a response is looked at.
    var isAboutContent: Bool {
        switch pattern {
        case .text, .binary, .regular, .hexRegular, .format, .hexFormat: true
        case .statuses, .statusRegular, .field, .grpcHealth, .reply: false
        }
    }

    /// What it looks for, for messages.
    var words: String {
        switch pattern {
        case .text(let text): "string '\(String(decoding: text, as: UTF8.self))'"
        case .binary(let bytes): "binary '\(hexadecimal(bytes))'"
        case .regular: "regex"
        case .hexRegular: "binary regex"
        case .format: "log-format string"
        case .hexFormat: "log-format binary"
        case .statuses: "HTTP status codes"
        case .statusRegular: "HTTP status regex"
        case .field: "HTTP header pattern"
        case .grpcHealth: "gRPC health"
        case .reply(let reply): reply.words
        }
    }

    /// The bytes as digits in upper case.
    private func hexadecimal(_ bytes: [UInt8]) -> String {
        String(decoding: unsafe Self.digits(bytes.span.bytes), as: UTF8.self)
    }

    /// Two hexadecimal digits in upper case for each byte.
    static func digits(_ bytes: RawSpan) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(2 * bytes.byteCount)
        for i in 0..<bytes.byteCount {
            for digit in [bytes[i] >> 4, bytes[i] & 15] { out.append(digit < 10 ? 0x30 + digit : 0x37 + digit) }
        }
        return out
    }

    /// The bytes that hexadecimal digits stand for; nil if they are no pairs of digits.
    static func bytes(ofDigits digits: [UInt8]) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var out: [UInt8] = []
        for i in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[i...i + 1], as: UTF8.self), radix: 16), digits[i] != 0x2B
            else { return nil }
            out.append(byte)
        }
        return out
    }
}

/// `hdr` and `fhdr`: a response's field, and what its value has to be.
struct CheckedField: Sendable {
    enum Match: Sendable {
        case equal, begins, ends, contains
    }
    enum Text: Sendable {
        case fixed([UInt8], Match)
        case format(Format, Match)
        case regular(Int)
    }

    var name: Text
    /// Nil: any value.
    var value: Text?
    /// Whether the value is looked at as a whole, rather than the members of its list.
    var isWhole: Bool

    var needsContext: Bool {
        if case .fixed = name {
            switch value {
            case .fixed?, nil: return false
            case .format?, .regular?: return true
            }
        }
        return true
    }
}

/// One of its texts when formats are made.
enum CheckedFieldText {
    case fixed([UInt8], CheckedField.Match)
    case regular(RegularExpression, RegularMatcher)

    /// Whether the bytes are so. `ignoringCase` is about ASCII letters of a text, which are then in lower case.
    func matches(_ bytes: RawSpan, ignoringCase: Bool) -> Bool {
        switch self {
        case .regular(let expression, let matcher): return matcher.finds(expression, in: bytes)
        case .fixed(let text, let match):
            var value: [UInt8] = []
            for i in 0..<bytes.byteCount {
                let byte = bytes[i]
                value.append(ignoringCase && byte &- 0x41 < 26 ? byte | 0x20 : byte)
            }
            return switch match {
            case .equal: value == text
            case .begins: value.starts(with: text)
            case .ends: value.reversed().starts(with: text.reversed())
            case .contains: unsafe value.span.bytes.contains(text)
            }
        }
    }
}

extension RawSpan {
    /// Whether `text` is somewhere in it.
    func contains(_ text: [UInt8]) -> Bool {
        guard let first = text.first else { return true }
        var start = 0
        while true {
            start = firstIndex(from: start) { $0 == first }
            guard start + text.count <= byteCount else { return false }
            if (1..<text.count).allSatisfy({ self[start + $0] == text[$0] }) { return true }
            start += 1
        }
    }
}
