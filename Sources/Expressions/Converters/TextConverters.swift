// Text to text, and what can be said of it (manual, section 7.3.1).

internal import Basics
internal import Configuration
internal import Patterns

enum TextConverter: Sendable {
    case lower, upper, length, reverse, reverseDomain, cutLine
    case trimStart(TableSlice), trimEnd(TableSlice)
    case choice(yes: TableSlice, no: TableSlice)
    /// Bits of the control characters that are looked for; bit 32 is DEL.
    case hasControl(UInt64)

    static let rows: [ConverterRow] = [
        ConverterRow("lower", takes: .string, yields: .string, summary: "ASCII letters in lower case.") {
            (_, _) throws(ConfigProblem) in .text(.lower)
        },
        ConverterRow("upper", takes: .string, yields: .string, summary: "ASCII letters in upper case.") {
            (_, _) throws(ConfigProblem) in .text(.upper)
        },
        ConverterRow("length", takes: .string, yields: .integer, summary: "The number of bytes.") {
            (_, _) throws(ConfigProblem) in .text(.length)
        },
        ConverterRow("reverse", takes: .string, yields: .string, summary: "The bytes, the last one first.") {
            (_, _) throws(ConfigProblem) in .text(.reverse)
        },
        ConverterRow(
            "reverse_dom", takes: .string, yields: .string,
            summary:
                "The labels of a domain, the last one first: `com.example` for `example.com`. A dot at the end is left "
                + "out; an empty label is no domain."
        ) { (_, _) throws(ConfigProblem) in .text(.reverseDomain) },
        ConverterRow(
            "cut_crlf", takes: .string, yields: .string, summary: "The text up to the first CR or LF."
        ) { (_, _) throws(ConfigProblem) in .text(.cutLine) },
        ConverterRow(
            "ltrim", "(<chars>)", takes: .string, yields: .string, summary: "The text without these bytes at its begin."
        ) { (arguments, table) throws(ConfigProblem) in
            .text(.trimStart(table.keep(try arguments.string("the bytes to leave out"))))
        },
        ConverterRow(
            "rtrim", "(<chars>)", takes: .string, yields: .string, summary: "The text without these bytes at its end."
        ) { (arguments, table) throws(ConfigProblem) in
            .text(.trimEnd(table.keep(try arguments.string("the bytes to leave out"))))
        },
        ConverterRow(
            "iif", "(<true>,<false>)", takes: .bool, yields: .string,
            summary: "One text if it is true, the other if it is false."
        ) { (arguments, table) throws(ConfigProblem) in
            let yes = try arguments.text("the text for true")
            let no = try arguments.text("the text for false")
            return .text(.choice(yes: table.keep(yes), no: table.keep(no)))
        },
        ConverterRow(
            "has_ctl", "([<mask>])", takes: .binary, yields: .bool,
            summary:
                "Whether there are control characters: those whose bits are set in the mask (DEL is bit 32), all of "
                + "them with `any`, CR, LF and NUL with `http`. Without a mask: all but HTAB."
        ) { (arguments, _) throws(ConfigProblem) in
            .text(.hasControl(try controlMask(&arguments)))
        },
    ]

    private static func controlMask(_ arguments: inout ExpressionArguments) throws(ConfigProblem) -> UInt64 {
        switch arguments.optionalString() {
        case nil: return 0x1_FFFF_FDFF
        case "any": return 0x1_FFFF_FFFF
        case "http": return 0x2401
        case let text?:
            let mask = text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
            guard let mask, mask <= 0x1_FFFF_FFFF else {
                throw arguments.problem(
                    "'\(text)' is no mask of control characters", expected: "any, http, or a number of 33 bits")
            }
            return mask
        }
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        if case .choice(let yes, let no) = self {
            guard let isTrue = value.bool(context) else { return nil }
            return .string(context.make { $0.append(program.text(isTrue ? yes : no)) })
        }
        let input = value.bytes(context)
        switch self {
        case .lower:
            let copy = context.copyToScratch(input)
            context.scratch.change(copy.start..<copy.start + copy.count) { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
            return .string(copy)
        case .upper:
            let copy = context.copyToScratch(input)
            context.scratch.change(copy.start..<copy.start + copy.count) { $0 &- 0x61 < 26 ? $0 & 0xDF : $0 }
            return .string(copy)
        case .length:
            return .integer(input.count)
        case .reverse:
            return context.convert(input) { text, out in
                for i in stride(from: text.byteCount - 1, through: 0, by: -1) { out.append(text[i]) }
                return true
            }
        case .reverseDomain:
            return context.convert(input) { text, out in text.appendLabelsReversed(to: &out) }
        case .cutLine:
            return .string(input.part(0..<context.withBytes(input) { $0.firstIndex(from: 0) { $0 == 13 || $0 == 10 } }))
        case .trimStart(let chars):
            let chars = program.text(chars)
            let start = context.withBytes(input) { text in text.firstIndex(from: 0) { !chars.contains($0) } }
            return .string(input.part(start..<input.count))
        case .trimEnd(let chars):
            let chars = program.text(chars)
            let end = context.withBytes(input) { text in
                var end = text.byteCount
                while end > 0, chars.contains(text[end - 1]) { end -= 1 }
                return end
            }
            return .string(input.part(0..<end))
        case .hasControl(let mask):
            return .bool(
                context.withBytes(input) { text in
                    text.firstIndex(from: 0) { byte in
                        byte < 0x20 ? mask >> UInt64(byte) & 1 != 0 : byte == 0x7F && mask >> 32 != 0
                    } < text.byteCount
                })
        case .choice: preconditionFailure("a choice is made of a boolean")
        }
    }
}

extension [UInt8] {
    @inline(__always)
    fileprivate mutating func change(_ range: Range<Int>, _ change: (UInt8) -> UInt8) {
        for i in range { self[i] = change(self[i]) }
    }
}

extension RawSpan {
    /// False if a label is empty.
    fileprivate func appendLabelsReversed(to out: inout [UInt8]) -> Bool {
        var end = byteCount
        if end > 0, self[end - 1] == 0x2E { end -= 1 }
        while true {
            var start = end
            while start > 0, self[start - 1] != 0x2E { start -= 1 }
            guard start < end else { return false }
            out.append(extracting(start..<end))
            if start == 0 { return true }
            out.append(0x2E)
            end = start - 1
        }
    }
}
