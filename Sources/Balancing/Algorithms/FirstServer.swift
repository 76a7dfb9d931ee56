// `balance first`: the server with the lowest number that has room, so that those behind it can be switched off while there is
// little to do. It needs a `maxconn` on the servers: without one, the first server gets everything.

internal import Basics

public final class FirstServer: BalancingAlgorithm {
    public static let words = ["first"]
    public static let summary = "the server with the lowest id that has not reached its maxconn"

    /// By their numbers.
    private let servers: [Server]

    public init(_ options: Void, among servers: [Server]) { self.servers = servers.sorted { $0.id < $1.id } }

    public func choose<Request: BalancingRequest & ~Copyable>(
        _ attempt: borrowing SlotAttempt, for request: borrowing Request
    ) -> SlotChoice {
        for server in servers where attempt.take(server) { return .server(server) }
        return .full(nil)
    }
}
