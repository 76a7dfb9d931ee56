// `balance roundrobin`: each server in its turn, as often as its weight says.
//
// The turns of one round are laid out beforehand, spread as evenly as the weights allow; one atomic
// counter, shared by all workers, says whose turn it is. So the order is exact whichever thread takes a
// connection: 1, 2, 3, 1, 2, 3.

internal import Synchronization

enum RoundRobin {
    static func choose(
        from eligible: EligibleServers, position: borrowing Atomic<UInt64>, _ avoidance: Avoidance
    ) -> Server {
        // One extra turn for each turn of a server to avoid; a whole round holds every server.
        for _ in eligible.turns.indices {
            let turn = position.wrappingAdd(1, ordering: .relaxed).oldValue
            let server = eligible.servers[Int(eligible.turns[Int(turn % UInt64(eligible.turns.count))])]
            if avoidance.allows(server) { return server }
        }
        // Other workers took all the turns of the others in the meantime; or each server is to be avoided, and then one that has not
        // failed this very request is the better one.
        return eligible.servers.first(where: avoidance.allows) ?? eligible.servers.first { $0 !== avoidance.server }
            ?? eligible.servers[0]
    }

    /// The same among servers with a limit, of which those that are full lose their turn; a place on the server is taken.
    /// Nil if all but those to avoid are full.
    static func take(
        from eligible: EligibleServers, position: borrowing Atomic<UInt64>, _ avoidance: Avoidance, _ load: BackendLoad
    ) -> Server? {
        for _ in eligible.turns.indices {
            let turn = position.wrappingAdd(1, ordering: .relaxed).oldValue
            let server = eligible.servers[Int(eligible.turns[Int(turn % UInt64(eligible.turns.count))])]
            if avoidance.allows(server) && server.takePlace(load) { return server }
        }
        return eligible.servers.first { avoidance.allows($0) && $0.takePlace(load) }
    }

    /// The order of turns in one round: server `i` appears `weights[i]` times (divided by what all have in common).
    ///
    /// Server `i`'s k-th turn is ideally at (k + ½) / weight of the round; sorting by that spreads each one evenly, and
    /// puts equals in the order of the file.
    static func turns(weights: [Int]) -> [UInt32] {
        let common = weights.reduce(0, greatestCommonDivisor)
        guard common > 0 else { return [] }
        var order: [(at: Double, server: Int)] = []
        for (server, weight) in weights.enumerated() {
            let count = weight / common
            for turn in 0..<count { order.append(((Double(turn) + 0.5) / Double(count), server)) }
        }
        order.sort { ($0.at, $0.server) < ($1.at, $1.server) }
        return order.map { UInt32($0.server) }
    }

    private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
        var (a, b) = (a, b)
        while b != 0 { (a, b) = (b, a % b) }
        return a
    }
}
