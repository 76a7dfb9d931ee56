// `balance leastconn`: the server with the fewest exchanges for its weight.
//
// Looks at every eligible server, so its cost grows with their number: 10,000 servers take some 10 µs. Each search starts one
// server further than the one before, so that servers with equal load take turns.

internal import Basics

public final class LeastConnections: BalancingAlgorithm {
    public static let words = ["leastconn"]
    public static let summary = "the server with the fewest requests under way for its weight"

    private let servers: [Server]

    public init(_ options: Void, among servers: [Server]) { self.servers = servers }

    public func choose<Request: BalancingRequest & ~Copyable>(
        _ attempt: borrowing SlotAttempt, for request: borrowing Request
    ) -> SlotChoice {
        let start = Int(attempt.nextTurn() % UInt64(servers.count))
        while let best = leastLoaded(attempt, .take, from: start) {
            // Another worker may have taken the last place.
            if attempt.take(best) { return .server(best) }
        }
        // All are full: `maxqueue` may let the request wait for the least loaded one alone.
        return .full(leastLoaded(attempt, .wait, from: 0))
    }

    private enum Purpose { case take, wait }

    private func leastLoaded(_ attempt: borrowing SlotAttempt, _ purpose: Purpose, from start: Int) -> Server? {
        var best: Server?
        var bestLoad = 0
        for step in servers.indices {
            let index = start + step
            let server = servers[index < servers.count ? index : index - servers.count]
            guard purpose == .take ? attempt.mayTake(server) : attempt.mayWait(for: server) else { continue }
            // The exchange to be placed counts too, so that of two idle servers the heavier one wins.
            let load = attempt.load(of: server) + 1
            // load / weight compared without dividing.
            if let leader = best, load * leader.currentWeight >= bestLoad * server.currentWeight { continue }
            best = server
            bestLoad = load
        }
        return best
    }
}
