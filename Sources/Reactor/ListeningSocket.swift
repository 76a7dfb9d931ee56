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

    public init() {}
}

/// Operations on listening sockets outside the data path.
public enum ListeningSocket {
    /// Opens a socket, binds it and listens on it.
    public static func open(_ address: SocketAddress, _ options: ListenOptions) throws(Errno) -> Socket {
        let socket = try bind(address, options)
        do throws(Errno) {
            try check(Glibc.listen(socket.number, options.backlog))
        } catch {
            close(socket)
            throw error
        }
        return socket
    }

    /// Opens and binds a socket without listening: connection attempts are refused.
    public static func bind(_ address: SocketAddress, _ options: ListenOptions) throws(Errno) -> Socket {
        let number = SystemAddress.makeStreamSocket(for: address)
        guard number >= 0 else { throw Errno.last }
        let socket = Socket(number)
        do throws(Errno) {
            try prepare(socket, address, options)
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
        try check(fcntl(descriptor, F_SETFL, O_NONBLOCK))
        try check(fcntl(descriptor, F_SETFD, FD_CLOEXEC))
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
        _ socket: Socket, _ address: SocketAddress, _ options: ListenOptions
    ) throws(Errno) {
        SocketOption.reuseAddress.set(on: socket)
        for option in options.socketOptions { option.set(on: socket) }
        switch address {
        case .ip:
            // Inherited by accepted connections.
            SocketOption.noDelay.set(on: socket)
            if options.sharesPort { SocketOption.reusePort.set(on: socket) }
        case .path(let path): try removeStale(path, evenIfAlive: options.replacesFile)
        case .abstract, .abstractExact: break
        }
        if let interface = options.interface { try bindToDevice(socket, interface) }
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

    private static func setOwner(_ path: String, _ options: ListenOptions) throws(Errno) {
        if let mode = options.mode { try check(path.withVerbatimCString { unsafe chmod($0, mode) }) }
        if options.user != nil || options.group != nil {
            try check(path.withVerbatimCString { unsafe chown($0, options.user ?? .max, options.group ?? .max) })
        }
    }

    private static func bindToDevice(_ socket: Socket, _ interface: String) throws(Errno) {
        let result = unsafe setsockopt(
            socket.number, SOL_SOCKET, SO_BINDTODEVICE, interface, socklen_t(interface.utf8.count))
        try check(result)
    }

    private static func check(_ result: Int32) throws(Errno) {
        if result != 0 { throw Errno.last }
    }
}
