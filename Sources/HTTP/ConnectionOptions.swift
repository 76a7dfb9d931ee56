// What the two ends say about their connection: Connection, Upgrade and Expect (RFC 9110 sections 7.6.1, 7.8, 10.1.1;
// RFC 9112 section 9).

internal import Basics

/// The options of Connection that Portico acts upon.
struct ConnectionOptions: OptionSet {
    let rawValue: UInt8

    static let close = ConnectionOptions(rawValue: 1)
    static let keepAlive = ConnectionOptions(rawValue: 2)
    static let upgrade = ConnectionOptions(rawValue: 4)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Gathers them from every Connection field.
    init(of fields: borrowing HeaderFields) {
        self = []
        var index = 0
        while let found = fields.next(.connection, from: index) {
            let value = fields.value(found)
            var place = 0
            while let range = value.nextElement(from: &place) {
                let option = value.extracting(range)
                if option.equalsIgnoringCase("close") {
                    insert(.close)
                } else if option.equalsIgnoringCase("keep-alive") {
                    insert(.keepAlive)
                } else if option.equalsIgnoringCase("upgrade") {
                    insert(.upgrade)
                }
            }
            index = found + 1
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
        if !fields.contains(.connection) { return version == .http11 }
        return ConnectionOptions(of: fields).keepsAlive(version)
    }

    /// Whether the client holds its content back until it sees a 100 (RFC 9110 section 10.1.1).
    public var expectsContinue: Bool {
        guard version == .http11, let i = fields.first(.expect) else { return false }
        return fields.value(i).equalsIgnoringCase("100-continue")
    }

    /// Whether the client asks for another protocol that may be passed on: `Connection: upgrade` with an Upgrade
    /// that names neither `h2c` nor `h2`, which would take requests past this hop unseen.
    public var upgradeRequested: Bool {
        guard version == .http11, fields.contains(.upgrade), fields.contains(.connection),
            ConnectionOptions(of: fields).contains(.upgrade)
        else { return false }
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
        if !fields.contains(.connection) { return version == .http11 }
        return ConnectionOptions(of: fields).keepsAlive(version)
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
