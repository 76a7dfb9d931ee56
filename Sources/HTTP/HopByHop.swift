// Fields that are meant for one connection and never cross (RFC 9110 section 7.6.1).
// What the next connection needs instead, MessageWriter writes.

internal import Basics

extension HeaderFields {
    /// Drops what is meant for this connection only: Connection, Keep-Alive, Proxy-Connection, TE, Transfer-Encoding,
    /// HTTP2-Settings, Upgrade unless `keepingUpgrade`, Trailer unless `keepingTrailer` (where trailers are passed on), and
    /// every field that Connection names.
    ///
    /// Connection cannot name away the fields that Portico knows as end-to-end (Host, X-Forwarded-For, Authorization
    /// and so on): RFC 9110 forbids the sender to try, and to obey would let a client strip what servers rely on.
    /// Content-Length stays until the message is written, when the framing decides what becomes of it.
    public mutating func removeHopByHop(keepingUpgrade: Bool = false, keepingTrailer: Bool = false) {
        guard present & Self.hopByHop != 0 else { return }
        if ConnectionOptions(of: self).contains(.fieldName) { removeNominated() }
        var doomed = Self.hopByHop
        if keepingUpgrade { doomed &= ~KnownField.upgrade.bit }
        if keepingTrailer { doomed &= ~KnownField.trailer.bit }
        entries.removeAll { $0.known.bit & doomed != 0 }
        present &= ~doomed
    }

    /// Drops the fields that Connection names, known ones excepted.
    private mutating func removeNominated() {
        var i = count - 1
        while i >= 0 {
            if known(i) == .other, isNominated(name(i)) { entries.remove(at: i) }
            i -= 1
        }
    }

    private func isNominated(_ name: RawSpan) -> Bool {
        var index = 0
        while let found = next(.connection, from: index) {
            let value = value(found)
            var place = 0
            while let range = value.nextElement(from: &place) {
                if value.extracting(range).isSameIgnoringCase(as: name) { return true }
            }
            index = found + 1
        }
        return false
    }

    private static var hopByHop: UInt64 {
        KnownField.connection.bit | KnownField.keepAlive.bit | KnownField.proxyConnection.bit | KnownField.te.bit
            | KnownField.trailer.bit | KnownField.transferEncoding.bit | KnownField.upgrade.bit
            | KnownField.http2Settings.bit
    }
}
