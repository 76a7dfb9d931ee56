// A kernel made of a seed: sockets are wires to scripted peers, time moves only when nothing else can.
//
// It keeps the promises of Linux that the program relies on, and breaks everything that Linux may break:
// bytes come in pieces, writes are cut short, connections are refused, reset, closed or silent, and
// accepting fails. Readiness is edge-triggered: reported once when it begins. The same seed gives the same
// run, of which `trace` is a fingerprint.

public import Basics
public import Chance
internal import Glibc
internal import HeapModule
public import Reactor
public import SystemPackage

/// Somebody at the other end of wires.
public protocol SimulatedPeer: AnyObject {
    /// The peer's turn, at the time it asked for.
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
    /// A socket cannot be watched.
    public var shortOfWatches = 0

    public init() {}
}

/// One connection: our end is a descriptor, the other belongs to a peer.
public final class Wire {
    public let number: Int32
    public let address: SocketAddress
    /// Sent by the peer, not yet read by us.
    var inbound: [UInt8] = []
    var inboundRead = 0
    var peerFinished = false
    var isReset = false
    /// The peer's process has closed it: what we send now is answered by a reset.
    var peerIsGone = false
    /// A read stops in front of this byte once: urgent data came there.
    var urgentMark: Int?
    /// Is given a turn when we send, finish or close; once, then it has to say so again.
    public weak var listener: (any SimulatedPeer)?
    /// Sent by us, not yet taken by the peer.
    public fileprivate(set) var outbound: [UInt8] = []
    public fileprivate(set) var weFinished = false
    /// We have closed it without a word.
    public fileprivate(set) var weForgot = false
    public fileprivate(set) var weClosed = false
    /// We closed so that the peer saw a reset: told to, or with bytes of the peer unread.
    public fileprivate(set) var weReset = false
    /// Bytes we may still send before the peer takes some.
    var window: Int
    var wasFull = false
    var isConnected: Bool
    var refusal: Errno?
    var token: UInt64?
    var pending: Readiness = []
    /// The kernel that has adopted it and reports its readiness; nil for the one that made it.
    weak var adopter: SimulatedKernel?

    init(number: Int32, address: SocketAddress, window: Int, isConnected: Bool) {
        self.number = number
        self.address = address
        self.window = window
        self.isConnected = isConnected
    }
}

public final class SimulatedKernel: Kernel {
    public private(set) var now = Instant(nanoseconds: 1_000_000_000)
    public var random: SeededRandom
    /// A fingerprint of everything that happened (FNV-1a over all outcomes).
    public private(set) var trace: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Connections that were accepted.
    public private(set) var acceptedCount = 0

    private var wires: [Int32: Wire] = [:]
    private var nextNumber: Int32 = 100
    private var queue: [Wire] = []
    private var listenerToken: UInt64?
    private let listenerNumber: Int32 = 3
    private var listenerIsOpen = true
    /// Wires with readiness to report, in the order in which it began.
    private var edges: [Wire] = []
    private var turns = Heap<Turn>()
    private var turnCount: UInt64 = 0

    private struct Turn: Comparable {
        let at: Instant
        let order: UInt64
        let peer: any SimulatedPeer

        static func < (a: Turn, b: Turn) -> Bool { (a.at, a.order) < (b.at, b.order) }
        static func == (a: Turn, b: Turn) -> Bool { a.order == b.order }
    }
    /// Servers by the address they listen on: called with the new wire; nil refuses.
    public var servers: [SocketAddress: (SimulatedKernel, Wire) -> Bool] = [:]
    public var moods = KernelMoods()
    /// The next calls that fail, by the peer's address: why, and how many of them.
    public var sendFaults: [SocketAddress: (reason: Errno, count: Int)] = [:]
    public var receiveFaults: [SocketAddress: (reason: Errno, count: Int)] = [:]

    public init(seed: UInt64) { random = SeededRandom(seed: seed) }

    public var listener: Socket { Socket(listenerNumber) }
    /// Descriptors that are open now, the listener not counted.
    public var openCount: Int { wires.count }
    public var peersLeft: Int { turns.count }

    // MARK: For peers

    /// Gives `peer` a turn after `delay`.
    public func schedule(_ peer: any SimulatedPeer, after delay: TimeSpan) {
        turnCount += 1
        turns.insert(Turn(at: now + delay, order: turnCount, peer: peer))
    }

    /// A client connects.
    public func connectClient() -> Wire {
        let wire = makeWire(.ip(.v4(0x7F00_0002), port: UInt16(truncatingIfNeeded: nextNumber)), isConnected: true)
        if listenerIsOpen { queue.append(wire) } else { turnAway(wire) }
        return wire
    }

    public func peerSends(_ bytes: ArraySlice<UInt8>, on wire: Wire) {
        guard !wire.weClosed, !wire.isReset, !wire.peerFinished, !bytes.isEmpty else { return }
        wire.inbound.append(contentsOf: bytes)
        edge(wire, .readable)
    }

    public func peerSends(_ bytes: some Sequence<UInt8>, on wire: Wire) { peerSends(Array(bytes)[...], on: wire) }

    /// Urgent data: what was sent before it and what comes after are read in two reads at least.
    public func peerSendsUrgently(on wire: Wire) {
        guard !wire.weClosed, !wire.isReset, !wire.peerFinished else { return }
        wire.urgentMark = wire.inbound.count
        edge(wire, [.readable, .urgent])
    }

    public func peerFinishes(_ wire: Wire) {
        guard !wire.peerFinished, !wire.isReset else { return }
        wire.peerFinished = true
        edge(wire, [.readable, .peerFinished])
    }

    public func peerResets(_ wire: Wire) {
        guard !wire.isReset else { return }
        wire.isReset = true
        edge(wire, [.readable, .writable, .broken, .peerFinished])
    }

    /// The peer's process is gone, its system answers: an end, and a reset to whatever is sent afterwards.
    public func peerCloses(_ wire: Wire) {
        wire.peerIsGone = true
        // Closing with unread bytes is a reset.
        if wire.outbound.isEmpty { peerFinishes(wire) } else { peerResets(wire) }
    }

    /// The peer takes what we sent, at most `count` bytes of it, and makes room for as much.
    public func peerTakes(_ count: Int, from wire: Wire) -> [UInt8] {
        let taken: [UInt8]
        if count >= wire.outbound.count {
            taken = wire.outbound
            wire.outbound = []
        } else {
            taken = Array(wire.outbound.prefix(count))
            wire.outbound.removeFirst(count)
        }
        wire.window += taken.count
        if wire.wasFull && wire.window > 0 {
            wire.wasFull = false
            edge(wire, .writable)
        }
        return taken
    }

    /// A server's decision about a connection attempt.
    public func accept(_ wire: Wire) {
        wire.isConnected = true
        edge(wire, .writable)
    }

    public func refuse(_ wire: Wire) {
        wire.refusal = .connectionRefused
        edge(wire, [.writable, .broken])
    }

    private func edge(_ wire: Wire, _ readiness: Readiness) {
        guard !wire.weClosed else { return }
        if wire.pending.isEmpty { (wire.adopter ?? self).edges.append(wire) }
        wire.pending.formUnion(readiness)
    }

    private func tell(_ wire: Wire) {
        guard let listener = wire.listener else { return }
        wire.listener = nil
        schedule(listener, after: .milliseconds(UInt64(random.number(0...3))))
    }

    private func makeWire(_ address: SocketAddress, isConnected: Bool) -> Wire {
        nextNumber += 1
        let wire = Wire(
            number: nextNumber, address: address, window: random.number(1...40_000), isConnected: isConnected)
        wires[nextNumber] = wire
        return wire
    }

    private func note(_ what: UInt64) { trace = (trace ^ what) &* 0x100_0000_01B3 }

    // MARK: Kernel

    public func refreshClock() {}

    public func wait(until deadline: Instant, into events: inout [Event]) {
        events.removeAll(keepingCapacity: true)
        while true {
            runTurns()
            if let listenerToken, listenerIsOpen, !queue.isEmpty {
                events.append(Event(token: listenerToken, readiness: .readable))
            }
            for wire in edges {
                guard let token = wire.token else { continue }
                events.append(Event(token: token, readiness: wire.pending))
                wire.pending = []
            }
            edges.removeAll { $0.pending.isEmpty || $0.weClosed }
            if !events.isEmpty || deadline <= now { break }
            // Nothing can happen before the next peer's turn or the deadline: time jumps there.
            let next = min(deadline, turns.min?.at ?? .never)
            precondition(next != .never, "the program waits for ever and nobody is left to do anything")
            now = next
        }
        note(now.nanoseconds)
        note(UInt64(events.count))
    }

    private func runTurns() {
        // A turn asked for meanwhile comes after the events of these.
        let last = turnCount
        while let turn = turns.min, turn.at <= now, turn.order <= last {
            turns.removeMin()
            turn.peer.act(in: self)
        }
    }

    @discardableResult
    public func watch(_ socket: Socket, for interest: Interest, token: UInt64) -> Errno? {
        if happens(moods.shortOfWatches) { return .noSpace }
        if socket.number == listenerNumber {
            listenerToken = token
            return nil
        }
        let wire = known(socket)
        precondition(wire.token == nil, "descriptor \(socket.number) is watched twice")
        wire.token = token
        var first: Readiness = wire.isConnected && wire.window > 0 ? .writable : []
        if wire.inboundRead < wire.inbound.count { first.insert(.readable) }
        if wire.peerFinished { first.formUnion([.readable, .peerFinished]) }
        if wire.isReset || wire.refusal != nil { first.formUnion([.readable, .writable, .broken]) }
        if !first.isEmpty { edge(wire, first) }
        return nil
    }

    public var watchSet: any WatchSet { SimulatedWatchSet(self) }

    public func adopt(_ socket: Socket, from other: any WatchSet, token: UInt64) -> Errno? {
        guard let other = (other as? SimulatedWatchSet)?.kernel, let wire = other.wires.removeValue(forKey: socket.number)
        else { preconditionFailure("descriptor \(socket.number) is not watched there") }
        precondition(other !== self && wires[socket.number] == nil, "descriptor \(socket.number) is here already")
        other.edges.removeAll { $0 === wire }
        wire.pending = []
        wire.token = nil
        wire.adopter = self
        wires[socket.number] = wire
        note(UInt64(socket.number) << 8 | 3)
        return watch(socket, for: .streaming, token: token)
    }

    public func ignoreAttempts(on listener: Socket) {}

    public func stopListening(_ listener: Socket) {
        precondition(listenerToken == nil, "what is watched goes on listening")
    }

    public func listenAgain(_ listener: Socket, backlog: Int32) -> Errno? { nil }

    public func unwatch(_ socket: Socket) {
        precondition(socket.number == listenerNumber && listenerToken != nil, "only the watched listener is unwatched")
        listenerToken = nil
    }

    public func accept(on listener: Socket) -> Accepted {
        precondition(listener.number == listenerNumber && listenerIsOpen, "accepting on what does not listen")
        guard let wire = queue.first else { return .wouldBlock }
        if happens(moods.exhaustion) { return .exhausted(.tooManyOpenFiles) }
        queue.removeFirst()
        if wire.isReset && random.oneIn(2) {
            wire.weClosed = true
            wires[wire.number] = nil
            return .gone
        }
        note(UInt64(wire.number))
        acceptedCount += 1
        return .connection(Socket(wire.number), from: wire.address)
    }

    public func connect(to address: SocketAddress, from source: SocketAddress?, marks: SocketMarks) -> Connecting {
        guard let server = servers[address] else { return .failed(.connectionRefused) }
        let wire = makeWire(address, isConnected: false)
        guard server(self, wire) else {
            wires[wire.number] = nil
            return .failed(.networkUnreachable)
        }
        return .started(Socket(wire.number))
    }

    public func probe(_ socket: Socket) {}

    public func setTypeOfService(_ socket: Socket, _ value: UInt8) {}

    public func setMark(_ socket: Socket, _ value: UInt32) {}

    public func measure(_ socket: Socket) -> ConnectionMeasures? { ConnectionMeasures() }

    public func connectError(_ socket: Socket) -> Errno? {
        let wire = known(socket)
        if wire.isReset && !wire.isConnected { return .connectionReset }
        return wire.refusal
    }

    public func localAddress(_ socket: Socket) -> SocketAddress { .ip(.loopbackV4, port: 80) }

    public func receive(_ socket: Socket, into buffer: inout ByteBuffer) -> Received {
        let wire = known(socket)
        precondition(buffer.room > 0, "reading without room")
        if let reason = Self.fault(wire, in: &receiveFaults) { return .failed(reason) }
        let waiting = wire.inbound.count - wire.inboundRead
        if waiting > 0 {
            var count = min(waiting, buffer.room)
            if let mark = wire.urgentMark, wire.inboundRead <= mark {
                if mark > wire.inboundRead { count = min(count, mark - wire.inboundRead) }
                if wire.inboundRead + count > mark || mark == wire.inboundRead { wire.urgentMark = nil }
            }
            let inbound = wire.inbound
            let span = inbound.span
            let fits = buffer.append(unsafe span.bytes.extracting(wire.inboundRead..<wire.inboundRead + count))
            precondition(fits)
            wire.inboundRead += count
            if wire.inboundRead == wire.inbound.count && wire.urgentMark == nil {
                wire.inbound.removeAll(keepingCapacity: true)
                wire.inboundRead = 0
            }
            if happens(moods.falseAlarm) { edge(wire, .readable) }
            note(UInt64(count))
            return .bytes(count)
        }
        if wire.isReset { return .failed(.connectionReset) }
        if wire.peerFinished { return .endOfStream }
        return .wouldBlock
    }

    public func isQuiet(_ socket: Socket) -> Bool {
        let wire = known(socket)
        return wire.inboundRead == wire.inbound.count && !wire.peerFinished && !wire.isReset
    }

    public func send(_ socket: Socket, _ bytes: RawSpan, more: Bool) -> Sent {
        let wire = known(socket)
        if wire.isReset { return .failed(.brokenPipe) }
        if let reason = Self.fault(wire, in: &sendFaults) { return .failed(reason) }
        precondition(wire.isConnected, "sending before the connection stands")
        precondition(!wire.weFinished, "sending after having said that nothing more comes")
        if wire.window == 0 {
            wire.wasFull = true
            return .wouldBlock
        }
        if happens(moods.shortOfMemory) {
            edge(wire, .writable)
            return .wouldBlock
        }
        let count = min(wire.window, random.oneIn(2) ? bytes.byteCount : random.number(1...max(1, bytes.byteCount)))
        note(UInt64(count))
        if wire.peerIsGone {
            peerResets(wire)
            return .bytes(count)
        }
        unsafe bytes.extracting(first: count).withUnsafeBytes { unsafe wire.outbound.append(contentsOf: $0) }
        wire.window -= count
        tell(wire)
        return .bytes(count)
    }

    /// Real files, read the plain way.
    public func sendFile(_ socket: Socket, file: Int32, offset: UInt64, count: Int) -> Sent {
        var bytes = [UInt8](repeating: 0, count: count)
        let found = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, count, Int(offset)) }
        precondition(found >= 0, "descriptor \(file) is not a file that can be read")
        guard found > 0 else { return .bytes(0) }
        let span = bytes.span
        return send(socket, unsafe span.bytes.extracting(first: found), more: false)
    }

    public func finishSending(_ socket: Socket) {
        let wire = known(socket)
        wire.weFinished = true
        tell(wire)
    }

    public func close(_ socket: Socket, reset: Bool) {
        if socket.number == listenerNumber {
            precondition(listenerIsOpen, "the listener is closed twice")
            listenerIsOpen = false
            listenerToken = nil
            for wire in queue { turnAway(wire) }
            queue.removeAll()
            return
        }
        let wire = known(socket)
        wire.weClosed = true
        wire.weFinished = true
        wire.weReset = reset || wire.inboundRead < wire.inbound.count
        wires[socket.number] = nil
        note(UInt64(socket.number) << 8 | (reset ? 1 : 0))
        tell(wire)
    }

    /// Why the call fails that is made now, if it does.
    private static func fault(_ wire: Wire, in faults: inout [SocketAddress: (reason: Errno, count: Int)]) -> Errno? {
        guard let fault = faults[wire.address], fault.count > 0 else { return nil }
        faults[wire.address] = (fault.reason, fault.count - 1)
        return fault.reason
    }

    private func happens(_ perMille: Int) -> Bool { perMille > 0 && random.number(0...999) < perMille }

    /// Nobody will ever accept it.
    private func turnAway(_ wire: Wire) {
        wire.weClosed = true
        wire.weReset = true
        wires[wire.number] = nil
        tell(wire)
    }

    public func forget(_ socket: Socket) {
        let wire = known(socket)
        wire.weForgot = true
        wires[socket.number] = nil
        note(UInt64(socket.number) << 8 | 2)
    }

    private func known(_ socket: Socket) -> Wire {
        guard let wire = wires[socket.number] else {
            preconditionFailure("descriptor \(socket.number) is not open")
        }
        return wire
    }
}

/// The kernels of one simulation run in one thread, so that one may look into another.
private final class SimulatedWatchSet: WatchSet, @unchecked Sendable {
    let kernel: SimulatedKernel

    init(_ kernel: SimulatedKernel) { self.kernel = kernel }
}
