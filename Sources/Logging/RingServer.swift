// A log server that receives a ring's lines over a stream, and the framing of lines (RFC 6587).

internal import Basics

/// The settings of a `server` line of a ring, or of a `log tcp@` target.
struct RingServer: Sendable {
    /// The framing of lines in the stream.
    enum Framing: Sendable {
        /// Each line ends with a line feed (RFC 6587 section 3.4.2).
        case lineFeed
        /// Each line is preceded by its length in bytes (RFC 6587 section 3.4.1).
        case octetCount
    }

    let address: SocketAddress
    var framing = Framing.lineFeed
    /// `timeout connect`; the default is that of HAProxy for `log tcp@`.
    var connectTimeout = TimeSpan.seconds(1)
    /// `timeout server`: limit for the time in which the server accepts no data.
    var sendTimeout = TimeSpan.seconds(5)
}

extension RingServer.Framing {
    func append(_ content: borrowing EventRing.Content, _ line: EventRing.Content.Line, to out: inout [UInt8]) {
        switch self {
        case .lineFeed:
            content.copy(line, to: &out)
            out.append(0x0A)
        case .octetCount:
            out.append(decimal: line.count)
            out.append(0x20)
            content.copy(line, to: &out)
        }
    }
}
