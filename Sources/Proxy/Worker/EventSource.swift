// What a worker's loop delivers events to: it has a slot in the worker's table, a handle that stale events miss, and one deadline.

internal import Basics
internal import Reactor

/// A listener, a connection or an exchange of one worker.
class EventSource {
    @safe @exclusivity(unchecked) private(set) var handle = SlotHandle(index: 0, generation: 0)
    /// When `expired` is to be called; `never` for not at all. Moving it later costs nothing.
    @safe @exclusivity(unchecked) private(set) var deadline = Instant.never
    /// When the timer queue looks at this deadline next.
    @safe @exclusivity(unchecked) private var queuedFor = Instant.never
    /// The worker calls `ready` in its next turn, although no event has come.
    @safe @exclusivity(unchecked) var awaitsTurn = false

    /// The descriptor became ready; an empty set where the source asked for a turn.
    func ready(_ readiness: Readiness, _ worker: Worker) {
        preconditionFailure("\(type(of: self)) does not handle readiness")
    }

    /// The deadline has passed; it is `never` again.
    func expired(_ worker: Worker) {
        preconditionFailure("\(type(of: self)) does not handle deadlines")
    }

    /// It has a new slot: what the timer queue has of an earlier one is not about it.
    func entered(as handle: SlotHandle) {
        self.handle = handle
        deadline = .never
        queuedFor = .never
        awaitsTurn = false
    }

    func setDeadline(_ instant: Instant, _ worker: Worker) {
        deadline = instant
        // What is queued is never further away than `lookSpan`.
        guard instant < queuedFor else { return }
        // A far deadline is looked at in between, so that the queue does not keep entries of connections that have closed.
        queuedFor = min(instant, worker.now + Self.lookSpan)
        worker.schedule(handle, at: queuedFor)
    }

    private static let lookSpan = TimeSpan.seconds(10)

    func setDeadline(after span: TimeSpan, _ worker: Worker) { setDeadline(worker.now + span, worker) }

    /// The timer queue's entry for `due` has come up.
    func timerFired(due: Instant, _ worker: Worker) {
        // An earlier entry has replaced this one.
        guard due == queuedFor else { return }
        queuedFor = .never
        if deadline <= worker.now {
            deadline = .never
            expired(worker)
        } else if deadline != .never {
            queuedFor = min(deadline, worker.now + Self.lookSpan)
            worker.schedule(handle, at: queuedFor)
        }
    }
}
