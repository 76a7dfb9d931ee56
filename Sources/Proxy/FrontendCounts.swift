// What comes in at a frontend, counted for it and for the process.

internal import Balancing
internal import Basics

extension FrontendPlan {
    /// A connection was accepted.
    func countConnection(_ worker: Worker) {
        let now = worker.now
        traffic.add(.connections, worker: worker.index)
        connectionRate.count(worker: worker.index, at: now)
        worker.plan.counters.connections.count(worker: worker.index, at: now)
    }

    /// The rules about connections have let it in.
    func countSession(_ worker: Worker) {
        let now = worker.now
        traffic.add(.sessions, worker: worker.index)
        sessionRate.count(worker: worker.index, at: now)
        worker.plan.counters.sessions.count(worker: worker.index, at: now)
    }

    /// The head of a request is whole.
    func countRequest(_ worker: Worker) {
        let now = worker.now
        traffic.add(.requests, worker: worker.index)
        requestRate.count(worker: worker.index, at: now)
        worker.plan.counters.requests.count(worker: worker.index, at: now)
    }

    /// Looks at the last seconds for maxima. Called once a second.
    func keepMaxima(at now: Instant) {
        for meter in [connectionRate, sessionRate, requestRate] { meter.keepMaximum(at: now) }
    }
}
