// `option forwardfor` and `option forwarded-headers`: telling the server who asked, and for what.

internal import Basics
internal import Configuration
internal import HTTP
internal import Rules

/// What is added to requests on their way to the server.
public struct Forwarding: Sendable, Equatable {
    /// `option forwardfor`: adds the client's address in `X-Forwarded-For`, or under another name.
    public struct ClientAddress: Sendable, Equatable {
        /// In lower case; nil for X-Forwarded-For.
        var header: [UInt8]?
        /// Clients whose requests are left alone.
        var exceptions: [AddressRange] = []
        /// Only if the request has no such field yet.
        var onlyIfNone = false
    }
    public var clientAddress: ClientAddress?
    /// `option forwarded-headers`: sets X-Forwarded-For, -Proto, -Host and -Port, each once, whatever the client sent.
    public var setsAll = false

    /// Requests are left as they are.
    var isNothing: Bool { clientAddress == nil && !setsAll }

    func apply(to facts: ExchangeFacts, with scratch: inout [UInt8]) {
        if setsAll {
            replaceAll(facts, with: &scratch)
        } else if let clientAddress {
            add(clientAddress, to: facts, with: &scratch)
        }
    }

    private func add(_ option: ClientAddress, to facts: ExchangeFacts, with scratch: inout [UInt8]) {
        // A client on a unix socket has no address to tell.
        guard let ip = facts.client.ip, !option.exceptions.contains(where: { $0.contains(ip) }) else { return }
        scratch.removeAll(keepingCapacity: true)
        ip.append(to: &scratch)
        if let header = option.header {
            if option.onlyIfNone, facts.request.fields.first(named: header) != nil { return }
            unsafe facts.request.fields.append(name: header.span.bytes, value: scratch.span.bytes)
        } else {
            if option.onlyIfNone, facts.request.fields.contains(.xForwardedFor) { return }
            unsafe facts.request.fields.append(.xForwardedFor, value: scratch.span.bytes)
        }
    }

    private func replaceAll(_ facts: ExchangeFacts, with scratch: inout [UInt8]) {
        facts.request.fields.remove(.xForwardedFor)
        facts.request.fields.remove(.xForwardedProto)
        facts.request.fields.remove(.xForwardedHost)
        facts.request.fields.remove(.xForwardedPort)
        if let ip = facts.client.ip {
            scratch.removeAll(keepingCapacity: true)
            ip.append(to: &scratch)
            unsafe facts.request.fields.append(.xForwardedFor, value: scratch.span.bytes)
        }
        facts.request.fields.append(.xForwardedProto, facts.isTLS ? "https" : "http")
        scratch.removeAll(keepingCapacity: true)
        Self.append(hostOf: facts.request, to: &scratch)
        if !scratch.isEmpty { unsafe facts.request.fields.append(.xForwardedHost, value: scratch.span.bytes) }
        if let port = facts.local.port {
            scratch.removeAll(keepingCapacity: true)
            scratch.append(decimal: port)
            unsafe facts.request.fields.append(.xForwardedPort, value: scratch.span.bytes)
        }
    }
}

extension Forwarding {
    private static func append(hostOf request: borrowing RequestHead, to scratch: inout [UInt8]) {
        scratch.append(request.host)
    }
}

/// A CIDR range of addresses.
struct AddressRange: Sendable, Equatable {
    let base: IPAddress
    let bits: Int

    /// Reads `10.0.0.0/8` or one address.
    init(_ word: Word) throws(ConfigProblem) {
        let parts = word.text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = IPAddress(parts[0]) else {
            throw ConfigProblem("'\(word.text)' is not an address range", at: word.range, expected: "like 10.0.0.0/8")
        }
        let width = if case .v4 = base { 32 } else { 128 }
        let bits = parts.count == 1 ? width : Int(parts[1]) ?? -1
        guard (0...width).contains(bits) else {
            throw ConfigProblem("'\(parts[1])' is not a prefix length", at: word.range, expected: "0 to \(width)")
        }
        self.base = base
        self.bits = bits
    }

    func contains(_ address: IPAddress) -> Bool {
        switch (base, address) {
        case (.v4(let a), .v4(let b)): bits == 0 || (a ^ b) >> UInt32(32 - bits) == 0
        case (.v6(let aHigh, let aLow), .v6(let bHigh, let bLow)):
            (bits == 0 || (aHigh ^ bHigh) >> UInt64(max(0, 64 - bits)) == 0)
                && (bits <= 64 || (aLow ^ bLow) >> UInt64(128 - bits) == 0)
        case (.v4, .v6), (.v6, .v4): false
        }
    }
}
