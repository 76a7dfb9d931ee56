// `log … format json`: each exchange as one JSON object on a line, with a fixed set of members.
//
// Keys are fixed and flat; a time that was not reached, and anything else that is not there, is null, so that
// every line has the same keys. Times are milliseconds, as in the other formats.

internal import Basics
internal import Expressions
internal import HTTP
internal import Patterns

enum JSONLine {
    static func append(
        _ context: ExchangeContext, isHTTP: Bool, requestNames: [String], responseNames: [String],
        to out: inout TextWriter
    ) {
        let timers = context.timers
        out.append("{\"time\":\"" as StaticString)
        out.append(zonedISODate: isHTTP ? timers.requestDate : timers.acceptDate)
        out.append("\",\"client\":" as StaticString)
        out.append(addressOf: context.client)
        out.append(",\"client_port\":" as StaticString)
        out.append(portOf: context.client)
        out.append(",\"frontend\":" as StaticString)
        out.append(json: context.frontendName)
        out.append(",\"tls\":" as StaticString)
        out.append(bool: context.isTLS)
        out.append(",\"backend\":" as StaticString)
        out.append(json: context.backendName)
        out.append(",\"server\":" as StaticString)
        out.append(name: context.serverName, unless: ExchangeContext.noServer)
        if isHTTP { appendRequest(context, to: &out) }
        out.append(",\"bytes_sent\":" as StaticString)
        out.append(number: context.outcome.bytesToClient)
        out.append(",\"bytes_received\":" as StaticString)
        out.append(number: context.outcome.bytesFromClient)
        if isHTTP { out.append(time: "request_ms", timers.requestTime) }
        out.append(time: "queue_ms", timers.queueTime)
        out.append(time: "connect_ms", timers.connectTime)
        if isHTTP { out.append(time: "response_ms", timers.responseTime) }
        out.append(time: "total_ms", isHTTP ? timers.activeTime : timers.totalTime)
        out.append(",\"termination\":\"" as StaticString)
        out.append(context.outcome.termination.cause.rawValue)
        out.append(context.outcome.termination.phase.rawValue)
        if isHTTP {
            out.append(context.outcome.termination.clientCookie.rawValue)
            out.append(context.outcome.termination.serverCookie.rawValue)
        }
        out.append("\",\"retries\":" as StaticString)
        out.append(number: context.outcome.retries)
        out.append(",\"redispatched\":" as StaticString)
        out.append(bool: context.outcome.isRedispatched)
        out.append(count: "connections", context.outcome.counts.process)
        out.append(count: "frontend_connections", context.outcome.counts.frontend)
        out.append(count: "backend_connections", context.outcome.counts.backend)
        out.append(count: "server_connections", context.outcome.counts.server)
        out.append(count: "server_queue", context.outcome.counts.serverQueue)
        out.append(count: "backend_queue", context.outcome.counts.backendQueue)
        if !context.uniqueID.isEmpty {
            out.append(",\"unique_id\":" as StaticString)
            out.append(json: context.uniqueID)
        }
        if let fault = context.handshakeFault {
            out.append(",\"error\":\"" as StaticString)
            out.append(fault.text)
            out.append(0x22)
        }
        out.append(captures: "request_headers", requestNames, context.requestCaptures)
        out.append(captures: "response_headers", responseNames, context.responseCaptures)
        out.append(0x7D)
    }

    private static let requestParts: [(key: StaticString, part: LogVariable)] = [
        ("method", .method), ("target", .uri), ("version", .version),
    ]

    private static func appendRequest(_ context: ExchangeContext, to out: inout TextWriter) {
        let line = context.requestLine
        let parts = RequestLineParts(line)
        for (key, part) in requestParts {
            out.append(key: key)
            let range = parts.range(of: part)
            if range.isEmpty {
                out.append("null" as StaticString)
            } else {
                unsafe out.append(json: line.span.bytes.extracting(range))
            }
        }
        out.append(",\"host\":" as StaticString)
        if context.request.hasHost {
            out.append(json: context.request.host)
        } else {
            out.append("null" as StaticString)
        }
        out.append(time: "status", context.outcome.status)
    }
}

extension TextWriter {
    fileprivate mutating func append(key: StaticString) {
        append(",\"" as StaticString)
        append(key)
        append("\":" as StaticString)
    }

    fileprivate mutating func append(bool value: Bool) {
        if value { append("true" as StaticString) } else { append("false" as StaticString) }
    }

    /// A number that is null below zero.
    fileprivate mutating func append(time key: StaticString, _ value: Int) {
        append(key: key)
        if value < 0 { append("null" as StaticString) } else { append(number: value) }
    }

    fileprivate mutating func append(count key: StaticString, _ value: Int) {
        append(key: key)
        append(number: value)
    }

    fileprivate mutating func append(name: String, unless missing: String) {
        if name == missing { append("null" as StaticString) } else { append(json: name) }
    }

    fileprivate mutating func append(addressOf address: SocketAddress) {
        guard let ip = address.ip else { return append("null" as StaticString) }
        append(0x22)
        append(ip: ip)
        append(0x22)
    }

    fileprivate mutating func append(portOf address: SocketAddress) {
        if let port = address.port { append(number: Int(port)) } else { append("null" as StaticString) }
    }

    /// An object of the captured fields that were there; nothing if none is configured.
    fileprivate mutating func append(captures key: StaticString, _ names: [String], _ captures: FieldCaptures) {
        guard !names.isEmpty else { return }
        append(key: key)
        append(0x7B)
        var isFirst = true
        for i in 0..<min(captures.count, names.count) where !captures.values[i].isEmpty {
            if !isFirst { append(0x2C) }
            isFirst = false
            append(json: names[i])
            append(0x3A)
            append(json: captures.values[i])
        }
        append(0x7D)
    }

    /// `2026-11-21T07:15:25.196+01:00`.
    fileprivate mutating func append(zonedISODate time: WallTime) {
        let civil = LocalCalendar.civil(time)
        append(isoDate: civil)
        append(0x2E)
        append(threeDigits: time.microseconds / 1_000)
        append(offsetOf: civil, separator: 0x3A)
    }
}
