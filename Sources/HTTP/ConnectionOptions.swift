// What the two ends say about their connection: Connection, Upgrade and Expect (RFC 9110 sections 7.6.1, 7.8, 10.1.1;
// RFC 9112 section 9).

internal import Basics

/// What the Connection fields of a message say.
public struct ConnectionOptions: OptionSet, Sendable {
    public let rawValue: UInt8

    public static let close = ConnectionOptions(rawValue: 1)
    public static let keepAlive = ConnectionOptions(rawValue: 2)
    public static let upgrade = ConnectionOptions(rawValue: 4)
    /// Something else, which may be the name of a field that is to be dropped.
    public static let fieldName = ConnectionOptions(rawValue: 8)
    /// There is a TE field that concerns this connection.
    public static let te = ConnectionOptions(rawValue: 16)

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Gathers them from every Connection field.
    init(of fields: borrowing HeaderFields) {
        self = []
        guard fields.contains(.connection) else { return }
        for i in 0..<fields.count where fields.known(i) == .connection {
            let value = fields.value(i)
            // Almost always the value is one option and no list.
            let whole = Self(option: value)
            if whole != .fieldName {
                formUnion(whole)
            } else {
                var place = 0
                while let range = value.nextElement(from: &place) { formUnion(Self(option: value.extracting(range))) }
            }
        }
    }

    /// One element of the list.
    private init(option: RawSpan) {
        switch option.byteCount {
        case 2: self = option.equalsIgnoringCase("te") ? .te : .fieldName
        case 5: self = option.equalsIgnoringCase("close") ? .close : .fieldName
        case 7: self = option.equalsIgnoringCase("upgrade") ? .upgrade : .fieldName
        case 10: self = option.equalsIgnoringCase("keep-alive") ? .keepAlive : .fieldName
        default: self = .fieldName
        }
    }

    /// Whether the connection may carry another message after this one.
    func keepsAlive(_ version: HTTPVersion) -> Bool {
        if contains(.close) { return false }
        return version == .http11 || contains(.keepAlive)
    }
}

extension RequestHead {
    /// Whether the client wants to send another request on this connection (RFC 9112 section 9.3).
    public var wantsKeepAlive: Bool {
        ConnectionOptions(of: fields).keepsAlive(version)
    }

    /// Whether the client holds its content back until it sees a 100 (RFC 9110 section 10.1.1).
    public var expectsContinue: Bool {
        guard version == .http11, let i = fields.first(.expect) else { return false }
        return fields.value(i).equalsIgnoringCase("100-continue")
    }

    /// Whether the client says that it reads fields behind a body: TE has the element `trailers` (RFC 9110 section 10.1.4).
    public var acceptsTrailers: Bool {
        guard version == .http11 else { return false }
        var index = 0
        while let found = fields.next(.te, from: index) {
            let value = fields.value(found)
            var place = 0
            while let range = value.nextElement(from: &place) {
                if value.extracting(range).equalsIgnoringCase("trailers") { return true }
            }
            index = found + 1
        }
        return false
    }

    /// Whether the client asks for another protocol that may be passed on: `Connection: upgrade` with an Upgrade
    /// that names neither `h2c` nor `h2`, which would take requests past this hop unseen.
    public var upgradeRequested: Bool {
        guard version == .http11, fields.contains(.upgrade), ConnectionOptions(of: fields).contains(.upgrade) else {
            return false
        }
        var index = 0
        while let found = fields.next(.upgrade, from: index) {
            let value = fields.value(found)
            var place = 0
            while let range = value.nextElement(from: &place) {
                let name = value.extracting(range)
                if name.equalsIgnoringCase("h2c") || name.equalsIgnoringCase("h2") { return false }
            }
            index = found + 1
        }
        return true
    }
}

extension ResponseHead {
    /// Whether the server's connection may carry another exchange after this one (RFC 9112 section 9.3).
    /// A body that only the connection's end ends, and an upgrade, are for the caller to see.
    public var allowsReuse: Bool {
        ConnectionOptions(of: fields).keepsAlive(version)
    }
}

extension RawSpan {
    /// The next element of a comma-separated list (RFC 9110 section 5.6.1), without the space around it, possibly
    /// empty; nil when the list has ended. `place` starts at 0.
    func nextElement(from place: inout Int) -> Range<Int>? {
        guard place <= byteCount else { return nil }
        let comma = firstIndex(of: 0x2C, in: place..<byteCount) ?? byteCount
        defer { place = comma + 1 }
        return trimmed(place..<comma)
    }
}
