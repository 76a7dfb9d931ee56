// A simulated connection, and what is at its other end.

public import Basics
internal import Reactor
internal import SystemPackage

/// A program at the other end of wires, which acts when it is given a turn.
public protocol SimulatedPeer: AnyObject {
    /// The peer's turn, at the time it asked for, in the kernel it asked.
    func act(in kernel: SimulatedKernel)
}

/// What Linux does to those who rely on more than it promises, in a thousand calls.
public struct KernelMoods: Sendable {
    /// Accepting finds no descriptor.
    public var exhaustion = 0
    /// A socket is called readable, and is not.
    public var falseAlarm = 0
    /// A socket takes nothing although there is room, and says so a moment later.
    public var shortOfMemory = 0
    /// There is no pipe.
    public var noPipe = 0
    /// A socket cannot be watched.
    public var shortOfWatches = 0
    /// A new connection takes a few hundred bytes at most before its peer reads some.
    public var narrow = 0

    public init() {}
}

/// One connection: our end is a descriptor, the other belongs to a peer.
public final class Wire {
    /// The thread that watches it, or else that opened it.
    public internal(set) unowned var kernel: SimulatedKernel
    public let number: Int32
    public let address: SocketAddress
    /// Sent by the peer, not yet read by us.
    @safe @exclusivity(unchecked) var inbound: [UInt8] = []
    @safe @exclusivity(unchecked) var inboundRead = 0
    @safe @exclusivity(unchecked) var peerFinished = false
    @safe @exclusivity(unchecked) var isReset = false
    /// The peer's process has closed it: what we send now is answered by a reset.
    var peerIsGone = false
    /// A read stops in front of this byte once: urgent data came there.
    var urgentMark: Int?
    /// Is given a turn when we send, finish or close; once, then it has to say so again.
    public weak var listener: (any SimulatedPeer)?
    /// Sent by us, not yet taken by the peer.
    @safe @exclusivity(unchecked) public internal(set) var outbound: [UInt8] = []
    /// Sent with the announcement of more, before which it does not leave.
    @safe @exclusivity(unchecked) var keptBack: [UInt8] = []
    @safe @exclusivity(unchecked) public internal(set) var weFinished = false
    /// We have closed it without a word.
    public internal(set) var weForgot = false
    @safe @exclusivity(unchecked) public internal(set) var weClosed = false
    /// We closed so that the peer saw a reset: told to, or with bytes of the peer unread.
    public internal(set) var weReset = false
    /// Bytes we may still send before the peer takes some.
    @safe @exclusivity(unchecked) var window: Int
    @safe @exclusivity(unchecked) var wasFull = false
    @safe @exclusivity(unchecked) var isConnected: Bool
    var refusal: Errno?
    @safe @exclusivity(unchecked) var token: UInt64?
    @safe @exclusivity(unchecked) var pending: Readiness = []
    /// What is reported for as long as it lasts; nil for edges only.
    @safe @exclusivity(unchecked) var level: Interest?

    init(_ kernel: SimulatedKernel, number: Int32, address: SocketAddress, window: Int, isConnected: Bool) {
        self.kernel = kernel
        self.number = number
        self.address = address
        self.window = window
        self.isConnected = isConnected
    }

    /// The peer has accepted the connection.
    public var isOpen: Bool { isConnected }

    /// What a watch reports at once.
    var readiness: Readiness {
        var readiness: Readiness = isConnected && window > 0 ? .writable : []
        if inboundRead < inbound.count { readiness.insert(.readable) }
        if peerFinished { readiness.formUnion([.readable, .peerFinished]) }
        if isReset || refusal != nil { readiness.formUnion([.readable, .writable, .broken]) }
        return readiness
    }
}

/// Bytes between two wires.
final class SimulatedPipe: Pipe {
    var bytes: [UInt8] = []
    var count: Int { bytes.count }
}
