// The request's body, as far as it is here when the rule is run: all of it, or a buffer full, where it was waited for
// (`option http-buffer-request`, `http-request wait-for-body`; manual, section 7.3.6).

internal import Basics
public import Configuration
internal import HTTP

enum BodySample: Sendable {
    case bytes, length, size

    static let rows: [SampleRow] = [
        row("req.body", .binary, .bytes, "What is here of the request's body, without its framing."),
        row("req.body_len", .integer, .length, "How many bytes of the request's body are here."),
        row("req.body_size", .integer, .size, "The body's length as Content-Length says it, or else what is here."),
    ]

    private static func row(_ name: String, _ type: SampleType, _ sample: BodySample, _ summary: String) -> SampleRow {
        SampleRow(name, yields: type, from: .requestBody, summary: summary) { (_, table) throws(ConfigProblem) in
            table.usesRequestBody = true
            return .body(sample)
        }
    }

    func fetch(_ facts: ExchangeFacts) -> SampleValue? {
        guard facts.request.isPresent else { return nil }
        switch self {
        case .bytes: return .string(SampleBytes(source: .body, start: 0, count: facts.requestBody.count))
        case .length: return .integer(facts.requestBody.count)
        case .size: return .integer(facts.request.fields.contentLength ?? facts.requestBody.count)
        }
    }
}

extension HeaderFields {
    fileprivate var contentLength: Int? {
        guard let i = first(.contentLength), let length = value(i).decimalValue else { return nil }
        return Int(clamping: length)
    }
}

extension Draft {
    /// Whether rules or log formats of this section look into requests' bodies.
    public var looksIntoRequestBodies: Bool { anyTable { $0.usesRequestBody } }

    /// Whether rules of this section look at requests' heads: in TCP mode the client's bytes are only then searched for one.
    public var looksAtRequestHeads: Bool { self[RulesSettings.self].table.usesRequestHead }

    /// Whether rules or log formats of this section look at what was captured.
    public var looksAtCaptures: Bool { anyTable { $0.usesCaptures } }

    private func anyTable(_ isSo: (RuleTable) -> Bool) -> Bool {
        isSo(self[RulesSettings.self].table) || isSo(self[UniqueIDSettings.self].table)
            || self[ExchangeLogSettings.self].anyTable(isSo)
    }
}
