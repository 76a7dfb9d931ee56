// The part of each body that has been received when the rule runs: the whole body, or one buffer of it, if the configuration waits for it
// (`option http-buffer-request`, `wait-for-body`; manual, section 7.3.6).

internal import Basics
internal import Configuration
internal import HTTP

struct BodySample: SampleFamily {
    enum Result: Sendable { case bytes, length, size }
    let side: MessageSide
    let result: Result

    static let rows: [SampleRow] = family(.request, "req", "request") + family(.response, "res", "response")

    private static func family(_ side: MessageSide, _ prefix: String, _ what: String) -> [SampleRow] {
        [
            row("\(prefix).body", .binary, side, .bytes, "What is here of the \(what)'s body, without its framing."),
            row("\(prefix).body_len", .integer, side, .length, "How many bytes of the \(what)'s body are here."),
            row(
                "\(prefix).body_size", .integer, side, .size,
                "The length of the \(what)'s body as Content-Length says it, or else what is here."),
        ]
    }

    private static func row(
        _ name: String, _ type: SampleType, _ side: MessageSide, _ result: Result, _ summary: String
    ) -> SampleRow {
        SampleRow(name, yields: type, from: side == .request ? .requestBody : .responseHead, summary: summary) {
            (_, table) throws(ConfigProblem) in
            switch side {
            case .request: table.usesRequestBody = true
            case .response: table.usesResponseBody = true
            }
            return .body(BodySample(side: side, result: result))
        }
    }
    func head(in side: MessageSide) -> MessageSide? { self.side }

    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        guard side == .response || context.request.isPresent else { return nil }
        let count = side == .request ? context.requestBody.count : context.responseBody.count
        switch result {
        case .bytes: return .string(SampleBytes(source: .body(side), start: 0, count: count))
        case .length: return .integer(count)
        case .size:
            let said = side == .request ? context.request.fields.contentLength : context.response.fields.contentLength
            return .integer(said ?? count)
        }
    }
}

extension HeaderFields {
    fileprivate var contentLength: Int? {
        guard let i = first(.contentLength), let length = value(i).decimalValue else { return nil }
        return Int(clamping: length)
    }
}
