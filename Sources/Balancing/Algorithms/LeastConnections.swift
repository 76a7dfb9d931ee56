// `balance leastconn`: the server with the fewest exchanges for its weight.
//
// Looks at every eligible server, so it costs time in proportion to their number: 10,000 servers take some
// 10 µs. The look starts one server further each time, so that equals take turns.

internal import Basics
internal import Synchronization

enum LeastConnections {
    static func choose(
        from eligible: EligibleServers, position: borrowing Atomic<UInt64>, avoiding: Server?
    ) -> Server {
        let servers = eligible.servers
        let start = Int(position.wrappingAdd(1, ordering: .relaxed).oldValue % UInt64(servers.count))
        var best: Server?
        var bestLoad = 0
        for step in servers.indices {
            let index = start + step
            let server = servers[index < servers.count ? index : index - servers.count]
            if server === avoiding { continue }
            // The exchange to be placed counts too, so that of two idle servers the heavier one wins.
            let load = server.active.current + 1
            // load / weight compared without dividing.
            if let leader = best, load * leader.weight >= bestLoad * server.weight { continue }
            best = server
            bestLoad = load
        }
        return best ?? servers[start]
    }
}
