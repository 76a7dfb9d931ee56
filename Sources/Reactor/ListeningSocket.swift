// Opening sockets that listen: at start-up only, with errors an operator can act upon.

public import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// How a listener is opened: the options of a `bind` line that concern the system.
public struct ListenOptions: Sendable {
    /// Connections the system may keep waiting.
    public var backlog: Int32 = 4_096
    /// Several sockets share the address, and the system spreads connections over them.
    public var sharesPort = true
    public var socketOptions: [SocketOption] = []
    /// Permission bits of a socket file, and its owner.
    public var mode: UInt32?
    public var user: UInt32?
    public var group: UInt32?
    /// Whether a socket file that another process listens on is replaced. Its listener keeps what it has accepted.
    public var replacesFile = false
    /// The network interface to listen on.
    public var interface: String?

    public init() {}
}

public enum ListeningSocket {
    /// Opens, binds and listens.
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

    /// Opens and binds, and does not listen: whoever connects is refused as if nobody were there.
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

    /// Takes over a bound socket that this process was started with (`fd@`), and listens on it unless its opener already
    /// does.
    public static func adopt(descriptor: Int32) throws(Errno) -> Socket {
        var isListening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        try check(unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length))
        if isListening == 0 { try check(Glibc.listen(descriptor, ListenOptions().backlog)) }
        try check(fcntl(descriptor, F_SETFL, O_NONBLOCK))
        try check(fcntl(descriptor, F_SETFD, FD_CLOEXEC))
        return Socket(descriptor)
    }

    /// A second descriptor for the same socket and the same queue, so that each worker has its own to close.
    public static func duplicate(_ socket: Socket) throws(Errno) -> Socket {
        let number = fcntl(socket.number, F_DUPFD_CLOEXEC, 0)
        guard number >= 0 else { throw Errno.last }
        return Socket(number)
    }

    /// Gives a listening socket back.
    public static func close(_ socket: Socket) { _ = Glibc.close(socket.number) }

    private static func prepare(
        _ socket: Socket, _ address: SocketAddress, _ options: ListenOptions
    ) throws(Errno) {
        SocketOption.reuseAddress.set(on: socket)
        for option in options.socketOptions { option.set(on: socket) }
        switch address {
        case .ip:
            // Accepted connections inherit this.
            SocketOption.noDelay.set(on: socket)
            if options.sharesPort { SocketOption.reusePort.set(on: socket) }
        case .path(let path): try removeStale(path, evenIfAlive: options.replacesFile)
        case .abstract, .abstractExact: break
        }
        if let interface = options.interface { try bindToDevice(socket, interface) }
        try check(unsafe SystemAddress.with(address) { unsafe clinux_bind(socket.number, $0, $1) })
        if case .path(let path) = address { try setOwner(path, options) }
    }

    /// A socket file that nobody listens on any more is in the way; one that somebody listens on is not ours to remove.
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
        // Only a refusal says that nobody is there. A full queue (EAGAIN), a socket of another type (EPROTOTYPE: /dev/log)
        // or of another user (EACCES) are signs of life.
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
