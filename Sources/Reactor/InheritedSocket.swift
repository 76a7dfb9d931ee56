// Listening sockets that another process has opened: what the system says of one, how a `bind` line's options are applied to it,
// and which descriptors a process shares with others.

public import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// What the system says of a stream socket that has an address.
public struct SocketFacts: Equatable, Sendable {
    public let address: SocketAddress
    /// The network interface that it is bound to (SO_BINDTODEVICE); nil for none.
    public let interface: String?
    /// Whether an IPv6 socket takes no IPv4 connections (IPV6_V6ONLY).
    public let isOnlyIPv6: Bool
    /// Whether it takes connections to addresses that the machine does not have (IP_TRANSPARENT).
    public let isTransparent: Bool
    public let isListening: Bool

    /// Returns nil if the descriptor is no stream socket, or one without an address.
    public init?(of socket: Socket) {
        guard Self.value(SOL_SOCKET, SO_TYPE, of: socket) == Int32(SOCK_STREAM.rawValue) else { return nil }
        let name = unsafe SystemAddress.receive { unsafe clinux_getsockname(socket.number, $0, $1) }
        guard name.result == 0, name.address != .path(""), name.address.port != 0 else { return nil }
        address = name.address
        let isV6 = Self.value(SOL_SOCKET, SO_DOMAIN, of: socket) == AF_INET6
        isOnlyIPv6 = isV6 && Self.value(Int32(IPPROTO_IPV6), IPV6_V6ONLY, of: socket) == 1
        isTransparent =
            isV6
            ? Self.value(Int32(IPPROTO_IPV6), IPV6_TRANSPARENT, of: socket) == 1
            : name.address.ip != nil && Self.value(Int32(IPPROTO_IP), IP_TRANSPARENT, of: socket) == 1
        isListening = Self.value(SOL_SOCKET, SO_ACCEPTCONN, of: socket) == 1
        interface = Self.interface(of: socket)
    }

    /// Whether a new IPv6 socket takes no IPv4 connections: /proc/sys/net/ipv6/bindv6only.
    public static var newSocketsAreOnlyIPv6: Bool {
        let number = clinux_stream_socket(AF_INET6)
        guard number >= 0 else { return false }
        defer { Glibc.close(number) }
        return value(Int32(IPPROTO_IPV6), IPV6_V6ONLY, of: Socket(number)) == 1
    }

    private static func value(_ level: Int32, _ option: Int32, of socket: Socket) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(socket.number, level, option, &value, &length) == 0 ? value : nil
    }

    private static func interface(of socket: Socket) -> String? {
        // As long as the system's names can be (IFNAMSIZ).
        var name = [UInt8](repeating: 0, count: 16)
        var length = socklen_t(name.count)
        guard unsafe getsockopt(socket.number, SOL_SOCKET, SO_BINDTODEVICE, &name, &length) == 0 else { return nil }
        let text = String(decoding: name.prefix(Int(length)).prefix { $0 != 0 }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }
}

extension ListeningSocket {
    /// Applies a line's options to a socket that another process has bound, and listens on it, with the line's backlog. Clients in
    /// its queue stay there.
    /// - Parameter onRefusal: called for each option that the system refuses and that the socket may lack.
    public static func takeOver(
        _ socket: Socket, at address: SocketAddress, _ options: ListenOptions,
        onRefusal: (SocketOption, Errno) -> Void = { _, _ in }
    ) throws(Errno) {
        try hideFromPrograms(socket)
        if address.ip != nil {
            SocketOption.noDelay.set(on: socket)
            SocketOption.acceptsAtOnce.set(on: socket)
        }
        for option in options.socketOptions where !option.isForUnboundSockets {
            if !option.set(on: socket), address.ip != nil { onRefusal(option, Errno.last) }
        }
        if let key = options.signingKey, !SegmentSignature.require(ofClientsAt: address, with: key, on: socket) {
            throw Errno.last
        }
        if case .path(let path) = address { try setOwner(path, options) }
        // The other process may have told it to drop attempts, or may have paused it.
        _ = clinux_take_handshakes(socket.number)
        guard Glibc.listen(socket.number, options.backlog) == 0 else { throw Errno.last }
    }

    /// A descriptor is closed in programs that are started, and waits for nothing.
    static func hideFromPrograms(_ socket: Socket) throws(Errno) {
        guard fcntl(socket.number, F_SETFL, O_NONBLOCK) == 0, fcntl(socket.number, F_SETFD, FD_CLOEXEC) == 0 else {
            throw Errno.last
        }
    }
}

extension SocketOption {
    /// Whether it has to be set before the socket is bound.
    fileprivate var isForUnboundSockets: Bool {
        switch self {
        case .transparent, .transparentV6, .onlyIPv6, .bothIPVersions: true
        default: false
        }
    }
}

/// The listening sockets that other processes have as well. What would end or hinder listening for all of them is not done
/// to these: their own descriptors are closed, and nothing else.
public final class SharedSockets: Sendable {
    private let numbers = Lock<Set<Int32>>([])

    public init() {}

    public func insert(_ socket: Socket) { numbers.withLock { _ = $0.insert(socket.number) } }

    public func contains(_ socket: Socket) -> Bool { numbers.withLock { $0.contains(socket.number) } }
}
