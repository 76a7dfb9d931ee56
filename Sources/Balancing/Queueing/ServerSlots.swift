// Taking a connection slot of a server, waiting for one, and giving it back. A server without `maxconn` has as many slots as
// requests come: then a slot is a count.

public import Basics

/// What came of asking for a server.
public enum SlotChoice {
    /// A slot of it is taken; `Backend.release` gives it back.
    case server(Server)
    /// Every server that may be chosen has as many requests as it may have. The request waits for a slot of any of them, or of
    /// this one.
    case full(Server?)
    /// No server may be chosen.
    case nobody
}

extension Backend {
    /// Chooses a server for one request of `worker` and takes a slot of it. `avoiding`, and servers that the worker leaves
    /// alone, are passed over while there is any other server, even one that has to be waited for.
    public func take<Request: BalancingRequest & ~Copyable>(
        for request: borrowing Request, avoiding: Server? = nil, by worker: Int, now: Instant
    ) -> SlotChoice {
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
        let choice = eligible.algorithm.choose(SlotAttempt(self, avoidance, now: now), for: request)
        switch choice {
        case .server(let server):
            server.breakers[worker].noteAttempt(at: now)
            return choice
        case .full where !eligible.servers.contains(where: avoidance.allows):
            return takeAvoided(eligible, for: request, avoidance) ?? choice
        case .full, .nobody: return choice
        }
    }

    /// The request avoids every eligible server: one that has not failed this very request is the better one.
    private func takeAvoided<Request: BalancingRequest & ~Copyable>(
        _ eligible: EligibleServers, for request: borrowing Request, _ avoidance: Avoidance
    ) -> SlotChoice? {
        for rest in [Avoidance(server: avoidance.server, worker: avoidance.worker, now: .never), .none] {
            guard
                case .server(let server) = eligible.algorithm.choose(
                    SlotAttempt(self, rest, now: avoidance.now), for: request)
            else { continue }
            if !hasQueue { server.breakers[avoidance.worker].noteAttempt(at: avoidance.now) }
            return .server(server)
        }
        return nil
    }

    /// Takes a slot of this server, whichever the algorithm would choose.
    public func take(_ server: Server) -> SlotChoice { server.takeSlot(load) ? .server(server) : .full(server) }

    /// Lets a request wait for a slot of any server, or of this one. When a slot is given to it, a `SlotGrant` goes to `worker`;
    /// that may be before this returns.
    /// - Parameters:
    ///   - owner: a number for the request, given back in the grant.
    ///   - priority: where it stands among those that wait.
    ///   - avoiding: a server that has just failed it, whose slots go to other requests for `Server.timeLeftAlone`, if there is
    ///     any other server.
    public func join(
        for server: Server? = nil, worker: Int, owner: UInt64, priority: QueuePriority = QueuePriority(),
        avoiding: Server? = nil
    ) -> QueueTicket {
        queue.join(
            Waiter(
                worker: worker, owner: owner, avoiding: avoiding.map(ObjectIdentifier.init),
                avoidsUntil: priority.time + CircuitBreaker.pause), priority, for: server, of: self)
    }

    /// Ends a wait. Returns nil if a slot was already given to this ticket: then its `SlotGrant` is on the way.
    public func leave(_ ticket: QueueTicket) -> QueueWait? { queue.leave(ticket, of: self) }

    /// Gives a slot back.
    @inlinable
    public func release(_ server: Server, by worker: Int, now: Instant = Instant(nanoseconds: 0)) {
        server.active.decrement()
        if hasQueue { offerSlots(of: server, by: worker, now: now) }
    }

    /// Gives free slots of a server to waiting requests: one was given back, or a request may try a server that was left alone.
    public func offerSlots(of server: Server, by worker: Int, now: Instant) {
        queue.offerSlots(of: server, in: self, by: worker, now: now)
    }

    /// Sets the function that sends grants to workers. It is called with a lock held, on any thread: it must not wait, nor call this
    /// backend. Its second argument is the worker that gave the slot away; nil for another thread.
    public func setDelivery(_ deliver: @escaping @Sendable (SlotGrant, Int?) -> Void) { queue.setDelivery(deliver) }

    var load: BackendLoad { BackendLoad(now: active.current, full: loadAtFull) }
}
