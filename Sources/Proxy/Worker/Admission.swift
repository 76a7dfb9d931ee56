// `maxconn`: how many connections there may be, in all and per frontend, counted over all workers.

public import Basics
internal import Synchronization

/// Who may come in. Shared by all workers.
public final class Admission: Sendable {
    /// Client connections of the whole process.
    public let connections = Gauge()
    private let most = Atomic<Int>(0)
    /// One bit a worker with a listener that waits for room.
    private let waiting = Atomic<UInt64>(0)
    /// Those that are told when room is made.
    private let workers: WorkerSet

    init(telling workers: WorkerSet) { self.workers = workers }

    /// How many connections of the process there may be.
    var maxConnections: Int {
        get { most.load(ordering: .relaxed) }
        set { most.store(newValue, ordering: .relaxed) }
    }

    /// Takes a place before accepting; false if there is none: the worker will be told when there may be one again.
    func reserve(for bind: BindPlan, _ worker: Worker) -> Bool {
        if tryReserve(bind) { return true }
        waiting.bitwiseOr(1 << UInt64(worker.index), ordering: .sequentiallyConsistent)
        // A place may have been freed between the attempt and the note.
        return tryReserve(bind)
    }

    private func tryReserve(_ bind: BindPlan) -> Bool {
        // The narrowest limit first: what is full never touches the places of the others.
        guard bind.connections.reserve(upTo: bind.maxConnections) else { return false }
        if tryReserve(bind.frontend) { return true }
        bind.connections.decrement()
        return false
    }

    private func tryReserve(_ frontend: FrontendPlan) -> Bool {
        guard frontend.sessions.reserve(upTo: frontend.maxConnections) else { return false }
        guard connections.reserve(upTo: maxConnections) else {
            frontend.sessions.decrement()
            return false
        }
        return true
    }

    /// The place is used.
    func confirm(for frontend: FrontendPlan) {
        connections.noteMaximum()
        frontend.sessions.noteMaximum()
    }

    /// The place was not needed.
    func cancel(for bind: BindPlan, _ worker: Worker) { release(for: bind) }

    /// A connection has ended.
    func release(for bind: BindPlan) {
        connections.decrement()
        bind.frontend.sessions.decrement()
        bind.connections.decrement()
        guard waiting.load(ordering: .sequentiallyConsistent) != 0 else { return }
        let bits = waiting.exchange(0, ordering: .sequentiallyConsistent)
        for (index, mailbox) in workers.mailboxes.enumerated() where bits & 1 << UInt64(index) != 0 {
            mailbox.resumeListeners()
        }
    }
}
