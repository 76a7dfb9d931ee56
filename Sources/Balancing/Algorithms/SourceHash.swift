// `balance source`: the client's address decides.
//
// The address is its own hash, as in HAProxy: of `hash-type` only the method and `avalanche` matter.

internal import Basics

public final class SourceHash: KeyedAlgorithm {
    public static let words = ["source"]
    public static let summary = "the client's address; of hash-type without its function"

    public let servers: HashedServers

    public init(_ options: Void, among servers: HashedServers) { self.servers = servers }

    public func hash<Request: BalancingRequest & ~Copyable>(
        of request: borrowing Request, _ settings: HashSettings
    ) -> UInt32? {
        switch request.client.ip {
        case .v4(let word)?: return settings.mixed(word)
        case .v6(let high, let low)?:
            let folded = high ^ low
            return settings.mixed(UInt32(truncatingIfNeeded: folded ^ folded >> 32))
        // A client on a unix socket has no address.
        case nil: return nil
        }
    }
}
