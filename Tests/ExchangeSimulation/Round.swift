// A round: some workers, one configuration, and peers, all drawn from one seed; and the books at its end.
//
// Half of what can be wrong is found by the peers: each knows every byte that it may get. The other half is found
// at the end, when no peer is left: what the workers still hold, and what log, counters and peers say.

import Basics
import Chance
import KernelSimulation
public import Proxy
import Reactor

public final class Round {
    private let network: SimulatedNetwork
    private let kernels: [SimulatedKernel]
    private let control: SimulatedKernel
    private let configuration: RoundConfiguration
    private let portico: SimulatedPortico
    private let peers: Peers
    private let checked: CheckedServers
    private let seed: UInt64
    private let wanted: Int
    private var complaints: [String] = []

    public struct Outcome: Sendable {
        public let exchanges: Int
        public let workers: Int
        /// What went wrong, with the round's seed; empty if nothing did.
        public internal(set) var faults: [String]
        public let configuration: String
        /// How exchanges ended, by the two letters of the log.
        public let terminations: [String: Int]
        public let transitions: TransitionCoverage
        /// A fingerprint of all that happened: the same for the same seed.
        public let trace: UInt64
    }

    /// Plays about `requests` requests and says what came of it.
    /// - Parameter folder: has `site/page.html`, and takes what Portico writes.
    public static func play(seed: UInt64, requests: Int, folder: String) -> Outcome {
        weak var worker: Worker?
        weak var plan: Plan?
        weak var frontend: FrontendPlan?
        weak var control: SimulatedControl?
        var outcome: Outcome
        do {
            let round = Round(seed: seed, requests: requests, folder: folder)
            worker = round.portico.workers.last
            plan = round.portico.plan
            frontend = plan?.frontends.first
            control = round.portico.control
            round.run()
            outcome = round.outcome()
        }
        // An object that a circle of references keeps would keep one of these too, or be kept by it.
        if worker != nil { outcome.faults.append("seed \(seed): the worker outlives its round") }
        if plan != nil { outcome.faults.append("seed \(seed): the plan outlives its round") }
        if frontend != nil { outcome.faults.append("seed \(seed): the frontend outlives its round") }
        if control != nil { outcome.faults.append("seed \(seed): the control thread outlives its round") }
        return outcome
    }

    private init(seed: UInt64, requests: Int, folder: String) {
        self.seed = seed
        wanted = requests
        let network = SimulatedNetwork(seed: seed)
        self.network = network
        // One worker has more to do with itself, several have to do with one another.
        let count = network.random.oneIn(4) ? 1 : network.random.number(2...4)
        kernels = (0..<count).map { _ in SimulatedKernel(on: network) }
        control = SimulatedKernel(on: network, listens: false)
        // One round in ten shows that nothing but a fault makes a fault.
        let hasFaults = !network.random.oneIn(10)
        if hasFaults { network.moods = KernelMoods(drawnFrom: &network.random) }
        let configuration = RoundConfiguration(&network.random, hasFaults: hasFaults, folder: folder)
        self.configuration = configuration
        portico = SimulatedPortico(on: kernels, control: control, .scheduled, named: "round-\(seed).cfg") {
            configuration.text(log: $0)
        }
        portico.recordTransitions()
        peers = Peers(kernels[0], configuration, requests: requests)
        checked = CheckedServers(in: control, hasFaults: hasFaults)
    }

    // MARK: Playing

    private func run() {
        let operators = Operators(portico, configuration)
        operators.schedule(in: control)
        if !portico.work(turns: turnsMax, until: { peers.isDone }) {
            complaints.append("\(turnsMax) turns of the threads, and no end: one of them spins")
        }
        if !portico.finish() { complaints.append("a worker does not come to an end") }
    }

    /// Some hundred times what any round needs.
    private var turnsMax: Int { 200_000 + wanted * 4_000 }

    // MARK: The end

    private func outcome() -> Outcome {
        complaints += peers.complaints
        for worker in portico.workers {
            let holdings = worker.holdings
            if holdings.watched != 0 { complaints.append("\(holdings.watched) connections or listeners are left") }
            if holdings.exchanges != 0 { complaints.append("\(holdings.exchanges) exchanges are left") }
            if holdings.buffers != 0 { complaints.append("\(holdings.buffers) buffers are left") }
        }
        if network.openCount != 0 { complaints.append("\(network.openCount) descriptors are left") }
        let log = portico.logLines()
        if log.lost != 0 { complaints.append("\(log.lost) lines of the log are lost") }
        var ledger = Ledger(log.lines)
        ledger.checkNumbers(workers: kernels.count)
        ledger.check(
            portico.plan, isTCP: configuration.isTCP, accepted: kernels.reduce(0) { $0 + $1.acceptedCount })
        ledger.check(peers.clients, isTCP: configuration.isTCP)
        ledger.check(portico.plan, against: [peers], configuration)
        return Outcome(
            exchanges: ledger.lines.count, workers: kernels.count,
            faults: (complaints + ledger.faults).map { "seed \(seed): \($0)" },
            configuration: configuration.text(log: 1), terminations: ledger.terminations,
            transitions: portico.transitions, trace: network.trace)
    }
}

extension KernelMoods {
    init(drawnFrom random: inout SeededRandom) {
        self.init()
        exhaustion = random.oneIn(4) ? 50 : 0
        falseAlarm = random.oneIn(2) ? 20 : 0
        shortOfMemory = random.oneIn(2) ? 20 : 0
        narrow = random.oneIn(2) ? 500 : 0
        noPipe = random.oneIn(2) ? 300 : 0
    }
}

/// People who give orders in the middle of everything: memory back, addresses given up for a while, an end.
private final class Operators: SimulatedPeer {
    private unowned let portico: SimulatedPortico
    private var stop: Stop?
    private var listensAgainAt: Instant?
    private var reports = 0
    private var interval = TimeSpan.milliseconds(100)

    private struct Stop {
        let order: WorkerMailbox.Order
        let notBefore: Instant
        /// A stream has to be in this phase, so that phases in which few streams are for long are met too.
        let phase: String
    }

    init(_ portico: SimulatedPortico, _ configuration: RoundConfiguration) {
        self.portico = portico
        let kernel = portico.kernel
        // A round in TCP mode is rare, and has phases of its own.
        guard configuration.hasFaults, configuration.isTCP ? !kernel.random.oneIn(4) : kernel.random.oneIn(6) else {
            return
        }
        let phases = configuration.isTCP ? Self.tunnelPhases : TransitionCoverage.ofStreams.phases
        stop = Stop(
            order: kernel.random.oneIn(4) ? .stopSoftly : .stopNow,
            notBefore: kernel.now + .milliseconds(UInt64(kernel.random.number(0...10_000))),
            phase: phases.randomElement(using: &kernel.random) ?? "")
    }

    private static let tunnelPhases = ["inspecting", "queued", "draining"]

    func schedule(in kernel: SimulatedKernel) { kernel.schedule(self, after: .milliseconds(100)) }

    private func isDue(_ stop: Stop, _ kernel: SimulatedKernel) -> Bool {
        guard stop.notBefore <= kernel.now else { return false }
        // A phase that does not come is not waited for in vain.
        if kernel.now >= stop.notBefore + .seconds(20) { return true }
        return portico.workers.contains { $0.hasStream(in: stop.phase) }
    }

    func act(in kernel: SimulatedKernel) {
        guard !portico.control.wasStopped else { return }
        if let stop {
            if isDue(stop, kernel) { return portico.stop(stop.order) }
            // Looks often enough not to miss a short phase.
            interval = .milliseconds(20)
        }
        if let at = listensAgainAt {
            if at <= kernel.now {
                portico.control.setListening(true)
                listensAgainAt = nil
            }
        } else if kernel.random.oneIn(200) {
            portico.control.setListening(false)
            listensAgainAt = kernel.now + .milliseconds(UInt64(kernel.random.number(0...500)))
        }
        if kernel.random.oneIn(100) { portico.control.trim() }
        // The lines of a report are many, and a round may last for hours of its own time.
        if reports < 10, kernel.random.oneIn(100) {
            reports += 1
            portico.control.reportStatus()
        }
        kernel.schedule(self, after: interval)
        interval = min(TimeSpan.milliseconds(interval.wholeMilliseconds + 50), .seconds(30))
    }
}
