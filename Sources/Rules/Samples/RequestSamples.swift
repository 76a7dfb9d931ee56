// The request line and what it is made of (manual, section 7.3.6).

internal import Basics
internal import Configuration
internal import HTTP

enum RequestSample: Sendable {
    case method, target, path, query, pathAndQuery, base, version
    /// Whether the target is in absolute form: the predefined condition HTTP_URL_ABS.
    case isAbsolute

    static let rows: [SampleRow] = [
        SampleRow("method", yields: .method, from: .requestHead, summary: "The request's method.") {
            (_, _) throws(ConfigProblem) in .request(.method)
        },
        SampleRow(
            "url", yields: .string, from: .requestHead, hasMatchForms: true,
            summary: "The request's target as received: path and query, or a whole URL."
        ) { (_, _) throws(ConfigProblem) in .request(.target) },
        SampleRow(
            "path", yields: .string, from: .requestHead, hasMatchForms: true,
            summary: "The target's path, without the query."
        ) { (_, _) throws(ConfigProblem) in .request(.path) },
        SampleRow("pathq", yields: .string, from: .requestHead, summary: "The target's path with its query.") {
            (_, _) throws(ConfigProblem) in .request(.pathAndQuery)
        },
        SampleRow("query", yields: .string, from: .requestHead, summary: "What stands behind the target's first '?'.") {
            (_, _) throws(ConfigProblem) in .request(.query)
        },
        SampleRow(
            "base", yields: .string, from: .requestHead, hasMatchForms: true,
            summary: "The Host field's value and the path, one behind the other."
        ) { (_, _) throws(ConfigProblem) in .request(.base) },
        SampleRow("req.ver", yields: .string, from: .requestHead, summary: "The request's HTTP version: 1.0 or 1.1.") {
            (_, _) throws(ConfigProblem) in .request(.version)
        },
        SampleRow("req_ver", yields: .string, from: .requestHead, summary: "The same as req.ver.") {
            (_, _) throws(ConfigProblem) in .request(.version)
        },
        SampleRow("req.proto_http", yields: .bool, from: .requestHead, summary: "True: the request is HTTP.") {
            (_, _) throws(ConfigProblem) in .constant(.bool(true))
        },
        SampleRow("req_proto_http", yields: .bool, from: .requestHead, summary: "The same as req.proto_http.") {
            (_, _) throws(ConfigProblem) in .constant(.bool(true))
        },
    ]

    /// nil where there is no request yet (a log line about a bad one), or it has no such part.
    @inline(__always)
    func fetch(_ facts: ExchangeFacts) -> SampleValue? {
        switch self {
        case .method: return text(facts, .method)
        case .target: return text(facts, .target)
        case .path: return text(facts, .path)
        case .pathAndQuery: return text(facts, .pathAndQuery)
        // An empty query is a query, and a missing one too.
        case .query: return facts.request.isPresent ? .string(facts.all(.query)) : nil
        case .base:
            guard facts.request.isPresent else { return nil }
            return .string(facts.make { facts.request.appendBase(to: &$0) })
        case .version:
            guard facts.request.isPresent else { return nil }
            return .string(facts.make { facts.request.appendVersionNumber(to: &$0) })
        case .isAbsolute: return .bool(facts.request.targetForm == .absolute)
        }
    }

    private func text(_ facts: ExchangeFacts, _ part: SampleBytes.RequestPart) -> SampleValue? {
        guard facts.request.isPresent else { return nil }
        let bytes = facts.all(part)
        return bytes.count == 0 ? nil : .string(bytes)
    }
}
