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
    /// Chooses a server for one request of `worker` and takes a place on it. `avoiding`, and servers that the worker leaves alone, are
    /// passed over if there is any other, be it one that has to be waited for.
    public func take(
        _ view: inout View, avoiding: Server? = nil, by worker: Int = 0, now: Instant = Instant(nanoseconds: 0)
    ) -> PlaceChoice {
        guard hasQueue else {
            guard let server = choose(&view, avoiding: avoiding, by: worker, now: now) else { return .nobody }
            server.active.increment()
            return .server(server)
        }
        return take(current(&view), Avoidance(server: avoiding, worker: worker, now: now))
    }

    private func take(_ eligible: EligibleServers, _ avoidance: Avoidance) -> PlaceChoice {
        if eligible.servers.isEmpty { return .nobody }
        // Nobody overtakes those who wait for any server.
        if queued.current > 0 { return .full(nil) }
        if let found = takePlace(eligible, avoidance) {
            found.breakers[avoidance.worker].noteAttempt(at: avoidance.now)
            return .server(found)
        }
        if !eligible.servers.contains(where: avoidance.allows), let found = takePlace(eligible, .none) {
            return .server(found)
        }
        switch algorithm {
        case .roundRobin: return .full(nil)
        case .leastConnections: return .full(LeastConnections.shortestQueue(of: eligible, avoidance))
        }
    }

    private func takePlace(_ eligible: EligibleServers, _ avoidance: Avoidance) -> Server? {
        switch algorithm {
        case .roundRobin: RoundRobin.take(from: eligible, position: position, avoidance, load)
        case .leastConnections: LeastConnections.take(from: eligible, position: position, avoidance, load)
        }
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
        guard let queue else { preconditionFailure("backend \(name) has no limits, and somebody waits") }
        return queue.join(
            Waiter(
                worker: worker, owner: owner, avoiding: avoiding?.index,
                avoidsUntil: priority.time + CircuitBreaker.pause), priority, for: server, of: self)
    }

    /// Gives the wait up. Nil if a place was given away to this ticket: then word of it is on its way.
    public func leave(_ ticket: QueueTicket) -> QueueWait? { queue?.leave(ticket, of: self) }

    /// Gives a place back.
    @inlinable
    public func release(_ server: Server, by worker: Int, now: Instant = Instant(nanoseconds: 0)) {
        server.active.decrement()
        if hasQueue { offerPlaces(of: server, by: worker, now: now) }
    }

    /// Gives free places of a server to those who wait: one has become free, or a request may try a server that was left alone.
    public func offerPlaces(of server: Server, by worker: Int, now: Instant) {
        queue?.offerPlaces(of: server, in: self, by: worker, now: now)
    }

    /// Says where word of places goes. It is called under a lock, on any thread: it must not wait, nor ask this backend
    /// anything. Its second argument is the worker whose doing it was; nil for another thread.
    public func setDelivery(_ deliver: @escaping @Sendable (PlaceGrant, Int?) -> Void) { queue?.setDelivery(deliver) }

    var load: BackendLoad { BackendLoad(now: active.current, full: loadAtFull) }
}
