// One frontend's log: which exchanges are logged, with which captures, in which format.

internal import Basics
public import Expressions
internal import HTTP
internal import TLS

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
    /// Whether lines are written at steps of their own (`log-steps`).
    public let hasSteps: Bool

    private let format: LogFormat
    /// For clients with which it never came to a request, or to anything (`error-log-format`).
    private let errorFormat: LogFormat?
    private let isHTTP: Bool
    private let settings: ExchangeLogSettings
    private let names: ExpressionProgram
    private let requestNames: [String]
    private let responseNames: [String]
    private let requestLengths: [Int]
    private let responseLengths: [Int]
    /// Whether the lines have to be numbered, in `ExchangeContext.logCounter` (%lc).
    public let numbersLines: Bool

    init(_ settings: ExchangeLogSettings, isHTTP: Bool) {
        self.settings = settings
        names = ExpressionProgram(settings.table)
        self.isHTTP = isHTTP
        logsAtConnect = settings.format.isDefault
        hasSteps = settings.steps != nil
        logsEarly = settings.logsEarly && settings.steps == nil
        requestNames = settings.requestTitles
        responseNames = settings.responseTitles
        requestLengths = settings.requestCaptures.map(\.length)
        responseLengths = settings.responseCaptures.map(\.length)
        format =
            switch settings.format {
            case .standard: .connection
            case .tcp: .tcp
            // A frontend in TCP mode sees no request.
            case .http: isHTTP ? .http : .tcp
            case .https: isHTTP ? .https : .tcp
            case .clf: isHTTP ? .clf : .tcp
            case .custom(let format): format
            }
        errorFormat = settings.errorFormat
        numbersLines =
            format.uses(.logCounter) || errorFormat?.uses(.logCounter) ?? false
            || settings.profiles.contains { $0.formats.contains { $0.uses(.logCounter) } }
    }

    /// Keeps the request fields that the log wants. Call when the request's head is complete, before rules run.
    public func captureRequest(_ context: ExchangeContext) {
        context.requestCaptures.begin(requestLengths)
        context.responseCaptures.begin(responseLengths)
        for i in settings.requestCaptures.indices {
            context.request.fields.keepLast(settings.requestCaptures[i], names, into: &context.requestCaptures, at: i)
        }
    }

    /// Keeps the response fields that the log wants. Call when the server's response head is complete.
    public func captureResponse(_ context: ExchangeContext) {
        context.responseCaptures.begin(responseLengths)
        for i in settings.responseCaptures.indices {
            context.response.fields.keepLast(
                settings.responseCaptures[i], names, into: &context.responseCaptures, at: i)
        }
    }

    /// Whether the exchange is logged, and how loudly.
    public func verdict(_ context: ExchangeContext) -> Verdict {
        if settings.skipsNull, context.outcome.bytesFromClient == 0, context.requestLine.isEmpty { return .skip }
        if let steps = settings.steps, !steps.contains(.close), !isFailedStart(context) { return .skip }
        if context.hasFailed(isHTTP: isHTTP) { return settings.separatesErrors ? .error : .info }
        return settings.skipsNormal ? .skip : .info
    }

    /// The same for a connection that never came to an exchange.
    /// - Parameter hasReceived: whether a byte of the client's came.
    public func verdict(onFailedHandshake hasReceived: Bool) -> Verdict {
        if settings.skipsNull, !hasReceived { return .skip }
        return settings.separatesErrors ? .error : .info
    }

    /// Whether a line is written at this step, which is not the last.
    public func writes(at step: LogStep) -> Bool { settings.steps?.contains(step) ?? false }

    /// The step at which a line is written now.
    private func step(_ context: ExchangeContext) -> LogStep {
        if let step = context.logStep { return step }
        if isFailedStart(context) { return .error }
        if context.timers.ended != nil { return .close }
        // `option logasap`
        return isHTTP ? .response : .connect
    }

    /// Whether it never came to an exchange.
    private func isFailedStart(_ context: ExchangeContext) -> Bool {
        context.handshakeFault != nil || isHTTP && context.timers.requestDone == nil && context.logStep == nil
    }

    /// Whether the profile of this number leaves the line out.
    public func drops(_ context: ExchangeContext, profile: Int) -> Bool {
        settings.profiles[profile].step(step(context))?.isDropped == true
    }

    /// Appends the line for targets with the profile of this number, without header and line end.
    public func render(_ context: ExchangeContext, profile: Int, into out: inout [UInt8]) {
        guard let format = settings.profiles[profile].step(step(context))?.format else {
            render(context, into: &out)
            return
        }
        context.side = .request
        format.render(context, into: &out)
    }

    /// Appends the structured data for targets without a profile, or with the profile of this number; nothing if there is none.
    public func renderStructuredData(_ context: ExchangeContext, profile: Int? = nil, into out: inout [UInt8]) {
        context.side = .request
        let own = profile.flatMap { settings.profiles[$0].step(step(context))?.structuredData }
        (own ?? settings.structuredData)?.render(context, into: &out)
    }

    /// Whether some line has structured data.
    public var hasStructuredData: Bool {
        settings.structuredData != nil
            || settings.profiles.contains { profile in
                LogStep.allCases.contains { profile.step($0)?.structuredData != nil }
            }
    }

    /// Appends the line, without header and line end.
    public func render(_ context: ExchangeContext, into out: inout [UInt8]) {
        context.side = .request
        if let errorFormat, isFailedStart(context) {
            errorFormat.render(context, into: &out)
        } else if let fault = context.handshakeFault {
            TextWriter.append(to: &out) { renderFailedHandshake(fault, context, &$0) }
        } else if logsAtConnect {
            TextWriter.append(to: &out) { renderConnection(context, &$0) }
        } else {
            format.render(context, into: &out)
        }
        context.reportUndecidedMatches(nil, names)
    }

    /// Appends the exchange as one JSON object without line breaks.
    public func renderJSON(_ context: ExchangeContext, into out: inout [UInt8]) {
        TextWriter.append(to: &out) {
            JSONLine.append(
                context, isHTTP: isHTTP, requestNames: requestNames, responseNames: responseNames, to: &$0)
        }
    }

    /// `Connect from 10.0.1.2:33312 to 10.0.3.31:8012 (www/HTTP)` (manual, section 8.2.1).
    private func renderConnection(_ context: ExchangeContext, _ out: inout TextWriter) {
        out.append("Connect from " as StaticString)
        out.append(endpoint: context.client)
        out.append(" to " as StaticString)
        out.append(endpoint: context.local)
        out.append(" (" as StaticString)
        out.append(context.frontendName)
        out.append((isHTTP ? "/HTTP)" : "/TCP)") as StaticString)
    }
}

extension ExchangeLog {
    /// `127.0.0.1:56059 [03/Dec/2012:17:35:10.380] www/public: …`, with the bind line's name or number (manual, section 8.2.5).
    private func renderFailedHandshake(_ fault: HandshakeFault, _ context: ExchangeContext, _ out: inout TextWriter) {
        out.append(endpoint: context.client)
        out.append(" [" as StaticString)
        out.append(logDate: LocalCalendar.civil(context.timers.acceptDate))
        out.append(0x2E)
        out.append(threeDigits: context.timers.acceptDate.microseconds / 1_000)
        out.append("] " as StaticString)
        out.append(context.frontendName)
        out.append(0x2F)
        if context.socketName.isEmpty { out.append(number: context.socketID) } else { out.append(context.socketName) }
        out.append(": " as StaticString)
        out.append(fault.text)
        // What HAProxy puts into the same place are OpenSSL's words; here they say what to look for.
        if let words = context.connection.clientTLS?.fault?.words {
            out.append(" (" as StaticString)
            out.append(words)
            out.append(0x29)
        }
    }
}

extension TextWriter {
    fileprivate mutating func append(endpoint address: SocketAddress) {
        if let ip = address.ip { append(ip: ip) } else { append("unix" as StaticString) }
        append(0x3A)
        append(number: Int(address.port ?? 0))
    }
}

/// A slot for a captured value: a `capture` or `declare capture` line, or a rule's.
public struct FieldCapture: Sendable {
    /// The field whose value it is; nil where a rule fills it.
    public let name: FieldName?
    /// Bytes kept of the value.
    public let length: Int

    public init(name: FieldName?, length: Int) {
        self.name = name
        self.length = length
    }
}

extension HeaderFields {
    /// Keeps the value of the last field that the line names in a slot of `captures`; keeps none if there is no such field.
    fileprivate func keepLast(
        _ capture: FieldCapture, _ program: ExpressionProgram, into captures: inout FieldCaptures, at slot: Int
    ) {
        guard let name = capture.name else { return }
        var index = 0
        var found: Int?
        while let line = next(name, program, from: index) {
            found = line
            index = line + 1
        }
        if let found { captures.set(slot, value(found)) }
    }
}
