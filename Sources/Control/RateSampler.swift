// Once a second: the highest rates so far, how much of the second the workers were idle, and the weights of servers in slow start.

internal import Balancing
internal import Basics
internal import Proxy
internal import Reactor

final class RateSampler: LoopTask {
    private static let period = TimeSpan.seconds(1)

    private let inForce: PlanInForce
    private let workerTime: (() -> TimeSpan)?
    private var handle = SlotHandle(index: 0, generation: 0)
    private var last: Instant
    /// Processor time of all workers together at `last`.
    private var timeUsed = TimeSpan.zero

    static func start(_ inForce: PlanInForce, workerTime: (() -> TimeSpan)?, in loop: TaskLoop) -> RateSampler {
        let sampler = RateSampler(inForce, workerTime, since: loop.now)
        sampler.handle = loop.add(sampler)
        loop.setDeadline(loop.now + period, of: sampler.handle)
        return sampler
    }

    private init(_ inForce: PlanInForce, _ workerTime: (() -> TimeSpan)?, since now: Instant) {
        self.inForce = inForce
        self.workerTime = workerTime
        last = now
    }

    func stop(in loop: TaskLoop) { loop.remove(handle) }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {}

    func expired(in loop: TaskLoop) {
        inForce.plan.keepHighestRates(at: loop.now)
        for backend in inForce.plan.backends { backend.backend.raiseWeights(now: loop.now) }
        if let workerTime { measureIdleTime(workerTime(), until: loop.now) }
        loop.setDeadline(loop.now + Self.period, of: handle)
    }

    private func measureIdleTime(_ total: TimeSpan, until now: Instant) {
        let elapsed = now.since(last).nanoseconds
        last = now
        // The time of a worker that has ended is missing from the total.
        let used = total > timeUsed ? total.nanoseconds - timeUsed.nanoseconds : 0
        timeUsed = total
        let workers = inForce.site.workers.mailboxes.count
        guard elapsed > 0, workers > 0 else { return }
        let share = Double(used) / (Double(elapsed) * Double(workers))
        inForce.site.counters.setIdle(percent: Int((100 * (1 - min(1, share))).rounded()))
    }
}
