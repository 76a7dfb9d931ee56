// The socket options in use, each with its level, name and value in one place.

internal import Glibc

/// One option that can be switched on.
public enum SocketOption: Sendable {
    case noDelay, keepAlive, reuseAddress, reusePort, onlyIPv6, bothIPVersions, deferAccept, fastOpen, transparent
    /// Closing drops what is unsent and resets the connection.
    case lingerZero

    /// Switches it on; failure is harmless for all of these and ignored (a unix socket has no TCP options).
    public func set(on socket: Socket) {
        switch self {
        case .noDelay: set(socket, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        case .keepAlive: set(socket, SOL_SOCKET, SO_KEEPALIVE, 1)
        case .reuseAddress: set(socket, SOL_SOCKET, SO_REUSEADDR, 1)
        case .reusePort: set(socket, SOL_SOCKET, SO_REUSEPORT, 1)
        case .onlyIPv6: set(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
        case .bothIPVersions: set(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0)
        case .deferAccept: set(socket, Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT, 1)
        // The queue length of pending fast-open requests.
        case .fastOpen: set(socket, Int32(IPPROTO_TCP), TCP_FASTOPEN, 256)
        case .transparent: set(socket, Int32(IPPROTO_IP), IP_TRANSPARENT, 1)
        case .lingerZero:
            var linger = linger(l_onoff: 1, l_linger: 0)
            _ = unsafe setsockopt(
                socket.number, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        }
    }

    private func set(_ socket: Socket, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(socket.number, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
