// `balance random`: the least loaded of a few servers drawn by lot, two by default: the power of two choices (Mitzenmacher, 2001),
// hence the second word. No server is the most loaded one that a draw has seen, and no two processes agree on the next server.
//
// The numbers come from the backend's counter, so that no generator has to be locked: all workers draw from one sequence.

internal import Basics
public import Configuration

public final class RandomServer: BalancingAlgorithm {
    public struct Options: Sendable {
        var draws = 2
        /// Where the sequence of draws begins.
        var seed: UInt64

        init(draws: Int = 2, seed: UInt64) {
            self.draws = draws
            self.seed = seed
        }
    }

    /// Draws that one request may have: more would make it `leastconn`, at a higher price.
    private static let drawsMax = 100

    public static let words = ["random", "p2c"]
    public static let summary =
        "the least loaded of <draws> servers drawn by lot, 2 by default, each as often as its weight says"
    public static let arguments = "[(<draws>)]"
    public static var takesParentheses: Bool { true }

    private let servers: [Server]
    private let options: Options
    /// The sum of the weights up to and with each server.
    private let weightsUpTo: [Int]
    private let bounds: LoadBounds?

    public static func options(_ args: inout Arguments) throws(ConfigProblem) -> Options {
        let draws = try args.nextInParentheses()?.integer("a number of draws", in: 1...drawsMax)
        var system = SystemRandomNumberGenerator()
        return Options(draws: draws ?? 2, seed: system.next())
    }

    public convenience init(_ options: Options, among servers: [Server]) {
        self.init(options, among: servers, hashing: HashSettings())
    }

    public init(_ options: Options, among servers: [Server], hashing: HashSettings) {
        self.options = options
        self.servers = servers
        var sum = 0
        weightsUpTo = servers.map { server in
            sum += server.currentWeight
            return sum
        }
        bounds = hashing.balanceFactor.map { LoadBounds(percent: $0, servers) }
    }

    public func choose<Request: BalancingRequest & ~Copyable>(
        _ attempt: borrowing SlotAttempt, for request: borrowing Request
    ) -> SlotChoice {
        var random = RandomNumbers(seed: options.seed &+ attempt.nextTurn())
        if let best = leastLoaded(attempt, &random), attempt.take(best) { return .server(best) }
        // None that was drawn has room: then the next one that has, from anywhere on.
        let start = Int.random(in: servers.indices, using: &random)
        for step in servers.indices {
            let index = start + step
            let server = servers[index < servers.count ? index : index - servers.count]
            if attempt.take(server) { return .server(server) }
        }
        return .full(nil)
    }

    /// The least loaded for its weight of those that are drawn, the first of them where several are; nil if none may be taken.
    private func leastLoaded(_ attempt: borrowing SlotAttempt, _ random: inout RandomNumbers) -> Server? {
        let slots = bounds?.slots(of: servers)
        var best: Server?
        for _ in 0..<options.draws {
            let index = draw(&random)
            let server = servers[index]
            guard attempt.mayTake(server) else { continue }
            if let slots, let bounds, !bounds.allows(server, index, slots: slots) { continue }
            if let leader = best {
                let (load, leadersLoad) = (attempt.load(of: server), attempt.load(of: leader))
                if load * leader.currentWeight >= leadersLoad * server.currentWeight { continue }
            }
            best = server
        }
        return best
    }

    /// The index of a server, each as likely as its weight says.
    private func draw(_ random: inout RandomNumbers) -> Int {
        let number = Int.random(in: 0..<(weightsUpTo.last ?? 1), using: &random)
        var (low, high) = (0, weightsUpTo.count)
        while low < high {
            let middle = (low + high) / 2
            if weightsUpTo[middle] <= number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
