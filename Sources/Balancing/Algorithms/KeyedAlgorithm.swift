// The algorithms that choose by a key in the request: requests with the same key go to the same server, as long as the list of
// servers stays the same. They differ only in what the key is.

public import Configuration

/// An algorithm that hashes a key. A request without one is balanced as with `roundrobin`.
public protocol KeyedAlgorithm: BalancingAlgorithm {
    /// The servers as `hash-type` lays them out.
    var servers: HashedServers { get }

    init(_ options: Options, among servers: HashedServers)

    /// The hash of the request's key, made by `settings`; nil if the request has no key.
    func hash<Request: BalancingRequest & ~Copyable>(of request: borrowing Request, _ settings: HashSettings) -> UInt32?
}

extension KeyedAlgorithm {
    public static func hasFixedWeights(_ hashing: HashSettings) -> Bool { hashing.method == .map }

    public init(_ options: Options, among servers: [Server]) {
        self.init(options, among: servers, hashing: HashSettings())
    }

    public init(_ options: Options, among servers: [Server], hashing: HashSettings) {
        self.init(options, among: HashedServers(servers, hashing))
    }

    public func choose<Request: BalancingRequest & ~Copyable>(
        _ attempt: borrowing SlotAttempt, for request: borrowing Request
    ) -> SlotChoice {
        guard let hash = hash(of: request, servers.settings) else { return servers.chooseInTurn(attempt) }
        return servers.choose(hash, attempt)
    }
}

/// What an algorithm has to be shown of a request.
public struct BalancingNeeds: Sendable {
    /// The head, of which there is none in TCP mode.
    public var head = false
    /// As much of the body as fits into a buffer: the choice waits for it.
    public var body = false
    /// The value of this expression.
    public var expression: Word?
    /// How long each request's server took (`Backend.learn`).
    public var latencies = false

    public init(head: Bool = false, body: Bool = false, expression: Word? = nil, latencies: Bool = false) {
        self.head = head
        self.body = body
        self.expression = expression
        self.latencies = latencies
    }
}
