// The request line and what it is made of (manual, section 7.3.6).

internal import Basics
internal import Configuration
internal import HTTP

enum RequestSample: SampleFamily {
    case method, target, path, query, pathAndQuery, base, baseAndQuery, version, targetAddress, targetPort
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
        SampleRow(
            "query", yields: .string, from: .requestHead,
            summary: "What stands behind the target's first '?'; no value without one."
        ) {
            (_, _) throws(ConfigProblem) in .request(.query)
        },
        SampleRow(
            "base", yields: .string, from: .requestHead, hasMatchForms: true,
            summary: "The Host field's value and the path, one behind the other."
        ) { (_, _) throws(ConfigProblem) in .request(.base) },
        SampleRow(
            "req.ver", yields: .string, from: .requestHead, summary: "The request's HTTP version: 1.0, 1.1 or 2.0."
        ) {
            (_, _) throws(ConfigProblem) in .request(.version)
        },
        SampleRow("req_ver", yields: .string, from: .requestHead, summary: "The same as req.ver.") {
            (_, _) throws(ConfigProblem) in .request(.version)
        },
        SampleRow(
            "baseq", yields: .string, from: .requestHead, .request(.baseAndQuery),
            summary: "The Host field's value and the path with its query."),
        SampleRow(
            "url_ip", yields: .address, from: .requestHead, .request(.targetAddress),
            summary: "The address in a target that is a whole URL with an address for its host."),
        SampleRow(
            "url_port", yields: .integer, from: .requestHead, .request(.targetPort),
            summary: "The port in a target that is a whole URL; 80 or 443 if none is written."),
    ]

    /// nil where there is no request yet (a log line about a bad one), or it has no such part.
    func head(in side: MessageSide) -> MessageSide? { .request }

    @inline(__always)
    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .method: return text(context, .method)
        case .target: return text(context, .target)
        // The target `*` of OPTIONS is no path.
        case .path: return context.request.targetForm == .asterisk ? nil : text(context, .path)
        case .pathAndQuery: return context.request.targetForm == .asterisk ? nil : text(context, .pathAndQuery)
        // An empty query is a query; without a '?' there is none.
        case .query: return context.request.hasQuery ? .string(context.all(.query)) : nil
        case .base:
            guard context.request.isPresent else { return nil }
            return .string(context.make { context.request.appendBase(to: &$0) })
        case .version:
            guard context.request.isPresent else { return nil }
            return .string(context.make { context.request.appendVersionNumber(to: &$0) })
        case .baseAndQuery:
            guard context.request.isPresent else { return nil }
            return .string(context.make { context.request.appendBase(withQuery: true, to: &$0) })
        case .targetAddress: return context.request.targetAddress.map { .address($0) }
        case .targetPort: return context.request.targetPort.map { .integer($0) }
        case .isAbsolute: return .bool(context.request.targetForm == .absolute)
        }
    }

    private func text(_ context: ExchangeContext, _ part: SampleBytes.RequestPart) -> SampleValue? {
        guard context.request.isPresent else { return nil }
        let bytes = context.all(part)
        return bytes.count == 0 ? nil : .string(bytes)
    }
}

extension RequestHead {
    /// The address that the target's authority is.
    fileprivate var targetAddress: IPAddress? {
        let authority = authority
        let end = authority.endOfHost
        // No address is written with more than 45 bytes.
        guard end > 0, end <= 47 else { return nil }
        let isBracketed = authority[0] == 0x5B
        return IPAddress(authority.extracting(isBracketed ? 1..<max(1, end - 1) : 0..<end).text)
    }

    fileprivate var targetPort: Int? {
        let authority = authority
        guard authority.byteCount > 0 else { return nil }
        let end = authority.endOfHost
        if end + 1 < authority.byteCount, let port = authority.extracting(end + 1..<authority.byteCount).decimalValue {
            return Int(clamping: port)
        }
        return target.byteCount > 5 && target.extracting(first: 6).equalsIgnoringCase("https:") ? 443 : 80
    }
}

extension RawSpan {
    /// Where the port's colon stands in an authority, or its end.
    fileprivate var endOfHost: Int {
        let start = byteCount > 0 && self[0] == 0x5B ? firstIndex(from: 0) { $0 == 0x5D } : 0
        return firstIndex(from: start) { $0 == 0x3A }
    }
}
