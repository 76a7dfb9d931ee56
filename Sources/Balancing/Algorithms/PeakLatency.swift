// `balance ewma`: the server that would answer soonest: how long it took lately, times the requests that it has already.
//
// A server that is slow now gets less at once, since its average follows a rise immediately, and requests that it does not answer
// count as load. It is not forgotten: without answers its average drifts to that of the backend, so it is tried again. When it
// has recovered, nothing floods it: at the backend's average it has as many requests under way as the others, and no more.
//
// Looks at every eligible server, as `leastconn` does.

internal import Basics

public final class PeakLatency: BalancingAlgorithm {
    public static let words = ["ewma"]
    public static let summary =
        "the server that would answer soonest by its latest response times, requests under way and weight"

    private let servers: [Server]

    public static func needs(_ options: Void) -> BalancingNeeds { BalancingNeeds(latencies: true) }

    public init(_ options: Void, among servers: [Server]) { self.servers = servers }

    public func choose<Request: BalancingRequest & ~Copyable>(
        _ attempt: borrowing SlotAttempt, for request: borrowing Request
    ) -> SlotChoice {
        let start = Int(attempt.nextTurn() % UInt64(servers.count))
        while let best = soonest(attempt, .take, from: start) {
            // Another worker may have taken the last place.
            if attempt.take(best) { return .server(best) }
        }
        return .full(soonest(attempt, .wait, from: 0))
    }

    private enum Purpose { case take, wait }

    private func soonest(_ attempt: borrowing SlotAttempt, _ purpose: Purpose, from start: Int) -> Server? {
        let typical = attempt.typicalLatency
        var best: Server?
        var bestScore = 0.0
        for step in servers.indices {
            let index = start + step
            let server = servers[index < servers.count ? index : index - servers.count]
            guard purpose == .take ? attempt.mayTake(server) : attempt.mayWait(for: server) else { continue }
            let latency = attempt.latency(of: server, typical: typical)
            let score = Self.rounded(latency) * Double(attempt.load(of: server) + 1) / Double(server.currentWeight)
            if best != nil, score >= bestScore { continue }
            best = server
            bestScore = score
        }
        return best
    }

    /// Latencies that hardly differ are the same, so that such servers take turns: they come in steps of about two fifths, from
    /// 50 µs on.
    private static func rounded(_ seconds: Double) -> Double {
        let value = max(seconds, 0.00005)
        let power = Double(sign: .plus, exponent: value.exponent, significand: 1)
        return value.significand < 1.414_213_562 ? power : power * 1.414_213_562
    }
}
