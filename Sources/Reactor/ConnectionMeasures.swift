// TCP_INFO of a connection, for rules and logs about the quality of a client's network path.

internal import Glibc

/// The TCP statistics of one connection at the time of the call (tcp(7), TCP_INFO).
public struct ConnectionMeasures: Equatable, Sendable {
    /// The smoothed round-trip time and its mean deviation (tcpi_rtt, tcpi_rttvar).
    public var roundTripMicroseconds = 0
    public var variationMicroseconds = 0
    /// Segments in flight; those of them that were selectively acknowledged (tcpi_sacked), and those presumed lost.
    public var unacknowledged = 0
    public var acknowledgedApart = 0
    public var lost = 0
    /// Retransmitted segments still in flight (tcpi_retrans).
    public var sentAgain = 0
    /// Segments from the first one in flight to the highest one acknowledged (tcpi_fackets); 0 on newer kernels.
    public var acknowledgedAhead = 0
    /// The estimated reordering of the path, in segments (tcpi_reordering).
    public var reordering = 0

    public init() {}

    /// Returns nil if the socket is not a TCP connection.
    init?(of socket: Socket) {
        var info = tcp_info()
        var length = socklen_t(MemoryLayout<tcp_info>.size)
        guard unsafe getsockopt(socket.number, Int32(IPPROTO_TCP), TCP_INFO, &info, &length) == 0 else { return nil }
        roundTripMicroseconds = Int(info.tcpi_rtt)
        variationMicroseconds = Int(info.tcpi_rttvar)
        unacknowledged = Int(info.tcpi_unacked)
        acknowledgedApart = Int(info.tcpi_sacked)
        lost = Int(info.tcpi_lost)
        sentAgain = Int(info.tcpi_retrans)
        acknowledgedAhead = Int(info.tcpi_fackets)
        reordering = Int(info.tcpi_reordering)
    }
}
