// A kernel made of a seed: sockets are wires to scripted peers, time moves only when nothing else can.
//
// It keeps the promises of Linux that the program relies on, and breaks everything that Linux may break:
// bytes come in pieces, writes are cut short, connections are refused, reset, closed or silent, and
// accepting fails. Readiness is edge-triggered: reported once when it begins. The same seed gives the same
// run, of which `trace` is a fingerprint.

public import Basics
public import Reactor
public import SystemPackage

/// Somebody at the other end of wires.
public protocol SimulatedPeer: AnyObject {
    /// The peer's turn, at the time it asked for.
    func act(in kernel: SimulatedKernel)
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
    /// Sent by us, not yet taken by the peer.
    public fileprivate(set) var outbound: [UInt8] = []
    public fileprivate(set) var weFinished = false
    public fileprivate(set) var weClosed = false
    /// Bytes we may still send before the peer takes some.
    var window: Int
    var wasFull = false
    var isConnected: Bool
    var refusal: Errno?
    var token: UInt64?
    var pending: Readiness = []

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

    private var wires: [Int32: Wire] = [:]
    private var nextNumber: Int32 = 100
    private var queue: [Wire] = []
    private var listenerToken: UInt64?
    private let listenerNumber: Int32 = 3
    private var listenerIsOpen = true
    /// Wires with readiness to report, in the order in which it began.
    private var edges: [Wire] = []
    private var turns: [(at: Instant, order: UInt64, peer: any SimulatedPeer)] = []
    private var turnCount: UInt64 = 0
    /// Servers by the address they listen on: called with the new wire; nil refuses.
    public var servers: [SocketAddress: (SimulatedKernel, Wire) -> Bool] = [:]
    /// Chances in a thousand that accepting finds no descriptor.
    public var exhaustionPerMille = 0

    public init(seed: UInt64) { random = SeededRandom(seed: seed) }

    public var listener: Socket { Socket(listenerNumber) }
    /// Descriptors that are open now, the listener not counted.
    public var openCount: Int { wires.count }
    public var peersLeft: Int { turns.count }

    // MARK: For peers

    /// Gives `peer` a turn after `delay`.
    public func schedule(_ peer: any SimulatedPeer, after delay: TimeSpan) {
        turnCount += 1
        turns.append((now + delay, turnCount, peer))
    }

    /// A client connects.
    public func connectClient() -> Wire {
        let wire = makeWire(.ip(.v4(0x7F00_0002), port: UInt16(truncatingIfNeeded: nextNumber)), isConnected: true)
        queue.append(wire)
        return wire
    }

    public func peerSends(_ bytes: some Sequence<UInt8>, on wire: Wire) {
        guard !wire.weClosed, !wire.isReset else { return }
        wire.inbound.append(contentsOf: bytes)
        edge(wire, .readable)
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

    /// The peer takes what we sent, at most `count` bytes of it, and makes room for as much.
    public func peerTakes(_ count: Int, from wire: Wire) -> [UInt8] {
        let taken = Array(wire.outbound.prefix(count))
        wire.outbound.removeFirst(taken.count)
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
        if wire.pending.isEmpty { edges.append(wire) }
        wire.pending.formUnion(readiness)
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
            let next = min(deadline, turns.map(\.at).min() ?? .never)
            precondition(next != .never, "the program waits for ever and nobody is left to do anything")
            now = next
        }
        note(now.nanoseconds)
        note(UInt64(events.count))
    }

    private func runTurns() {
        let due = turns.filter { $0.at <= now }.sorted { ($0.at, $0.order) < ($1.at, $1.order) }
        turns.removeAll { $0.at <= now }
        for turn in due { turn.peer.act(in: self) }
    }

    public func watch(_ socket: Socket, for interest: Interest, token: UInt64) {
        if socket.number == listenerNumber {
            listenerToken = token
            return
        }
        let wire = known(socket)
        precondition(wire.token == nil, "descriptor \(socket.number) is watched twice")
        wire.token = token
        var first: Readiness = wire.isConnected && wire.window > 0 ? .writable : []
        if wire.inboundRead < wire.inbound.count { first.insert(.readable) }
        if wire.peerFinished { first.formUnion([.readable, .peerFinished]) }
        if wire.isReset || wire.refusal != nil { first.formUnion([.readable, .writable, .broken]) }
        if !first.isEmpty { edge(wire, first) }
    }

    public func unwatch(_ socket: Socket) {
        precondition(socket.number == listenerNumber && listenerToken != nil, "only the watched listener is unwatched")
        listenerToken = nil
    }

    public func accept(on listener: Socket) -> Accepted {
        precondition(listener.number == listenerNumber && listenerIsOpen, "accepting on what does not listen")
        guard let wire = queue.first else { return .wouldBlock }
        if random.number(0...999) < exhaustionPerMille { return .exhausted(.tooManyOpenFiles) }
        queue.removeFirst()
        if wire.isReset && random.oneIn(2) {
            wire.weClosed = true
            wires[wire.number] = nil
            return .gone
        }
        note(UInt64(wire.number))
        return .connection(Socket(wire.number), from: wire.address)
    }

    public func connect(to address: SocketAddress, from source: SocketAddress?) -> Connecting {
        guard let server = servers[address] else { return .failed(.connectionRefused) }
        let wire = makeWire(address, isConnected: false)
        guard server(self, wire) else {
            wires[wire.number] = nil
            return .failed(.networkUnreachable)
        }
        return .started(Socket(wire.number))
    }

    public func probe(_ socket: Socket) {}

    public func connectError(_ socket: Socket) -> Errno? {
        let wire = known(socket)
        if wire.isReset && !wire.isConnected { return .connectionReset }
        return wire.refusal
    }

    public func localAddress(_ socket: Socket) -> SocketAddress { .ip(.loopbackV4, port: 80) }

    public func receive(_ socket: Socket, into buffer: inout ByteBuffer) -> Received {
        let wire = known(socket)
        precondition(buffer.room > 0, "reading without room")
        let waiting = wire.inbound.count - wire.inboundRead
        if waiting > 0 {
            let count = min(waiting, buffer.room)
            let fits = buffer.append(Array(wire.inbound[wire.inboundRead..<wire.inboundRead + count]))
            precondition(fits)
            wire.inboundRead += count
            note(UInt64(count))
            return .bytes(count)
        }
        if wire.isReset { return .failed(.connectionReset) }
        if wire.peerFinished { return .endOfStream }
        return .wouldBlock
    }

    public func send(_ socket: Socket, _ bytes: RawSpan, more: Bool) -> Sent {
        let wire = known(socket)
        if wire.isReset { return .failed(.brokenPipe) }
        precondition(wire.isConnected, "sending before the connection stands")
        precondition(!wire.weFinished, "sending after having said that nothing more comes")
        if wire.window == 0 {
            wire.wasFull = true
            return .wouldBlock
        }
        let count = min(wire.window, random.number(1...max(1, bytes.byteCount)))
        wire.outbound.append(bytes.extracting(first: count))
        wire.window -= count
        note(UInt64(count))
        return .bytes(count)
    }

    public func sendFile(_ socket: Socket, file: Int32, offset: UInt64, count: Int) -> Sent {
        preconditionFailure("simulated exchanges send no files")
    }

    public func finishSending(_ socket: Socket) { known(socket).weFinished = true }

    public func close(_ socket: Socket, reset: Bool) {
        if socket.number == listenerNumber {
            precondition(listenerIsOpen, "the listener is closed twice")
            listenerIsOpen = false
            listenerToken = nil
            for wire in queue { wires[wire.number] = nil }
            queue.removeAll()
            return
        }
        let wire = known(socket)
        wire.weClosed = true
        wire.weFinished = true
        wires[socket.number] = nil
        note(UInt64(socket.number) << 8 | (reset ? 1 : 0))
    }

    private func known(_ socket: Socket) -> Wire {
        guard let wire = wires[socket.number] else {
            preconditionFailure("descriptor \(socket.number) is not open")
        }
        return wire
    }
}
