// The socket options that Portico sets, each with its level, name and value; and TCP_INFO, which it reads.

internal import Glibc

/// A socket option to set.
public enum SocketOption: Sendable, Equatable {
    case noDelay, keepAlive, reuseAddress, reusePort, onlyIPv6, bothIPVersions, deferAccept, fastOpen
    /// Takes `deferAccept` back.
    case acceptsAtOnce
    /// Binding to addresses that the machine does not have (needs CAP_NET_ADMIN or CAP_NET_RAW).
    case transparent, transparentV6
    /// IP_BIND_ADDRESS_NO_PORT: binding to an address without a port leaves the choice of the port to `connect`.
    case bindsWithoutPort
    /// TCP_FASTOPEN_CONNECT: where the server's cookie is known, the first bytes go with the first packet.
    case fastOpenConnect
    /// TCP_MAXSEG: the segment size that is announced, in bytes.
    case segmentBytesMax(Int32)
    /// TCP_USER_TIMEOUT: how many milliseconds sent data may wait for its acknowledgement.
    case userTimeout(UInt32)
    /// TCP_CONGESTION: the name of an algorithm.
    case congestionControl(String)
    /// SO_LINGER with time 0: closing discards unsent data and resets the connection.
    case lingerZero
    /// TCP_REPAIR: closing sends no packet (needs CAP_NET_ADMIN).
    case repair
    /// A TTL or hop limit of 1: the next router drops all further packets.
    case oneHop, oneHopV6
    case typeOfService(UInt8), trafficClass(UInt8)
    /// SO_MARK: the mark for packet filter and routing rules (needs CAP_NET_ADMIN).
    case mark(UInt32)

    /// Sets the option; returns false on failure, which is harmless for most of these (a Unix-domain socket has no TCP
    /// options).
    @discardableResult
    public func set(on socket: Socket) -> Bool {
        switch self {
        case .noDelay: return set(socket, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        case .keepAlive: return set(socket, SOL_SOCKET, SO_KEEPALIVE, 1)
        case .reuseAddress: return set(socket, SOL_SOCKET, SO_REUSEADDR, 1)
        case .reusePort: return set(socket, SOL_SOCKET, SO_REUSEPORT, 1)
        case .onlyIPv6: return set(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
        case .bothIPVersions: return set(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0)
        case .deferAccept: return set(socket, Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT, 1)
        case .acceptsAtOnce: return set(socket, Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT, 0)
        // The maximum number of pending fast-open requests.
        case .fastOpen: return set(socket, Int32(IPPROTO_TCP), TCP_FASTOPEN, 256)
        case .transparent: return set(socket, Int32(IPPROTO_IP), IP_TRANSPARENT, 1)
        case .transparentV6: return set(socket, Int32(IPPROTO_IPV6), IPV6_TRANSPARENT, 1)
        case .bindsWithoutPort: return set(socket, Int32(IPPROTO_IP), Self.bindAddressNoPort, 1)
        case .fastOpenConnect: return set(socket, Int32(IPPROTO_TCP), Self.fastOpenConnectOption, 1)
        case .segmentBytesMax(let bytes): return set(socket, Int32(IPPROTO_TCP), TCP_MAXSEG, bytes)
        case .userTimeout(let time):
            return set(socket, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, Int32(clamping: time))
        case .congestionControl(let name):
            return unsafe setsockopt(
                socket.number, Int32(IPPROTO_TCP), TCP_CONGESTION, name, socklen_t(name.utf8.count)) == 0
        case .lingerZero:
            var linger = linger(l_onoff: 1, l_linger: 0)
            return unsafe setsockopt(
                socket.number, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger))) == 0
        case .repair: return set(socket, Int32(IPPROTO_TCP), TCP_REPAIR, 1)
        case .oneHop: return set(socket, Int32(IPPROTO_IP), IP_TTL, 1)
        case .oneHopV6: return set(socket, Int32(IPPROTO_IPV6), IPV6_UNICAST_HOPS, 1)
        case .typeOfService(let value): return set(socket, Int32(IPPROTO_IP), IP_TOS, Int32(value))
        case .trafficClass(let value): return set(socket, Int32(IPPROTO_IPV6), IPV6_TCLASS, Int32(value))
        case .mark(let value): return set(socket, SOL_SOCKET, SO_MARK, Int32(bitPattern: value))
        }
    }

    /// The parameter of `bind` that asks for it; nil for one that Portico sets by itself.
    public var parameterName: String? {
        switch self {
        case .deferAccept: "defer-accept"
        case .fastOpen: "tfo"
        case .segmentBytesMax: "mss"
        case .userTimeout: "tcp-ut"
        case .congestionControl: "cc"
        case .onlyIPv6: "v6only"
        case .bothIPVersions: "v4v6"
        default: nil
        }
    }

    // Of headers that Glibc's module leaves out.
    private static let bindAddressNoPort: Int32 = 24
    private static let fastOpenConnectOption: Int32 = 30

    private func set(_ socket: Socket, _ level: Int32, _ name: Int32, _ value: Int32) -> Bool {
        var value = value
        return unsafe setsockopt(socket.number, level, name, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }
}

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
