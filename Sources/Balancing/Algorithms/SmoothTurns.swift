// The order of turns of `balance roundrobin`, which is HAProxy's for weights that stay the same.
//
// A round has about as many turns as the sum of the weights, in sixteenths as HAProxy counts them. A server that has had a turn is due
// again when its weight's share of the round has passed. A turn for which no server is due goes to the heaviest server that had none
// yet; when all had one, to the server that is due next. Each round begins anew, but servers of the same weight may have changed
// places: those that had their last turn first come first.
//
// HAProxy keeps places of servers in trees, moves them with every connection and holds a lock meanwhile. Here all rounds until the
// first one comes again are laid out beforehand.

internal import HeapModule

enum SmoothTurns {
    /// Turns laid out at most, about: for tables of two megabytes, which are made in a fraction of a second. Servers whose weights
    /// have a larger sum get a round of fewer turns, in which their weights are divided and rounded.
    static let turnsMax = 1 << 19

    /// Rounds laid out at most, since the first one need not come again.
    private static let roundsMax = 12

    /// The order of turns.
    /// - Parameter weights: in sixteenths, none of them 0.
    static func turns(weights: [Int]) -> [UInt32] {
        guard let first = weights.first else { return [] }
        if weights.allSatisfy({ $0 == first }) { return weights.indices.map(UInt32.init) }
        let start = weights.indices.sorted { (-weights[$0], $0) < (-weights[$1], $1) }
        let parts = divided(weights)
        var round = Round(weights: parts)
        var turns: [UInt32] = []
        var beginners = start
        for _ in 0..<roundsMax {
            beginners = round.play(beginners, into: &turns)
            if beginners == start || turns.count + parts.reduce(0, +) > turnsMax { break }
        }
        return turns
    }

    /// The same shares in `turnsMax` turns at most: exactly, if the weights have a common divisor that is large enough.
    private static func divided(_ weights: [Int]) -> [Int] {
        guard weights.reduce(0, +) > turnsMax else { return weights }
        let lowest = weights.inLowestTerms
        let total = lowest.reduce(0, +)
        if total <= turnsMax { return lowest }
        let divisor = (total + turnsMax - 1) / turnsMax
        return lowest.map { max(1, $0 / divisor) }
    }
}

/// One round after the other.
private struct Round {
    /// A server that waits for its next turn.
    private struct Due: Comparable {
        /// The turn that it is due at.
        let at: Int
        /// Of servers that are due together, the one with the lowest comes first: how much later it would be due, if turns were not
        /// counted in whole numbers, and the heavier one.
        let rank: Int
        /// And of these, the one that has waited for longest.
        let number: Int
        let server: Int

        static func < (a: Due, b: Due) -> Bool { (a.at, a.rank, a.number) < (b.at, b.rank, b.number) }
    }

    /// The weight that no server's exceeds, in sixteenths.
    private static let heaviest = 256 * Server.weightParts

    private let weights: [Int]
    private let total: Int
    private var waiting = Heap<Due>()
    /// What each server's turns are late by, in parts of a turn.
    private var late: [Int] = []

    init(weights: [Int]) {
        self.weights = weights
        total = weights.reduce(0, +)
    }

    /// Appends the turns of a round that these servers begin, in their order. Returns the order in which they begin the next one.
    mutating func play(_ servers: [Int], into turns: inout [UInt32]) -> [Int] {
        late = weights.map { _ in 0 }
        var beginners = servers[...]
        var left: [Int] = []
        var turn = 0
        while true {
            let server: Int
            var due = turn
            if let next = waiting.min, next.at <= turn || beginners.isEmpty {
                waiting.removeMin()
                (server, due) = (next.server, next.at)
            } else if let next = beginners.popFirst() {
                server = next
            } else {
                break
            }
            turns.append(UInt32(server))
            advance(&due, of: server)
            if due < total {
                let rank = (Self.heaviest + late[server] - weights[server]) / Server.weightParts
                waiting.insert(Due(at: due, rank: rank, number: turn, server: server))
            } else {
                left.append(server)
            }
            turn += 1
        }
        return left.enumerated().sorted { (-weights[$0.element], $0.offset) < (-weights[$1.element], $1.offset) }
            .map(\.element)
    }

    /// The server's next turn is a share of the round later.
    private mutating func advance(_ due: inout Int, of server: Int) {
        due += total / weights[server]
        late[server] += total % weights[server]
        guard late[server] >= weights[server] else { return }
        late[server] -= weights[server]
        due += 1
    }
}
