// What all kernels of a simulated process share: the clock, chance, descriptors, the servers that can be reached, and the peers' turns.
//
// A kernel alone moves the clock itself while it waits. With several, a `SimulatedSystem` does, and says which of them has the next turn.

public import Basics
public import Chance
internal import HeapModule
internal import Reactor
public import SystemPackage

public final class SimulatedNetwork {
    @safe @exclusivity(unchecked) public internal(set) var now = Instant(nanoseconds: 1_000_000_000)
    @safe @exclusivity(unchecked) public var random: SeededRandom
    /// A fingerprint of everything that happened (FNV-1a over all outcomes).
    @safe @exclusivity(unchecked) public private(set) var trace: UInt64 = 0xCBF2_9CE4_8422_2325
    /// Servers by the address they listen on: called with the new wire; false says that there is no way there.
    public var servers: [SocketAddress: (SimulatedKernel, Wire) -> Bool] = [:]
    @safe @exclusivity(unchecked) public var moods = KernelMoods()
    /// The next calls that fail, by the peer's address: why, and how many of them.
    public var sendFaults: [SocketAddress: (reason: Errno, count: Int)] = [:]
    public var receiveFaults: [SocketAddress: (reason: Errno, count: Int)] = [:]
    /// A system decides whose turn it is: a kernel's wait never lasts.
    @safe @exclusivity(unchecked) var isScheduled = false

    let seed: UInt64
    @safe @exclusivity(unchecked) private(set) var wires: [Int32: Wire] = [:]
    private var nextNumber: Int32
    @safe @exclusivity(unchecked) private var turns = Heap<Turn>()
    private var turnCount: UInt64 = 0
    /// Those who have asked for a turn, by `Turn.guest`, and the places that are free.
    private var guests: [Guest?] = []
    private var freeGuests: [Int] = []
    private var listening: [Listening] = []

    /// A kernel whose listener shares the address that clients connect to.
    private struct Listening { unowned let kernel: SimulatedKernel }

    private struct Guest {
        let peer: any SimulatedPeer
        unowned let kernel: SimulatedKernel
    }

    /// Refers to its peer by number: a heap moves its nodes often, and moving a reference would count it.
    private struct Turn: Comparable {
        let at: Instant
        let order: UInt64
        let guest: Int

        static func < (a: Turn, b: Turn) -> Bool { (a.at, a.order) < (b.at, b.order) }
        static func == (a: Turn, b: Turn) -> Bool { a.order == b.order }
    }

    /// The clock of threads that really run at once, and which of them this network's is.
    let clock: (shared: SharedClock, thread: Int)?

    public convenience init(seed: UInt64) { self.init(seed: seed, clock: nil, firstNumber: 100) }

    /// The network of one of several threads that really run at once.
    /// - Parameter firstNumber: of descriptors, from which clients have their ports; far from those of the others.
    public convenience init(seed: UInt64, clock: SharedClock, thread: Int, firstNumber: Int32) {
        self.init(seed: seed, clock: (clock, thread), firstNumber: firstNumber)
    }

    private init(seed: UInt64, clock: (shared: SharedClock, thread: Int)?, firstNumber: Int32) {
        self.clock = clock
        nextNumber = firstNumber
        self.seed = seed
        random = SeededRandom(seed: seed)
    }

    /// Descriptors that are open now, listeners not counted.
    public var openCount: Int { wires.count }
    public var peersLeft: Int { turns.count }
    /// When the next peer has its turn.
    var nextTurn: Instant { turns.min?.at ?? .never }

    // MARK: Peers

    func schedule(_ peer: any SimulatedPeer, in kernel: SimulatedKernel, after delay: TimeSpan) {
        turnCount += 1
        let guest = freeGuests.popLast() ?? guests.count
        if guest == guests.count { guests.append(nil) }
        guests[guest] = Guest(peer: peer, kernel: kernel)
        turns.insert(Turn(at: now + delay, order: turnCount, guest: guest))
    }

    /// Gives the peers their turns whose time has come. A turn asked for meanwhile waits for the next call.
    func runTurns() {
        let last = turnCount
        while let turn = turns.min, turn.at <= now, turn.order <= last {
            turns.removeMin()
            guard let guest = guests[turn.guest] else { preconditionFailure("a turn without a peer") }
            guests[turn.guest] = nil
            freeGuests.append(turn.guest)
            guest.peer.act(in: guest.kernel)
        }
    }

    /// A client connects; the system shares clients out among those who listen, by chance.
    public func connectClient() -> Wire {
        let open = listening.filter { $0.kernel.listens }
        let kernel = open.count == 1 ? open[0].kernel : open.randomElement(using: &random)?.kernel
        return (kernel ?? listening[0].kernel).connectClient()
    }

    // MARK: Kernels

    func enter(_ kernel: SimulatedKernel) -> Int32 {
        listening.append(Listening(kernel: kernel))
        return Int32(2 + listening.count)
    }

    func makeWire(_ address: SocketAddress?, in kernel: SimulatedKernel, isConnected: Bool) -> Wire {
        nextNumber += 1
        let wire = Wire(
            kernel, number: nextNumber,
            address: address ?? .ip(.v4(0x7F00_0002), port: UInt16(truncatingIfNeeded: nextNumber - 1)),
            window: random.number(1...(happens(moods.narrow) ? 300 : 40_000)), isConnected: isConnected)
        wires[nextNumber] = wire
        return wire
    }

    func wire(_ socket: Socket) -> Wire {
        guard let wire = wires[socket.number] else {
            preconditionFailure("descriptor \(socket.number) is not open")
        }
        return wire
    }

    func isOpen(_ socket: Socket) -> Bool { wires[socket.number] != nil }
    func forget(_ wire: Wire) { wires[wire.number] = nil }

    func note(_ what: UInt64) { trace = (trace ^ what) &* 0x100_0000_01B3 }

    func happens(_ perMille: Int) -> Bool { perMille > 0 && random.number(0...999) < perMille }

    /// Why the call fails that is made now, if it does.
    static func fault(_ wire: Wire, in faults: inout [SocketAddress: (reason: Errno, count: Int)]) -> Errno? {
        guard let fault = faults[wire.address], fault.count > 0 else { return nil }
        faults[wire.address] = (fault.reason, fault.count - 1)
        return fault.reason
    }
}
