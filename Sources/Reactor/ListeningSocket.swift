// Opens listening sockets at start-up.

public import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// The options of a `bind` line that affect the listening socket.
public struct ListenOptions: Sendable {
    /// The maximum length of the accept queue.
    public var backlog: Int32 = 4_096
    /// Whether several sockets share the address and the system distributes connections over them (SO_REUSEPORT).
    public var sharesPort = true
    public var socketOptions: [SocketOption] = []
    /// Permissions, owner and group of a Unix-domain socket's file; nil keeps the default.
    public var mode: UInt32?
    public var user: UInt32?
    public var group: UInt32?
    /// Whether to replace the file of a Unix-domain socket on which another process listens. That process keeps its
    /// accepted connections.
    public var replacesFile = false
    /// The network interface to listen on (SO_BINDTODEVICE); nil for all.
    public var interface: String?
    /// The network namespace to listen in; nil for that of the process.
    public var namespace: NetworkNamespace?
    /// Signs each segment of the connections (RFC 2385); nil for none.
    public var signingKey: [UInt8]?

    public init() {}
}

/// Operations on listening sockets outside the data path.
public enum ListeningSocket {
    /// Opens a socket, binds it and listens on it.
    /// - Parameter onRefusal: called for each option that the system refuses and that the socket may lack.
    public static func open(
        _ address: SocketAddress, _ options: ListenOptions, onRefusal: (SocketOption, Errno) -> Void = { _, _ in }
    ) throws(Errno) -> Socket {
        let socket = try bind(address, options, onRefusal: onRefusal)
        do throws(Errno) {
            try check(Glibc.listen(socket.number, options.backlog))
        } catch {
            close(socket)
            throw error
        }
        return socket
    }

    /// Opens and binds a socket without listening: connection attempts are refused.
    public static func bind(
        _ address: SocketAddress, _ options: ListenOptions, onRefusal: (SocketOption, Errno) -> Void = { _, _ in }
    ) throws(Errno) -> Socket {
        let number =
            options.namespace?.inside { SystemAddress.makeStreamSocket(for: address) }
            ?? SystemAddress.makeStreamSocket(for: address)
        guard number >= 0 else { throw Errno.last }
        let socket = Socket(number)
        do throws(Errno) {
            try prepare(socket, address, options, onRefusal)
        } catch {
            _ = Glibc.close(number)
            throw error
        }
        return socket
    }

    /// Takes over a bound socket inherited from the parent process (`fd@`), and listens on it unless it is listening
    /// already.
    public static func adopt(descriptor: Int32) throws(Errno) -> Socket {
        var isListening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        try check(unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length))
        if isListening == 0 { try check(Glibc.listen(descriptor, ListenOptions().backlog)) }
        try hideFromPrograms(Socket(descriptor))
        return Socket(descriptor)
    }

    /// Takes over one end of a pair of sockets, inherited from the parent process (`sockpair@`).
    /// - Throws: `badFileDescriptor` or `notSocket` if it is none.
    public static func adoptPair(descriptor: Int32) throws(Errno) -> Socket {
        var domain: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        try check(unsafe getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length))
        guard domain == AF_UNIX else { throw .notSocket }
        try hideFromPrograms(Socket(descriptor))
        return Socket(descriptor)
    }

    /// A second descriptor for the same socket and accept queue, so that each worker can close its own.
    public static func duplicate(_ socket: Socket) throws(Errno) -> Socket {
        let number = fcntl(socket.number, F_DUPFD_CLOEXEC, 0)
        guard number >= 0 else { throw Errno.last }
        return Socket(number)
    }

    /// Closes a socket.
    public static func close(_ socket: Socket) { _ = Glibc.close(socket.number) }

    private static func prepare(
        _ socket: Socket, _ address: SocketAddress, _ options: ListenOptions,
        _ onRefusal: (SocketOption, Errno) -> Void
    ) throws(Errno) {
        SocketOption.reuseAddress.set(on: socket)
        for option in options.socketOptions where !option.set(on: socket) && address.ip != nil {
            let reason = Errno.last
            switch option {
            // The address would be refused for a reason that leads astray.
            case .transparent, .transparentV6: throw reason
            default: onRefusal(option, reason)
            }
        }
        if let key = options.signingKey, !SegmentSignature.require(ofClientsAt: address, with: key, on: socket) {
            throw Errno.last
        }
        switch address {
        case .ip:
            // Inherited by accepted connections.
            SocketOption.noDelay.set(on: socket)
            if options.sharesPort { SocketOption.reusePort.set(on: socket) }
        case .path(let path): try removeStale(path, evenIfAlive: options.replacesFile)
        case .abstract, .abstractExact, .pair: break
        }
        if let interface = options.interface, !SocketOption.bind(socket, toInterface: interface) { throw Errno.last }
        try check(unsafe SystemAddress.with(address) { unsafe clinux_bind(socket.number, $0, $1) })
        if case .path(let path) = address { try setOwner(path, options) }
    }

    /// Removes the socket file at `path` if no process listens on it, or if `evenIfAlive`. Throws `addressInUse` if a
    /// process listens on it.
    static func removeStale(_ path: String, evenIfAlive: Bool) throws(Errno) {
        guard path.verbatimBytes.count <= SystemAddress.pathBytesMax else { throw .fileNameTooLong }
        var status = stat()
        guard path.withVerbatimCString({ unsafe lstat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            return
        }
        if evenIfAlive {
            try check(path.withVerbatimCString { unsafe unlink($0) })
            return
        }
        let probe = SystemAddress.makeStreamSocket(for: .path(path))
        guard probe >= 0 else { throw Errno.last }
        defer { _ = Glibc.close(probe) }
        let connected = unsafe SystemAddress.with(.path(path)) { unsafe clinux_connect(probe, $0, $1) } == 0
        // Only ECONNREFUSED proves that no process listens. A full queue (EAGAIN), a socket of another type
        // (EPROTOTYPE, as for /dev/log) or one of another user (EACCES) may be in use.
        guard !connected, Errno.last == .connectionRefused else { throw .addressInUse }
        try check(path.withVerbatimCString { unsafe unlink($0) })
    }

    static func setOwner(_ path: String, _ options: ListenOptions) throws(Errno) {
        if let mode = options.mode { try check(path.withVerbatimCString { unsafe chmod($0, mode) }) }
        if options.user != nil || options.group != nil {
            try check(path.withVerbatimCString { unsafe chown($0, options.user ?? .max, options.group ?? .max) })
        }
    }

    private static func check(_ result: Int32) throws(Errno) {
        if result != 0 { throw Errno.last }
    }
}
