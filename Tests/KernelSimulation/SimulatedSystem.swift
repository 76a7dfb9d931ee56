// The threads of a simulated process: the seed says which of them has the next turn, and the clock moves when none has anything to do.
//
// A turn is a thread's work from one wait to the next. Between two turns of one thread others may have had any number, or none: a thread
// is now and then held up for a while, as by a busy machine. A thread that waits is left alone until something is ready in its kernel,
// its deadline has come, or its wakeup was called; so a wake-up that the program forgets is missed here as it would be in Linux.

public import Basics
internal import Chance
internal import Reactor

/// One thread of the program.
public protocol SimulatedThread: AnyObject {
    var kernel: SimulatedKernel { get }
    var isFinished: Bool { get }
    /// Works until its next wait, in which it must not stay.
    func turn()
}

public final class SimulatedSystem {
    public let network: SimulatedNetwork
    private let threads: [any SimulatedThread]
    /// Each thread's.
    private let kernels: [SimulatedKernel]
    /// When each may go on that is held up.
    private var heldUntil: [Instant]
    private var candidates: [Int] = []
    /// One turn in so many holds its thread up afterwards.
    private static let hold = 400

    /// - Parameter threads: with kernels on `network`.
    public init(_ network: SimulatedNetwork, _ threads: [any SimulatedThread]) {
        self.network = network
        self.threads = threads
        kernels = threads.map(\.kernel)
        heldUntil = threads.map { _ in Instant(nanoseconds: 0) }
        network.isScheduled = true
    }

    /// One turn of a thread, or of the peers; at times the clock jumps first.
    /// - Parameter limit: the clock goes no further, whether or not anything can happen by then.
    public func step(until limit: Instant = .never) {
        while true {
            findCandidates()
            let arePeersDue = network.nextTurn <= network.now
            let count = candidates.count + (arePeersDue ? 1 : 0)
            guard count == 0 else { return run(count == 1 ? 0 : network.random.number(0...count - 1)) }
            guard network.now < limit else { return }
            let next = min(nextChange, limit)
            precondition(next != .never, "the program waits for ever and no peer is left to do anything")
            network.now = next
        }
    }

    private func findCandidates() {
        candidates.removeAll(keepingCapacity: true)
        for (index, thread) in threads.enumerated() where heldUntil[index] <= network.now {
            if kernels[index].isReady && !thread.isFinished { candidates.append(index) }
        }
    }

    private func run(_ choice: Int) {
        guard choice < candidates.count else { return network.runTurns() }
        let index = candidates[choice]
        threads[index].turn()
        network.note(UInt64(index))
        if threads.count > 1 && network.random.oneIn(Self.hold) {
            heldUntil[index] = network.now + .milliseconds(UInt64(network.random.number(0...50)))
        }
    }

    /// When something can happen next.
    private var nextChange: Instant {
        var next = network.nextTurn
        for (index, thread) in threads.enumerated() where !thread.isFinished {
            // What is held up and ready waits for its release alone.
            let kernel = kernels[index]
            let deadline = kernel.isReady ? network.now : kernel.deadline
            next = min(next, max(deadline, heldUntil[index]))
        }
        return next
    }

    public var isFinished: Bool { threads.allSatisfy(\.isFinished) }
}
