// `balance roundrobin`: each server in its turn, as often as its weight says.
//
// The turns of one round are laid out beforehand, spread as evenly as the weights allow; the backend's counter, shared by all
// workers, says whose turn it is. So the order is exact whichever thread takes a connection: 1, 2, 3, 1, 2, 3.

public final class RoundRobin: BalancingAlgorithm {
    public static let words = ["roundrobin", "static-rr"]
    public static let summary = "each server in its turn, as often as its weight says"

    private let servers: [Server]
    /// The order of one round: indices into `servers`.
    private let turns: [UInt32]

    public init(_ options: Void, among servers: [Server]) {
        self.servers = servers
        turns = Self.turns(weights: servers.map(\.weight))
    }

    public func choose<Request: BalancingRequest & ~Copyable>(
        _ attempt: borrowing SlotAttempt, for request: borrowing Request
    ) -> SlotChoice {
        // A server that cannot be taken loses its turn; a whole round holds every server.
        for _ in turns.indices {
            let server = servers[Int(turns[Int(attempt.nextTurn() % UInt64(turns.count))])]
            if attempt.take(server) { return .server(server) }
        }
        // Other workers may have taken the turns of the servers that this request could use.
        for server in servers where attempt.take(server) { return .server(server) }
        return .full(nil)
    }

    /// The order of turns in one round: server `i` appears `weights[i]` times, divided by the weights' greatest common divisor.
    ///
    /// Server `i`'s k-th turn is ideally at (k + ½) / weight of the round; sorting by that spreads each server evenly, and
    /// keeps servers of equal weight in the order of the file.
    static func turns(weights: [Int]) -> [UInt32] {
        var order: [(at: Double, server: Int)] = []
        for (server, count) in weights.inLowestTerms.enumerated() {
            for turn in 0..<count { order.append(((Double(turn) + 0.5) / Double(count), server)) }
        }
        order.sort { ($0.at, $0.server) < ($1.at, $1.server) }
        return order.map { UInt32($0.server) }
    }
}
