// Fields that control the connection: Connection, Upgrade, Expect and TE (RFC 9110 sections 7.6.1, 7.8, 10.1.1, 10.1.4;
// RFC 9112 section 9).

internal import Basics

/// The options listed in the Connection fields of a message.
public struct ConnectionOptions: OptionSet, Sendable {
    public let rawValue: UInt8

    public static let close = ConnectionOptions(rawValue: 1)
    public static let keepAlive = ConnectionOptions(rawValue: 2)
    public static let upgrade = ConnectionOptions(rawValue: 4)
    /// Any other option: possibly the name of a field that must not be forwarded.
    public static let fieldName = ConnectionOptions(rawValue: 8)
    /// `te`: the message has a TE field, which applies to this connection only.
    public static let te = ConnectionOptions(rawValue: 16)

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The union of the options in all Connection fields.
    init(of fields: borrowing HeaderFields) {
        self = []
        guard fields.contains(.connection) else { return }
        var index = 0
        while let i = fields.next(.connection, from: index) {
            index = i + 1
            let value = fields.value(i)
            // Fast path: the value is usually a single option.
            let whole = Self(option: value)
            if whole != .fieldName {
                formUnion(whole)
            } else {
                var position = 0
                while let range = value.nextElement(from: &position) {
                    formUnion(Self(option: value.extracting(range)))
                }
            }
        }
    }

    /// Classifies one element of the list. The words are compared as numbers, letters in either case: no other bytes of a field's
    /// value become the same with the bit for lower case.
    @inline(__always)
    private init(option: RawSpan) {
        let word: ConnectionOptions?
        switch option.byteCount {
        case 2: word = option.lowered(at: 0, UInt16.self) == Self.teBytes ? .te : nil
        case 5:
            let isClose = option.lowered(at: 0, UInt32.self) == Self.closBytes && option[4] | 0x20 == 0x65
            word = isClose ? .close : nil
        case 7:
            let isUpgrade =
                option.lowered(at: 0, UInt32.self) == Self.upgrBytes
                && option.lowered(at: 3, UInt32.self) == Self.radeBytes
            word = isUpgrade ? .upgrade : nil
        case 10:
            let isKeepAlive =
                option.lowered(at: 0, UInt64.self) == Self.keepAliBytes
                && option.lowered(at: 8, UInt16.self) == Self.veBytes
            word = isKeepAlive ? .keepAlive : nil
        default: word = nil
        }
        self = word ?? .fieldName
    }

    private static var teBytes: UInt16 { UInt16(littleEndian: 0x6574) }
    private static var closBytes: UInt32 { UInt32(littleEndian: 0x736F_6C63) }
    private static var upgrBytes: UInt32 { UInt32(littleEndian: 0x7267_7075) }
    private static var radeBytes: UInt32 { UInt32(littleEndian: 0x6564_6172) }
    private static var keepAliBytes: UInt64 { UInt64(littleEndian: 0x696C_612D_7065_656B) }
    private static var veBytes: UInt16 { UInt16(littleEndian: 0x6576) }

    /// Whether the connection persists after this message (RFC 9112 section 9.3). Messages of HTTP/2 have no such options and leave
    /// the connection open.
    func keepsAlive(_ version: HTTPVersion) -> Bool {
        if contains(.close) { return false }
        return version != .http10 || contains(.keepAlive)
    }
}

extension RawSpan {
    /// The bytes at `offset` as one number, each with the bit set that makes a letter lower case.
    @inline(__always)
    fileprivate func lowered<Word: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _: Word.Type) -> Word {
        precondition(offset &+ MemoryLayout<Word>.size <= byteCount, "a word beyond the end")
        // Safe: the word lies inside, as was just checked.
        return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Word.self)
            | Word(truncatingIfNeeded: 0x2020_2020_2020_2020 as UInt64)
    }
}

extension RequestHead {
    /// Whether the client keeps the connection open for another request (RFC 9112 section 9.3).
    public var wantsKeepAlive: Bool {
        ConnectionOptions(of: fields).keepsAlive(version)
    }

    /// Whether the client waits for a 100 (Continue) before it sends its content (RFC 9110 section 10.1.1).
    public var expectsContinue: Bool {
        guard version != .http10, let i = fields.first(.expect) else { return false }
        return fields.value(i).equalsIgnoringCase("100-continue")
    }

    /// Whether the client accepts trailer fields: TE lists `trailers` (RFC 9110 section 10.1.4).
    public var acceptsTrailers: Bool {
        guard version != .http10 else { return false }
        var index = 0
        while let found = fields.next(.te, from: index) {
            let value = fields.value(found)
            var position = 0
            while let range = value.nextElement(from: &position) {
                if value.extracting(range).equalsIgnoringCase("trailers") { return true }
            }
            index = found + 1
        }
        return false
    }

    /// Whether the request asks for a protocol upgrade that may be forwarded: `Connection: upgrade` and an Upgrade
    /// field without `h2c` or `h2`, either of which would let later requests bypass the rules of this proxy.
    public var upgradeRequested: Bool {
        guard version != .http10, fields.contains(.upgrade), ConnectionOptions(of: fields).contains(.upgrade) else {
            return false
        }
        var index = 0
        while let found = fields.next(.upgrade, from: index) {
            let value = fields.value(found)
            var position = 0
            while let range = value.nextElement(from: &position) {
                let name = value.extracting(range)
                if name.equalsIgnoringCase("h2c") || name.equalsIgnoringCase("h2") { return false }
            }
            index = found + 1
        }
        return true
    }

    /// Whether the request asks for WebSocket and lacks the key that makes it a handshake (RFC 6455 section 4.2.1).
    var lacksWebSocketKey: Bool {
        guard fields.contains(.upgrade), !fields.contains(.secWebSocketKey), upgradeRequested else { return false }
        var index = 0
        while let found = fields.next(.upgrade, from: index) {
            let value = fields.value(found)
            var position = 0
            while let range = value.nextElement(from: &position) {
                if value.extracting(range).equalsIgnoringCase("websocket") { return true }
            }
            index = found + 1
        }
        return false
    }
}

extension ResponseHead {
    /// Whether the response has an answer to the key of a WebSocket handshake.
    public var hasWebSocketConsent: Bool { fields.first(named: Self.acceptName) != nil }

    /// Whether the response's Upgrade names the protocol that the request asks for (RFC 9110 section 7.8).
    public func switches(toProtocolOf request: borrowing RequestHead) -> Bool {
        guard let upgrade = fields.first(.upgrade) else { return false }
        return fields.value(upgrade).isSameIgnoringCase(as: request.upgrade)
    }

    /// Whether Sec-WebSocket-Accept is `consent` (RFC 6455 section 4.1).
    public func acceptsWebSocket(with consent: [UInt8]) -> Bool {
        guard let accept = fields.first(named: Self.acceptName) else { return false }
        return fields.value(accept).isSame(as: consent.bytes)
    }

    private static let acceptName = Array("sec-websocket-accept".utf8)

    /// Whether the server's connection may be reused after this response (RFC 9112 section 9.3).
    /// The caller must also rule out upgrades and bodies that are delimited by the connection's close.
    public var allowsReuse: Bool {
        ConnectionOptions(of: fields).keepsAlive(version)
    }

    /// Whether the server authenticates the connection and not each request (NTLM, and Negotiate, which may lead to it): whatever
    /// comes over the connection later is taken for the same client's.
    public var authenticatesConnection: Bool {
        switch status {
        case 401: asksForConnectionAuthentication(.wwwAuthenticate)
        case 407: asksForConnectionAuthentication(.proxyAuthenticate)
        default: false
        }
    }

    private func asksForConnectionAuthentication(_ field: KnownField) -> Bool {
        var index = 0
        while let found = fields.next(field, from: index) {
            let value = fields.value(found)
            var place = 0
            while let range = value.nextElement(from: &place) {
                // Both names have four letters in common with everything that they are called (Nego2, NTLM2).
                guard range.count >= 4 else { continue }
                let scheme = value.extracting(range.lowerBound..<range.lowerBound + 4)
                if scheme.equalsIgnoringCase("ntlm") || scheme.equalsIgnoringCase("nego") { return true }
            }
            index = found + 1
        }
        return false
    }
}

extension RawSpan {
    /// Returns the next element of a comma-separated list (RFC 9110 section 5.6.1), trimmed and possibly empty, or nil
    /// at the end of the list. `position` is where to continue from; it starts at 0.
    func nextElement(from position: inout Int) -> Range<Int>? {
        guard position <= byteCount else { return nil }
        let comma = firstIndex(of: 0x2C, in: position..<byteCount) ?? byteCount
        defer { position = comma + 1 }
        return trimmed(position..<comma)
    }
}
