// Hop-by-hop fields, which apply to one connection and are not forwarded (RFC 9110 section 7.6.1).
//
// The Connection list is processed once, when the head has been received and before any rule runs, so that it can only
// remove fields that the peer itself has sent. The hop-by-hop fields stay visible to rules (`hdr(connection) -i
// upgrade`) and are marked, to tell them from fields that rules add, until the head is written for the other side.
// MessageWriter writes the connection fields that the next hop needs.

internal import Basics

extension HeaderFields {
    /// Removes the fields that Connection lists and marks the hop-by-hop fields. Call once for each received head, when
    /// it is complete and before any rule has run.
    ///
    /// Fields that Portico knows as end-to-end (Host, X-Forwarded-For, Authorization and so on) are kept even if
    /// Connection lists them: RFC 9110 forbids senders to list them, and removing them would let a client strip fields
    /// that servers rely on.
    ///
    /// Marks Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade and HTTP2-Settings. They
    /// can still be looked up; `removeSetApart` removes them. A field that is appended or gets another value later is
    /// not marked.
    public mutating func setApartHopByHop() {
        guard present & Self.hopByHop != 0 else { return }
        if ConnectionOptions(of: self).contains(.fieldName) { removeNominated() }
        for i in 0..<entries.count where entries[i].known.bit & Self.hopByHop != 0 { entries[i].setItApart() }
    }

    /// Removes the marked fields, except Upgrade if `keepingUpgrade`, and Trailer if `keepingTrailer` (where trailers
    /// are forwarded). Fields of the same names that rules have added stay.
    ///
    /// Content-Length, and Transfer-Encoding from rules, are ignored by the writer, which derives them from the
    /// framing.
    public mutating func removeSetApart(keepingUpgrade: Bool = false, keepingTrailer: Bool = false) {
        guard present & Self.hopByHop != 0 else { return }
        var kept: UInt64 = 0
        if keepingUpgrade { kept |= KnownField.upgrade.bit }
        if keepingTrailer { kept |= KnownField.trailer.bit }
        var count = 0
        var present: UInt64 = 0
        for i in entries.indices {
            let entry = entries[i]
            if entry.isSetApart && entry.known.bit & kept == 0 { continue }
            present |= entry.known.bit
            if count < i { entries[count] = entry }
            count &+= 1
        }
        if count < entries.count { entries.removeLast(entries.count - count) }
        self.present = present
    }

    /// `setApartHopByHop` and `removeSetApart` in one, for a received head that no rule inspects.
    public mutating func removeHopByHop(keepingUpgrade: Bool = false, keepingTrailer: Bool = false) {
        setApartHopByHop()
        removeSetApart(keepingUpgrade: keepingUpgrade, keepingTrailer: keepingTrailer)
    }

    /// Returns the options in the Connection fields that rules have added. If they are only close, keep-alive, upgrade
    /// and te, the fields are removed, because the writer writes these options itself; otherwise the fields stay. Call
    /// after `removeSetApart`.
    public mutating func takeConnectionOptions() -> ConnectionOptions {
        guard present & KnownField.connection.bit != 0 else { return [] }
        let options = ConnectionOptions(of: self)
        if !options.contains(.fieldName) { remove(.connection) }
        return options
    }

    /// Removes the fields that Connection lists, except known ones. The cost is linear in the number of fields plus the
    /// number of list elements.
    private mutating func removeNominated() {
        guard present & KnownField.other.bit != 0 else { return }
        var table = FieldNameTable()
        swap(&table, &nameTable)
        table.begin(fields: entries.count)
        for i in 0..<entries.count where known(i) == .other { table.insert(i, of: self) }
        var index = 0
        while let found = next(.connection, from: index) {
            let value = value(found)
            var position = 0
            while let range = value.nextElement(from: &position) { table.mark(value.extracting(range), of: self) }
            index = found + 1
        }
        // The table refers to fields by index: mark all of them before any field moves.
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
