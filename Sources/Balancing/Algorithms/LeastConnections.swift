// `balance leastconn`: the server with the fewest exchanges for its weight.
//
// Looks at every eligible server, so it costs time in proportion to their number: 10,000 servers take some
// 10 µs. The look starts one server further each time, so that equals take turns.

internal import Basics
internal import Synchronization

enum LeastConnections {
    static func choose(
        from eligible: EligibleServers, position: borrowing Atomic<UInt64>, _ avoidance: Avoidance
    ) -> Server {
        let servers = eligible.servers
        let start = Int(position.wrappingAdd(1, ordering: .relaxed).oldValue % UInt64(servers.count))
        var best: Server?
        var bestLoad = 0
        for step in servers.indices {
            let index = start + step
            let server = servers[index < servers.count ? index : index - servers.count]
            if !avoidance.allows(server) { continue }
            // The exchange to be placed counts too, so that of two idle servers the heavier one wins.
            let load = server.active.current + 1
            // load / weight compared without dividing.
            if let leader = best, load * leader.weight >= bestLoad * server.weight { continue }
            best = server
            bestLoad = load
        }
        if let best { return best }
        // Each is to be avoided: one that has not failed this very request is the better one.
        return servers[start] === avoidance.server ? servers[start + 1 < servers.count ? start + 1 : 0] : servers[start]
    }

    /// The same among servers with a limit; a place on the server is taken. Nil if all but those to avoid are full.
    static func take(
        from eligible: EligibleServers, position: borrowing Atomic<UInt64>, _ avoidance: Avoidance, _ load: BackendLoad
    ) -> Server? {
        let start = position.wrappingAdd(1, ordering: .relaxed).oldValue
        while let best = leastLoaded(
            of: eligible, from: start, where: { avoidance.allows($0) && $0.hasPlace(load) })
        {
            // Another worker may have taken the last place.
            if best.takePlace(load) { return best }
        }
        return nil
    }

    /// With all of them full: the one that is to be waited for, where `maxqueue` lets somebody wait for one alone. Nil if
    /// it is better to wait for any.
    static func shortestQueue(of eligible: EligibleServers, _ avoidance: Avoidance) -> Server? {
        leastLoaded(
            of: eligible, from: 0,
            where: { $0.limits.queueMax != nil && $0.mayBeWaitedFor && avoidance.allows($0) })
    }

    private static func leastLoaded(
        of eligible: EligibleServers, from start: UInt64, where condition: (Server) -> Bool
    ) -> Server? {
        let servers = eligible.servers
        let start = Int(start % UInt64(servers.count))
        var best: Server?
        var bestLoad = 0
        for step in servers.indices {
            let index = start + step
            let server = servers[index < servers.count ? index : index - servers.count]
            guard condition(server) else { continue }
            let load = server.active.current + server.queued.current + 1
            if let leader = best, load * leader.weight >= bestLoad * server.weight { continue }
            best = server
            bestLoad = load
        }
        return best
    }
}
