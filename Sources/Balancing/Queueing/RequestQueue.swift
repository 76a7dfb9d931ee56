// Requests that wait because every server has as many as it may have (`maxconn`), over all workers: first come, first
// served, unless rules give some another priority.
//
// A place that becomes free is given away by whoever frees it: it takes the place again for the one whose
// turn it is, and says so to that one's worker. So nobody jumps the queue, and nobody has to look. No word is lost: who joins
// counts itself and then looks for free places, who frees a place frees it and then looks for waiters, with a fence
// between the two steps on both sides, so that at least one of them sees the other.
//
// A backend without any `maxconn` has no queue, and its requests touch nothing of this. A queue is bounded by the
// number of client connections (`maxconn` of the process and of frontends): each waits in one queue, once.

internal import Basics
internal import Synchronization

/// A place on a server, for somebody who has waited. It is taken; `Backend.release` gives it back.
public struct PlaceGrant: Sendable {
    public let ticket: QueueTicket
    /// Whose it is: what `Backend.join` was told.
    public let worker: Int
    public let owner: UInt64
    public let backend: Backend
    public let server: Server
    public let wait: QueueWait
}

/// Where somebody has waited, and as how manyeth.
public struct QueueWait: Sendable, Equatable {
    /// For one server alone, or for any of the backend.
    public let wasForServer: Bool
    /// How many were served there in the meantime, and one for itself: what HAProxy logs.
    public let position: Int
}

/// The queue of one backend, shared by all workers.
final class RequestQueue: Sendable {
    /// All who wait, wherever. Read after a place was freed, so that freeing costs no lock while nobody waits.
    private let count = Atomic<Int>(0)
    private let state: Lock<State>

    private struct State {
        var lines: PriorityQueues
        var deliver: @Sendable (PlaceGrant, Int?) -> Void = { _, _ in }
    }

    init(servers: Int) { state = Lock(State(lines: PriorityQueues(servers: servers))) }

    func setDelivery(_ deliver: @escaping @Sendable (PlaceGrant, Int?) -> Void) {
        state.withLock { $0.deliver = deliver }
    }

    func join(
        _ waiter: Waiter, _ priority: QueuePriority, for server: Server?, of backend: Backend
    ) -> QueueTicket {
        state.withLock { state in
            let ticket = state.lines.join(waiter, priority, for: server?.index)
            count.wrappingAdd(1, ordering: .relaxed)
            (server?.queued ?? backend.queued).increment()
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            // A place may have been freed since the servers were found full.
            giveAwayAll(of: backend, by: waiter.worker, now: priority.time, &state)
            return ticket
        }
    }

    func leave(_ ticket: QueueTicket, of backend: Backend) -> QueueWait? {
        state.withLock { state in
            guard let (_, server) = state.lines.look(ticket) else { return nil }
            return take(ticket, from: server, isServed: false, of: backend, &state)
        }
    }

    /// Places of `server` may be free.
    func offerPlaces(of server: Server, in backend: Backend, by worker: Int, now: Instant) {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        guard count.load(ordering: .relaxed) != 0 else { return }
        state.withLock { state in
            let eligible = backend.eligibleNow
            while giveAway(server, of: backend, eligible, by: worker, now: now, &state) {}
        }
    }

    /// Other servers can be chosen than before.
    func serversChanged(of backend: Backend, now: Instant) {
        state.withLock { state in
            for server in backend.servers {
                let left = server.state.isUsable ? 0 : state.lines.release(from: server.index)
                for _ in 0..<left {
                    server.queued.decrement()
                    backend.queued.increment()
                }
                server.moved.store(left, ordering: .relaxed)
            }
            giveAwayAll(of: backend, by: nil, now: now, &state) { server in
                server.moved.wrappingAdd(1, ordering: .relaxed)
            }
        }
    }

    /// One place of each server after the other, so that those who have waited are spread.
    private func giveAwayAll(
        of backend: Backend, by worker: Int?, now: Instant, _ state: inout State, note: (Server) -> Void = { _ in }
    ) {
        let eligible = backend.eligibleNow
        var gaveOne = true
        while gaveOne && count.load(ordering: .relaxed) != 0 {
            gaveOne = false
            for server in backend.servers
            where giveAway(server, of: backend, eligible, by: worker, now: now, &state) {
                note(server)
                gaveOne = true
            }
        }
    }

    /// Gives one place of `server` to the one whose turn it is; false if there is no place, or nobody.
    private func giveAway(
        _ server: Server, of backend: Backend, _ eligible: EligibleServers, by worker: Int?, now: Instant,
        _ state: inout State
    ) -> Bool {
        let own = server.state.isUsable ? state.lines.first(for: server.index) : nil
        let any =
            eligible.contains(server)
            ? state.lines.first(for: nil, among: Self.lookMax) { waiter in
                Self.mayHave(server, waiter, eligible, now)
            } : nil
        let isForServer: Bool
        switch (own, any) {
        case (nil, nil): return false
        case (_?, nil): isForServer = true
        case (nil, _?): isForServer = false
        case (let own?, let any?): isForServer = state.lines.precedes(own, any)
        }
        guard let ticket = isForServer ? own : any, let (waiter, line) = state.lines.look(ticket),
            server.takeFreePlace(backend.load)
        else { return false }
        server.breakers[waiter.worker].noteAttempt(at: now)
        let wait = take(ticket, from: line, isServed: true, of: backend, &state)
        state.deliver(
            PlaceGrant(
                ticket: ticket, worker: waiter.worker, owner: waiter.owner, backend: backend, server: server,
                wait: wait), worker)
        return true
    }

    /// How many are looked at for one who may have a place: those of whom a server has just failed are few, and a whole queue of
    /// those whose worker leaves it alone is not to be walked each time.
    private static let lookMax = 64

    /// Whether a request that waits for any server may have this one: not if it has just failed that request, or the worker leaves it alone, as
    /// long as there is another.
    private static func mayHave(
        _ server: Server, _ waiter: Waiter, _ eligible: EligibleServers, _ now: Instant
    ) -> Bool {
        let avoided = now < waiter.avoidsUntil ? waiter.avoiding : nil
        guard avoided == server.index || server.breakers[waiter.worker].isOpen(at: now) else { return true }
        return !eligible.servers.contains { $0.index != avoided && !$0.breakers[waiter.worker].isOpen(at: now) }
    }

    private func take(
        _ ticket: QueueTicket, from server: Int?, isServed: Bool, of backend: Backend, _ state: inout State
    ) -> QueueWait {
        guard let position = state.lines.remove(ticket, isServed: isServed) else {
            preconditionFailure("a waiter that was just seen is gone")
        }
        count.wrappingSubtract(1, ordering: .relaxed)
        (server.map { backend.servers[$0].queued } ?? backend.queued).decrement()
        return QueueWait(wasForServer: server != nil, position: position)
    }
}
