// Bytes that the client or the server has sent and no parser has read: for `tcp-request content` rules (manual,
// section 7.3.5). What may yet come makes a sample undecided rather than missing (`context.mayGrow`).

internal import Basics
internal import Configuration
internal import Patterns

enum PayloadSample: SampleFamily {
    case length(MessageSide)
    /// nil for the side that the rules being run are about.
    case stretch(MessageSide?, offset: Int, count: Int)
    case sized(MessageSide?, SizedStretch)
    case isHTTP
    /// Whether nothing more is waited for.
    case end

    /// A stretch whose length stands in the bytes themselves.
    struct SizedStretch: Sendable {
        let lengthOffset: Int
        let lengthBytes: Int
        /// Where it begins: at `offset`, or that far behind the length.
        let offset: Int
        let isRelative: Bool
    }

    /// No stretch reaches beyond this: a buffer never holds more.
    private static let offsetMax = 1 << 24

    static let rows: [SampleRow] = {
        let length = row(
            "req.len", .integer, .length(.request), "How many bytes the client has sent that nobody has read.")
        let http = SampleRow(
            "req.proto_http", yields: .bool, from: .requestHead, .payload(.isHTTP),
            summary: "True if the client speaks HTTP, known once its request's head is here.")
        return [
            length, length.named("req_len"), http, http.named("req_proto_http"),
            row("res.len", .integer, .length(.response), "How many bytes the server has sent that nobody has read."),
            stretch("req.payload", .request), stretch("res.payload", .response), stretch("payload", nil),
            sized("req.payload_lv", .request), sized("res.payload_lv", .response), sized("payload_lv", nil),
            row("wait_end", .bool, .end, "True once the time to inspect is over; undecided before that."),
        ]
    }()

    private static func availability(_ side: MessageSide?) -> SampleAvailability {
        side == .response ? .responseBytes : .requestBytes
    }

    private static func row(_ name: String, _ type: SampleType, _ sample: PayloadSample, _ summary: String) -> SampleRow
    {
        let side: MessageSide? = if case .length(let side) = sample { side } else { nil }
        return SampleRow(name, yields: type, from: availability(side), .payload(sample), summary: summary)
    }

    private static func stretch(_ name: String, _ side: MessageSide?) -> SampleRow {
        SampleRow(
            name, "(<offset>,<length>)", yields: .binary, from: availability(side),
            summary: "So many of the bytes that were sent, from an offset on; all if the length is 0."
        ) { (arguments, table) throws(ConfigProblem) in
            table.payloadSamples.append(arguments.ownReference)
            let offset = try arguments.integer("an offset", in: 0...offsetMax)
            let count = try arguments.integer("a length", in: 0...offsetMax)
            return .payload(.stretch(side, offset: offset, count: count))
        }
    }

    private static func sized(_ name: String, _ side: MessageSide?) -> SampleRow {
        SampleRow(
            name, "(<offset1>,<length>[,<offset2>])", yields: .binary, from: availability(side),
            summary:
                "Bytes whose number stands in <length> bytes at <offset1>: from there on, or from <offset2>, which a sign"
                + " makes count from there."
        ) { (arguments, table) throws(ConfigProblem) in
            table.payloadSamples.append(arguments.ownReference)
            let lengthOffset = try arguments.integer("an offset", in: 0...offsetMax)
            let lengthBytes = try arguments.integer("a length's length", in: 1...8)
            let text = arguments.optionalString()
            guard let offset = text.map({ Int($0) }) ?? 0, abs(offset) <= offsetMax else {
                throw arguments.problem("'\(text ?? "")' is no offset", expected: "a whole number, with a sign or not")
            }
            let isRelative = text.map { $0.hasPrefix("+") || $0.hasPrefix("-") } ?? true
            guard !isRelative || lengthOffset + lengthBytes + offset >= 0 else {
                throw arguments.problem("the offset \(offset) leads before the first byte")
            }
            return .payload(
                .sized(
                    side,
                    SizedStretch(
                        lengthOffset: lengthOffset, lengthBytes: lengthBytes, offset: offset, isRelative: isRelative)))
        }
    }
    func head(in side: MessageSide) -> MessageSide? { if case .isHTTP = self { .request } else { nil } }

    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .length(let side):
            // Any number of bytes may be more in a moment.
            context.isUndecided = context.mayGrow
            if side == .request, context.requestProbe == nil, context.request.isPresent {
                return .integer(context.request.byteCount + 2 + context.requestBody.count)
            }
            return .integer(side == .request ? context.requestPayload.count : context.responsePayload.count)
        case .stretch(let side, let offset, let count): return stretch(side ?? context.side, offset, count, context)
        case .sized(let side, let place):
            let side = side ?? context.side
            let begin = place.lengthOffset + place.lengthBytes
            guard let head = bytes(side, place.lengthOffset, place.lengthBytes, context) else { return nil }
            let count = context.withBytes(head) { $0.bigEndianValue }
            guard count > 0, count <= UInt64(Self.offsetMax) else { return nil }
            let offset = place.isRelative ? begin + place.offset : place.offset
            return bytes(side, offset, Int(count), context).map { .string($0) }
        case .isHTTP: return context.request.isPresent ? .bool(true) : nil
        case .end:
            context.isUndecided = context.mayGrow
            return context.mayGrow ? nil : .bool(true)
        }
    }

    private func stretch(_ side: MessageSide, _ offset: Int, _ count: Int, _ context: ExchangeContext) -> SampleValue? {
        if count > 0 { return bytes(side, offset, count, context).map { .string($0) } }
        guard let rest = bytes(side, offset, 0, context) else { return nil }
        context.isUndecided = context.mayGrow
        let all = side == .request ? context.requestPayload.count : context.responsePayload.count
        return .string(SampleBytes(source: rest.source, start: offset, count: all - offset))
    }

    /// nil if they are not all here.
    private func bytes(_ side: MessageSide, _ offset: Int, _ count: Int, _ context: ExchangeContext) -> SampleBytes? {
        let all = side == .request ? context.requestPayload.count : context.responsePayload.count
        guard offset + count <= all else {
            context.isUndecided = context.mayGrow
            return nil
        }
        return SampleBytes(source: .payload(side), start: offset, count: count)
    }
}

extension RawSpan {
    /// At most eight bytes, the first being the highest.
    fileprivate var bigEndianValue: UInt64 {
        var value: UInt64 = 0
        for i in 0..<byteCount { value = value << 8 | UInt64(self[i]) }
        return value
    }
}

extension ExpressionArguments {
    /// The sample's own name, and where it stands.
    var ownReference: Reference { Reference(name: owner, range: text.range(ownerRange)) }
}
