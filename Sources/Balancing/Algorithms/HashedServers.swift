// From a hash to a server (`hash-type`), the same one as HAProxy chooses.
//
// Both methods lay servers out on places. On the map, places are turns, as many for each server as its weight says, and the hash
// is divided by their number. On the ring, each server has 16 points for each unit of its weight, which only its own number or
// address decides: when a server leaves, only its keys go elsewhere.
//
// Places are laid out when the list of eligible servers changes; a choice looks one up.

internal import Basics
internal import CXXHash

/// Eligible servers, laid out for choices by hash.
public struct HashedServers: Sendable {
    let servers: [Server]
    let settings: HashSettings
    /// Indices into `servers`.
    private let places: [UInt32]
    /// The hash at each place of the ring, in ascending order; empty for a map.
    private let points: [UInt32]
    private let bounds: LoadBounds?

    init(_ servers: [Server], _ settings: HashSettings) {
        self.servers = servers
        self.settings = settings
        switch settings.method {
        case .map:
            places = Self.turns(weights: servers.map(\.weight))
            points = []
            bounds = nil
        case .ring:
            let ring = Self.ring(servers)
            places = ring.map { UInt32(truncatingIfNeeded: $0) }
            points = ring.map { UInt32(truncatingIfNeeded: $0 >> 32) }
            bounds = settings.balanceFactor.map { LoadBounds(percent: $0, servers) }
        }
    }

    // MARK: Choosing

    /// Takes a place on the server that the hash leads to, or waits for it.
    func choose(_ hash: UInt32, _ attempt: borrowing SlotAttempt) -> SlotChoice {
        let first = points.isEmpty ? Int(hash % UInt32(places.count)) : nearestPoint(to: hash)
        let server = wanted(from: first, attempt) ?? next(from: first) { attempt.allows(servers[$0]) }
        guard let server else { return .full(nil) }
        if attempt.take(server) { return .server(server) }
        return .full(attempt.mayWaitAlone(for: server) ? server : nil)
    }

    /// A request without a key: each place has its turn.
    func chooseInTurn(_ attempt: borrowing SlotAttempt) -> SlotChoice {
        TurnTable(servers, turns: places).choose(attempt)
    }

    /// The first server from this place on that the settings let the request go to; nil if there is none.
    private func wanted(from first: Int, _ attempt: borrowing SlotAttempt) -> Server? {
        let slots = bounds?.slots(of: servers)
        return next(from: first) { index in
            let server = servers[index]
            guard attempt.allows(server) else { return false }
            if let slots, let bounds, !bounds.allows(server, index, slots: slots) { return false }
            guard !points.isEmpty else { return true }
            switch settings.affinity {
            case .always: return true
            case .untilFull: return attempt.mayTake(server)
            case .untilQueueIsFull: return attempt.mayTake(server) || server.mayBeWaitedFor
            }
        }
    }

    /// The server of the first place from this one on whose index passes the test; nil if none does.
    private func next(from first: Int, where test: (Int) -> Bool) -> Server? {
        var refused: UInt32?
        for step in places.indices {
            let place = first + step < places.count ? first + step : first + step - places.count
            let index = places[place]
            if index == refused { continue }
            if test(Int(index)) { return servers[Int(index)] }
            refused = index
        }
        return nil
    }

    /// The place on the ring that is nearest to the hash, in either direction.
    private func nearestPoint(to hash: UInt32) -> Int {
        var (low, high) = (0, points.count)
        while low < high {
            let middle = (low + high) / 2
            if points[middle] < hash { low = middle + 1 } else { high = middle }
        }
        let next = low < points.count ? low : 0
        let previous = next > 0 ? next - 1 : points.count - 1
        return hash &- points[previous] <= points[next] &- hash ? previous : next
    }

    // MARK: Layout

    /// The order of turns on the map: server `i` has `weights[i]` of them, divided by the weights' greatest common divisor.
    ///
    /// Before each turn a server's credit grows by its weight. The turn goes to the first server whose credit is not negative, or
    /// to the first that has a whole round's credit, and costs a round's credit.
    static func turns(weights: [Int]) -> [UInt32] {
        let weights = weights.inLowestTerms
        let total = weights.reduce(0, +)
        if total == weights.count { return weights.indices.map(UInt32.init) }
        var credits = weights.map { _ in 0 }
        return (0..<total).map { _ in
            var best = 0
            var bestRounds = -1
            for i in weights.indices {
                credits[i] += weights[i]
                let rounds = (credits[i] + total) / total
                if rounds > bestRounds { (best, bestRounds) = (i, rounds) }
            }
            credits[best] -= total
            return UInt32(best)
        }
    }

    /// The points of the ring in ascending order: the hash in the upper half, the server's index in the lower.
    private static func ring(_ servers: [Server]) -> [UInt64] {
        var ring: [UInt64] = []
        ring.reserveCapacity(servers.reduce(0) { $0 + $1.currentWeight })
        for (index, server) in servers.enumerated() {
            let start = server.ringStart
            for point in 0..<UInt32(server.currentWeight) {
                ring.append(UInt64(ShortHash.avalanche(start &+ point)) << 32 | UInt64(index))
            }
        }
        ring.sort()
        return ring
    }
}

/// `hash-balance-factor`: consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, 2016), by weight.
struct LoadBounds: Sendable {
    private let percent: Int
    private let weights: [Int]
    /// The sum of the weights before each server, and of all.
    private let before: [Int]
    private let total: Int

    init(percent: Int, _ servers: [Server]) {
        self.percent = percent
        weights = servers.map(\.currentWeight)
        var sum = 0
        before = weights.map { weight in
            defer { sum += weight }
            return sum
        }
        total = sum
    }

    /// How many requests all servers together may have, with the one to be placed.
    func slots(of servers: [Server]) -> Int {
        let now = servers.reduce(0) { $0 + $1.active.current }
        return ((now + 1) * percent + 99) / 100
    }

    /// Whether the server at this index has fewer than its share of them, which is at least one.
    func allows(_ server: Server, _ index: Int, slots: Int) -> Bool {
        let share = (before[index] + weights[index]) * slots / total - before[index] * slots / total
        return server.active.current < max(1, share)
    }
}

extension Server {
    /// What the hashes of its points on the ring are made of (`hash-key`): they do not depend on the other servers.
    fileprivate var ringStart: UInt32 {
        let ofID = UInt32(truncatingIfNeeded: id &* 4_096)
        switch hashKey {
        case .id: return ofID
        case .wholeID: return ShortHash.avalanche(UInt32(truncatingIfNeeded: id).byteSwapped)
        case .address: return address?.ip.map { Self.hash(of: $0, seed: 0) } ?? ofID
        case .addressAndPort:
            guard case .ip(let ip, let port)? = address else { return ofID }
            return Self.hash(of: ip, seed: ShortHash.avalanche(UInt32(port)))
        case .globalID(let text): return Self.hash(of: text, seed: 0)
        }
    }

    private static func hash(of ip: IPAddress, seed: UInt32) -> UInt32 {
        switch ip {
        // As the bytes of the address are read on a machine whose lowest byte comes first.
        case .v4(let word): ShortHash.avalanche(seed &+ word.byteSwapped)
        case .v6(let high, let low):
            hash(
                of: [high, low].flatMap { word in
                    stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
                }, seed: seed)
        }
    }

    private static func hash(of bytes: [UInt8], seed: UInt32) -> UInt32 {
        // Safe: the library reads as many bytes as it is told.
        unsafe bytes.withUnsafeBytes { unsafe XXH32($0.baseAddress, $0.count, seed) }
    }
}

extension [Int] {
    /// The numbers divided by their greatest common divisor; none if all of them are 0.
    var inLowestTerms: [Int] {
        let common = reduce(0) { a, b in
            var (a, b) = (a, b)
            while b != 0 { (a, b) = (b, a % b) }
            return a
        }
        return common == 0 ? [] : map { $0 / common }
    }
}
