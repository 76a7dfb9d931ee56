// The configuration, resolved: names have become references, words have become values. Immutable, shared
// by all workers. What changes while running (health, load, counts) hangs off it in objects of their own.

internal import Admin
public import Balancing
public import Basics
internal import Configuration
internal import HTTP
public import Logging
internal import Reactor
public import Resolvers
internal import Rules
internal import StaticFiles
public import Synchronization

/// Everything the workers need to know.
public final class Plan: Sendable {
    public let frontends: [FrontendPlan]
    public let backends: [BackendPlan]
    /// Where events that concern the whole process are logged.
    public let logTargets: LogTargets
    public let admission: Admission
    public let process: ProcessFacts
    public let counters: ProcessCounters
    public let bufferBytes: Int
    /// Steps that matching one regular expression may take.
    let regularStepsMax: UInt32
    /// Those that were not enough.
    let undecidedMatches: UndecidedMatchLog
    /// Messages that were not understood, so far.
    let refusals = Atomic<UInt64>(0)
    private let headLimits: HeadLimits
    /// The names of fields for peers that know them in one case only.
    let caseAdjustments: CaseAdjustments
    /// For what became of its lines.
    public let logger: Logger
    /// Idle server connections, which any worker may use.
    let idleConnections: IdleRegistry
    /// `proc` variables.
    let variables: ProcessVariables
    /// The files that rules look values up in, and may change.
    let patterns: PatternSets
    /// What sections beside the proxies came to, by its type.
    let sections: SettingsByType
    /// The nameservers to ask for addresses.
    public let resolvers: [ResolversPlan]
    private let listenIDs: Set<Int>

    init(
        frontends: [FrontendPlan], backends: [BackendPlan], patterns: PatternSets, sections: SettingsByType,
        logTargets: LogTargets,
        maxConnections: Int, process: ProcessFacts, variables: ProcessVariables, bufferBytes: Int,
        headLimits: HeadLimits, caseAdjustments: CaseAdjustments, regularStepsMax: UInt32, logger: Logger
    ) {
        self.frontends = frontends
        self.backends = backends
        listenIDs = Set(backends.filter(\.isListen).map(\.id))
        self.patterns = patterns
        self.sections = sections
        resolvers = sections[ResolversPlans.self].plans
        self.logTargets = logTargets
        admission = Admission(maxConnections: maxConnections, backends: backends.map(\.backend))
        self.process = process
        counters = ProcessCounters(workers: process.threads, bufferBytes: bufferBytes)
        idleConnections = IdleRegistry(workers: process.threads)
        self.variables = variables
        self.bufferBytes = bufferBytes
        self.headLimits = headLimits
        self.caseAdjustments = caseAdjustments
        self.regularStepsMax = regularStepsMax
        undecidedMatches = UndecidedMatchLog(stepsMax: regularStepsMax)
        self.logger = logger
    }

    /// Where events of a section are logged.
    public func logTargets(ofProxyWithID id: Int) -> LogTargets {
        frontends.first { $0.id == id }?.logTargets ?? backends.first { $0.id == id }?.logTargets ?? logTargets
    }

    /// What a head may be, where one that HAProxy's `accept-invalid` options let through is accepted or not.
    func headLimits(acceptInvalid: Bool) -> HeadLimits {
        var limits = headLimits
        limits.acceptInvalid = acceptInvalid
        return limits
    }

    /// Whether the frontend is the front half of a listen section.
    public func isListen(_ frontend: FrontendPlan) -> Bool { listenIDs.contains(frontend.id) }

    /// Every address to listen on.
    public var binds: [BindPlan] { frontends.flatMap(\.binds) }
}

/// What the process is, for statistics.
public struct ProcessFacts: Sendable {
    public var version = ""
    /// `YYYY/MM/DD`.
    public var releaseDate = ""
    public var threads = 1
    public var startedAt = Instant(nanoseconds: 0)
    public var startDate = WallTime(seconds: 0)
    public var node = ""
    public var description = ""
    public var descriptorsLimit = 0

    public init() {}
}

/// How a proxy treats what comes in.
public enum ProxyMode: String, Sendable { case tcp, http }

/// One frontend, or the front half of a `listen`.
public final class FrontendPlan: Sendable {
    public let name: String
    /// Its place in `Plan.frontends`.
    let index: Int
    /// HAProxy's `iid`.
    public let id: Int
    public let mode: ProxyMode
    public let description: String
    public let maxConnections: Int
    let timeouts: ClientTimeouts
    let rules: SectionRules
    let routing: RoutingRules
    let statsPage: StatsPageSettings?
    let forwarding: Forwarding
    let unusualNames: UnusualNames
    let adjustsCase: Bool
    /// Rules wait for the request's body, or a buffer full of it.
    let buffersRequests: Bool
    let keepAlive: KeepAliveMode
    /// Whether the system probes client connections.
    public let probesClients: Bool
    /// Whether connections without a byte pass unsaid.
    let ignoresProbes: Bool
    /// `option accept-unsafe-violations-in-http-request`
    let acceptsInvalid: Bool
    let dropsResponseTrailers: Bool
    /// Connections the system may keep waiting at each address.
    public let backlog: Int?
    let errorPages: ErrorPages
    let monitor: Monitor?
    let uniqueID: UniqueID?
    let log: ExchangeLog
    /// Whether `log` writes lines at steps of their own. Each exchange asks several times, and a call on `log` copies it.
    let logsSteps: Bool
    /// Lines of the log so far, where they are numbered.
    let logLines = Atomic<UInt64>(0)
    /// The last request that was not understood.
    let refused = RefusedSlot()
    /// All its targets, for what happens to it; the lines of exchanges go to `lineTargets`.
    public let logTargets: LogTargets
    let lineTargets: LineTargets
    /// Its addresses are given up for a while; for statistics.
    public let isPaused = Atomic<Bool>(false)
    /// Whether the request's line and the fields to capture are kept: for a log, or for rules that ask.
    let keepsCaptures: Bool
    /// Client connections now.
    public let sessions = Gauge()
    public let traffic: Traffic
    /// Connections accepted; those of them that the rules about connections let in; requests.
    let connectionRate: RateMeter
    let sessionRate: RateMeter
    let requestRate: RateMeter
    private let bindsOnce = Lock<[BindPlan]>([])

    init(
        draft: ProxyDraft, index: Int, id: Int, rules: SectionRules, routing: RoutingRules,
        statsPage: StatsPageSettings?, errorPages: ErrorPages, monitor: Monitor?, uniqueID: UniqueID?, log: ExchangeLog,
        logTargets: LogTargets, lineTargets: LineTargets, keepsCaptures: Bool, workers: Int
    ) {
        name = draft.name
        self.index = index
        self.id = id
        mode = draft.settings.mode
        description = draft.settings.description
        maxConnections = draft.maxConnections
        timeouts = draft.clientTimeouts
        self.rules = rules
        self.routing = routing
        self.statsPage = statsPage
        forwarding = draft.settings.mode == .http ? draft.settings.forwarding : Forwarding()
        unusualNames = draft.settings.unusualNames
        adjustsCase = draft.settings.adjustsCaseForClients
        buffersRequests = draft.settings.buffersRequests
        keepAlive = draft.settings.keepAlive
        probesClients = draft.settings.probesClients
        ignoresProbes = draft.settings.ignoresProbes
        acceptsInvalid = draft.settings.acceptsInvalidRequests
        dropsResponseTrailers = draft.settings.dropsResponseTrailers
        backlog = draft.settings.backlog
        self.errorPages = errorPages
        self.monitor = monitor
        self.uniqueID = uniqueID
        self.log = log
        logsSteps = log.hasSteps && !logTargets.isEmpty
        self.logTargets = logTargets
        self.lineTargets = lineTargets
        self.keepsCaptures = keepsCaptures || !logTargets.isEmpty
        traffic = Traffic(workers: workers)
        connectionRate = RateMeter(workers: workers)
        sessionRate = RateMeter(workers: workers)
        requestRate = RateMeter(workers: workers)
    }

    /// Where it listens. Set once, while the plan is made.
    public var binds: [BindPlan] { bindsOnce.withLock { $0 } }
    func setBinds(_ binds: [BindPlan]) { bindsOnce.withLock { $0 = binds } }
}

/// One address a frontend listens on.
public final class BindPlan: Sendable {
    public let frontend: FrontendPlan
    /// Its number among the frontend's, from 1.
    let number: Int
    public let place: BindPlace
    /// What `name` says; empty if nothing.
    let name: String
    /// The address that every connection here comes to; nil if it stands for many.
    let exactAddress: SocketAddress?
    /// Connections the system may keep waiting here.
    public let backlog: Int32
    /// Connections to here now; nil where no rule asks.
    let connections: Gauge?
    /// Connections begin with a PROXY protocol header.
    let acceptsProxyHeader: Bool

    init(frontend: FrontendPlan, number: Int, place: BindPlace, countsConnections: Bool) {
        self.frontend = frontend
        self.number = number
        self.place = place
        connections = countsConnections ? Gauge() : nil
        name = place.options.name ?? ""
        acceptsProxyHeader = place.options.acceptsProxyHeader
        backlog = Int32(clamping: place.options.backlog ?? frontend.backlog ?? Int(ListenOptions().backlog))
        exactAddress =
            switch place.address {
            case .ip(let ip, _) where ip != .anyV4 && ip != .anyV6: place.address
            case .path, .abstract, .abstractExact: place.address
            default: nil
            }
    }
}

/// One backend, or the back half of a `listen`.
public final class BackendPlan: Sendable {
    public let name: String
    /// Its place in `Plan.backends`.
    let index: Int
    public let id: Int
    public let isListen: Bool
    public let mode: ProxyMode
    public let description: String
    public let backend: Backend
    let timeouts: ServerTimeouts
    let retries: Int
    let redispatch: Redispatch
    let retryOn: RetryConditions
    let reuse: ReusePolicy
    let keepAlive: KeepAliveMode
    /// A client that sends no more before its response has begun may have gone: its request ends, or the server is told.
    let abortsOnClose: Bool
    let rules: SectionRules
    let serverRules: ServerRules
    let forwarding: Forwarding
    let unusualNames: UnusualNames
    let adjustsCase: Bool
    /// `http-send-name-header`
    let serverNameField: [UInt8]?
    /// `option forwarded`
    let forwardedField: ForwardedField?
    /// Rules and the choice of a server wait for the request's body, or a buffer full of it.
    let buffersRequests: Bool
    /// How requests' bodies are taken before a server is chosen; nil if they are not.
    let requestBuffer: BodyBuffering?
    /// How responses' bodies are held for slow clients; nil if they are not.
    let responseBuffer: BodyBuffering?
    let statsPage: StatsPageSettings?
    let files: FileService?
    /// The last response that was not understood.
    let refused = RefusedSlot()
    /// Whether the system probes server connections.
    let probesServers: Bool
    public let logsHealthChecks: Bool
    /// `option accept-unsafe-violations-in-http-response`
    let acceptsInvalid: Bool
    let dropsRequestTrailers: Bool
    let errorPages: ErrorPages
    public let logTargets: LogTargets

    init(
        draft: ProxyDraft, index: Int, id: Int, isListen: Bool, backend: Backend, rules: SectionRules,
        serverRules: ServerRules, forwardedField: ForwardedField?,
        statsPage: StatsPageSettings?, files: FileService?, errorPages: ErrorPages,
        logTargets: LogTargets
    ) {
        name = draft.name
        self.index = index
        self.id = id
        self.isListen = isListen
        mode = draft.settings.mode
        description = draft.settings.description
        self.backend = backend
        timeouts = draft.serverTimeouts
        retries = draft.settings.retries
        redispatch = draft.settings.redispatch
        // What is not read has no answers to try again on.
        retryOn = draft.settings.mode == .http ? draft.settings.retryOn : .connectionFailure
        reuse = draft.settings.reuse
        keepAlive = draft.settings.keepAlive
        abortsOnClose = draft.settings.abortsOnClose ?? (draft.settings.mode == .http)
        self.rules = rules
        self.serverRules = serverRules
        forwarding = draft.settings.forwarding
        unusualNames = draft.settings.unusualNames
        adjustsCase = draft.settings.adjustsCaseForServers
        serverNameField = draft.settings.serverNameField
        self.forwardedField = forwardedField
        // A listen's requests have waited for their bodies in its front half already.
        buffersRequests = !isListen && draft.settings.buffersRequests
        requestBuffer = draft.settings.requestBuffer
        responseBuffer = draft.settings.responseBuffer
        self.statsPage = statsPage
        self.files = files
        probesServers = draft.settings.probesServers
        logsHealthChecks = draft.settings.logsHealthChecks
        acceptsInvalid = draft.settings.acceptsInvalidResponses
        dropsRequestTrailers = draft.settings.dropsRequestTrailers
        self.errorPages = errorPages
        self.logTargets = logTargets
    }

    /// Whether attempt number `attempt` (from 1) may go to another server. It does at once where there is one: the
    /// words of `option redispatch` about the number count where the failing server is the only one (as in HAProxy).
    func redispatches(attempt: Int) -> Bool {
        switch redispatch {
        case .never: false
        case .every(let interval): attempt % interval == 0 || backend.usableCounts.active > 1
        case .onLastRetry: attempt == retries || backend.usableCounts.active > 1
        }
    }
}

/// A backend's directory.
struct FileService: Sendable {
    let root: FileRoot
    /// What is not there goes to the servers.
    let missGoesToServers: Bool
}

struct ClientTimeouts: Sendable {
    var client: TimeSpan
    /// For a request's head; nil: as `client`.
    var httpRequest: TimeSpan?
    /// Between requests; nil: as `httpRequest`.
    var httpKeepAlive: TimeSpan?
    /// For a client that is to finish after the server has.
    var clientFin: TimeSpan?
    /// How long a client is held that shall be slowed down.
    var tarpit: TimeSpan
}

struct ServerTimeouts: Sendable {
    var connect: TimeSpan
    var server: TimeSpan
    var tunnel: TimeSpan?
    /// For a server that is to finish after the client has.
    var serverFin: TimeSpan?
    /// For a place on a server.
    var queue: TimeSpan
    /// How long a client is held that shall be slowed down.
    var tarpit: TimeSpan
}

/// `option redispatch`: when a failed connection attempt goes to another server.
enum Redispatch: Sendable, Equatable {
    case never
    case onLastRetry
    /// Every so many retries.
    case every(Int)
}
