// The system calls of the data path, as one protocol.
//
// The implementation is `LinuxKernel`, one per thread, with its own epoll instance. Tests use a simulated kernel, whose
// short reads, resets and clock are driven by a seed. Outcomes that a peer or a shortage of resources can cause are
// returned as values; those that only a bug can cause (a bad descriptor) trap.

public import Basics
public import SystemPackage

/// The descriptor of a socket. The connection or listener that owns it closes it, once.
public struct Socket: Hashable, Sendable {
    public let number: Int32
    @inlinable public init(_ number: Int32) { self.number = number }
}

/// What a descriptor has become ready for.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let readable = Readiness(rawValue: 1)
    public static let writable = Readiness(rawValue: 2)
    /// The peer has shut down its sending side; bytes sent before that can still be read.
    public static let peerFinished = Readiness(rawValue: 4)
    /// Urgent data has been announced; a read returns only the bytes before it.
    public static let urgent = Readiness(rawValue: 16)
    /// The connection is closed in both directions: reset, or refused while connecting.
    public static let broken = Readiness(rawValue: 8)
}

/// The readiness of the descriptor that is watched with `token`.
public struct Event: Sendable {
    public let token: UInt64
    public let readiness: Readiness

    @inlinable public init(token: UInt64, readiness: Readiness) {
        self.token = token
        self.readiness = readiness
    }
}

/// For which events a descriptor is watched.
public enum Interest: Sendable {
    /// Level-triggered while a connection can be accepted; wakes one of the threads that watch (EPOLLEXCLUSIVE).
    case accepting
    /// Edge-triggered for reading and writing: the owner must remember the readiness.
    case streaming
    /// Level-triggered while there is data to read.
    case reading
    /// Level-triggered while there is data to read or space to write.
    case readingAndWriting
}

/// The outcome of an accept.
public enum Accepted: Sendable {
    case connection(Socket, from: SocketAddress)
    case wouldBlock
    /// The client closed the connection before it was accepted; others may be waiting.
    case gone
    /// No descriptor or memory left (EMFILE, ENFILE, ENOBUFS, ENOMEM).
    case exhausted(Errno)

    /// How long accepting pauses after `exhausted`: short against a client's patience, long against a spin.
    public static let exhaustionPause = TimeSpan.milliseconds(100)
}

/// The outcome of starting to connect.
public enum Connecting: Sendable {
    /// In progress: the socket will become writable, or broken.
    case started(Socket)
    case failed(Errno)
}

/// Marks on a socket's packets, from the first one on; nil for the system's default.
public struct SocketMarks: Equatable, Sendable {
    /// The type of service (IPv4) or traffic class (IPv6).
    public var typeOfService: UInt8?
    /// The mark for the system's packet filter and routing rules (SO_MARK).
    public var mark: UInt32?

    public init(typeOfService: UInt8? = nil, mark: UInt32? = nil) {
        self.typeOfService = typeOfService
        self.mark = mark
    }
}

/// The outcome of a read.
public enum Received: Sendable, Equatable {
    case bytes(Int)
    case wouldBlock
    case endOfStream
    case failed(Errno)
}

/// The outcome of a write.
public enum Sent: Sendable, Equatable {
    case bytes(Int)
    case wouldBlock
    case failed(Errno)
}

/// The descriptors that one thread watches. Other threads pass it to their own kernel's `adopt`; it outlives its
/// thread.
public protocol WatchSet: AnyObject, Sendable {}

/// The calls that carry bytes over one descriptor: what an encrypted connection needs of its thread's kernel.
public protocol ByteCarrier: AnyObject {
    /// The monotonic time at the last `wait` or `refreshClock`.
    var now: Instant { get }
    /// Reads as much as fits into the memory, which has at least one byte.
    func receive(_ socket: Socket, into memory: UnsafeMutableRawBufferPointer) -> Received
    /// Writes as many of `bytes` as the socket accepts; `more` announces that more data follows at once (MSG_MORE).
    func send(_ socket: Socket, _ bytes: RawSpan, more: Bool) -> Sent

    /// Gives the system the keys with which it encrypts what is sent from now on.
    /// - Parameter keys: as `struct tls_crypto_info` and what follows it (linux/tls.h).
    /// - Returns: false if the system cannot; then nothing has changed.
    func encryptSent(_ socket: Socket, with keys: UnsafeRawPointer) -> Bool
    /// Sends a record of another type than content on a socket whose system encrypts.
    func sendRecord(_ socket: Socket, type: UInt8, _ bytes: RawSpan) -> Sent
}

extension ByteCarrier {
    public func encryptSent(_ socket: Socket, with keys: UnsafeRawPointer) -> Bool { false }

    public func sendRecord(_ socket: Socket, type: UInt8, _ bytes: RawSpan) -> Sent {
        preconditionFailure("this carrier has taken no keys")
    }
}

/// The system calls of one thread.
public protocol Kernel: ByteCarrier {
    func refreshClock()
    /// The wall clock now, for logs, dates and samples; it may jump. It is read at each call.
    func wallTime() -> WallTime
    /// 64 random bits, for balancing, samples and identifiers; never for keys (see `RandomNumbers`).
    func randomNumber() -> UInt64

    /// Ends a `wait` of this kernel from any thread.
    var wakeup: Wakeup { get }

    /// Waits until a descriptor is ready, `deadline` passes, or the thread's wakeup is signalled; replaces `events`.
    func wait(until deadline: Instant, into events: inout [Event])

    /// Starts watching `socket`; its events carry `token`. Returns the errno (ENOSPC, ENOMEM) when the system is out of
    /// watches or memory; the socket is then not watched.
    @discardableResult
    func watch(_ socket: Socket, for interest: Interest, token: UInt64) -> Errno?
    func unwatch(_ socket: Socket)

    /// The descriptors that this thread watches.
    var watchSet: any WatchSet { get }
    /// Moves a `streaming` socket from another thread's watch set to this thread's. Its events carry `token` from now on, and
    /// the first ones report the current readiness. The caller must own the socket: the other thread no longer uses it, and
    /// ignores events that it may have received before. Returns the errno (ENOSPC, ENOMEM) when the system is out of watches
    /// or memory; the socket is then not watched by either thread.
    func adopt(_ socket: Socket, from other: any WatchSet, token: UInt64) -> Errno?

    /// Drops new connection attempts (SYN) to a TCP listener until `listenAgain`: the client retries, and reaches
    /// another listener or none. Connections already in the accept queue can still be accepted; no others follow. Does nothing
    /// to a listener that other processes have as well.
    func ignoreAttempts(on listener: Socket)
    /// Stops listening on a listener that is not watched, so that another process can bind its address. Connection
    /// attempts are refused. Does nothing to a listener that other processes have as well.
    func stopListening(_ listener: Socket)
    /// Resumes listening; returns the errno if another process uses the address now.
    func listenAgain(_ listener: Socket, backlog: Int32) -> Errno?

    func accept(on listener: Socket) -> Accepted
    /// Starts to connect a stream socket to `address`, from `source` if given, with the server's `options` if it has any. Marks
    /// that the system does not permit are ignored.
    func connect(
        to address: SocketAddress, from source: SocketAddress?, marks: SocketMarks, options: OutgoingOptions?
    ) -> Connecting
    /// Enables keep-alive probes, so that a vanished peer is detected while nothing is sent.
    func probe(_ socket: Socket)
    /// Makes segments that are sent over a new connection smaller than its peer allows. Errors are ignored.
    func reduceSegments(of socket: Socket, by bytes: Int)
    /// Sets the type of service or traffic class of packets sent from now on. Errors are ignored.
    func setTypeOfService(_ socket: Socket, _ value: UInt8)
    /// Sets the firewall mark of packets sent from now on. Errors are ignored.
    func setMark(_ socket: Socket, _ value: UInt32)
    /// The error of a connection attempt; nil if it succeeded.
    func connectError(_ socket: Socket) -> Errno?
    /// The connection's TCP statistics; nil if it is not a TCP connection.
    func measure(_ socket: Socket) -> ConnectionMeasures?
    /// The socket's local address.
    func localAddress(_ socket: Socket) -> SocketAddress

    /// Reads as much as fits into the buffer's free space, which must not be empty.
    func receive(_ socket: Socket, into buffer: inout ByteBuffer) -> Received
    /// Whether a connection has no pending event: no byte to read, no end, no error. Reads nothing and does not block.
    func isQuiet(_ socket: Socket) -> Bool
    /// Sends what the system keeps back because more was announced.
    func push(_ socket: Socket)
    /// A pipe that bytes can pass through on their way between two sockets; nil if the system has none to give.
    func makePipe() -> (any Pipe)?
    /// Moves at most `count` bytes from the socket into the pipe, which is empty: then only the socket can be what has to be waited for.
    func receive(_ socket: Socket, into pipe: any Pipe, atMost count: Int) -> Received
    /// Moves bytes from the pipe, which has some, into the socket.
    func send(_ socket: Socket, from pipe: any Pipe, more: Bool) -> Sent
    /// Copies from a file to the socket inside the kernel. Returns `bytes(0)` at the end of the file.
    func sendFile(_ socket: Socket, file: Int32, offset: UInt64, count: Int) -> Sent
    /// Reads from a file into the buffer's free space, at most `count` bytes. Returns `endOfStream` at the end of the file.
    func readFile(_ file: Int32, offset: UInt64, count: Int, into buffer: inout ByteBuffer) -> Received

    /// Shuts down the sending side.
    func finishSending(_ socket: Socket)
    /// Closes the socket. With `reset`, unsent data is discarded and the peer gets a reset.
    func close(_ socket: Socket, reset: Bool)
    /// Closes the socket without sending a packet, so that the peer has to wait for its own time-out (`silent-drop`).
    func forget(_ socket: Socket)
}

extension Kernel {
    /// Starts to connect without marks.
    public func connect(to address: SocketAddress, from source: SocketAddress?) -> Connecting {
        connect(to: address, from: source, marks: SocketMarks(), options: nil)
    }
}
