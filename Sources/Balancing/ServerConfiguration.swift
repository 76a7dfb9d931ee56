// What the configuration says of one server. It can be exchanged while the server runs: its counters and states stay.

public import Basics
public import ProxyProtocol
internal import Synchronization
public import TLS

/// How idle connections to a server are kept for the next request.
public struct PoolLimits: Sendable, Equatable {
    /// Idle connections kept, over all workers; nil for as many as there come to be.
    public var connectionsMax: Int?
    /// With fewer idle connections than this, over all workers, a worker opens its own rather than take another worker's; and as many
    /// are kept beyond those that are needed.
    public var connectionsLow = 0
    /// An idle connection is closed after this time. The default is shorter than most servers' own limit, so that they
    /// seldom close first.
    public var idleTime = TimeSpan.seconds(5)
    /// Requests after the first that one connection may carry; nil for any number.
    public var reusesMax: Int?

    public init() {}
}

/// One server as the configuration describes it.
public struct ServerConfiguration: Sendable {
    /// HAProxy's `sid`: the position in the backend from 1, or what `id` says.
    public var id: Int
    /// Whether its line says so.
    public var hasOwnID = false
    public var weight = 1
    public var reactions = ServerReactions()
    public var observation: Observation?
    /// What it is taken for until checks have said otherwise; nil for up, until the first failed check.
    public var initialState: InitialState?
    public var isBackup = false
    /// What its places on a ring of hashes are made of.
    public var hashKey = ServerHashKey.id
    /// The host name to look up, if the configuration gives a name instead of an address.
    public var hostName: String?
    /// The name of the SRV records that say where it is; nil for a server with an address or a host name of its own.
    public var serviceName: String?
    public var port: UInt16 = 0
    /// What is added to the port that the client connected to; nil if the server has a port of its own.
    public var portOffset: Int?
    /// The address is the one that the client connected to.
    public var takesClientAddress = false
    /// How the name is looked up while Portico runs; nil if there is none, or the server keeps its first address.
    public var naming: ServerNaming?
    public var pool = PoolLimits()
    /// How often the server is asked over idle connections whether it is there; nil for never.
    public var idlePing: TimeSpan?
    public var limits = ServerLimits()
    /// `strict-maxconn`: idle connections are closed rather than there be more than `maxconn` of both kinds.
    public var countsIdleConnections = false
    /// The PROXY protocol header that connections begin with; nil for none.
    public var proxyHeader: ProxyHeaderVersion?
    /// What such a header of version 2 says beside the addresses.
    public var proxyOptions: ProxyHeaderOptions = []
    /// What encrypts its connections; nil if they are plain.
    public var tls: TLSUpstream?
    /// What its connections speak in HTTP mode.
    public var protocolChoice = ProtocolChoice.negotiated
    public var webSocketProtocol = WebSocketProtocol.automatic
    /// Requests may ask it for different names, or name its connections otherwise: each goes over connections of its own name.
    public var hasNamedConnections = false
    /// What a cookie is made with that names it by its address (`dynamic-cookie-key`); nil if none does.
    public var cookieKey: [UInt8]?
    public var check: HealthCheckPlan?
    /// How its agent is asked; nil if it has none.
    public var agentCheck: HealthCheckPlan?
    /// How its connections are made, those of checks and to its agent too; nil if no line has anything about it.
    public var way: ServerWay?

    public init(id: Int) { self.id = id }
}

/// The configuration of a running server: what requests read of it is in atomics, the rest behind a lock.
struct LiveConfiguration: ~Copyable, Sendable {
    private let whole: Lock<ServerConfiguration>
    private let weightNow: Atomic<Int>
    private let connectionsMax: Atomic<Int>
    private let connectionsMin: Atomic<Int>
    private let queueMax: Atomic<Int>
    private let poolMax: Atomic<Int>
    private let poolLow: Atomic<Int>
    private let poolReusesMax: Atomic<Int>
    private let poolIdleTime: Atomic<UInt64>
    private let traits: Atomic<UInt16>

    /// What requests have to know of a server's address and header, without asking for the whole configuration.
    struct Traits: OptionSet {
        let rawValue: UInt16
        static let takesClientAddress = Traits(rawValue: 1)
        static let addsToClientPort = Traits(rawValue: 2)
        static let followsName = Traits(rawValue: 4)
        static let sendsHeader = Traits(rawValue: 8)
        static let isSecure = Traits(rawValue: 16)
        static let hasNamedConnections = Traits(rawValue: 32)
        static let speaksHTTP1 = Traits(rawValue: 64)
        static let speaksHTTP2 = Traits(rawValue: 128)
        static let offersHTTP2 = Traits(rawValue: 256)
        static let hasWebSocketsOverHTTP1 = Traits(rawValue: 512)
        static let hasWebSocketsOverHTTP2 = Traits(rawValue: 1_024)
        static let offersHTTP1 = Traits(rawValue: 2_048)
        static let isObserved = Traits(rawValue: 4_096)
        static let countsIdleConnections = Traits(rawValue: 8_192)
        static let hasWay = Traits(rawValue: 16_384)
        static let presentsClients = Traits(rawValue: 32_768)

        init(rawValue: UInt16) { self.rawValue = rawValue }

        init(of configuration: ServerConfiguration) {
            self = []
            if configuration.takesClientAddress { insert(.takesClientAddress) }
            if configuration.portOffset != nil { insert(.addsToClientPort) }
            if configuration.naming != nil { insert(.followsName) }
            if configuration.proxyHeader != nil { insert(.sendsHeader) }
            if configuration.tls != nil { insert(.isSecure) }
            if configuration.observation != nil { insert(.isObserved) }
            if configuration.countsIdleConnections { insert(.countsIdleConnections) }
            if configuration.hasNamedConnections { insert(.hasNamedConnections) }
            if let way = configuration.way {
                insert(.hasWay)
                if way.presentsClients { insert(.presentsClients) }
            }
            if configuration.tls?.offersHTTP2 == true { insert(.offersHTTP2) }
            if configuration.tls?.offersHTTP1 == true { insert(.offersHTTP1) }
            switch configuration.protocolChoice {
            case .negotiated: break
            case .http1: insert(.speaksHTTP1)
            case .http2: insert(.speaksHTTP2)
            }
            switch configuration.webSocketProtocol {
            case .automatic: break
            case .http1: insert(.hasWebSocketsOverHTTP1)
            case .http2: insert(.hasWebSocketsOverHTTP2)
            }
        }
    }

    init(_ configuration: ServerConfiguration) {
        whole = Lock(configuration)
        weightNow = Atomic(configuration.weight)
        connectionsMax = Atomic(Self.number(configuration.limits.maxConnections))
        connectionsMin = Atomic(Self.number(configuration.limits.minConnections))
        queueMax = Atomic(Self.number(configuration.limits.queueMax))
        poolMax = Atomic(Self.number(configuration.pool.connectionsMax))
        poolLow = Atomic(configuration.pool.connectionsLow)
        poolReusesMax = Atomic(Self.number(configuration.pool.reusesMax))
        poolIdleTime = Atomic(configuration.pool.idleTime.nanoseconds)
        traits = Atomic(Traits(of: configuration).rawValue)
    }

    /// A limit as a number: a negative one stands for none.
    private static func number(_ limit: Int?) -> Int { limit ?? -1 }
    private static func limit(_ number: borrowing Atomic<Int>) -> Int? {
        let value = number.load(ordering: .relaxed)
        return value < 0 ? nil : value
    }

    func replace(by configuration: ServerConfiguration) {
        whole.withLock { $0 = configuration }
        weightNow.store(configuration.weight, ordering: .relaxed)
        connectionsMax.store(Self.number(configuration.limits.maxConnections), ordering: .relaxed)
        connectionsMin.store(Self.number(configuration.limits.minConnections), ordering: .relaxed)
        queueMax.store(Self.number(configuration.limits.queueMax), ordering: .relaxed)
        poolMax.store(Self.number(configuration.pool.connectionsMax), ordering: .relaxed)
        poolLow.store(configuration.pool.connectionsLow, ordering: .relaxed)
        poolReusesMax.store(Self.number(configuration.pool.reusesMax), ordering: .relaxed)
        poolIdleTime.store(configuration.pool.idleTime.nanoseconds, ordering: .relaxed)
        traits.store(Traits(of: configuration).rawValue, ordering: .releasing)
    }

    var current: ServerConfiguration { whole.withLock { $0 } }

    /// One part of the configuration.
    func read<Part>(_ part: (borrowing ServerConfiguration) -> Part) -> Part { whole.withLock { part($0) } }

    var weight: Int { weightNow.load(ordering: .relaxed) }
    var idleTime: TimeSpan { TimeSpan(nanoseconds: poolIdleTime.load(ordering: .relaxed)) }
    var idleConnectionsMax: Int? { Self.limit(poolMax) }
    var idleConnectionsLow: Int { poolLow.load(ordering: .relaxed) }
    var reusesMax: Int? { Self.limit(poolReusesMax) }

    var limits: ServerLimits {
        var limits = ServerLimits()
        limits.maxConnections = Self.limit(connectionsMax)
        limits.minConnections = Self.limit(connectionsMin)
        limits.queueMax = Self.limit(queueMax)
        return limits
    }

    var currentTraits: Traits { Traits(rawValue: traits.load(ordering: .acquiring)) }
}

extension Backend {
    /// Gives a server another configuration. Its counters, its states, the requests on it and those that wait for it stay.
    public func reconfigure(_ server: Server, as configuration: ServerConfiguration, now: Instant) {
        server.reconfigure(as: configuration, at: server.address)
        serverChanged(now: now)
    }
}
