// `Kernel` on Linux: epoll, and the system calls of the data path. Calls interrupted by signals (EINTR) are retried
// here.

public import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// The epoll instance of a thread.
private final class EpollSet: WatchSet {
    let descriptor: Int32

    init() throws(Errno) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw Errno.last }
    }

    deinit { _ = Glibc.close(descriptor) }
}

/// The kernel interface of one thread, with an epoll instance. Not shared between threads, except for its `wakeup`.
@safe
public final class LinuxKernel: Kernel {
    @safe @exclusivity(unchecked) public private(set) var now = Instant.now()
    /// Interrupts a `wait`; may be used from any thread.
    public let wakeup: Wakeup

    private let epoll: EpollSet
    private var poller: Int32 { epoll.descriptor }
    private var random = RandomNumbers()
    private let sharedSockets: SharedSockets
    private let batch: UnsafeMutablePointer<epoll_event>
    /// Limit for the events returned by one call; the others are returned by the next call.
    private static let batchMax = 256
    private static let wakerToken = UInt64.max

    /// - Parameter sharedSockets: listening sockets that other processes have as well.
    /// - Throws: the errno if the system is out of descriptors or memory.
    public init(sharedSockets: SharedSockets = SharedSockets()) throws(Errno) {
        self.sharedSockets = sharedSockets
        wakeup = try Wakeup()
        epoll = try EpollSet()
        unsafe batch = UnsafeMutablePointer.allocate(capacity: Self.batchMax)
        unsafe batch.initialize(repeating: epoll_event(), count: Self.batchMax)
        watch(wakeup.socket, for: .reading, token: Self.wakerToken)
    }

    deinit { unsafe batch.deallocate() }

    public func refreshClock() { now = Instant.now() }
    public func wallTime() -> WallTime { WallTime.now() }
    public func randomNumber() -> UInt64 { random.next() }

    public func wait(until deadline: Instant, into events: inout [Event]) {
        events.removeAll(keepingCapacity: true)
        let count = unsafe clinux_epoll_wait(poller, batch, Int32(Self.batchMax), timeout(until: deadline))
        refreshClock()
        if count < 0 {
            precondition(Errno.last == .interrupted, "epoll_wait: \(Errno.last)")
            return
        }
        for i in 0..<Int(count) {
            let token = unsafe clinux_event_token(batch + i)
            if token == Self.wakerToken {
                wakeup.reset()
            } else {
                unsafe events.append(Event(token: token, readiness: Self.readiness(clinux_event_flags(batch + i))))
            }
        }
    }

    /// The time-out for epoll in milliseconds, rounded up so that the deadline has passed when the wait ends.
    private func timeout(until deadline: Instant) -> Int32 {
        if deadline == .never { return -1 }
        if deadline <= now { return 0 }
        return Int32(min((deadline.since(now).nanoseconds + 999_999) / 1_000_000, 60_000))
    }

    private static func readiness(_ flags: UInt32) -> Readiness {
        var readiness: Readiness = []
        if flags & EPOLLIN.rawValue != 0 { readiness.insert(.readable) }
        if flags & EPOLLOUT.rawValue != 0 { readiness.insert(.writable) }
        if flags & EPOLLPRI.rawValue != 0 { readiness.insert(.urgent) }
        if flags & EPOLLRDHUP.rawValue != 0 { readiness.insert(.peerFinished) }
        if flags & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { readiness.insert(.broken) }
        return readiness
    }

    @discardableResult
    public func watch(_ socket: Socket, for interest: Interest, token: UInt64) -> Errno? {
        let flags =
            switch interest {
            case .accepting: EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue
            case .streaming:
                EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLPRI.rawValue | EPOLLET.rawValue
            case .reading: EPOLLIN.rawValue
            case .readingAndWriting: EPOLLIN.rawValue | EPOLLOUT.rawValue
            }
        let result = clinux_epoll_ctl(poller, EPOLL_CTL_ADD, socket.number, flags, token)
        if result == 0 { return nil }
        let reason = Errno.last
        // ENOSPC: fs.epoll.max_user_watches has been reached.
        precondition(
            reason == .noSpace || reason == .noMemory,
            "epoll_ctl: cannot watch descriptor \(socket.number): \(reason)")
        return reason
    }

    public func unwatch(_ socket: Socket) {
        let result = clinux_epoll_ctl(poller, EPOLL_CTL_DEL, socket.number, 0, 0)
        precondition(result == 0, "epoll_ctl: cannot leave descriptor \(socket.number): \(Errno.last)")
    }

    public var watchSet: any WatchSet { epoll }

    public func adopt(_ socket: Socket, from other: any WatchSet, token: UInt64) -> Errno? {
        guard let other = other as? EpollSet else { preconditionFailure("a watch set of another system") }
        let result = clinux_epoll_ctl(other.descriptor, EPOLL_CTL_DEL, socket.number, 0, 0)
        precondition(result == 0, "epoll_ctl: another thread does not watch descriptor \(socket.number): \(Errno.last)")
        return watch(socket, for: .streaming, token: token)
    }

    /// Errors are ignored: without the filter, only a client that connects between the last accept and the close is
    /// reset.
    public func ignoreAttempts(on listener: Socket) {
        if !sharedSockets.contains(listener) { _ = clinux_drop_handshakes(listener.number) }
    }

    public func stopListening(_ listener: Socket) {
        if !sharedSockets.contains(listener) { _ = shutdown(listener.number, Int32(SHUT_RD)) }
    }

    public func listenAgain(_ listener: Socket, backlog: Int32) -> Errno? {
        _ = clinux_take_handshakes(listener.number)
        return listen(listener.number, backlog) == 0 ? nil : Errno.last
    }

    public func accept(on listener: Socket) -> Accepted {
        while true {
            let (number, address) = unsafe SystemAddress.receive { address, length in
                unsafe clinux_accept4(listener.number, address, length)
            }
            if number >= 0 { return .connection(Socket(number), from: address) }
            switch Errno.last {
            case .interrupted: continue
            case .wouldBlock: return .wouldBlock
            case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace, .noMemory:
                return .exhausted(Errno.last)
            // Not a listener but one end of a pair, over which connections come as descriptors.
            case .invalidArgument where Self.isPair(listener): return acceptDescriptor(over: listener)
            // The socket is not listening: another process that shares it (`fd@`) has shut it down.
            case .invalidArgument: return .exhausted(.invalidArgument)
            case .badFileDescriptor, .notSocket:
                preconditionFailure("accept on descriptor \(listener.number): \(Errno.last)")
            // Linux reports pending network errors here (accept(2)); they concern one client only.
            default: return .gone
            }
        }
    }

    private static func isPair(_ socket: Socket) -> Bool {
        let peer = unsafe SystemAddress.receive { unsafe clinux_getpeername(socket.number, $0, $1) }
        return peer.result == 0 && peer.address == .path("")
    }

    private func acceptDescriptor(over carrier: Socket) -> Accepted {
        let number = clinux_accept_over(carrier.number)
        if number >= 0 { return .connection(Socket(number), from: .path("")) }
        switch Errno.last {
        case .wouldBlock: return .wouldBlock
        case .connectionAbort: return .gone
        case let reason: return .exhausted(reason)
        }
    }

    public func probe(_ socket: Socket) { SocketOption.keepAlive.set(on: socket) }

    public func setTypeOfService(_ socket: Socket, _ value: UInt8) {
        // Both options: an IPv6 socket may carry IPv4, and each family ignores the other's option.
        SocketOption.typeOfService(value).set(on: socket)
        SocketOption.trafficClass(value).set(on: socket)
    }

    public func setMark(_ socket: Socket, _ value: UInt32) { SocketOption.mark(value).set(on: socket) }

    public func measure(_ socket: Socket) -> ConnectionMeasures? { ConnectionMeasures(of: socket) }

    public func connectError(_ socket: Socket) -> Errno? {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(socket.number, SOL_SOCKET, SO_ERROR, &code, &length)
        precondition(result == 0, "getsockopt on descriptor \(socket.number): \(Errno.last)")
        return code == 0 ? nil : Errno(rawValue: code)
    }

    public func localAddress(_ socket: Socket) -> SocketAddress {
        unsafe SystemAddress.receive { unsafe clinux_getsockname(socket.number, $0, $1) }.address
    }

    public func receive(_ socket: Socket, into buffer: inout ByteBuffer) -> Received {
        precondition(buffer.room > 0, "reading without room would look like the end of the stream")
        return unsafe buffer.fill { room in
            let received = unsafe receive(socket, into: room)
            if case .bytes(let n) = received { return (n, received) }
            return (0, received)
        }
    }

    @inline(__always)
    public func receive(_ socket: Socket, into memory: UnsafeMutableRawBufferPointer) -> Received {
        while true {
            let n = unsafe clinux_receive(socket.number, memory.baseAddress, memory.count)
            if n > 0 { return .bytes(n) }
            if n == 0 { return .endOfStream }
            switch Errno.last {
            case .interrupted: continue
            case .wouldBlock: return .wouldBlock
            case let reason: return .failed(Self.fault(reason, socket))
            }
        }
    }

    public func isQuiet(_ socket: Socket) -> Bool {
        while clinux_peek(socket.number) < 0 {
            switch Errno.last {
            case .interrupted: continue
            case .wouldBlock: return true
            case let reason:
                _ = Self.fault(reason, socket)
                return false
            }
        }
        return false
    }

    public func send(_ socket: Socket, _ bytes: RawSpan, more: Bool) -> Sent {
        let flags = Int32(CLINUX_MSG_NOSIGNAL) | (more ? Int32(CLINUX_MSG_MORE) : 0)
        return unsafe bytes.withUnsafeBytes { bytes in
            Self.sent(on: socket) { unsafe clinux_send(socket.number, bytes.baseAddress, bytes.count, flags) }
        }
    }

    /// Whether this system can encrypt what is sent, as far as a socket that is not connected can tell: it answers differently where
    /// the protocol is unknown. Asked once; with the privileges of a start, since that may load the module `tls`.
    public static let canEncrypt: Bool = {
        let socket = clinux_stream_socket(AF_INET)
        guard socket >= 0 else { return false }
        defer { Glibc.close(socket) }
        return clinux_knows_tls(socket) != 0
    }()

    public func encryptSent(_ socket: Socket, with keys: UnsafeRawPointer) -> Bool {
        let length = unsafe clinux_tls_keys_length(keys)
        return unsafe length > 0 && clinux_encrypt_sent(socket.number, keys, length) == 0
    }

    public func sendRecord(_ socket: Socket, type: UInt8, _ bytes: RawSpan) -> Sent {
        unsafe bytes.withUnsafeBytes { bytes in
            Self.sent(on: socket) { unsafe clinux_send_record(socket.number, type, bytes.baseAddress, bytes.count) }
        }
    }

    /// Setting the option again sends what is kept back (tcp(7), TCP_NODELAY); on other sockets nothing is.
    public func push(_ socket: Socket) { SocketOption.noDelay.set(on: socket) }

    public func sendFile(_ socket: Socket, file: Int32, offset: UInt64, count: Int) -> Sent {
        var position = off_t(offset)
        return Self.sent(on: socket) { unsafe sendfile(socket.number, file, &position, count) }
    }

    public func readFile(_ file: Int32, offset: UInt64, count: Int, into buffer: inout ByteBuffer) -> Received {
        unsafe buffer.fill(limit: count) { room in
            while true {
                let n = unsafe pread(file, room.baseAddress, room.count, off_t(offset))
                if n > 0 { return (n, .bytes(n)) }
                if n == 0 { return (0, .endOfStream) }
                if Errno.last != .interrupted { return (0, .failed(Errno.last)) }
            }
        }
    }

    static func sent(on socket: Socket, _ call: () -> Int) -> Sent {
        while true {
            let n = call()
            if n >= 0 { return .bytes(n) }
            switch Errno.last {
            case .interrupted: continue
            case .wouldBlock: return .wouldBlock
            case let reason: return .failed(fault(reason, socket))
            }
        }
    }

    /// Returns the error of a stream; traps if it indicates a bug.
    static func fault(_ reason: Errno, _ socket: Socket) -> Errno {
        precondition(
            reason != .badFileDescriptor && reason != .notSocket && reason != .badAddress,
            "descriptor \(socket.number): \(reason)")
        return reason
    }

    public func finishSending(_ socket: Socket) {
        // ENOTCONN is ignored: the peer has reset the connection, and its event follows.
        _ = shutdown(socket.number, Int32(SHUT_WR))
    }

    public func close(_ socket: Socket, reset: Bool) {
        if reset { SocketOption.lingerZero.set(on: socket) }
        let result = Glibc.close(socket.number)
        // On Linux the descriptor is closed even if close returns EINTR or EIO.
        precondition(result == 0 || Errno.last != .badFileDescriptor, "descriptor \(socket.number) was closed twice")
    }

    public func forget(_ socket: Socket) {
        // In repair mode a socket closes without sending a packet. Without CAP_NET_ADMIN, limit the reset's TTL, so
        // that the next router drops it.
        if !SocketOption.repair.set(on: socket) {
            SocketOption.oneHop.set(on: socket)
            SocketOption.oneHopV6.set(on: socket)
        }
        close(socket, reset: true)
    }
}

extension Errno {
    /// The calling thread's errno.
    static var last: Errno { Errno(rawValue: clinux_errno()) }
}
