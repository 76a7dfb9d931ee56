// What one frontend's log says of its exchanges: which of them, with which captures, in which format.

internal import Basics
internal import HTTP

public struct ExchangeLog: Sendable {
    /// What becomes of an exchange.
    public enum Verdict: Equatable, Sendable {
        case skip
        /// Logged at level info.
        case info
        /// Logged at level err: it failed, and `option log-separate-errors` is set.
        case error
    }

    /// Whether there is a line when the client connects, and none at the end: what is logged without any option.
    public let logsAtConnect: Bool
    /// Whether the line is written when the response's head has been sent (`option logasap`).
    public let logsEarly: Bool

    private let format: LogFormat
    private let isHTTP: Bool
    private let settings: ExchangeLogSettings
    private let requestNames: [String]
    private let responseNames: [String]

    init(_ settings: ExchangeLogSettings, isHTTP: Bool) {
        self.settings = settings
        self.isHTTP = isHTTP
        logsAtConnect = settings.format.isDefault
        logsEarly = settings.logsEarly
        requestNames = settings.requestCaptures.map(\.title)
        responseNames = settings.responseCaptures.map(\.title)
        format =
            switch settings.format {
            case .standard: .connection
            case .tcp: .tcp
            // A frontend in TCP mode sees no request.
            case .http: isHTTP ? .http : .tcp
            case .clf: isHTTP ? .clf : .tcp
            case .custom(let format): format
            }
    }

    /// Keeps the request fields that the log wants. Call when the request's head is complete, before rules run.
    public func captureRequest(_ facts: ExchangeFacts) {
        facts.requestCaptures.begin(settings.requestCaptures.count)
        facts.responseCaptures.begin(settings.responseCaptures.count)
        for (i, capture) in settings.requestCaptures.enumerated() {
            capture.take(from: facts.request.fields, into: &facts.requestCaptures.values[i])
        }
    }

    /// Keeps the response fields that the log wants. Call when the server's response head is complete.
    public func captureResponse(_ facts: ExchangeFacts) {
        facts.responseCaptures.begin(settings.responseCaptures.count)
        for (i, capture) in settings.responseCaptures.enumerated() {
            capture.take(from: facts.response.fields, into: &facts.responseCaptures.values[i])
        }
    }

    /// Whether the exchange is logged, and how loudly.
    public func verdict(_ facts: ExchangeFacts) -> Verdict {
        if settings.skipsNull, facts.bytesFromClient == 0, facts.requestLine.isEmpty { return .skip }
        if hasFailed(facts) { return settings.separatesErrors ? .error : .info }
        return settings.skipsNormal ? .skip : .info
    }

    /// Whether it is no normal exchange: cut off, retried, sent elsewhere, or answered with a server's error.
    private func hasFailed(_ facts: ExchangeFacts) -> Bool {
        if facts.isRedispatched || (isHTTP && facts.status >= 500) { return true }
        switch facts.termination.cause {
        case .none: return facts.retries > 0
        case .local: return false
        default: return true
        }
    }

    /// Appends the line, without header and line end.
    public func render(_ facts: ExchangeFacts, into out: inout [UInt8]) {
        facts.side = .request
        if logsAtConnect {
            renderConnection(facts, into: &out)
        } else {
            format.render(facts, into: &out)
        }
    }

    /// Appends the exchange as one JSON object without line breaks.
    public func renderJSON(_ facts: ExchangeFacts, into out: inout [UInt8]) {
        JSONLine.append(
            facts, isHTTP: isHTTP, requestNames: requestNames, responseNames: responseNames, to: &out)
    }

    /// `Connect from 10.0.1.2:33312 to 10.0.3.31:8012 (www/HTTP)` (manual, section 8.2.1).
    private func renderConnection(_ facts: ExchangeFacts, into out: inout [UInt8]) {
        out.append("Connect from ")
        out.append(endpoint: facts.client)
        out.append(" to ")
        out.append(endpoint: facts.local)
        out.append(" (")
        out.append(facts.frontendName)
        out.append(isHTTP ? "/HTTP)" : "/TCP)")
    }
}

extension [UInt8] {
    fileprivate mutating func append(endpoint address: SocketAddress) {
        if let ip = address.ip { ip.append(to: &self) } else { append("unix") }
        append(0x3A)
        append(decimal: Int(address.port ?? 0))
    }
}

/// One `capture request header` or `capture response header` line.
struct FieldCapture: Hashable, Sendable {
    let name: FieldName
    /// The name as the file writes it.
    let title: String
    /// Bytes kept of the value.
    let length: Int

    /// Takes the last such field's value.
    func take(from fields: borrowing HeaderFields, into value: inout [UInt8]) {
        var walk = FieldWalk()
        var found: Int?
        while fields.next(name, lines: true, &walk) { found = walk.line }
        guard let found else { return }
        let bytes = fields.value(found)
        value.append(bytes.extracting(first: min(length, bytes.byteCount)))
    }
}
