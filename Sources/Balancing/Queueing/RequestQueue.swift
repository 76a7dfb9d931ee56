// Requests that wait because every server has as many as it may have (`maxconn`), over all workers: first come, first served,
// unless rules give some another priority.
//
// The worker that gives a slot back gives it away: it takes the slot again for the request whose turn it is and sends a `SlotGrant`
// to that request's worker, so that no request jumps the queue and no worker polls. No grant is lost: a request that joins counts
// itself and then looks for free slots; a worker gives its slot back and then looks for waiting requests. A fence stands
// between the two steps on both sides, so that at least one of them sees the other.
//
// In a backend without any `maxconn` requests touch nothing of this. A queue is bounded by the number of client connections
// (`maxconn` of the process and of frontends): each waits in one queue, once.

internal import Basics
internal import Synchronization

/// A connection slot of a server, given to a request that has waited. It is taken; `Backend.release` gives it back.
public struct SlotGrant: Sendable {
    public let ticket: QueueTicket
    /// The request, as `Backend.join` was told.
    public let worker: Int
    public let owner: UInt64
    public let backend: Backend
    public let server: Server
    public let wait: QueueWait
}

/// Which queue a request has waited in, and its position there.
public struct QueueWait: Sendable, Equatable {
    /// In the queue of one server, not in that of the backend.
    public let wasForServer: Bool
    /// How many requests were served from the queue in the meantime, and one for itself: what HAProxy logs.
    public let position: Int
}

/// The queue of one backend, shared by all workers.
final class RequestQueue: Sendable {
    /// All waiting requests. Read after a slot was given back, so that this costs no lock while none waits.
    private let count = Atomic<Int>(0)
    private let state = Lock(State())

    private struct State {
        var queues = PriorityQueues()
        var deliver: @Sendable (SlotGrant, Int?) -> Void = { _, _ in }
    }

    func setDelivery(_ deliver: @escaping @Sendable (SlotGrant, Int?) -> Void) {
        state.withLock { $0.deliver = deliver }
    }

    func join(
        _ waiter: Waiter, _ priority: QueuePriority, for server: Server?, of backend: Backend
    ) -> QueueTicket {
        state.withLock { state in
            // The server may have been removed since it was found full: its queue is gone, and another one would never end.
            let server = server?.state.isRemoved == true ? nil : server
            let ticket = state.queues.join(waiter, priority, for: server)
            count.wrappingAdd(1, ordering: .relaxed)
            (server?.queued ?? backend.queued).increment()
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            // A slot may have been given back since the servers were found full.
            giveAwayAll(of: backend, by: waiter.worker, now: priority.time, &state)
            return ticket
        }
    }

    func leave(_ ticket: QueueTicket, of backend: Backend) -> QueueWait? {
        state.withLock { state in
            guard let (_, server) = state.queues.look(ticket) else { return nil }
            return take(ticket, from: server, isServed: false, of: backend, &state)
        }
    }

    /// Slots of `server` may be free.
    func offerSlots(of server: Server, in backend: Backend, by worker: Int, now: Instant) {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        guard count.load(ordering: .relaxed) != 0 else { return }
        state.withLock { state in
            let eligible = backend.eligibleNow
            while giveAway(server, of: backend, eligible, by: worker, now: now, &state) {}
        }
    }

    /// Other servers can be chosen than before, or they may have more requests.
    /// - Parameter removed: servers that the backend has no more, marked as such already.
    func serversChanged(of backend: Backend, removed: [Server] = [], now: Instant) {
        state.withLock { state in
            for server in removed { Self.move(state.queues.remove(server), from: server, to: backend) }
            for server in backend.servers {
                let left = server.state.isUsable ? 0 : state.queues.release(from: server)
                Self.move(left, from: server, to: backend)
                server.moved.store(left, ordering: .relaxed)
            }
            giveAwayAll(of: backend, by: nil, now: now, &state) { server in
                server.moved.wrappingAdd(1, ordering: .relaxed)
            }
        }
    }

    /// Counts requests that waited for a server alone as ones that wait for any.
    private static func move(_ count: Int, from server: Server, to backend: Backend) {
        for _ in 0..<count {
            server.queued.decrement()
            backend.queued.increment()
        }
    }

    /// Gives away one slot of each server after the other, so that the waiting requests are spread.
    private func giveAwayAll(
        of backend: Backend, by worker: Int?, now: Instant, _ state: inout State, note: (Server) -> Void = { _ in }
    ) {
        let eligible = backend.eligibleNow
        var gaveOne = true
        while gaveOne && count.load(ordering: .relaxed) != 0 {
            gaveOne = false
            for server in eligible.roster.servers
            where giveAway(server, of: backend, eligible, by: worker, now: now, &state) {
                note(server)
                gaveOne = true
            }
        }
    }

    /// Gives one slot of `server` to the request whose turn it is. Returns false if there is no slot, or no request for it.
    private func giveAway(
        _ server: Server, of backend: Backend, _ eligible: EligibleServers, by worker: Int?, now: Instant,
        _ state: inout State
    ) -> Bool {
        let own = server.state.isUsable ? state.queues.first(for: server) : nil
        let any =
            eligible.contains(server)
            ? state.queues.first(for: nil, among: Self.lookMax) { waiter in
                Self.mayHave(server, waiter, eligible, now)
            } : nil
        let isForServer: Bool
        switch (own, any) {
        case (nil, nil): return false
        case (_?, nil): isForServer = true
        case (nil, _?): isForServer = false
        case (let own?, let any?): isForServer = state.queues.precedes(own, any)
        }
        guard let ticket = isForServer ? own : any, let (waiter, awaited) = state.queues.look(ticket),
            server.takeFreeSlot(backend.load)
        else { return false }
        server.breakers[waiter.worker].noteAttempt(at: now)
        let wait = take(ticket, from: awaited, isServed: true, of: backend, &state)
        state.deliver(
            SlotGrant(
                ticket: ticket, worker: waiter.worker, owner: waiter.owner, backend: backend, server: server,
                wait: wait), worker)
        return true
    }

    /// Requests of the backend's queue that are looked at for one that may have a slot: those that a server has just failed are
    /// few, and a long queue of requests whose worker leaves the server alone is not walked each time.
    private static let lookMax = 64

    /// Whether a request that waits for any server may have this one: not if the server has just failed it, or its worker leaves
    /// the server alone, while there is another.
    private static func mayHave(
        _ server: Server, _ waiter: Waiter, _ eligible: EligibleServers, _ now: Instant
    ) -> Bool {
        let avoided = now < waiter.avoidsUntil ? waiter.avoiding : nil
        guard avoided == ObjectIdentifier(server) || server.breakers[waiter.worker].isOpen(at: now) else {
            return true
        }
        return !eligible.servers.contains {
            ObjectIdentifier($0) != avoided && !$0.breakers[waiter.worker].isOpen(at: now)
        }
    }

    private func take(
        _ ticket: QueueTicket, from server: Server?, isServed: Bool, of backend: Backend, _ state: inout State
    ) -> QueueWait {
        guard let position = state.queues.remove(ticket, isServed: isServed) else {
            preconditionFailure("the request of a ticket that was just found waits no more")
        }
        count.wrappingSubtract(1, ordering: .relaxed)
        (server?.queued ?? backend.queued).decrement()
        return QueueWait(wasForServer: server != nil, position: position)
    }
}
