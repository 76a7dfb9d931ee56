// A round: one worker, one configuration, and peers, all drawn from one seed; and the books at its end.
//
// Half of what can be wrong is found by the peers: each knows every byte that it may get. The other half is found
// at the end, when nobody is left: what the worker still holds, and what its log and its counters say.

import Basics
import Chance
import KernelSimulation
import Proxy
import Reactor

public final class Round {
    let kernel: SimulatedKernel
    let configuration: RoundConfiguration
    private let portico: SimulatedPortico
    private let seed: UInt64
    private let wanted: Int
    private var clients: [Client] = []
    private var requests = 0
    private var complaints: [String] = []
    private var portsOfRequests: [Int: UInt16] = [:]

    public struct Outcome: Sendable {
        public let exchanges: Int
        /// What went wrong, with the round's seed; empty if nothing did.
        public fileprivate(set) var faults: [String]
        public let configuration: String
        /// How exchanges ended, by the two letters of the log.
        public let terminations: [String: Int]
    }

    /// Plays about `requests` requests and says what came of it.
    /// - Parameter folder: has `site/page.html`, and takes what Portico writes.
    public static func play(seed: UInt64, requests: Int, folder: String) -> Outcome {
        weak var worker: Worker?
        var outcome: Outcome
        do {
            let round = Round(seed: seed, requests: requests, folder: folder)
            worker = round.portico.worker
            round.run()
            outcome = round.outcome()
        }
        // Whoever was kept alive by a circle of references would keep the worker too, or be kept by it.
        if worker != nil { outcome.faults.append("seed \(seed): the worker outlives its round") }
        return outcome
    }

    private init(seed: UInt64, requests: Int, folder: String) {
        self.seed = seed
        wanted = requests
        let kernel = SimulatedKernel(seed: seed)
        self.kernel = kernel
        // One round in ten shows that nothing but a fault makes a fault.
        let hasFaults = !kernel.random.oneIn(10)
        if hasFaults {
            kernel.moods.exhaustion = kernel.random.oneIn(4) ? 50 : 0
            kernel.moods.falseAlarm = kernel.random.oneIn(2) ? 20 : 0
            kernel.moods.shortOfMemory = kernel.random.oneIn(2) ? 20 : 0
        }
        let configuration = RoundConfiguration(&kernel.random, hasFaults: hasFaults, folder: folder)
        self.configuration = configuration
        portico = SimulatedPortico(on: kernel, named: "round-\(seed).cfg") { configuration.text(log: $0) }
        for port in Route.ofServers.flatMap(\.ports) {
            kernel.servers[.ip(.loopbackV4, port: port)] = { [unowned self] kernel, wire in
                if hasFaults && kernel.random.oneIn(60) { return false }
                _ = Server(self, wire, wantsHeader: Route.announced.ports.contains(port))
                return true
            }
        }
    }

    func complain(_ what: String) { complaints.append(what) }

    // MARK: Playing

    private func run() {
        kernel.schedule(Door(self), after: .zero)
        if configuration.hasFaults && kernel.random.oneIn(10) {
            // Somebody stops Portico in the middle of everything.
            let order: WorkerOrders.Order = kernel.random.oneIn(2) ? .stopNow : .stopSoftly
            let hand = Hand(portico, order)
            kernel.schedule(hand, after: .milliseconds(UInt64(kernel.random.number(0...20_000))))
        }
        if !portico.work(turns: turnsMax) { complain("\(turnsMax) turns of the worker, and no end: it spins") }
        if !portico.finish() { complain("the worker does not come to an end") }
    }

    /// Some hundred times what any round needs.
    private var turnsMax: Int { 100_000 + wanted * 2_000 }

    /// The port of the client that sends this request.
    func port(ofRequest id: Int) -> UInt16? { portsOfRequests[id] }

    /// A client comes; false if there were enough.
    fileprivate func admit() -> Bool {
        guard requests < wanted, complaints.isEmpty else { return false }
        let hasMishap = configuration.hasFaults && kernel.random.oneIn(5)
        let count = kernel.random.oneIn(3) ? 1 : kernel.random.number(1...8)
        let scripts = (1...count).map { number in
            RequestScript.draw(id: requests + number, isLast: number == count, configuration, &kernel.random)
        }
        requests += count
        let client = Client(self, requests: scripts, hasMishap: hasMishap)
        for script in scripts { portsOfRequests[script.id] = client.port }
        clients.append(client)
        kernel.schedule(client, after: .milliseconds(UInt64(kernel.random.number(0...3))))
        return true
    }

    // MARK: The end

    private func outcome() -> Outcome {
        let holdings = portico.worker.holdings
        if holdings.watched != 0 { complain("\(holdings.watched) connections or listeners are left") }
        if holdings.exchanges != 0 { complain("\(holdings.exchanges) exchanges are left") }
        if holdings.buffers != 0 { complain("\(holdings.buffers) buffers are left") }
        if kernel.openCount != 0 { complain("\(kernel.openCount) descriptors are left") }
        let log = portico.logLines()
        if log.lost != 0 { complain("\(log.lost) lines of the log are lost") }
        var ledger = Ledger(log.lines)
        ledger.checkNumbers()
        ledger.check(portico.plan, isTCP: configuration.isTCP, accepted: kernel.acceptedCount)
        ledger.check(clients, isTCP: configuration.isTCP)
        var terminations: [String: Int] = [:]
        for line in ledger.lines { terminations[String(line.termination), default: 0] += 1 }
        let faults = (complaints + ledger.faults).map { "seed \(seed): \($0)" }
        return Outcome(
            exchanges: ledger.lines.count, faults: faults, configuration: configuration.text(log: 1),
            terminations: terminations)
    }
}

/// Lets clients in, a few at a time.
private final class Door: SimulatedPeer {
    private unowned let round: Round
    init(_ round: Round) { self.round = round }

    func act(in kernel: SimulatedKernel) {
        let isRush = kernel.random.oneIn(50)
        for _ in 0..<(isRush ? 20 : 1) {
            guard round.admit() else { return }
        }
        kernel.schedule(self, after: .milliseconds(UInt64(kernel.random.number(0...20))))
    }
}

/// Gives the worker an order at its time.
private final class Hand: SimulatedPeer {
    private unowned let portico: SimulatedPortico
    private let order: WorkerOrders.Order

    init(_ portico: SimulatedPortico, _ order: WorkerOrders.Order) {
        self.portico = portico
        self.order = order
    }

    func act(in kernel: SimulatedKernel) { portico.stop(order) }
}
