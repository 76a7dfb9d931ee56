// Bytes as digits, digits as numbers (manual, section 7.3.1).

internal import Basics
internal import Configuration
internal import Patterns

enum BinaryConverter: Sendable {
    case hexadecimal, hexadecimalNumber, binaryDigits, networkOrder
    case chunks(Chunks)

    /// How bytes are written in groups.
    struct Chunks: Sendable {
        enum Form { case hexadecimal, bigEndian, littleEndian }
        let form: Form
        let separator: TableSlice
        /// Bytes of a group; 0 for all bytes without groups.
        let size: Int
        /// Whether bytes at the end that fill no group are left out.
        let isTruncated: Bool
    }

    static let rows: [ConverterRow] = [
        ConverterRow("hex", takes: .binary, yields: .string, summary: "The bytes as hexadecimal digits.") {
            (_, _) throws(ConfigProblem) in .binary(.hexadecimal)
        },
        ConverterRow(
            "hex2i", takes: .string, yields: .integer,
            summary: "The number that hexadecimal digits stand for, as far as 64 bits reach."
        ) { (_, _) throws(ConfigProblem) in .binary(.hexadecimalNumber) },
        ConverterRow("base2", takes: .binary, yields: .string, summary: "The bytes as binary digits, eight each.") {
            (_, _) throws(ConfigProblem) in .binary(.binaryDigits)
        },
        ConverterRow(
            "htonl", takes: .integer, yields: .binary,
            summary: "The lower 32 bits of the number as four bytes, the highest first."
        ) { (_, _) throws(ConfigProblem) in .binary(.networkOrder) },
        ConverterRow(
            "be2hex", "([<separator>[,<chunk_size>[,<truncate>]]])", takes: .binary, yields: .string,
            summary:
                "Hexadecimal digits with a separator behind each <chunk_size> bytes; with <truncate> without what fills "
                + "no chunk."
        ) { (arguments, table) throws(ConfigProblem) in
            let separator = arguments.optionalString() ?? ""
            let isWhole = arguments.isAtEnd && separator.isEmpty
            let size = isWhole ? 0 : try arguments.integer("a number of bytes", in: 1...Int.max)
            return .binary(.chunks(try chunks(.hexadecimal, separator, size, &arguments, &table)))
        },
        numbers("be2dec", .bigEndian, "the first byte being the highest"),
        numbers("le2dec", .littleEndian, "the first byte being the lowest"),
    ]

    private static func numbers(_ name: String, _ form: Chunks.Form, _ order: String) -> ConverterRow {
        ConverterRow(
            name, "(<separator>,<chunk_size>[,<truncate>])", takes: .binary, yields: .string,
            summary:
                "A number for each <chunk_size> bytes, \(order), and separators between them; with <truncate> without "
                + "what fills no chunk."
        ) { (arguments, table) throws(ConfigProblem) in
            let separator = try arguments.text("a separator")
            let size = try arguments.integer("a number of bytes, at most 8", in: 1...8)
            return .binary(.chunks(try chunks(form, separator, size, &arguments, &table)))
        }
    }

    private static func chunks(
        _ form: Chunks.Form, _ separator: String, _ size: Int, _ arguments: inout ExpressionArguments,
        _ table: inout ExpressionTable
    ) throws(ConfigProblem) -> Chunks {
        let isTruncated = try arguments.optionalInteger("0 or 1", in: 0...1) ?? 0 == 1
        return Chunks(form: form, separator: table.keep(separator), size: size, isTruncated: isTruncated)
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        switch self {
        case .hexadecimal:
            return context.convert(value.bytes(context)) { input, out in
                for i in 0..<input.byteCount { out.append(hexadecimal: input[i]) }
                return true
            }
        case .hexadecimalNumber:
            return context.withBytes(value.bytes(context)) { Self.number($0) }.map { .integer($0) }
        case .binaryDigits:
            return context.convert(value.bytes(context)) { input, out in
                for i in 0..<input.byteCount {
                    for shift: UInt8 in stride(from: 7, through: 0, by: -1) { out.append(0x30 | input[i] >> shift & 1) }
                }
                return true
            }
        case .networkOrder:
            return value.integer(context).map { number in
                .string(context.make { $0.append(bigEndian: UInt32(truncatingIfNeeded: number)) })
            }
        case .chunks(let chunks):
            let separator = program.text(chunks.separator)
            return context.convert(value.bytes(context)) { input, out in
                chunks.append(input, separator, to: &out)
                return true
            }
        }
    }

    /// nil if there are other bytes than digits. Of more digits than 64 bits have room for the last ones count.
    private static func number(_ text: RawSpan) -> Int? {
        var number: UInt64 = 0
        for i in 0..<text.byteCount {
            guard let digit = hexadecimalDigit(text[i]) else { return nil }
            number = number << 4 | UInt64(digit)
        }
        return Int(truncatingIfNeeded: number)
    }
}

extension BinaryConverter.Chunks {
    fileprivate func append(_ input: RawSpan, _ separator: RawSpan, to out: inout [UInt8]) {
        let size = size == 0 ? max(1, input.byteCount) : size
        var start = 0
        while start < input.byteCount {
            let end = min(input.byteCount - start, size) + start
            if isTruncated, end - start < size { return }
            if start > 0 { out.append(separator) }
            switch form {
            case .hexadecimal:
                for i in start..<end { out.append(hexadecimal: input[i]) }
            case .bigEndian:
                var number: UInt64 = 0
                for i in start..<end { number = number << 8 | UInt64(input[i]) }
                out.append(decimal: number)
            case .littleEndian:
                var number: UInt64 = 0
                for i in stride(from: end - 1, through: start, by: -1) { number = number << 8 | UInt64(input[i]) }
                out.append(decimal: number)
            }
            start = end
        }
    }
}
