// Messages of FIX, the Financial Information eXchange: `8=FIX.4.2␁9=5␁35=0␁10=161␁` (manual, section 7.3.1;
// fixtrading.org). Only the first message of what is there is looked at.

internal import Basics
internal import Configuration

enum FIXConverter: Sendable {
    case isValid
    case tagValue(Int)

    static let rows: [ConverterRow] = [
        ConverterRow(
            "fix_is_valid", takes: .binary, yields: .bool,
            summary:
                "Whether the bytes begin with a FIX message whose first three tags, length and checksum are right; nothing "
                + "if it is not whole yet."
        ) { (_, _) throws(ConfigProblem) in .fix(.isValid) },
        ConverterRow(
            "fix_tag_value", "(<tag>)", takes: .binary, yields: .binary,
            summary: "The value of the first tag of this number, or name: MsgType, SenderCompID…"
        ) { (arguments, _) throws(ConfigProblem) in
            let text = try arguments.string("a tag's number or name")
            let known = tags.first { $0.name.lowercased() == text.lowercased() }?.tag
            guard let tag = known ?? Int(text), tag > 0 else {
                throw arguments.problem(
                    "'\(text)' is no tag that is known here",
                    expected: "a number, or " + tags.map(\.name).joined(separator: ", "))
            }
            return .fix(.tagValue(tag))
        },
    ]

    private static let tags = [
        (name: "BeginString", tag: 8), (name: "BodyLength", tag: 9), (name: "CheckSum", tag: 10),
        (name: "MsgType", tag: 35), (name: "SenderCompID", tag: 49), (name: "TargetCompID", tag: 56),
    ]

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        let input = value.bytes(context)
        switch self {
        case .isValid: return context.withBytes(input) { Self.isValid($0) }.map { .bool($0) }
        case .tagValue(let tag):
            let found: Range<Int>? = context.withBytes(input) { bytes in
                var i = 0
                while case .field(let found, let value) = Self.field(bytes, &i) {
                    if found == tag { return value }
                }
                return nil
            }
            return found.map { .string(input.part($0)) }
        }
    }

    private enum Field {
        case field(tag: Int, value: Range<Int>)
        case broken, unfinished
    }

    /// Takes `tag=value` and the byte 1 behind it.
    private static func field(_ bytes: RawSpan, _ i: inout Int) -> Field {
        let equals = bytes.firstIndex(from: i) { $0 &- 0x30 >= 10 }
        guard equals < bytes.byteCount else { return .unfinished }
        guard bytes[equals] == 0x3D, let tag = bytes.extracting(i..<equals).decimalValue.flatMap({ Int(exactly: $0) }),
            tag > 0
        else { return .broken }
        let end = bytes.firstIndex(from: equals + 1) { $0 == 1 }
        guard end < bytes.byteCount else { return .unfinished }
        i = end + 1
        return .field(tag: tag, value: equals + 1..<end)
    }

    /// nil if there is not enough of it to know.
    private static func isValid(_ bytes: RawSpan) -> Bool? {
        var i = 0
        var bodyEnd = 0
        // `10=123` and the byte 1.
        let trailerBytes = 7
        for place in 0... {
            switch field(bytes, &i) {
            case .unfinished: return nil
            case .broken: return false
            case .field(let tag, let value):
                guard !value.isEmpty else { return false }
                switch place {
                case 0:
                    guard tag == 8, isVersion(bytes.extracting(value)) else { return false }
                case 1:
                    guard tag == 9, let size = bytes.extracting(value).decimalValue, size < UInt64(Int32.max) else {
                        return false
                    }
                    bodyEnd = i + Int(size)
                    guard bodyEnd + trailerBytes <= bytes.byteCount else { return nil }
                default:
                    guard i <= bodyEnd, tag != 10, place > 2 || tag == 35 else { return false }
                }
                if place >= 2, i == bodyEnd { return isTrailer(bytes, i) }
            }
        }
        return false
    }

    private static func isVersion(_ text: RawSpan) -> Bool {
        text.equals("FIXT.1.1")
            || text.byteCount == 7 && text.extracting(0..<6).equals("FIX.4.") && 0x30...0x34 ~= text[6]
    }

    /// The sum of all bytes before it, as three digits.
    private static func isTrailer(_ bytes: RawSpan, _ start: Int) -> Bool {
        var sum: UInt8 = 0
        for i in 0..<start { sum &+= bytes[i] }
        return bytes.extracting(start..<start + 3).equals("10=") && bytes[start + 6] == 1
            && bytes.extracting(start + 3..<start + 6).decimalValue == UInt64(sum)
    }
}
