// Everything the data path asks of the operating system, in one protocol.
//
// The real one is `LinuxKernel`, one per thread, with an epoll instance inside. Tests put a simulated one
// in its place, whose short reads, resets and clock come from a seed. Outcomes that a peer or a busy
// machine can cause are values; what only our own mistake can cause (a bad descriptor) is a trap.

public import Basics
public import SystemPackage

/// A socket of this process, by its number. Whoever holds it in a connection or listener closes it once.
public struct Socket: Hashable, Sendable {
    public let number: Int32
    @inlinable public init(_ number: Int32) { self.number = number }
}

/// What became possible on a descriptor.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let readable = Readiness(rawValue: 1)
    public static let writable = Readiness(rawValue: 2)
    /// The peer has finished sending; what it sent before can still be read.
    public static let peerFinished = Readiness(rawValue: 4)
    /// Urgent data is on its way; a read stops short in front of it.
    public static let urgent = Readiness(rawValue: 16)
    /// The connection is dead in both directions: reset, or refused while connecting.
    public static let broken = Readiness(rawValue: 8)
}

/// Readiness of whatever was watched under `token`.
public struct Event: Sendable {
    public let token: UInt64
    public let readiness: Readiness

    @inlinable public init(token: UInt64, readiness: Readiness) {
        self.token = token
        self.readiness = readiness
    }
}

/// How a descriptor is watched.
public enum Interest: Sendable {
    /// Reported while a connection waits to be accepted; of several threads watching, one is woken.
    case accepting
    /// Reported once each time reading or writing becomes possible (edge-triggered): the owner remembers it.
    case streaming
    /// Reported while there is something to read.
    case reading
    /// Reported while there is something to read or room to write.
    case readingAndWriting
}

public enum Accepted: Sendable {
    case connection(Socket, from: SocketAddress)
    case wouldBlock
    /// The client had gone before it was accepted; the next one may be there.
    case gone
    /// No descriptor or memory left (EMFILE, ENFILE, ENOBUFS, ENOMEM).
    case exhausted(Errno)
}

public enum Connecting: Sendable {
    /// Under way: the socket becomes writable, or broken.
    case started(Socket)
    case failed(Errno)
}

/// What a socket's packets carry from the first one on; nil for what the system thinks fit.
public struct SocketMarks: Equatable, Sendable {
    /// For routers: the type of service, or traffic class.
    public var typeOfService: UInt8?
    /// For the system's own rules about packets.
    public var mark: UInt32?

    public init(typeOfService: UInt8? = nil, mark: UInt32? = nil) {
        self.typeOfService = typeOfService
        self.mark = mark
    }
}

public enum Received: Sendable, Equatable {
    case bytes(Int)
    case wouldBlock
    case endOfStream
    case failed(Errno)
}

public enum Sent: Sendable, Equatable {
    case bytes(Int)
    case wouldBlock
    case failed(Errno)
}

/// The descriptors that one thread watches. Other threads pass it to their own kernel's `adopt`; it outlives its thread.
public protocol WatchSet: AnyObject, Sendable {}

/// The system as one thread sees it.
public protocol Kernel: AnyObject {
    /// The monotonic clock as of the last `wait`, or of the last `refreshClock`.
    var now: Instant { get }
    func refreshClock()

    /// Waits until something is ready, `deadline` has passed, or the thread's waker was used; replaces `events`.
    func wait(until deadline: Instant, into events: inout [Event])

    /// Starts watching; events carry `token`. Not nil if the system has no room for it (ENOSPC, ENOMEM): then it is not watched.
    @discardableResult
    func watch(_ socket: Socket, for interest: Interest, token: UInt64) -> Errno?
    func unwatch(_ socket: Socket)

    /// What this thread watches.
    var watchSet: any WatchSet { get }
    /// Moves a `streaming` socket from the set of another thread to this thread's: events carry `token` from now on, and the first
    /// ones report the readiness that there is. The caller owns the socket by then: the other thread makes no more call for it, and
    /// misses the events that it may have taken before. Returns the errno if the system has no room to watch it (ENOSPC, ENOMEM);
    /// then neither thread watches it.
    func adopt(_ socket: Socket, from other: any WatchSet, token: UInt64) -> Errno?

    /// Leaves new attempts to connect to a TCP listener unanswered until `listenAgain`: the client's system tries again, and finds
    /// another listener or none. What can still be accepted afterwards is all that there will be.
    func ignoreAttempts(on listener: Socket)
    /// Lets others have the address of a listener that is not watched; who connects is refused.
    func stopListening(_ listener: Socket)
    /// Takes the address back; not nil if somebody else has it now.
    func listenAgain(_ listener: Socket, backlog: Int32) -> Errno?

    func accept(on listener: Socket) -> Accepted
    /// A stream socket on its way to `address`, from `source` if given. Marks that the system refuses are left out.
    func connect(to address: SocketAddress, from source: SocketAddress?, marks: SocketMarks) -> Connecting
    /// Lets the system probe the peer while nothing is sent, so that its disappearance is noticed.
    func probe(_ socket: Socket)
    /// What the packets sent from now on carry for routers: the type of service, or traffic class. May be refused.
    func setTypeOfService(_ socket: Socket, _ value: UInt8)
    /// What they carry for the system's own rules about packets. May be refused.
    func setMark(_ socket: Socket, _ value: UInt32)
    /// Why a connection attempt failed; nil if it did not.
    func connectError(_ socket: Socket) -> Errno?
    /// What the system measures of the connection; nil if it is not one of TCP.
    func measure(_ socket: Socket) -> ConnectionMeasures?
    /// The address the socket has on this side.
    func localAddress(_ socket: Socket) -> SocketAddress

    /// Reads into the buffer's free room; at most that.
    func receive(_ socket: Socket, into buffer: inout ByteBuffer) -> Received
    /// Whether a connection has nothing to report: no byte to read, no end, no failure. Takes nothing and does not block.
    func isQuiet(_ socket: Socket) -> Bool
    /// Writes what the socket takes of `bytes`; `more` says that more follows at once.
    func send(_ socket: Socket, _ bytes: RawSpan, more: Bool) -> Sent
    /// Copies from a file to the socket inside the system. `bytes(0)` says that the file has ended.
    func sendFile(_ socket: Socket, file: Int32, offset: UInt64, count: Int) -> Sent

    /// Says that nothing more will be sent.
    func finishSending(_ socket: Socket)
    /// Closes; with `reset` the peer sees a reset at once, and nothing unsent lingers.
    func close(_ socket: Socket, reset: Bool)
    /// Closes without telling the peer, who will wait until it gives up.
    func forget(_ socket: Socket)
}

extension Kernel {
    /// Without marks.
    public func connect(to address: SocketAddress, from source: SocketAddress?) -> Connecting {
        connect(to: address, from: source, marks: SocketMarks())
    }
}
