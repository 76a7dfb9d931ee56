// What a balancing algorithm is: a file of this folder with a type of its own, and a line in `BalancingAlgorithms.all`.
//
// The backend decides which servers are eligible, which of them a request avoids and whether a server has room; an algorithm
// only says in which order to ask. Nothing here allocates or takes a lock: a choice is one call for each request.

public import Basics
public import Configuration
public import HTTP
internal import Synchronization

/// One way to choose a server.
///
/// An instance belongs to one list of eligible servers and is replaced with it, so what depends on the list (turns, a ring of
/// hashes) is computed once, in `init`. What has to survive a change of the list is in the backend: see `SlotAttempt.nextTurn`.
public protocol BalancingAlgorithm: AnyObject, Sendable {
    /// What the arguments in the `balance` line say; `Void` for an algorithm without arguments.
    associatedtype Options: Sendable = Void

    /// The words behind `balance` that select this algorithm.
    static var words: [String] { get }
    /// What help and manual print in parentheses behind the words.
    static var summary: String { get }
    /// Whether an argument may stand in parentheses right behind the word: `hdr(host)`.
    static var takesParentheses: Bool { get }
    /// The arguments as help and manual print them behind the first word.
    static var arguments: String { get }

    /// Parses the arguments behind the word; `Arguments.inParentheses` has the one in parentheses.
    static func options(_ args: inout Arguments) throws(ConfigProblem) -> Options

    /// What it has to be shown of requests.
    static func needs(_ options: Options) -> BalancingNeeds

    /// Whether its layout follows the configured weights only: a server in slow start has its whole weight.
    static func hasFixedWeights(_ hashing: HashSettings) -> Bool

    /// Prepares the choice among `servers`, in the order of the file. With none, `choose` is not called.
    init(_ options: Options, among servers: [Server])

    /// The same for an algorithm that goes by what the section says about hashes.
    init(_ options: Options, among servers: [Server], hashing: HashSettings)

    /// Takes a place on one of the servers with `attempt.take`.
    ///
    /// Returns `.server` with the server whose place was taken, or `.full` with the server that the request has to wait for,
    /// nil if any will do.
    func choose<Request: BalancingRequest & ~Copyable>(
        _ attempt: borrowing SlotAttempt, for request: borrowing Request
    ) -> SlotChoice
}

extension BalancingAlgorithm {
    public static var takesParentheses: Bool { false }
    public static var arguments: String { "" }
    public static func needs(_ options: Options) -> BalancingNeeds { BalancingNeeds() }
    public static func hasFixedWeights(_ hashing: HashSettings) -> Bool { false }

    public init(_ options: Options, among servers: [Server], hashing: HashSettings) {
        self.init(options, among: servers)
    }
}

extension BalancingAlgorithm where Options == Void {
    public static func options(_ args: inout Arguments) throws(ConfigProblem) {}
}

/// The request that a server is chosen for, as algorithms see it that choose by what it contains.
public protocol BalancingRequest: ~Copyable {
    /// The client's address, after rules and the PROXY protocol have changed it.
    var client: SocketAddress { get }

    /// Calls `body` with the request's head, and returns what that returns. In TCP mode the head is empty.
    func withHead<Result>(_ body: (borrowing RequestHead) -> Result) -> Result

    /// Calls `body` with the request's body as far as it is here, and returns what that returns.
    func withBody<Result>(_ body: (RawSpan) -> Result) -> Result

    /// Calls `body` with the value of the expression that the algorithm needs, and returns what that returns; nil if the
    /// request has no such value.
    func withKey<Result>(_ body: (RawSpan) -> Result) -> Result?
}

extension BalancingRequest where Self: ~Copyable {
    public func withBody<Result>(_ body: (RawSpan) -> Result) -> Result { body(RawSpan()) }

    public func withKey<Result>(_ body: (RawSpan) -> Result) -> Result? { nil }
}

/// One request's search for a server: what the algorithm may ask, and how it takes a place.
public struct SlotAttempt: ~Copyable {
    private let backend: Backend
    private let avoidance: Avoidance
    private let now: Instant

    init(_ backend: Backend, _ avoidance: Avoidance, now: Instant) {
        self.backend = backend
        self.avoidance = avoidance
        self.now = now
    }

    /// A number that grows by one with each call, of any worker, over the life of the backend: what makes turns exact across
    /// threads. It wraps around.
    public func nextTurn() -> UInt64 { backend.position.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// Whether the request may go to the server, now or after a wait: it is not one that has just failed.
    public func allows(_ server: Server) -> Bool { avoidance.allows(server) }

    /// Whether the request may go to the server now. Another worker may take the last place before `take` does.
    public func mayTake(_ server: Server) -> Bool {
        avoidance.allows(server) && (!backend.hasQueue || server.hasSlot(backend.load))
    }

    /// Takes a place on the server. Returns false if the request avoids the server, or the server has as many as it may have.
    public func take(_ server: Server) -> Bool {
        guard avoidance.allows(server) else { return false }
        guard !backend.hasQueue else { return server.takeSlot(backend.load) }
        server.active.increment()
        return true
    }

    /// Requests on the server, and those that wait for it alone.
    public func load(of server: Server) -> Int {
        backend.hasQueue ? server.active.current + server.queued.current : server.active.current
    }

    /// How long servers of the backend take to begin a response, in seconds; 0 while nothing is known.
    public var typicalLatency: Double { backend.latencies.value ?? 0 }

    /// How long this server takes, in seconds, with `typical` for what is not known.
    public func latency(of server: Server, typical: Double) -> Double {
        server.latency.value(at: now, typical: typical)
    }

    /// Whether the request may wait for this server alone: `maxqueue` is set and not reached.
    public func mayWait(for server: Server) -> Bool {
        server.limits.queueMax != nil && mayWaitAlone(for: server)
    }

    /// The same for a request that has to go to this server: without `maxqueue` any number of them waits.
    public func mayWaitAlone(for server: Server) -> Bool { server.mayBeWaitedFor && avoidance.allows(server) }
}
