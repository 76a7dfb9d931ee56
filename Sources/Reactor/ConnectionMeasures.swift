// What the system measures of a TCP connection while it carries data: for rules and logs that ask how good a client's way
// to us is.

internal import Glibc

/// The counts of one connection, as the system has them now (tcp(7), TCP_INFO).
public struct ConnectionMeasures: Equatable, Sendable {
    /// How long a segment and its acknowledgement take, smoothed, and by how much that varies.
    public var roundTripMicroseconds = 0
    public var variationMicroseconds = 0
    /// Segments that are under way; those of them that were acknowledged out of turn, and that are taken for lost.
    public var unacknowledged = 0
    public var acknowledgedApart = 0
    public var lost = 0
    /// Those that were sent again and are still under way.
    public var sentAgain = 0
    /// From the first that is under way to the highest that was acknowledged; 0 with a system that does not count it.
    public var acknowledgedAhead = 0
    /// By how many places the network is taken to change the order.
    public var reordering = 0

    public init() {}

    /// nil where it is no TCP connection.
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
