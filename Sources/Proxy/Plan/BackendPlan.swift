// What workers need to know of a backend.

internal import Admin
public import Balancing
internal import Basics
internal import Configuration
internal import HTTP
public import Logging
internal import Rules
internal import StaticFiles

/// One backend, or the back half of a `listen`.
public final class BackendPlan: Sendable {
    /// That of the plan.
    let generation: UInt32
    public let name: String
    /// Its index in `Plan.backends`.
    let index: Int
    public let id: Int
    /// Whether a line gave it that number.
    let hasOwnID: Bool
    public let isListen: Bool
    public let mode: ProxyMode
    /// What it shares with the other sections of its plan.
    let settings: PlanSettings
    public let description: String
    /// Its servers, and what is counted of it.
    public let live: LiveBackend
    /// Those of `live`.
    public let backend: Backend
    /// Its servers in this plan.
    let servers: ServerTable
    /// Of the connections to its servers that speak HTTP/2.
    let http2: HTTP2Counters
    let timeouts: ServerTimeouts
    let retries: Int
    let redispatch: Redispatch
    let retryOn: RetryConditions
    /// A request that can be repeated without harm is sent again when its server dies (`option safe-retry`).
    let retriesSafely: Bool
    /// Which bodies the system moves by itself.
    let requestSplicing: Splicing
    let responseSplicing: Splicing
    let reuse: ReusePolicy
    let keepAlive: KeepAliveMode
    /// A client that sends no more before its response has begun may have gone: its request ends, or the server is told.
    let abortsOnClose: Bool
    let rules: SectionRules
    let serverRules: ServerRules
    let persistenceRules: PersistenceRules
    /// `option persist`: what names a server counts even if that is down.
    let insistsOnServers: Bool
    /// `cookie`; nil without such a line.
    let persistence: CookiePersistence?
    /// What servers are asked for in TLS.
    let requestedNames: RequestedNames
    /// What connections to servers are given of the request.
    let serverValues: ServerValues
    /// What balancing hashes where that is the value of an expression.
    let balanceKey: BalanceKey?
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
    /// Whether the system probes server connections.
    let probesServers: Bool
    public let logsHealthChecks: Bool
    /// Of responses' heads, with `option accept-unsafe-violations-in-http-response` where that is set.
    let headLimits: HeadLimits
    let dropsRequestTrailers: Bool
    let errorPages: ErrorPages
    public let logTargets: LogTargets

    init(
        draft: ProxyDraft, index: Int, id: Int, isListen: Bool, live: LiveBackend, servers: [Server],
        settings: PlanSettings,
        rules: SectionRules,
        serverRules: ServerRules, persistenceRules: PersistenceRules, persistence: CookiePersistence?,
        requestedNames: RequestedNames, serverValues: ServerValues,
        balanceKey: BalanceKey?, forwardedField: ForwardedField?, statsPage: StatsPageSettings?, files: FileService?,
        errorPages: ErrorPages,
        logTargets: LogTargets
    ) {
        name = draft.name
        self.index = index
        self.id = id
        hasOwnID = draft.settings.number != nil
        self.isListen = isListen
        mode = draft.settings.mode
        description = draft.settings.description
        self.settings = settings
        generation = settings.generation
        self.live = live
        backend = live.backend
        self.servers = ServerTable(servers)
        http2 = live.http2
        timeouts = draft.serverTimeouts
        retries = draft.settings.retries
        redispatch = draft.settings.redispatch
        // What is not read has no answers to try again on.
        retryOn = draft.settings.mode == .http ? draft.settings.retryOn : .connectionFailure
        retriesSafely = draft.settings.mode == .http && draft.settings.retriesSafely
        requestSplicing = draft.settings.requestSplicing
        responseSplicing = draft.settings.responseSplicing
        reuse = draft.settings.reuse
        keepAlive = draft.settings.keepAlive
        abortsOnClose = draft.settings.abortsOnClose ?? (draft.settings.mode == .http)
        self.rules = rules
        self.serverRules = serverRules
        self.persistenceRules = persistenceRules
        insistsOnServers = draft.insistsOnServers
        self.persistence = persistence
        self.requestedNames = requestedNames
        self.serverValues = serverValues
        self.balanceKey = balanceKey
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
        headLimits = settings.headLimits(acceptInvalid: draft.settings.acceptsInvalidResponses)
        dropsRequestTrailers = draft.settings.dropsRequestTrailers
        self.errorPages = errorPages
        self.logTargets = logTargets
    }

    /// Whether attempt number `attempt` (from 1) may go to another server. With another active server it may at once: as in HAProxy
    /// the number in `option redispatch` matters only if the failing server is the only one.
    func redispatches(attempt: Int) -> Bool {
        if retriesSafely, backend.usableCounts.active > 1 { return true }
        return switch redispatch {
        case .never: false
        case .every(let interval): attempt % interval == 0 || backend.usableCounts.active > 1
        case .onLastRetry: attempt == retries || backend.usableCounts.active > 1
        }
    }
}

/// A backend's directory.
struct FileService: Sendable {
    let root: FileRoot
    /// Requests for files that do not exist go to the servers.
    let missGoesToServers: Bool
    /// Workers keep files open that are requested often.
    let keepsFilesOpen: Bool
}

extension Plan {
    /// What one worker may keep of files. Contents that do not fit into a buffer behind a head would take a second system call.
    var fileCacheLimits: FileCache.Limits {
        var limits = FileCache.Limits()
        limits.contentBytes = max(0, min(limits.contentBytes, site.bufferBytes - Limits.keptFileHeadBytes))
        if site.process.descriptorsLimit > 0 {
            limits.files = min(
                limits.files,
                site.process.descriptorsLimit / Limits.descriptorsPerKeptFile / max(1, site.process.threads))
        }
        return limits
    }
}

struct ServerTimeouts: Sendable {
    var connect: TimeSpan
    var server: TimeSpan
    var tunnel: TimeSpan?
    /// For a server to finish after the client has.
    var serverFin: TimeSpan?
    /// For a connection slot of a server.
    var queue: TimeSpan
    /// How long `tarpit` holds a client.
    var tarpit: TimeSpan
}

/// `option redispatch`: when a failed connection attempt goes to another server.
enum Redispatch: Sendable, Equatable {
    case never
    case onLastRetry
    /// Every so many retries.
    case every(Int)
}
