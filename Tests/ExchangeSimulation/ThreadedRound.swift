// A round whose workers are threads that really run at once, for ThreadSanitizer: each on a network of its own, with peers of its own.
// What they share is what the workers of a process share: plan, counters, queues, grants, names, patterns, log, and the control thread.
//
// It cannot be repeated, and what its peers may complain of is the same as in other rounds.

import Basics
import Chance
import Glibc
import KernelSimulation
import Logging
import Proxy
import Reactor
import Synchronization

public final class ThreadedRound {
    private let seed: UInt64
    private let clock: SharedClock
    private let kernels: [SimulatedKernel]
    private let control: SimulatedKernel
    private let configuration: RoundConfiguration
    private let portico: SimulatedPortico
    private let peers: [Peers]
    private let checked: CheckedServers
    private var complaints: [String] = []

    private final class Running: Sendable {
        let count: Atomic<Int>
        let spinning = Atomic<Int>(0)
        init(_ count: Int) { self.count = Atomic(count) }
    }

    /// Carries what one thread works with to it.
    private struct Work<Value>: @unchecked Sendable {
        let value: Value
    }

    /// Plays about `requests` requests, shared out among the workers.
    public static func play(seed: UInt64, workers: Int, requests: Int, folder: String) -> Round.Outcome {
        let round = ThreadedRound(seed: seed, workers: workers, requests: requests, folder: folder)
        round.run()
        return round.outcome()
    }

    private init(seed: UInt64, workers: Int, requests: Int, folder: String) {
        self.seed = seed
        let clock = SharedClock(threads: workers + 1)
        self.clock = clock
        // The workers' descriptors, and so their clients' ports, do not meet.
        let networks = (0...workers).map { thread in
            SimulatedNetwork(
                seed: seed &* 64 &+ UInt64(thread), clock: clock, thread: thread,
                firstNumber: 100 + Int32(thread) * (60_000 / Int32(workers + 1)))
        }
        kernels = networks.dropLast().map { SimulatedKernel(on: $0) }
        control = SimulatedKernel(on: networks[workers], listens: false)
        var random = SeededRandom(seed: seed)
        // Times are not those of peers that behave: a thread may be late for any of them.
        let configuration = RoundConfiguration(&random, hasFaults: true, folder: folder)
        self.configuration = configuration
        for network in networks { network.moods = KernelMoods(drawnFrom: &random) }
        portico = SimulatedPortico(on: kernels, control: control, .real, named: "threads-\(seed).cfg") {
            configuration.text(log: $0)
        }
        portico.recordTransitions()
        peers = kernels.map { Peers($0, configuration, requests: requests / workers) }
        checked = CheckedServers(in: control, hasFaults: true)
    }

    private func run() {
        portico.logger.start()
        let running = Running(kernels.count)
        let turnsMax = 10_000_000
        var threads = kernels.indices.map { index in
            let work = Work(value: (portico.workers[index], kernels[index], peers[index], portico.orders[index]))
            return Thread(name: "worker-\(index)") { [clock] in
                let (worker, kernel, peers, orders) = work.value
                var turns = 0
                var wasTold = false
                while !worker.isFinished && turns < turnsMax {
                    worker.turn(until: kernel.now + .seconds(1_000))
                    if peers.isDone && !wasTold {
                        wasTold = true
                        orders.give(.stopSoftly)
                    }
                    turns += 1
                }
                if turns == turnsMax { running.spinning.add(1, ordering: .relaxed) }
                clock.leave(index)
                running.count.subtract(1, ordering: .relaxed)
            }
        }
        let work = Work(value: portico.control)
        threads.append(
            Thread(name: "control") { [clock, count = kernels.count] in
                while running.count.load(ordering: .relaxed) > 0 { work.value.turn() }
                clock.leave(count)
            })
        for thread in threads { thread.join() }
        for kernel in kernels { kernel.closeStrays() }
        portico.stop(.stopSoftly)
        portico.control.close()
        if running.spinning.load(ordering: .relaxed) > 0 {
            complaints.append("\(turnsMax) turns of a worker, and no end")
        }
    }

    private func outcome() -> Round.Outcome {
        complaints += peers.flatMap(\.complaints)
        for worker in portico.workers {
            let holdings = worker.holdings
            if holdings != (0, 0, 0) { complaints.append("left at the end: \(holdings)") }
        }
        for kernel in kernels + [control] where kernel.openCount != 0 {
            complaints.append("\(kernel.openCount) descriptors are left")
        }
        let log = portico.stopLogging()
        if log.lost != 0 { complaints.append("\(log.lost) lines of the log are lost") }
        var ledger = Ledger(log.lines)
        ledger.checkNumbers(workers: kernels.count)
        ledger.check(
            portico.plan, isTCP: configuration.isTCP, accepted: kernels.reduce(0) { $0 + $1.acceptedCount })
        ledger.check(peers.flatMap(\.clients), isTCP: configuration.isTCP)
        ledger.check(portico.plan, against: peers, configuration)
        return Round.Outcome(
            exchanges: ledger.lines.count, workers: kernels.count,
            faults: (complaints + ledger.faults).map { "threads of seed \(seed): \($0)" },
            configuration: configuration.text(log: 1), terminations: ledger.terminations,
            transitions: portico.transitions, trace: 0)
    }
}
