// Everything that is shown of a running Portico, as plain values. The page, the tables and the runtime socket read a
// `StatsSource`, which makes these values when they are asked for; every field starts as "nothing happened yet".

public import Balancing
public import Basics

/// The process and its proxies at one moment.
public struct StatsSnapshot: Sendable {
    public var process = ProcessStats()
    /// In the order of the configuration.
    public var proxies: [ProxyStats] = []

    public init() {}
}

/// Which frontend, backend or listen section it is.
public struct ProxyIdentity: Sendable {
    public var name: String
    /// HAProxy's `iid`: unique, from 2 upwards.
    public var id: Int
    /// Whether `id` gave a backend its number.
    public var hasOwnID = false
    /// `http` or `tcp`.
    public var mode = "http"
    /// What `description` in the section says.
    public var description = ""

    public init(name: String, id: Int) {
        self.name = name
        self.id = id
    }
}

/// One frontend, backend or listen section with all its rows.
public struct ProxyStats: Sendable {
    public var identity: ProxyIdentity
    /// The side that clients see; nil for a backend.
    public var frontend: StatsRow?
    public var servers: [StatsRow] = []
    /// The side that servers see; nil for a frontend.
    public var backend: StatsRow?

    public var name: String {
        get { identity.name }
        set { identity.name = newValue }
    }
    public var id: Int { identity.id }
    public var mode: String {
        get { identity.mode }
        set { identity.mode = newValue }
    }
    public var description: String {
        get { identity.description }
        set { identity.description = newValue }
    }

    public init(_ identity: ProxyIdentity) { self.identity = identity }
    public init(name: String, id: Int) { self.init(ProxyIdentity(name: name, id: id)) }
}

/// What a row is about; the raw value is HAProxy's `type` column.
public enum RowKind: Int, Sendable {
    case frontend = 0
    case backend = 1
    case server = 2
}

/// The state of a frontend, backend or server.
public enum RowState: Sendable, Equatable {
    /// A frontend that accepts; one at its `maxconn`; one that pauses; one that accepts no more.
    case open, full, paused, stopped
    /// A server or backend that takes requests.
    case up
    /// Still up, with so many good checks of those needed left: `UP 1/3`.
    case goingDown(Int, of: Int)
    /// Takes no requests; or the server's agent says that it must not.
    case down, downByAgent
    /// Still down, with so many good checks of those needed: `DOWN 1/2`.
    case goingUp(Int, of: Int)
    /// Finishes what it has and takes no new clients: an operator says so, or its check.
    case drain, stopping
    /// Taken out by the operator.
    case maintenance
    /// The server that it tracks is in maintenance.
    case maintenanceOf(String)
    /// The server's name has no address.
    case unresolved
    /// A server without health checks: taken to be up.
    case noCheck

    /// Whether a server takes no requests for another reason than its checks.
    var isInMaintenance: Bool {
        switch self {
        case .maintenance, .maintenanceOf, .unresolved: true
        default: false
        }
    }

    /// HAProxy's `status` column.
    public var text: String {
        switch self {
        case .open: "OPEN"
        case .full: "FULL"
        case .paused: "PAUSED"
        case .stopped: "STOP"
        case .up: "UP"
        case .goingDown(let good, let needed): "UP \(good)/\(needed)"
        case .down: "DOWN"
        case .downByAgent: "DOWN (agent)"
        case .goingUp(let good, let needed): "DOWN \(good)/\(needed)"
        case .drain: "DRAIN"
        case .stopping: "NOLB"
        case .maintenance: "MAINT"
        case .maintenanceOf(let server): "MAINT (via \(server))"
        case .unresolved: "MAINT (resolution)"
        case .noCheck: "no check"
        }
    }
}

/// The last health check of a server.
public struct CheckStats: Sendable {
    /// HAProxy's short code: `L4OK`, `L7STS`, `L4TOUT`, ...
    public var code: String
    /// What the code means: `Layer7 wrong status`.
    public var meaning = ""
    /// What came back, for people: `Connection refused`.
    public var detail = ""
    /// The status of the answer, for codes that have one.
    public var status: Int?
    /// Nil while the first check runs.
    public var duration: TimeSpan?

    public init(code: String) { self.code = code }
}

/// Averages or maxima of a server's times, in milliseconds.
public struct TimesStats: Sendable {
    /// In the queue, connecting, until the response's head, in all.
    public var queue = 0, connect = 0, response = 0, total = 0

    public init() {}
}

/// HTTP/2 of a frontend's or a backend's connections.
public struct HTTP2Stats: Sendable {
    /// Frames received.
    public var headersReceived: UInt64 = 0, dataReceived: UInt64 = 0, settingsReceived: UInt64 = 0
    public var resetsReceived: UInt64 = 0, goAwaysReceived: UInt64 = 0
    /// Peers' errors, and the frames that told of them.
    public var connectionErrors: UInt64 = 0, streamErrors: UInt64 = 0
    public var resetsSent: UInt64 = 0, goAwaysSent: UInt64 = 0
    public var connectionsCurrent = 0, streamsCurrent = 0
    public var connectionsTotal: UInt64 = 0, streamsTotal: UInt64 = 0

    public init() {}
}

/// Responses by the first digit of their status.
public struct StatusClassStats: Sendable {
    public var informational: UInt64 = 0, success: UInt64 = 0, redirect: UInt64 = 0
    public var clientError: UInt64 = 0, serverError: UInt64 = 0, other: UInt64 = 0

    public init() {}
}

/// A frontend, a backend or a server. Fields that its kind does not have are not shown, even if they are set.
public struct StatsRow: Sendable {
    public var kind: RowKind
    /// A server's name.
    public var name: String
    /// HAProxy's `sid`: a server's number in its backend from 1; 0 for a frontend or backend.
    public var id: Int
    public var state: RowState
    /// All three states of a server, of which `state` is the one to show.
    public var serverState = ServerState()
    /// Whether the configuration put a server into maintenance (`disabled`).
    public var startedInMaintenance = false
    /// Since the state last changed; nil if it never did (a frontend).
    public var stateAge: TimeSpan?
    /// The address a server has: `127.0.0.1:8000`.
    public var address = ""
    /// Where a server is; nil while its name has no address.
    public var endpoint: SocketAddress?
    /// The name that a server's address is looked up by.
    public var hostName: String?
    /// The name of the SRV records that say where a server is; nil for none.
    public var serviceName: String?
    /// A server's port as configured.
    public var servicePort = 0
    /// Whether `id` gave a server its number.
    public var hasOwnID = false
    /// Whether connections to a server are encrypted.
    public var isEncrypted = false
    /// Where a server's checks go, if its line says so; 0 for the port of requests.
    public var checkAddress: IPAddress?
    public var checkPort = 0
    /// Where its agent is, if its line says so; port 0 for a server without one.
    public var agentAddress: IPAddress?
    public var agentPort = 0
    /// A server's cookie value, or a backend's cookie name.
    public var cookie = ""
    /// A backend's `balance`.
    public var algorithm = ""

    // Sessions: requests being handled (of a frontend in mode tcp and in HAProxy's words: connections).
    public var sessionsCurrent = 0
    public var sessionsMax = 0
    /// `maxconn`; nil if there is no limit.
    public var sessionsLimit: Int?
    public var sessionsTotal: UInt64 = 0
    /// In the last second.
    public var sessionRate = 0
    public var sessionRateMax = 0
    /// `rate-limit sessions` of a frontend; 0 if there is none.
    public var sessionRateLimit = 0
    public var queueCurrent = 0
    public var queueMax = 0
    /// A server's `maxqueue`; nil if there is no limit.
    public var queueLimit: Int?
    /// Since the last session began; nil if there never was one.
    public var lastSessionAge: TimeSpan?
    /// Times that balancing chose this server, or a server of this backend.
    public var chosenTotal: UInt64 = 0

    // A frontend's connections and requests.
    public var connectionRate = 0
    public var connectionRateMax = 0
    public var connectionsTotal: UInt64 = 0
    public var requestRate = 0
    public var requestRateMax = 0
    public var requestsTotal: UInt64 = 0
    /// Requests that Portico answered itself.
    public var interceptedTotal: UInt64 = 0
    /// TLS handshakes that were completed, those of them that went on with an earlier session, and those that failed.
    public var tlsSessionsTotal: UInt64 = 0
    public var tlsResumedTotal: UInt64 = 0
    public var tlsFailuresTotal: UInt64 = 0
    public var http2 = HTTP2Stats()

    public var bytesIn: UInt64 = 0
    public var bytesOut: UInt64 = 0

    // What was refused and what failed.
    public var requestsDenied: UInt64 = 0
    public var responsesDenied: UInt64 = 0
    public var connectionsDenied: UInt64 = 0
    public var sessionsDenied: UInt64 = 0
    public var requestErrors: UInt64 = 0
    public var connectErrors: UInt64 = 0
    public var responseErrors: UInt64 = 0
    public var internalErrors: UInt64 = 0
    public var rewriteErrors: UInt64 = 0
    public var retries: UInt64 = 0
    public var redispatches: UInt64 = 0
    public var clientAborts: UInt64 = 0
    public var serverAborts: UInt64 = 0
    public var responses = StatusClassStats()

    // Balancing: a backend's sums, or a server's own.
    /// As it is now, less than configured in slow start.
    public var weight = 0
    public var weightConfigured = 0
    /// That of a server's line, which an agent or an operator may have changed.
    public var weightOfLine = 0
    /// The percentage of its weight that a server in slow start has; nil outside one.
    public var throttle: Int?
    /// Active servers that are up; for a server 1 if it is one.
    public var activeServers = 0
    /// Backup servers that are up; for a server 1 if it is one.
    public var backupServers = 0

    // Health.
    /// The server that a server tracks, as its line says; nil if it tracks none.
    public var tracked: String?
    /// A server's last check; nil if it is not checked.
    public var check: CheckStats?
    /// The last answer of a server's agent; nil if there was none.
    public var agent: CheckStats?
    /// What `agent_rise`, `agent_fall` and `agent_health` show.
    public var agentRise = 0, agentFall = 0, agentHealth = 0
    /// Good checks in a row that bring it up, bad ones that take it down, and its points between them.
    public var checkRise = 0
    public var checkFall = 0
    public var checkHealth = 0
    /// Times that live traffic failed as often in a row as `error-limit` says; nil for a server that is not observed.
    public var observedFailures: UInt64?
    /// Checks that failed while the server was up.
    public var checksFailed: UInt64 = 0
    /// Times it went from up to down.
    public var timesDown: UInt64 = 0
    /// In all.
    public var downtime = TimeSpan.zero

    /// Whether a backend has servers, in any state.
    public var hasServers = true

    // Connections to servers.
    public var connectsTotal: UInt64 = 0
    public var reusesTotal: UInt64 = 0
    public var idleConnections = 0
    /// Idle ones that have carried more than one request.
    public var idleReusedConnections = 0
    /// A server's `pool-max-conn`; nil if there is no limit.
    public var idleConnectionsLimit: Int?
    public var usedConnections = 0
    public var timesAverage = TimesStats()
    public var timesMax = TimesStats()

    public init(kind: RowKind, name: String = "", id: Int = 0) {
        self.kind = kind
        self.name = name
        self.id = id
        state = kind == .frontend ? .open : kind == .backend ? .up : .noCheck
    }

    /// HAProxy's `svname` column.
    public var label: String {
        switch kind {
        case .frontend: "FRONTEND"
        case .backend: "BACKEND"
        case .server: name
        }
    }
}
