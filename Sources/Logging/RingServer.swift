// A log server that gets a ring's lines over a stream, and how lines are told apart there (RFC 6587).

internal import Basics

/// What a `server` line of a ring says, or a `log tcp@` target.
struct RingServer: Sendable {
    /// How lines are told apart in the stream.
    enum Framing: Sendable {
        /// Each ends with a line feed (RFC 6587 section 3.4.2).
        case lineFeed
        /// Each has its length in bytes before it (RFC 6587 section 3.4.1).
        case octetCount
    }

    let address: SocketAddress
    var framing = Framing.lineFeed
    /// For connecting: 1 s without `timeout connect`, as HAProxy has it for `log tcp@`.
    var connectTimeout = TimeSpan.seconds(1)
    /// For the server to take something of what waits.
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
