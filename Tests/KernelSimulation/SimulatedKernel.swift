// A kernel made of a seed: sockets are wires to scripted peers, time moves only when nothing else can.
//
// It keeps the promises of Linux that the program relies on, and breaks everything that Linux may break:
// bytes come in pieces, writes are cut short, connections are refused, reset, closed or silent, and
// accepting fails. Readiness is edge-triggered: reported once when it begins. The same seed gives the same
// run, of which `trace` is a fingerprint. What peers do to wires is in SimulatedPeers.swift.

public import Basics
public import Chance
internal import Glibc
public import Reactor
internal import Synchronization
public import SystemPackage

/// One thread's kernel. Those of one process share a `SimulatedNetwork`.
public final class SimulatedKernel: Kernel {
    public let network: SimulatedNetwork
    /// Connections that were accepted.
    public private(set) var acceptedCount = 0
    /// Ends the wait of this kernel, or the next one.
    public let wakeup: Wakeup

    private var numbers: RandomNumbers
    private let wake: Wake
    private var listenerNumber: Int32 = 0
    @safe @exclusivity(unchecked) private var listenerToken: UInt64?
    @safe @exclusivity(unchecked) private var listenerIsOpen = true
    /// Clients that wait to be accepted.
    @safe @exclusivity(unchecked) private var queue: [Wire] = []
    /// Wires with readiness to report, in the order in which it began.
    @safe @exclusivity(unchecked) private var edges: [Wire] = []
    /// Wires that are watched for as long as they are ready.
    @safe @exclusivity(unchecked) private var levels: [Wire] = []
    /// Until when the last wait would have lasted; nil if it brought something, so that the next may bring more.
    @safe @exclusivity(unchecked) private var sleepsUntil: Instant?

    private final class Wake: Sendable {
        let isCalled = Atomic<Bool>(false)
    }

    /// - Parameter listens: whether clients can connect to it.
    public init(on network: SimulatedNetwork, listens: Bool = true) {
        self.network = network
        let wake = Wake()
        self.wake = wake
        if let clock = network.clock {
            wakeup = Wakeup { clock.shared.wake(clock.thread) }
        } else {
            wakeup = Wakeup { wake.isCalled.store(true, ordering: .relaxed) }
        }
        numbers = RandomNumbers(seed: network.seed)
        listenerIsOpen = listens
        listenerNumber = network.enter(self)
        for _ in 0..<listenerNumber { _ = numbers.next() }
    }

    /// A kernel with a network of its own.
    public convenience init(seed: UInt64) { self.init(on: SimulatedNetwork(seed: seed)) }

    public var listener: Socket { Socket(listenerNumber) }
    var listens: Bool { listenerIsOpen }

    // MARK: The network's

    public var now: Instant { network.now }
    public var random: SeededRandom {
        get { network.random }
        _modify { yield &network.random }
    }
    public var trace: UInt64 { network.trace }
    /// Servers by the address they listen on: called with the new wire; false says that there is no way there.
    public var servers: [SocketAddress: (SimulatedKernel, Wire) -> Bool] {
        get { network.servers }
        _modify { yield &network.servers }
    }
    public var moods: KernelMoods {
        get { network.moods }
        _modify { yield &network.moods }
    }
    public var sendFaults: [SocketAddress: (reason: Errno, count: Int)] {
        get { network.sendFaults }
        _modify { yield &network.sendFaults }
    }
    public var receiveFaults: [SocketAddress: (reason: Errno, count: Int)] {
        get { network.receiveFaults }
        _modify { yield &network.receiveFaults }
    }
    /// Descriptors that are open now, listeners not counted.
    public var openCount: Int { network.openCount }
    public var peersLeft: Int { network.peersLeft }

    // MARK: Waiting

    public func refreshClock() {}
    /// The simulated process starts on 14 November 2023.
    public func wallTime() -> WallTime {
        let microseconds = Int(now.nanoseconds / 1_000)
        return WallTime(seconds: 1_700_000_000 + microseconds / 1_000_000, microseconds: microseconds % 1_000_000)
    }
    public func randomNumber() -> UInt64 { numbers.next() }

    public func wait(until deadline: Instant, into events: inout [Event]) {
        events.removeAll(keepingCapacity: true)
        if network.isScheduled {
            let wasWoken = wake.isCalled.exchange(false, ordering: .relaxed)
            collect(into: &events)
            sleepsUntil = wasWoken || !events.isEmpty || deadline <= now ? nil : deadline
        } else {
            waitAlone(until: deadline, into: &events)
        }
        network.note(now.nanoseconds)
        network.note(UInt64(events.count))
    }

    /// Lets the peers act, and moves the clock when nothing else can happen.
    private func waitAlone(until deadline: Instant, into events: inout [Event]) {
        while true {
            if let clock = network.clock {
                network.now = max(network.now, clock.shared.now)
                closeStrays()
            }
            network.runTurns()
            collect(into: &events)
            if !events.isEmpty || deadline <= now || wasWoken { break }
            // Nothing can happen before the next peer's turn or the deadline: time jumps there.
            let next = min(deadline, network.nextTurn)
            if let clock = network.clock {
                clock.shared.wait(clock.thread, until: next)
            } else {
                precondition(next != .never, "the program waits for ever and no peer is left to do anything")
                network.now = next
            }
        }
    }

    private var wasWoken: Bool {
        if let clock = network.clock { return clock.shared.wasWoken(clock.thread) }
        return wake.isCalled.exchange(false, ordering: .relaxed)
    }

    private func collect(into events: inout [Event]) {
        if let listenerToken, listenerIsOpen, !queue.isEmpty {
            events.append(Event(token: listenerToken, readiness: .readable))
        }
        for wire in edges {
            guard let token = wire.token else { continue }
            events.append(Event(token: token, readiness: wire.pending))
            wire.pending = []
        }
        if !edges.isEmpty { edges.removeAll { $0.pending.isEmpty || $0.weClosed || $0.kernel !== self } }
        if levels.isEmpty { return }
        levels.removeAll { $0.weClosed || $0.kernel !== self }
        for wire in levels {
            guard let token = wire.token, let readiness = Self.level(of: wire) else { continue }
            events.append(Event(token: token, readiness: readiness))
        }
    }

    private static func level(of wire: Wire) -> Readiness? {
        var readiness = wire.readiness
        if wire.level == .reading { readiness.remove(.writable) }
        return readiness.isEmpty ? nil : readiness
    }

    /// Whether a turn of its thread may do something now; if not, when it may at the latest. For a `SimulatedSystem`.
    var isReady: Bool {
        guard let sleepsUntil, sleepsUntil > now, !wake.isCalled.load(ordering: .relaxed) else { return true }
        if listenerToken != nil && listenerIsOpen && !queue.isEmpty { return true }
        // This is asked of each thread before each turn, and mostly there is nothing.
        if edges.isEmpty && levels.isEmpty { return false }
        for wire in edges where wire.token != nil && !wire.weClosed && wire.kernel === self { return true }
        for wire in levels where !wire.weClosed && wire.kernel === self && Self.level(of: wire) != nil { return true }
        return false
    }
    var deadline: Instant { sleepsUntil ?? now }

    func edge(_ wire: Wire, _ readiness: Readiness) {
        guard !wire.weClosed, wire.level == nil else { return }
        if wire.pending.isEmpty { edges.append(wire) }
        wire.pending.formUnion(readiness)
    }

    @discardableResult
    public func watch(_ socket: Socket, for interest: Interest, token: UInt64) -> Errno? {
        if network.happens(moods.shortOfWatches) { return .noSpace }
        if socket.number == listenerNumber {
            listenerToken = token
            return nil
        }
        let wire = network.wire(socket)
        precondition(wire.token == nil, "descriptor \(socket.number) is watched twice")
        wire.token = token
        wire.kernel = self
        switch interest {
        case .reading, .readingAndWriting:
            wire.level = interest
            levels.append(wire)
        case .accepting, .streaming:
            let first = wire.readiness
            if !first.isEmpty { edge(wire, first) }
        }
        return nil
    }

    public func unwatch(_ socket: Socket) {
        if socket.number == listenerNumber {
            precondition(listenerToken != nil, "the listener is not watched")
            listenerToken = nil
            return
        }
        let wire = owned(socket)
        precondition(wire.token != nil, "descriptor \(socket.number) is not watched")
        wire.token = nil
        wire.level = nil
        wire.pending = []
        edges.removeAll { $0 === wire }
        levels.removeAll { $0 === wire }
    }

    public var watchSet: any WatchSet { SimulatedWatchSet(self) }

    /// Threads that really run at once keep their connections: the peer at the other end is the first thread's.
    public func adopt(_ socket: Socket, from other: any WatchSet, token: UInt64) -> Errno? {
        guard let other = (other as? SimulatedWatchSet)?.kernel, other !== self else {
            preconditionFailure("descriptor \(socket.number) is adopted from no other simulated kernel")
        }
        guard other.network === network else { return .noSpace }
        let wire = network.wire(socket)
        precondition(wire.kernel === other && wire.token != nil, "descriptor \(socket.number) is not watched there")
        other.unwatch(socket)
        wire.kernel = self
        network.note(UInt64(socket.number) << 8 | 3)
        return watch(socket, for: .streaming, token: token)
    }

    // MARK: Connections

    public func ignoreAttempts(on listener: Socket) {}

    public func stopListening(_ listener: Socket) {
        precondition(listenerToken == nil, "what is watched goes on listening")
    }

    public func listenAgain(_ listener: Socket, backlog: Int32) -> Errno? { nil }

    /// A client connects.
    public func connectClient() -> Wire {
        let wire = network.makeWire(nil, in: self, isConnected: true)
        if listenerIsOpen { queue.append(wire) } else { turnAway(wire) }
        return wire
    }

    public func accept(on listener: Socket) -> Accepted {
        precondition(listener.number == listenerNumber && listenerIsOpen, "accepting on what does not listen")
        guard let wire = queue.first else { return .wouldBlock }
        if network.happens(moods.exhaustion) { return .exhausted(.tooManyOpenFiles) }
        queue.removeFirst()
        if wire.isReset && random.oneIn(2) {
            wire.weClosed = true
            network.forget(wire)
            return .gone
        }
        network.note(UInt64(wire.number))
        acceptedCount += 1
        return .connection(Socket(wire.number), from: wire.address)
    }

    /// No thread will ever accept it.
    private func turnAway(_ wire: Wire) {
        wire.weClosed = true
        wire.weReset = true
        network.forget(wire)
        tell(wire)
    }

    public func connect(
        to address: SocketAddress, from source: SocketAddress?, marks: SocketMarks, options: OutgoingOptions?
    ) -> Connecting {
        guard let server = servers[address] else { return .failed(.connectionRefused) }
        let wire = network.makeWire(address, in: self, isConnected: false)
        guard server(self, wire) else {
            network.forget(wire)
            return .failed(.networkUnreachable)
        }
        return .started(Socket(wire.number))
    }

    public func reduceSegments(of socket: Socket, by bytes: Int) {}

    public func probe(_ socket: Socket) {}

    public func setTypeOfService(_ socket: Socket, _ value: UInt8) {}

    public func setMark(_ socket: Socket, _ value: UInt32) {}

    public func measure(_ socket: Socket) -> ConnectionMeasures? { ConnectionMeasures() }

    public func connectError(_ socket: Socket) -> Errno? {
        let wire = owned(socket)
        if wire.isReset && !wire.isConnected { return .connectionReset }
        return wire.refusal
    }

    public func localAddress(_ socket: Socket) -> SocketAddress { .ip(.loopbackV4, port: 80) }

    // MARK: Bytes

    public func receive(_ socket: Socket, into buffer: inout ByteBuffer) -> Received {
        precondition(buffer.room > 0, "reading without room")
        return receive(socket, atMost: buffer.room) { bytes in
            let fits = buffer.append(bytes)
            precondition(fits)
        }
    }

    public func receive(_ socket: Socket, into memory: UnsafeMutableRawBufferPointer) -> Received {
        receive(socket, atMost: memory.count) { bytes in
            unsafe bytes.withUnsafeBytes { unsafe memory.copyMemory(from: $0) }
        }
    }

    private func receive(_ socket: Socket, atMost limit: Int, _ take: (RawSpan) -> Void) -> Received {
        let wire = owned(socket)
        if let reason = SimulatedNetwork.fault(wire, in: &network.receiveFaults) { return .failed(reason) }
        let waiting = wire.inbound.count - wire.inboundRead
        if waiting > 0 {
            var count = min(waiting, limit)
            if let mark = wire.urgentMark, wire.inboundRead <= mark {
                if mark > wire.inboundRead { count = min(count, mark - wire.inboundRead) }
                if wire.inboundRead + count > mark || mark == wire.inboundRead { wire.urgentMark = nil }
            }
            let inbound = wire.inbound
            let span = inbound.span
            take(unsafe span.bytes.extracting(wire.inboundRead..<wire.inboundRead + count))
            wire.inboundRead += count
            if wire.inboundRead == wire.inbound.count && wire.urgentMark == nil {
                wire.inbound.removeAll(keepingCapacity: true)
                wire.inboundRead = 0
            }
            if network.happens(moods.falseAlarm) { edge(wire, .readable) }
            network.note(UInt64(count))
            return .bytes(count)
        }
        if wire.isReset { return .failed(.connectionReset) }
        if wire.peerFinished { return .endOfStream }
        return .wouldBlock
    }

    public func isQuiet(_ socket: Socket) -> Bool {
        let wire = network.wire(socket)
        return wire.inboundRead == wire.inbound.count && !wire.peerFinished && !wire.isReset
    }

    public func send(_ socket: Socket, _ bytes: RawSpan, more: Bool) -> Sent {
        let wire = owned(socket)
        if wire.isReset { return .failed(.brokenPipe) }
        if let reason = SimulatedNetwork.fault(wire, in: &network.sendFaults) { return .failed(reason) }
        precondition(wire.isConnected, "sending before the connection stands")
        precondition(!wire.weFinished, "sending after having said that nothing more comes")
        if wire.window == 0 {
            wire.wasFull = true
            push(wire)
            return .wouldBlock
        }
        if network.happens(moods.shortOfMemory) {
            edge(wire, .writable)
            return .wouldBlock
        }
        let count = min(wire.window, random.oneIn(2) ? bytes.byteCount : random.number(1...max(1, bytes.byteCount)))
        network.note(UInt64(count))
        if wire.peerIsGone {
            peerResets(wire)
            return .bytes(count)
        }
        unsafe bytes.extracting(first: count).withUnsafeBytes { unsafe wire.keptBack.append(contentsOf: $0) }
        wire.window -= count
        // What is announced to go on is kept back for as long as nothing follows: it would be lost time, not lost bytes.
        if !more { push(wire) }
        return .bytes(count)
    }

    public func makePipe() -> (any Pipe)? { network.happens(moods.noPipe) ? nil : SimulatedPipe() }

    public func receive(_ socket: Socket, into pipe: any Pipe, atMost limit: Int) -> Received {
        guard let pipe = pipe as? SimulatedPipe else { preconditionFailure("a pipe of another system") }
        precondition(pipe.bytes.isEmpty && limit > 0, "a pipe is filled that is not empty, or with nothing")
        return receive(socket, atMost: min(limit, random.number(1...40_000))) { bytes in
            unsafe bytes.withUnsafeBytes { unsafe pipe.bytes.append(contentsOf: $0) }
        }
    }

    public func send(_ socket: Socket, from pipe: any Pipe, more: Bool) -> Sent {
        guard let pipe = pipe as? SimulatedPipe else { preconditionFailure("a pipe of another system") }
        precondition(!pipe.bytes.isEmpty, "an empty pipe is sent")
        let bytes = pipe.bytes
        let sent = send(socket, unsafe bytes.span.bytes, more: more)
        if case .bytes(let count) = sent { pipe.bytes.removeFirst(count) }
        return sent
    }

    public func push(_ socket: Socket) { push(owned(socket)) }

    private func push(_ wire: Wire) {
        guard !wire.keptBack.isEmpty else { return }
        wire.outbound.append(contentsOf: wire.keptBack)
        wire.keptBack.removeAll(keepingCapacity: true)
        tell(wire)
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

    public func readFile(_ file: Int32, offset: UInt64, count: Int, into buffer: inout ByteBuffer) -> Received {
        unsafe buffer.fill(limit: count) { room in
            let found = unsafe pread(file, room.baseAddress, room.count, Int(offset))
            precondition(found >= 0, "descriptor \(file) is not a file that can be read")
            return (found, found > 0 ? .bytes(found) : .endOfStream)
        }
    }

    // MARK: Ends

    public func finishSending(_ socket: Socket) {
        let wire = owned(socket)
        push(wire)
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
        if let clock = network.clock, !network.isOpen(socket) { return clock.shared.strays.add(socket) }
        close(owned(socket), reset: reset)
    }

    /// Closes what other threads would have closed that cannot.
    public func closeStrays() {
        for socket in network.clock?.shared.strays.take(where: network.isOpen) ?? [] {
            close(network.wire(socket), reset: false)
        }
    }

    private func close(_ wire: Wire, reset: Bool) {
        if !reset { push(wire) }
        wire.weClosed = true
        wire.weFinished = true
        wire.weReset = reset || wire.inboundRead < wire.inbound.count
        network.forget(wire)
        network.note(UInt64(wire.number) << 8 | (reset ? 1 : 0))
        tell(wire)
    }

    public func forget(_ socket: Socket) {
        let wire = owned(socket)
        wire.weForgot = true
        network.forget(wire)
        network.note(UInt64(socket.number) << 8 | 2)
    }

    /// The wire, which no other thread may be watching: two threads in one connection is a mistake of the program.
    private func owned(_ socket: Socket) -> Wire {
        let wire = network.wire(socket)
        precondition(
            wire.token == nil || wire.kernel === self, "descriptor \(socket.number) is watched by another thread")
        return wire
    }

    private func tell(_ wire: Wire) {
        guard let listener = wire.listener else { return }
        wire.listener = nil
        schedule(listener, after: .milliseconds(UInt64(random.number(0...3))))
    }
}

/// The kernels of one network run in one thread, so that one may look into another.
private final class SimulatedWatchSet: WatchSet, @unchecked Sendable {
    let kernel: SimulatedKernel

    init(_ kernel: SimulatedKernel) { self.kernel = kernel }
}
