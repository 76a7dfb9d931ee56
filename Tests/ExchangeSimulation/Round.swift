// A round: one worker, one configuration, and peers, all drawn from one seed; and the books at its end.
//
// Half of what can be wrong is found by the peers: each knows every byte that it may get. The other half is found
// at the end, when nobody is left: what the worker still holds, and what its log and its counters say.

import Admin
import Balancing
import Basics
import Configuration
import Glibc
import KernelSimulation
import Logging
import Proxy
import Reactor
import Rules
import StaticFiles

public final class Round {
    let kernel: SimulatedKernel
    let configuration: RoundConfiguration
    private let seed: UInt64
    private let wanted: Int
    private let log: LogFile
    private let logger = Logger(rings: 1, ringBytes: 1 << 23)
    private let orders = WorkerOrders(waker: nil)
    private let plan: Plan
    private let worker: Worker
    private(set) var clients: [Client] = []
    private var requests = 0
    private var wasStopped = false
    private var complaints: [String] = []

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
            worker = round.worker
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
        kernel = SimulatedKernel(seed: seed)
        log = LogFile()
        // One round in ten shows that nothing but a fault makes a fault.
        let hasFaults = !kernel.random.oneIn(10)
        configuration = RoundConfiguration(
            &kernel.random, hasFaults: hasFaults, log: log.descriptor, folder: folder)
        if hasFaults {
            kernel.moods.exhaustion = kernel.random.oneIn(4) ? 50 : 0
            kernel.moods.falseAlarm = kernel.random.oneIn(2) ? 20 : 0
            kernel.moods.shortOfMemory = kernel.random.oneIn(2) ? 20 : 0
        }
        let loaded = Self.language.load(text: configuration.text, named: "round-\(seed).cfg")
        var facts = ProcessFacts()
        facts.descriptorsLimit = 100_000
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, httpErrors: loaded.httpErrors, logger: logger, workers: 1,
            facts: facts, now: kernel.now)
        guard let plan = builder.build(), !loaded.hasErrors else {
            fatalError("seed \(seed): \(loaded.problems + builder.problems) in\n\(configuration.text)")
        }
        self.plan = plan
        plan.admission.setWorkers([orders])
        worker = Worker(
            index: 0, plan: plan, kernel: kernel, log: logger.channel(0), orders: orders,
            listeners: [(kernel.listener, plan.binds[0])])
        for route in Route.ofServers {
            for port in route.ports {
                kernel.servers[.ip(.loopbackV4, port: port)] = { [unowned self] kernel, wire in
                    if hasFaults && kernel.random.oneIn(60) { return false }
                    _ = Server(self, wire)
                    return true
                }
            }
        }
    }

    private static let language = Language(
        keywords: ProxyKeywords.table + BalancingKeywords.table + RulesKeywords.table + StaticFilesKeywords.table
            + LoggingKeywords.table + AdminKeywords.table + ConfigurationKeywords.table,
        parameterGroups: [
            ParameterGroup(of: "bind", ProxyKeywords.bindParameters),
            ParameterGroup(of: "server", BalancingKeywords.serverParameters),
        ] + AdminKeywords.parameterGroups + RulesKeywords.expressionHelp)

    func complain(_ what: String) { complaints.append(what) }

    // MARK: Playing

    private func run() {
        let door = Door(self)
        kernel.schedule(door, after: .zero)
        if configuration.hasFaults && kernel.random.oneIn(10) {
            // Somebody stops Portico in the middle of everything.
            let order: WorkerOrders.Order = kernel.random.oneIn(2) ? .stopNow : .stopSoftly
            kernel.schedule(Hand(self, order), after: .milliseconds(UInt64(kernel.random.number(0...20_000))))
        }
        var turns = 0
        while kernel.peersLeft > 0 && turns < turnsMax {
            worker.turn(until: kernel.now + .seconds(1_000))
            turns += 1
        }
        if turns == turnsMax { complain("\(turns) turns of the worker, and no end: it spins") }
        if !wasStopped { stop(.stopSoftly) }
        for _ in 0..<1_000 where !worker.isFinished { worker.turn(until: kernel.now + .seconds(1_000)) }
        if !worker.isFinished { complain("the worker does not come to an end") }
    }

    fileprivate func stop(_ order: WorkerOrders.Order) {
        wasStopped = true
        orders.give(order)
    }

    /// Some hundred times what any round needs.
    private var turnsMax: Int { 100_000 + wanted * 2_000 }

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
        clients.append(client)
        kernel.schedule(client, after: .milliseconds(UInt64(kernel.random.number(0...3))))
        return true
    }

    // MARK: The end

    private func outcome() -> Outcome {
        let holdings = worker.holdings
        if holdings.watched != 0 { complain("\(holdings.watched) connections or listeners are left") }
        if holdings.exchanges != 0 { complain("\(holdings.exchanges) exchanges are left") }
        if holdings.buffers != 0 { complain("\(holdings.buffers) buffers are left") }
        if kernel.openCount != 0 { complain("\(kernel.openCount) descriptors are left") }
        logger.start()
        logger.stop(within: .seconds(30))
        if logger.lost != 0 { complain("\(logger.lost) lines of the log are lost") }
        var ledger = Ledger(log.text())
        ledger.checkNumbers()
        ledger.check(plan, isTCP: configuration.isTCP, accepted: kernel.acceptedCount)
        ledger.check(clients, isTCP: configuration.isTCP)
        var terminations: [String: Int] = [:]
        for line in ledger.lines { terminations[String(line.termination), default: 0] += 1 }
        let faults = (complaints + ledger.faults).map { "seed \(seed): \($0)" }
        return Outcome(
            exchanges: ledger.lines.count, faults: faults, configuration: configuration.text, terminations: terminations
        )
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
    private unowned let round: Round
    private let order: WorkerOrders.Order

    init(_ round: Round, _ order: WorkerOrders.Order) {
        self.round = round
        self.order = order
    }

    func act(in kernel: SimulatedKernel) { round.stop(order) }
}

/// A file without a name that takes the log.
@safe
private final class LogFile {
    private let file: UnsafeMutablePointer<FILE>
    let descriptor: Int32

    init() {
        guard let made = unsafe tmpfile() else { fatalError("no file for the log") }
        unsafe file = made
        unsafe descriptor = fileno(made)
    }

    deinit { unsafe fclose(file) }

    func text() -> String {
        let count = Int(lseek(descriptor, 0, SEEK_END))
        return unsafe String(unsafeUninitializedCapacity: count) { buffer in
            max(0, unsafe pread(descriptor, buffer.baseAddress, count, 0))
        }
    }
}
