// Fields of protocol buffers' messages, and of gRPC's, which have a head before each (manual, section 7.3.1;
// protobuf.dev/programming-guides/encoding, grpc.io's PROTOCOL-HTTP2).

internal import Basics
internal import Configuration
internal import Patterns

struct ProtobufConverter: Sendable {
    /// Field numbers, the outermost first: a stretch of the table's.
    private let path: TableSlice
    private let type: FieldType?
    private let isGRPC: Bool

    /// The type that the line gives for a field; without one the bytes are returned as they are.
    fileprivate enum FieldType: String, CaseIterable, Sendable {
        case int32, int64, uint32, uint64, sint32, sint64, bool, `enum`
        case fixed64, sfixed64, double
        case fixed32, sfixed32, float
    }

    static let rows: [ConverterRow] = [
        row("protobuf", isGRPC: false, "A field of a protocol buffers' message"),
        row("ungrpc", isGRPC: true, "A field of gRPC's messages, of the first that has it"),
    ]

    private static func row(_ name: String, isGRPC: Bool, _ what: String) -> ConverterRow {
        ConverterRow(
            name, "(<field_number>[,<field_type>])", takes: .binary, yields: .any,
            summary:
                "\(what), by its number, or by a path of numbers: 48.59.1. With a type of numbers (int32, sint64, fixed32, "
                + "float…) it is a number, else bytes."
        ) { (arguments, table) throws(ConfigProblem) in
            let text = try arguments.string("a field's number, or several with dots between them")
            let start = table.fieldNumbers.count
            for part in text.split(separator: ".", omittingEmptySubsequences: false) {
                guard let number = UInt32(part), 1..<1 << 29 ~= number else {
                    throw arguments.problem("'\(part)' is no field's number", expected: "a number like 48, or 48.59.1")
                }
                table.fieldNumbers.append(number)
            }
            let path = TableSlice(start..<table.fieldNumbers.count)
            guard let name = arguments.optionalString() else {
                return .protobuf(ProtobufConverter(path: path, type: nil, isGRPC: isGRPC))
            }
            guard let type = FieldType(rawValue: name) else {
                throw arguments.problem(
                    "'\(name)' is no type here", expected: FieldType.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return .protobuf(ProtobufConverter(path: path, type: type, isGRPC: isGRPC))
        }
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        let input = value.bytes(context)
        let found: Found? = context.withBytes(input) { bytes in
            if !isGRPC { return find(in: bytes, 0..<bytes.byteCount, program) }
            var start = 0
            // A byte that tells whether the message is compressed, and four of its length.
            while bytes.byteCount - start >= 5 {
                var size = 0
                for i in start + 1..<start + 5 { size = size << 8 | Int(bytes[i]) }
                let range = start + 5..<start + 5 + size
                guard bytes[start] == 0, range.upperBound <= bytes.byteCount else { return nil }
                if let found = find(in: bytes, range, program) { return found }
                start = range.upperBound
            }
            return nil
        }
        return switch found {
        case .bytes(let range): .string(input.part(range))
        case .number(let number): .integer(number)
        case nil: nil
        }
    }

    private enum Found {
        case bytes(Range<Int>)
        case number(Int)
    }

    private func find(in bytes: RawSpan, _ message: Range<Int>, _ program: ExpressionProgram) -> Found? {
        var fields = Fields(bytes, message)
        var depth = path.range.lowerBound
        while let field = fields.next() {
            guard field.number == program.expressions.fieldNumbers[depth] else { continue }
            if depth == path.range.upperBound - 1 { return self.value(field, bytes) }
            // Only a message has fields.
            guard field.wire == .length else { return nil }
            fields = Fields(bytes, field.content)
            depth += 1
        }
        return nil
    }

    private func value(_ field: Fields.Field, _ bytes: RawSpan) -> Found? {
        guard let type else { return .bytes(field.content) }
        var number: UInt64 = 0
        switch (type, field.wire) {
        case (.int32, .varint), (.int64, .varint), (.uint32, .varint), (.uint64, .varint), (.bool, .varint),
            (.enum, .varint):
            return .number(Int(truncatingIfNeeded: field.varint))
        case (.sint32, .varint), (.sint64, .varint):
            // The sign is the lowest bit.
            return .number(Int(truncatingIfNeeded: field.varint >> 1 ^ (0 &- field.varint & 1)))
        case (.fixed64, .fixed64), (.sfixed64, .fixed64), (.double, .fixed64), (.fixed32, .fixed32),
            (.sfixed32, .fixed32), (.float, .fixed32):
            for i in field.content.reversed() { number = number << 8 | UInt64(bytes[i]) }
        default: return nil
        }
        switch type {
        case .double: return Int(exactly: Double(bitPattern: number).rounded(.towardZero)).map { .number($0) }
        case .float:
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: number))
            return Int(exactly: value.rounded(.towardZero)).map { .number($0) }
        case .sfixed32: return .number(Int(Int32(truncatingIfNeeded: number)))
        default: return .number(Int(truncatingIfNeeded: number))
        }
    }
}

/// The fields of a message, one after the other.
private struct Fields: ~Escapable {
    enum Wire: UInt8 {
        case varint = 0
        case fixed64 = 1
        case length = 2
        case fixed32 = 5
    }
    struct Field {
        let number: UInt64
        let wire: Wire
        /// A varint's own bytes, a length's without the length.
        let content: Range<Int>
        /// The value of a varint; 0 for others.
        let varint: UInt64
    }

    private let bytes: RawSpan
    private var i: Int
    private let end: Int

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, _ message: Range<Int>) {
        self.bytes = bytes
        i = message.lowerBound
        end = message.upperBound
    }

    /// Returns nil at the end, and where the message is malformed. Groups, which protobuf has deprecated, are not supported.
    @_lifetime(self: copy self)
    mutating func next() -> Field? {
        guard let tag = varint(), let wire = Wire(rawValue: UInt8(truncatingIfNeeded: tag & 7)) else { return nil }
        var start = i
        var value: UInt64 = 0
        var size = 0
        switch wire {
        case .varint:
            guard let read = varint() else { return nil }
            value = read
            size = i - start
            i = start
        case .fixed64: size = 8
        case .fixed32: size = 4
        case .length:
            guard let read = varint(), read <= UInt64(end - i) else { return nil }
            start = i
            size = Int(read)
        }
        guard size <= end - start else { return nil }
        i = start + size
        return Field(number: tag >> 3, wire: wire, content: start..<i, varint: value)
    }

    /// Seven bits a byte, the lowest first; ten bytes at most.
    @_lifetime(self: copy self)
    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while i < end, shift < 70 {
            let byte = bytes[i]
            i += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
