// Taking a place on a server, waiting for one, and giving it back. Without a limit a place is a count.

public import Basics

/// What came of asking for a server.
public enum PlaceChoice {
    /// A place on it is taken; `Backend.release` gives it back.
    case server(Server)
    /// Every server that may be chosen has as many requests as it may have. The request waits for a place on any of them, or
    /// on this one.
    case full(Server?)
    /// No server may be chosen.
    case nobody
}

extension Backend {
    /// Chooses a server for one request of `worker` and takes a place on it. `avoiding`, and servers that the worker leaves
    /// alone, are passed over while there is any other server, even one that has to be waited for.
    public func take<Request: BalancingRequest & ~Copyable>(
        for request: borrowing Request, avoiding: Server? = nil, by worker: Int, now: Instant
    ) -> PlaceChoice {
        let eligible = eligibleServers(for: worker)
        guard let first = eligible.servers.first else { return .nobody }
        if hasQueue {
            // No request overtakes those that wait for any server.
            if queued.current > 0 { return .full(nil) }
        } else if eligible.servers.count == 1 {
            first.active.increment()
            return .server(first)
        }
        let avoidance = Avoidance(server: avoiding, worker: worker, now: now)
        let choice = eligible.algorithm.choose(PlaceAttempt(self, avoidance), for: request)
        switch choice {
        case .server(let server):
            server.breakers[worker].noteAttempt(at: now)
            return choice
        case .full where !eligible.servers.contains(where: avoidance.allows):
            return takeAvoided(eligible, for: request, avoidance) ?? choice
        case .full, .nobody: return choice
        }
    }

    /// Every eligible server is to be avoided: one that has not failed this very request is the better one.
    private func takeAvoided<Request: BalancingRequest & ~Copyable>(
        _ eligible: EligibleServers, for request: borrowing Request, _ avoidance: Avoidance
    ) -> PlaceChoice? {
        for rest in [Avoidance(server: avoidance.server, worker: avoidance.worker, now: .never), .none] {
            guard case .server(let server) = eligible.algorithm.choose(PlaceAttempt(self, rest), for: request) else {
                continue
            }
            if !hasQueue { server.breakers[avoidance.worker].noteAttempt(at: avoidance.now) }
            return .server(server)
        }
        return nil
    }

    /// Takes a place on this server, whichever the algorithm would choose.
    public func take(_ server: Server) -> PlaceChoice { server.takePlace(load) ? .server(server) : .full(server) }

    /// Takes its place in the queue, for any server or for this one. When a place is free, a `PlaceGrant` comes to
    /// `worker`; that may be before this returns.
    /// - Parameters:
    ///   - owner: a name for who waits, given back with the place.
    ///   - priority: whom it waits before, and whom after.
    ///   - avoiding: a server that has just failed it, whose places go to others for `Server.timeLeftAlone`, if there is any other server.
    public func join(
        for server: Server? = nil, worker: Int, owner: UInt64, priority: QueuePriority = QueuePriority(),
        avoiding: Server? = nil
    ) -> QueueTicket {
        queue.join(
            Waiter(
                worker: worker, owner: owner, avoiding: avoiding.map(ObjectIdentifier.init),
                avoidsUntil: priority.time + CircuitBreaker.pause), priority, for: server, of: self)
    }

    /// Gives the wait up. Nil if a place was given away to this ticket: then word of it is on its way.
    public func leave(_ ticket: QueueTicket) -> QueueWait? { queue.leave(ticket, of: self) }

    /// Gives a place back.
    @inlinable
    public func release(_ server: Server, by worker: Int, now: Instant = Instant(nanoseconds: 0)) {
        server.active.decrement()
        if hasQueue { offerPlaces(of: server, by: worker, now: now) }
    }

    /// Gives free places of a server to those who wait: one has become free, or a request may try a server that was left alone.
    public func offerPlaces(of server: Server, by worker: Int, now: Instant) {
        queue.offerPlaces(of: server, in: self, by: worker, now: now)
    }

    /// Says where word of places goes. It is called under a lock, on any thread: it must not wait, nor ask this backend
    /// anything. Its second argument is the worker whose doing it was; nil for another thread.
    public func setDelivery(_ deliver: @escaping @Sendable (PlaceGrant, Int?) -> Void) { queue.setDelivery(deliver) }

    var load: BackendLoad { BackendLoad(now: active.current, full: loadAtFull) }
}

/// For callers that keep a view and have no request at hand: `take(for:)` does without the one and wants the other.
extension Backend {
    public struct View {
        public init() {}
    }

    public func take(_ view: inout View, avoiding: Server? = nil, by worker: Int, now: Instant) -> PlaceChoice {
        take(for: NoRequest(), avoiding: avoiding, by: worker, now: now)
    }
}
