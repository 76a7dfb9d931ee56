// `log … format json`: one exchange as one JSON object a line, without anybody writing a format for it.
//
// Keys are fixed and flat; a time that was not reached, and anything else that is not there, is null, so that
// every line has the same keys. Times are milliseconds, as in the other formats.

internal import Basics
internal import HTTP

enum JSONLine {
    static func append(
        _ facts: ExchangeFacts, isHTTP: Bool, requestNames: [String], responseNames: [String], to out: inout [UInt8]
    ) {
        let timers = facts.timers
        out.append("{\"time\":\"")
        out.append(isoDate: isHTTP ? timers.requestDate : timers.acceptDate)
        out.append("\",\"client\":")
        out.append(addressOf: facts.client)
        out.append(",\"client_port\":")
        out.append(portOf: facts.client)
        out.append(",\"frontend\":")
        out.append(json: facts.frontendName)
        out.append(",\"tls\":")
        out.append(facts.isTLS ? "true" : "false")
        out.append(",\"backend\":")
        out.append(json: facts.backendName)
        out.append(",\"server\":")
        out.append(name: facts.serverName, unless: ExchangeFacts.noServer)
        if isHTTP { appendRequest(facts, to: &out) }
        out.append(",\"bytes_sent\":")
        out.append(decimal: facts.bytesToClient)
        out.append(",\"bytes_received\":")
        out.append(decimal: facts.bytesFromClient)
        if isHTTP { out.append(time: "request_ms", timers.requestTime) }
        out.append(time: "queue_ms", timers.queueTime)
        out.append(time: "connect_ms", timers.connectTime)
        if isHTTP { out.append(time: "response_ms", timers.responseTime) }
        out.append(time: "total_ms", isHTTP ? timers.activeTime : timers.totalTime)
        out.append(",\"termination\":\"")
        out.append(facts.termination.cause.rawValue)
        out.append(facts.termination.phase.rawValue)
        if isHTTP {
            out.append(facts.termination.clientCookie.rawValue)
            out.append(facts.termination.serverCookie.rawValue)
        }
        out.append("\",\"retries\":")
        out.append(decimal: facts.retries)
        out.append(",\"redispatched\":")
        out.append(facts.isRedispatched ? "true" : "false")
        out.append(count: "connections", facts.counts.process)
        out.append(count: "frontend_connections", facts.counts.frontend)
        out.append(count: "backend_connections", facts.counts.backend)
        out.append(count: "server_connections", facts.counts.server)
        out.append(count: "server_queue", facts.counts.serverQueue)
        out.append(count: "backend_queue", facts.counts.backendQueue)
        if !facts.uniqueID.isEmpty {
            out.append(",\"unique_id\":")
            out.append(json: facts.uniqueID)
        }
        out.append(captures: "request_headers", requestNames, facts.requestCaptures)
        out.append(captures: "response_headers", responseNames, facts.responseCaptures)
        out.append(0x7D)
    }

    private static func appendRequest(_ facts: ExchangeFacts, to out: inout [UInt8]) {
        let line = facts.requestLine
        let parts = RequestLineParts(line)
        for (key, part) in [("method", LogVariable.method), ("target", .uri), ("version", .version)] {
            out.append(key: key)
            let range = parts.range(of: part)
            if range.isEmpty {
                out.append("null")
            } else {
                unsafe out.append(json: line.span.bytes.extracting(range))
            }
        }
        out.append(",\"host\":")
        if facts.request.hasHost { out.append(json: facts.request.host) } else { out.append("null") }
        out.append(time: "status", facts.status)
    }
}

extension [UInt8] {
    fileprivate mutating func append(key: String) {
        append(",\"")
        append(key)
        append("\":")
    }

    /// A number that is null below zero.
    fileprivate mutating func append(time key: String, _ value: Int) {
        append(key: key)
        if value < 0 { append("null") } else { append(decimal: value) }
    }

    fileprivate mutating func append(count key: String, _ value: Int) {
        append(key: key)
        append(decimal: value)
    }

    fileprivate mutating func append(name: String, unless missing: String) {
        if name == missing { append("null") } else { append(json: name) }
    }

    fileprivate mutating func append(addressOf address: SocketAddress) {
        guard let ip = address.ip else { return append("null") }
        append(0x22)
        ip.append(to: &self)
        append(0x22)
    }

    fileprivate mutating func append(portOf address: SocketAddress) {
        if let port = address.port { append(decimal: Int(port)) } else { append("null") }
    }

    /// An object of the captured fields that were there; nothing if none is configured.
    fileprivate mutating func append(captures key: String, _ names: [String], _ captures: FieldCaptures) {
        guard !names.isEmpty else { return }
        append(key: key)
        append(0x7B)
        var isFirst = true
        for i in 0..<Swift.min(captures.count, names.count) where !captures.values[i].isEmpty {
            if !isFirst { append(0x2C) }
            isFirst = false
            append(json: names[i])
            append(0x3A)
            append(json: captures.values[i])
        }
        append(0x7D)
    }

    /// `2026-11-21T07:15:25.196+01:00`.
    fileprivate mutating func append(isoDate time: WallTime) {
        let civil = LocalCalendar.civil(time)
        append(decimal: civil.year, width: 4)
        append(0x2D)
        append(decimal: civil.month, width: 2)
        append(0x2D)
        append(decimal: civil.day, width: 2)
        append(0x54)
        append(decimal: civil.hour, width: 2)
        append(0x3A)
        append(decimal: civil.minute, width: 2)
        append(0x3A)
        append(decimal: civil.second, width: 2)
        append(0x2E)
        append(decimal: time.microseconds / 1_000, width: 3)
        append(offsetOf: civil, separator: 0x3A)
    }
}
