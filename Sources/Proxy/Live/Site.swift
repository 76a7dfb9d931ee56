// What lives for as long as the process does. A plan says what the files said when they were read; another reading gives another plan,
// which finds here what goes on: counts, gauges, limits that hold for all workers together, idle connections, variables.

internal import Balancing
internal import Basics
public import Expressions
public import Logging
internal import Patterns
internal import Resolvers
internal import Synchronization
internal import TLS

/// What the plans of one process share. Workers reach it without a plan.
public final class Site: Sendable {
    public let process: ProcessFacts
    /// The size of a buffer, in bytes (`tune.bufsize`): that of all plans, since the buffers stay.
    public let bufferBytes: Int
    /// Takes the lines of all threads, and reports those that could not be delivered.
    public let logger: Logger
    /// The mailboxes of the workers.
    public let workers = WorkerSet()
    public let admission: Admission
    public let counters: ProcessCounters
    /// `maxconnrate` and `maxsessrate`.
    let connectionRateLimit = RateLimit()
    let sessionRateLimit = RateLimit()
    /// Counts and reports the matches that took too many steps.
    let undecidedMatches = UndecidedMatchLog()
    /// Messages so far that could not be parsed.
    let refusals = Atomic<UInt64>(0)
    /// Idle server connections, which any worker may use.
    let idleConnections: IdleRegistry
    /// `proc` variables.
    public let variables = ProcessVariables()
    /// Those of the plan in force: what rules have changed in them lives on.
    let patternSets = Lock<[PatternSet]>([])
    /// By their names.
    private let frontends = Lock<[String: Frontend]>([:])
    private let addresses = Lock<[ListenAddress.Key: ListenAddress]>([:])
    private let nameTables = Lock<[String: NameTable]>([:])
    private let lastGeneration = Atomic<UInt32>(0)
    private let plans = Atomic<Int>(0)
    private let leftOver = Lock<[PlanParts]>([])
    private let adoptedCertificates = Lock<CertificateStore?>(nil)
    private let backends = Lock<[String: LiveBackend]>([:])
    /// The `set-var` lines of the plan that was adopted last.
    let variableLines = Lock<[String]>([])

    init(_ process: ProcessFacts, bufferBytes: Int, logger: Logger) {
        self.process = process
        self.bufferBytes = bufferBytes
        self.logger = logger
        admission = Admission(telling: workers)
        counters = ProcessCounters(workers: process.threads, bufferBytes: bufferBytes)
        idleConnections = IdleRegistry(workers: process.threads)
    }

    /// What lives of the frontend of that name, or will once a plan with one is adopted.
    func frontend(_ name: String) -> Frontend {
        frontends.withLock { $0[name] } ?? Frontend(workers: process.threads)
    }

    /// What lives of the address with that key, or will once a plan with it is adopted.
    func address(_ key: ListenAddress.Key) -> ListenAddress {
        addresses.withLock { $0[key] } ?? ListenAddress(key)
    }

    /// The names that exchanges have asked a `resolvers` section for, or will once a plan with one is adopted.
    func nameTable(of section: String) -> NameTable { nameTables.withLock { $0[section] } ?? NameTable() }

    /// The certificates of the plan that was adopted last, from which the next takes what has not changed; nil before the first.
    var certificates: CertificateStore? { adoptedCertificates.withLock { $0 } }

    /// Plans that something refers to: the one in force, and others that streams under way have begun under.
    public var livingPlans: Int { plans.load(ordering: .relaxed) }

    func planBegins() { plans.wrappingAdd(1, ordering: .relaxed) }

    /// Nothing refers to the plan any more; it takes its parts along to where they are freed.
    func planEnds(_ parts: PlanParts) {
        leftOver.withLock { $0.append(parts) }
        plans.wrappingSubtract(1, ordering: .relaxed)
    }

    /// Frees what plans have left. The control thread does it: to free ten thousand servers would hold up a worker's streams.
    /// Returns whether there were any.
    public func freeOldPlans() -> Bool {
        var parts: [PlanParts] = []
        leftOver.withLock { swap(&$0, &parts) }
        return !parts.isEmpty
    }

    /// What lives of the backend of that name; nil if the plan that was adopted last has none.
    func backend(_ name: String) -> LiveBackend? { backends.withLock { $0[name] } }

    /// Those of the plan that was adopted last.
    var liveBackends: [LiveBackend] { backends.withLock { Array($0.values) } }

    /// A number for a plan: no other plan of the process has it. The first is 1.
    func nextGeneration() -> UInt32 { lastGeneration.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Puts the plan's limits into force. The next plan finds what lives of its sections and addresses, and of no others.
    func adopt(_ plan: Plan) {
        adoptedCertificates.withLock { $0 = plan.encryption.certificates }
        let limits = plan.scope.limits
        admission.maxConnections = limits.connections
        counters.tls.connectionsMax = limits.encryptedConnections ?? .max
        counters.tls.rateMax = limits.encryptedRate ?? .max
        connectionRateLimit.perSecond = limits.connectionRate ?? 0
        sessionRateLimit.perSecond = limits.sessionRate ?? 0
        for frontend in plan.frontends { frontend.live.sessionRateLimit.perSecond = frontend.sessionRateMax ?? 0 }
        patternSets.withLock { $0 = plan.patterns.sets }
        let named = plan.frontends.map { ($0.name, $0.live) }
        frontends.withLock { $0 = Dictionary(named, uniquingKeysWith: { first, _ in first }) }
        let listened = plan.binds.map { ($0.live.key, $0.live) }
        addresses.withLock { $0 = Dictionary(listened, uniquingKeysWith: { first, _ in first }) }
        let served = plan.backends.map { ($0.name, $0.live) }
        backends.withLock { $0 = Dictionary(served, uniquingKeysWith: { first, _ in first }) }
        let tables = plan.resolvers.map { ($0.name, $0.names) }
        nameTables.withLock { $0 = Dictionary(tables, uniquingKeysWith: { first, _ in first }) }
    }
}
