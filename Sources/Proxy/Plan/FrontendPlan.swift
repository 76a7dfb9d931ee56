// What workers need to know of a frontend and of the addresses that it listens on.

internal import Admin
public import Balancing
public import Basics
internal import Configuration
internal import Expressions
internal import HTTP
internal import LogFormat
public import Logging
internal import Reactor
internal import Rules
public import TLS

/// One frontend, or the front half of a `listen`.
public final class FrontendPlan: Sendable {
    public let name: String
    /// Its index in `Plan.frontends`.
    let index: Int
    /// HAProxy's `iid`.
    public let id: Int
    public let mode: ProxyMode
    /// What it shares with the other sections of its plan.
    let settings: PlanSettings
    public let description: String
    /// What is counted of it. Workers count in the objects that `sessions` to `requestRate` refer to without a load more.
    public let live: Frontend
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
    /// Whether connections that end without a byte are not logged.
    let ignoresProbes: Bool
    /// Of requests' heads, with `option accept-unsafe-violations-in-http-request` where that is set.
    let headLimits: HeadLimits
    let dropsResponseTrailers: Bool
    /// Whether a connection that begins with the preface of HTTP/2 is one, where `proto` and ALPN do not say otherwise.
    let takesPriorKnowledge: Bool
    /// Connections the system may keep waiting at each address.
    public let backlog: Int?
    let errorPages: ErrorPages
    let monitor: Monitor?
    let uniqueID: UniqueID?
    let log: ExchangeLog
    /// Whether `log` writes lines at steps of their own. Each exchange asks several times, and a call on `log` copies it.
    let logsSteps: Bool
    /// All its targets, for events; the lines of exchanges go to `lineTargets`.
    public let logTargets: LogTargets
    let lineTargets: LineTargets
    /// Whether the request's line and the fields to capture are kept: for a log, or for rules that ask.
    let keepsCaptures: Bool
    /// Those of `live`.
    public let sessions: Gauge
    public let traffic: Traffic
    let http2: HTTP2Counters
    let connectionRate: RateMeter
    let sessionRate: RateMeter
    let requestRate: RateMeter
    /// `rate-limit sessions`: how many connections come in in a second; nil for any number.
    let sessionRateMax: Int?
    /// Where it listens, for rules and statistics.
    let addresses: [Address]

    struct Address: Sendable {
        let number: Int
        let text: String
        let live: ListenAddress
    }

    init(
        draft: ProxyDraft, index: Int, id: Int, live: Frontend, addresses: [BindDraft], settings: PlanSettings,
        rules: SectionRules, routing: RoutingRules, statsPage: StatsPageSettings?, errorPages: ErrorPages,
        monitor: Monitor?, uniqueID: UniqueID?, log: ExchangeLog, logTargets: LogTargets, lineTargets: LineTargets,
        keepsCaptures: Bool
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
        headLimits = settings.headLimits(acceptInvalid: draft.settings.acceptsInvalidRequests)
        dropsResponseTrailers = draft.settings.dropsResponseTrailers
        takesPriorKnowledge = draft.settings.mode == .http && draft.settings.takesPriorKnowledge
        backlog = draft.settings.backlog
        self.errorPages = errorPages
        self.monitor = monitor
        self.uniqueID = uniqueID
        self.log = log
        logsSteps = log.hasSteps && !logTargets.isEmpty
        self.logTargets = logTargets
        self.lineTargets = lineTargets
        self.keepsCaptures = keepsCaptures || !logTargets.isEmpty
        self.settings = settings
        self.live = live
        self.addresses = addresses.map { bind in
            Address(
                number: bind.number, text: bind.place.address?.description ?? bind.place.word.text, live: bind.live)
        }
        sessions = live.sessions
        traffic = live.traffic
        http2 = live.http2
        connectionRate = live.connectionRate
        sessionRate = live.sessionRate
        requestRate = live.requestRate
        sessionRateMax = draft.settings.sessionRateMax
    }
}

/// An address of a frontend before the plan's sections are there.
struct BindDraft {
    /// Its number among the frontend's: its position from 1, or what `id` says.
    let number: Int
    let place: BindPlace
    let live: ListenAddress
    /// What encrypts connections there; nil where they are plain.
    let tls: TLSListener?
    /// How many connections come in there in a second.
    let rateLimits: [RateLimit]
}

/// One address a frontend listens on.
public final class BindPlan: Sendable {
    /// That of the plan.
    let generation: UInt32
    public let frontend: FrontendPlan
    /// The plan's sections.
    let scope: PlanScope
    /// Its number among the frontend's: its position from 1, or what `id` says.
    let number: Int
    public let place: BindPlace
    /// What rules and logs may know of it.
    let identity: ListenerIdentity
    /// The destination of every connection here; nil for a wildcard address.
    let exactAddress: SocketAddress?
    /// Connections the system may keep waiting here.
    public let backlog: Int32
    /// What is counted there.
    public let live: ListenAddress
    /// That of `live`.
    let connections: Gauge
    /// How many connections there may be to here at a time; `Int.max` where the address has no limit of its own.
    let maxConnections: Int
    /// How many connections come in, in a second.
    let rateLimits: [RateLimit]
    /// How much smaller sent segments are than clients allow, in bytes; 0 for not at all.
    let segmentReduction: Int
    /// How often clients are asked over idle connections whether they are there; nil for never.
    let idlePing: TimeSpan?
    /// The number that begins a NetScaler Client IP header, with which connections begin; nil for none.
    let clientAddressMagic: UInt32?
    /// Connections begin with a PROXY protocol header.
    let acceptsProxyHeader: Bool
    /// What connections here speak in HTTP mode.
    let protocolChoice: ProtocolChoice
    /// What encrypts connections here; nil where they are plain.
    public let tls: TLSListener?

    init(_ draft: BindDraft, of frontend: FrontendPlan, in scope: PlanScope) {
        let place = draft.place
        generation = scope.settings.generation
        self.scope = scope
        live = draft.live
        connections = live.connections
        rateLimits = draft.rateLimits
        maxConnections = place.options.maxConnections ?? .max
        segmentReduction = max(0, -(place.options.segmentBytes ?? 0))
        idlePing = place.options.idlePing
        clientAddressMagic = place.options.clientAddressMagic
        tls = draft.tls
        self.frontend = frontend
        number = draft.number
        self.place = place
        identity = ListenerIdentity(
            frontendName: frontend.name, frontendIndex: frontend.index, socketID: number,
            socketName: place.options.name ?? "")
        acceptsProxyHeader = place.options.acceptsProxyHeader
        protocolChoice = place.options.protocolWord?.choice ?? .negotiated
        backlog = Int32(clamping: place.options.backlog ?? frontend.backlog ?? Int(ListenOptions().backlog))
        exactAddress =
            switch place.address {
            case .ip(let ip, _) where ip != .anyV4 && ip != .anyV6: place.address
            case .path, .abstract, .abstractExact, .pair: place.address
            default: nil
            }
    }
}

struct ClientTimeouts: Sendable {
    var client: TimeSpan
    /// For a request's head; nil: as `client`.
    var httpRequest: TimeSpan?
    /// Between requests; nil: as `httpRequest`.
    var httpKeepAlive: TimeSpan?
    /// Whether a line bounds the time between requests: then it is not `client` alone that does.
    var boundsIdleTime = false
    /// For the TLS handshake; nil: as `client`.
    var clientHandshake: TimeSpan?
    /// For a client to finish after the server has.
    var clientFin: TimeSpan?
    /// How long `tarpit` holds a client.
    var tarpit: TimeSpan
}

// MARK: - What comes in, counted for the frontend and for the process

extension FrontendPlan {
    /// A connection was accepted.
    func countConnection(_ worker: Worker) {
        let now = worker.now
        traffic.add(.connections, worker: worker.index)
        connectionRate.count(worker: worker.index, at: now)
        worker.shared.counters.connections.count(worker: worker.index, at: now)
    }

    /// The rules about connections have let it in.
    func countSession(_ worker: Worker) {
        let now = worker.now
        traffic.add(.sessions, worker: worker.index)
        sessionRate.count(worker: worker.index, at: now)
        worker.shared.counters.sessions.count(worker: worker.index, at: now)
    }

    /// The head of a request is whole.
    func countRequest(_ worker: Worker) {
        let now = worker.now
        traffic.add(.requests, worker: worker.index)
        requestRate.count(worker: worker.index, at: now)
        worker.shared.counters.requests.count(worker: worker.index, at: now)
    }
}
