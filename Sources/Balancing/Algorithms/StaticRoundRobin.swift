// `balance static-rr`: the same shares as with `roundrobin`, in the order of the map of hashes and by the configured weights, as in
// HAProxy: servers in slow start have their whole weight.

public final class StaticRoundRobin: BalancingAlgorithm {
    public static let words = ["static-rr"]
    public static let summary = "the same, less evenly spread and without slowstart"

    private let table: TurnTable

    public static func hasFixedWeights(_ hashing: HashSettings) -> Bool { true }

    public init(_ options: Void, among servers: [Server]) {
        table = TurnTable(servers, turns: HashedServers.turns(weights: servers.map(\.weight)))
    }

    public func choose<Request: BalancingRequest & ~Copyable>(
        _ attempt: borrowing SlotAttempt, for request: borrowing Request
    ) -> SlotChoice { table.choose(attempt) }
}
