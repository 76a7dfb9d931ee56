// `option forwarded-headers`: X-Forwarded-For, -Proto, -Host and -Port, each once and true.
//
// What a client says of them is dropped, unless it is a proxy that the operator trusts: from such a one they are kept, and
// X-Forwarded-For is continued with the proxy's own address. A field that a rule has written is the operator's word, and
// stays.

internal import Basics
internal import Expressions
internal import HTTP

struct ForwardedHeaders: Sendable, Equatable {
    /// `trust`: the networks of proxies whose word is taken.
    var trusted: [IPNetwork] = []
    /// `trust unix`: who comes over a unix socket is on this machine.
    var trustsUnixSockets = false

    /// Sets the fields. `context.receivedFields` says which of those that are there the client has sent.
    func apply(to context: ExchangeContext, with scratch: inout [UInt8]) {
        let isTrusted = trusts(context.client)
        let end = context.receivedFields
        scratch.removeAll(keepingCapacity: true)
        if isTrusted { scratch.append(list: .xForwardedFor, of: context.request.fields, before: end) }
        if !context.request.fields.remove(.xForwardedFor, before: end) {
            if let ip = context.client.ip {
                if !scratch.isEmpty { scratch.append(", ") }
                ip.append(to: &scratch)
            }
            if !scratch.isEmpty { unsafe context.request.fields.append(.xForwardedFor, value: scratch.span.bytes) }
        }
        if !keeps(.xForwardedHost, context, isTrusted) {
            scratch.removeAll(keepingCapacity: true)
            scratch.append(hostOf: context.request)
            if !scratch.isEmpty { unsafe context.request.fields.append(.xForwardedHost, value: scratch.span.bytes) }
        }
        let keepsProto = keeps(.xForwardedProto, context, isTrusted)
        if !keepsProto { context.request.fields.append(.xForwardedProto, context.isTLS ? "https" : "http") }
        if !keeps(.xForwardedPort, context, isTrusted) {
            let port = keepsProto && isTrusted ? Self.port(of: context.request) : context.local.port.map { Int($0) }
            guard let port else { return }
            scratch.removeAll(keepingCapacity: true)
            scratch.append(decimal: port)
            unsafe context.request.fields.append(.xForwardedPort, value: scratch.span.bytes)
        }
    }

    private func trusts(_ peer: SocketAddress) -> Bool {
        guard let ip = peer.ip else { return trustsUnixSockets }
        return trusted.contains { $0.contains(ip.unmapped) || $0.contains(ip) }
    }

    /// Whether such a field stays, once: a rule's, or the last that a trusted proxy has sent.
    private func keeps(_ field: KnownField, _ context: ExchangeContext, _ isTrusted: Bool) -> Bool {
        guard context.request.fields.contains(field) else { return false }
        if isTrusted { context.request.fields.keepLast(field) }
        let end = isTrusted ? 0 : context.receivedFields
        return context.request.fields.remove(field, before: end)
    }

    /// The port that a trusted proxy was asked at, as far as it has said: the one behind the host's name, or that of the
    /// scheme; nil if there is none to be known.
    private static func port(of request: borrowing RequestHead) -> Int? {
        if let host = request.fields.first(.xForwardedHost),
            let port = port(behindHost: request.fields.value(host))
        {
            return port
        }
        guard let proto = request.fields.first(.xForwardedProto) else { return nil }
        let scheme = request.fields.value(proto)
        if scheme.equalsIgnoringCase("https") { return 443 }
        return scheme.equalsIgnoringCase("http") ? 80 : nil
    }

    /// Of `name:8080` and `[::1]:8080`.
    private static func port(behindHost host: RawSpan) -> Int? {
        var i = host.byteCount - 1
        while i >= 0, host[i] &- 0x30 < 10 { i -= 1 }
        guard i >= 0, host[i] == 0x3A, i + 1 < host.byteCount,
            let port = host.extracting(i + 1..<host.byteCount).decimalValue
        else { return nil }
        return port <= 65_535 ? Int(port) : nil
    }
}

extension [UInt8] {
    /// The values of all such fields before `end`, as one list (RFC 9110 section 5.3).
    fileprivate mutating func append(list field: KnownField, of fields: borrowing HeaderFields, before end: Int) {
        var next = 0
        while let line = fields.next(field, from: next) {
            if fields.value(line).byteCount > 0, fields.lies(line, before: end) {
                if !isEmpty { append(", ") }
                append(fields.value(line))
            }
            next = line + 1
        }
    }

    fileprivate mutating func append(hostOf request: borrowing RequestHead) { append(request.host) }
}
