// `balance roundrobin`: each server in its turn, as often as its weight says, in HAProxy's order.
//
// The turns of one round are laid out beforehand; the backend's counter, shared by all workers, says whose turn it is. So the order
// is exact whichever thread takes a connection.

public final class RoundRobin: BalancingAlgorithm {
    public static let words = ["roundrobin"]
    public static let summary = "each server in its turn, as often as its weight says"

    private let table: TurnTable

    public init(_ options: Void, among servers: [Server]) {
        table = TurnTable(servers, turns: SmoothTurns.turns(weights: servers.map(\.currentWeight)))
    }

    public func choose<Request: BalancingRequest & ~Copyable>(
        _ attempt: borrowing SlotAttempt, for request: borrowing Request
    ) -> SlotChoice { table.choose(attempt) }
}

/// Servers and the order of their turns.
struct TurnTable: Sendable {
    private let servers: [Server]
    /// The order of one round: indices into `servers`.
    private let turns: [UInt32]

    init(_ servers: [Server], turns: [UInt32]) {
        self.servers = servers
        self.turns = turns
    }

    /// Takes a place on the server whose turn it is. One that cannot be taken loses its turn.
    func choose(_ attempt: borrowing SlotAttempt) -> SlotChoice {
        for turn in 0..<turnsLost {
            let server = servers[Int(turns[Int(attempt.nextTurn() % UInt64(turns.count))])]
            if attempt.take(server) { return .server(server) }
            if turn == 0, !servers.contains(where: { attempt.mayTake($0) }) { return .full(nil) }
        }
        // The turns belong to servers that the request cannot use, or other workers have taken the others.
        for server in servers where attempt.take(server) { return .server(server) }
        return .full(nil)
    }

    /// How many turns one request passes over at the most: a round, but not the many turns that heavy servers have before a light one.
    private var turnsLost: Int { min(turns.count, 2 * servers.count) }
}
