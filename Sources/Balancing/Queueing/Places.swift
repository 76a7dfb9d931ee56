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
    /// Chooses a server for one request and takes a place on it. `avoiding` is passed over if there is any other.
    public func take(_ view: inout View, avoiding: Server? = nil) -> PlaceChoice {
        guard let queue else {
            guard let server = choose(&view, avoiding: avoiding) else { return .nobody }
            server.active.increment()
            return .server(server)
        }
        return take(current(&view), queue, avoiding: avoiding)
    }

    private func take(_ eligible: EligibleServers, _ queue: RequestQueue, avoiding: Server?) -> PlaceChoice {
        if eligible.servers.isEmpty { return .nobody }
        // Nobody overtakes those who wait for any server.
        if queued.current > 0 { return .full(nil) }
        let load = load
        let found: Server? =
            switch algorithm {
            case .roundRobin: RoundRobin.take(from: eligible, position: position, avoiding: avoiding, load)
            case .leastConnections: LeastConnections.take(from: eligible, position: position, avoiding: avoiding, load)
            }
        if let found { return .server(found) }
        if let avoiding, eligible.contains(avoiding), avoiding.takePlace(load) { return .server(avoiding) }
        switch algorithm {
        case .roundRobin: return .full(nil)
        case .leastConnections: return .full(LeastConnections.shortestQueue(of: eligible))
        }
    }

    /// Takes a place on this server, whichever the algorithm would choose.
    public func take(_ server: Server) -> PlaceChoice { server.takePlace(load) ? .server(server) : .full(server) }

    /// Takes its place in the queue, for any server or for this one. When a place is free, a `PlaceGrant` comes to
    /// `worker`; that may be before this returns.
    /// - Parameters:
    ///   - owner: a name for who waits, given back with the place.
    ///   - priority: whom it waits before, and whom after.
    public func join(
        for server: Server? = nil, worker: Int, owner: UInt64, priority: QueuePriority = QueuePriority()
    ) -> QueueTicket {
        guard let queue else { preconditionFailure("backend \(name) has no limits, and somebody waits") }
        return queue.join(Waiter(worker: worker, owner: owner), priority, for: server, of: self)
    }

    /// Gives the wait up. Nil if a place was given away to this ticket: then word of it is on its way.
    public func leave(_ ticket: QueueTicket) -> QueueWait? { queue?.leave(ticket, of: self) }

    /// Gives a place back.
    @inlinable
    public func release(_ server: Server, by worker: Int) {
        server.active.decrement()
        if hasQueue { placeFreed(on: server, by: worker) }
    }

    @usableFromInline
    func placeFreed(on server: Server, by worker: Int) { queue?.placeFreed(on: server, of: self, by: worker) }

    /// Says where word of places goes. It is called under a lock, on any thread: it must not wait, nor ask this backend
    /// anything. Its second argument is the worker whose doing it was; nil for another thread.
    public func setDelivery(_ deliver: @escaping @Sendable (PlaceGrant, Int?) -> Void) { queue?.setDelivery(deliver) }

    var load: BackendLoad { BackendLoad(now: active.current, full: loadAtFull) }
}
