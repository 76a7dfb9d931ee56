// Fields that are meant for one connection and never cross (RFC 9110 section 7.6.1).
//
// What a peer's Connection list does to the message is done once, when the head has been received and before any rule
// runs: it can then remove only what the peer itself has sent. The fields of the connection itself stay visible to
// rules (`hdr(connection) -i upgrade`), set apart from those that rules write, until the head is written for the other
// side. What the next connection needs instead, MessageWriter writes.

internal import Basics

extension HeaderFields {
    /// Call once for each received head, when it is complete and before any rule has run.
    ///
    /// Removes the fields that Connection names. It cannot name away the fields that Portico knows as end-to-end (Host,
    /// X-Forwarded-For, Authorization and so on): RFC 9110 forbids the sender to try, and to obey would let a client
    /// strip what servers rely on.
    ///
    /// Sets apart Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade and HTTP2-Settings:
    /// they are found as before, and `removeSetApart` removes them. A field that is appended or given another value
    /// later is not set apart.
    public mutating func setApartHopByHop() {
        guard present & Self.hopByHop != 0 else { return }
        if ConnectionOptions(of: self).contains(.fieldName) { removeNominated() }
        for i in 0..<entries.count where entries[i].known.bit & Self.hopByHop != 0 { entries[i].setItApart() }
    }

    /// Removes the fields that were set apart, but for Upgrade if `keepingUpgrade`, and Trailer if `keepingTrailer`
    /// (where trailers are passed on). What rules have written under the same names stays.
    ///
    /// Content-Length and Transfer-Encoding are left to the writer, which makes them from the framing.
    public mutating func removeSetApart(keepingUpgrade: Bool = false, keepingTrailer: Bool = false) {
        guard present & Self.hopByHop != 0 else { return }
        var kept: UInt64 = 0
        if keepingUpgrade { kept |= KnownField.upgrade.bit }
        if keepingTrailer { kept |= KnownField.trailer.bit }
        removeAll { fields, i in fields.entries[i].isSetApart && fields.known(i).bit & kept == 0 }
    }

    /// Both at once, for a received head that no rule looks at.
    public mutating func removeHopByHop(keepingUpgrade: Bool = false, keepingTrailer: Bool = false) {
        setApartHopByHop()
        removeSetApart(keepingUpgrade: keepingUpgrade, keepingTrailer: keepingTrailer)
    }

    /// What the Connection fields say that rules have written. Those that say nothing but close, keep-alive, upgrade
    /// and te are removed, since the writer says these itself; the others stay as they are. Call behind
    /// `removeSetApart`.
    public mutating func takeConnectionOptions() -> ConnectionOptions {
        guard present & KnownField.connection.bit != 0 else { return [] }
        let options = ConnectionOptions(of: self)
        if !options.contains(.fieldName) { remove(.connection) }
        return options
    }

    /// Removes the fields that Connection names, known ones excepted. Each field and each element is looked at a fixed
    /// number of times: a list of thousands of elements costs no more beside a hundred fields than beside one.
    private mutating func removeNominated() {
        guard present & KnownField.other.bit != 0 else { return }
        var table = FieldNameTable()
        swap(&table, &nameTable)
        table.begin(fields: entries.count)
        for i in 0..<entries.count where known(i) == .other { table.insert(i, of: self) }
        var index = 0
        while let found = next(.connection, from: index) {
            let value = value(found)
            var place = 0
            while let range = value.nextElement(from: &place) { table.mark(value.extracting(range), of: self) }
            index = found + 1
        }
        // The table refers to fields by their places, so that none may move before all are asked for.
        for i in 0..<entries.count where known(i) == .other && table.isMarked(i, of: self) { entries[i].setItApart() }
        removeAll { fields, i in fields.known(i) == .other && fields.entries[i].isSetApart }
        swap(&table, &nameTable)
    }

    private static var hopByHop: UInt64 {
        KnownField.connection.bit | KnownField.keepAlive.bit | KnownField.proxyConnection.bit | KnownField.te.bit
            | KnownField.trailer.bit | KnownField.transferEncoding.bit | KnownField.upgrade.bit
            | KnownField.http2Settings.bit
    }
}
