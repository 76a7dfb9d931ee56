// Captured parts of a request and its response, as they were before rules changed the messages (manual, section 7.3.6).

internal import Basics
internal import Configuration
internal import HTTP

enum CaptureSample: SampleFamily {
    /// A captured field by its number.
    case field(MessageSide, Int)
    case method, target, version, responseVersion

    static let rows: [SampleRow] = [
        field("capture.req.hdr", .request),
        field("capture.res.hdr", .response),
        row("capture.req.method", .requestHead, .method, "The request's method as it was received."),
        row("capture.req.uri", .requestHead, .target, "The request's path and query as they were received."),
        row("capture.req.ver", .requestHead, .version, "The request's version: HTTP/1.0, HTTP/1.1 or HTTP/2.0."),
        row(
            "capture.res.ver", .responseHead, .responseVersion,
            "The response's version: HTTP/1.0, HTTP/1.1 or HTTP/2.0."),
    ]

    private static func field(_ name: String, _ side: MessageSide) -> SampleRow {
        SampleRow(
            name, "(<number>)", yields: .string, from: side == .request ? .requestHead : .responseHead,
            summary: "What the capture \(side == .request ? "request" : "response") line of this number kept, from 0."
        ) { (arguments, table) throws(ConfigProblem) in
            table.usesCaptures = true
            return .capture(.field(side, try arguments.integer("a capture's number", in: 0...1_023)))
        }
    }

    private static func row(
        _ name: String, _ availability: SampleAvailability, _ sample: CaptureSample, _ summary: String
    ) -> SampleRow {
        SampleRow(name, yields: .string, from: availability, summary: summary) { (_, table) throws(ConfigProblem) in
            table.usesCaptures = true
            return .capture(sample)
        }
    }
    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .field(.request, let slot): value(context.requestCaptures, slot, context)
        case .field(.response, let slot): value(context.responseCaptures, slot, context)
        case .method: part(context) { line, first, _ in 0..<first }
        case .target: part(context) { line, first, last in Self.path(of: line, first + 1..<last) }
        case .version: part(context) { line, _, last in last + 1..<line.byteCount }
        case .responseVersion:
            .string(context.make { $0.append(context.response.version.name) })
        }
    }

    private func value(_ captures: FieldCaptures, _ slot: Int, _ context: ExchangeContext) -> SampleValue? {
        guard slot < captures.count, !captures.values[slot].isEmpty else { return nil }
        return .string(context.make { $0 += captures.values[slot] })
    }

    /// A part of the request line, found by its first and last space.
    private func part(_ context: ExchangeContext, _ range: (RawSpan, Int, Int) -> Range<Int>?) -> SampleValue? {
        let line = context.requestLine
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20), first < last,
            let range = unsafe range(line.span.bytes, first, last)
        else { return nil }
        return .string(context.make { $0 += line[range] })
    }

    /// From the first slash behind scheme and authority on.
    private static func path(of line: RawSpan, _ target: Range<Int>) -> Range<Int>? {
        guard line[target.lowerBound] != 0x2F else { return target }
        let text = line.extracting(target)
        let colon = text.firstIndex(from: 0) { $0 == 0x3A }
        guard colon + 2 < text.byteCount, text[colon + 1] == 0x2F, text[colon + 2] == 0x2F else { return nil }
        let slash = text.firstIndex(from: colon + 3) { $0 == 0x2F }
        return slash < text.byteCount ? target.lowerBound + slash..<target.upperBound : nil
    }
}
