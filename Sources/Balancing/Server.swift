// One server of a backend: its configuration, its counters, its states, and where it is.

public import Basics
public import ProxyProtocol
internal import Synchronization
public import TLS

/// The number of the server that was made last.
private let lastNumber = Atomic<Int>(0)

/// One server of a backend: its configuration, which can be exchanged, its counters and its states. It lives as long as the
/// process, whatever is reloaded.
public final class Server: Sendable {
    public let name: String
    public let backendName: String
    /// No other server of the process has or had this number. It says nothing of the server's position.
    public let number: Int

    private let live: LiveConfiguration
    private let filedBox: Lock<FiledServer>
    let states: ServerStates
    let slowStart = SlowStart()
    /// Whether it was usable when its backend last looked (`Backend.followStates`).
    let wasUsable: Atomic<Bool>
    /// Failures that workers have seen in a row, and how often there were too many (`observe`).
    let failuresInRow = Atomic<Int>(0)
    let observedFailures = Atomic<UInt64>(0)
    let trackedBox = Lock<Server?>(nil)
    let cookie: AddressCookie

    /// Exchanges now on this server, counted by all workers: what `leastconn` compares.
    public let active = Gauge()
    /// Requests that wait for a connection slot of this server alone.
    public let queued = Gauge()
    let moved = Atomic<Int>(0)
    /// Waiting requests that its last change of state moved: those that no longer wait for it since it went down, or that it
    /// took when it came up.
    public var requestsMoved: Int { moved.load(ordering: .relaxed) }
    /// Idle connections kept to it, over all workers.
    public let idle = Gauge()
    /// Of those, connections that have carried more than one request.
    public let idleReused = Gauge()
    public let traffic: Traffic
    /// Sessions.
    public let rate: RateMeter
    /// By worker.
    let breakers: [CircuitBreaker]
    private let timeAverages = TimeAverages()
    /// Only of a backend whose algorithm goes by it.
    let latency = LatencyMeter(followsPeaks: true)
    private let endpointBox: Lock<ServerEndpoint>
    private let epochNow = Atomic<UInt32>(0)
    private let recordBox: Lock<HealthRecord>

    public init(_ filed: FiledServer, backendName: String, workers: Int, now: Instant) {
        let configuration = filed.configuration
        let address = filed.address
        name = filed.name
        self.backendName = backendName
        number = lastNumber.wrappingAdd(1, ordering: .relaxed).newValue
        live = LiveConfiguration(configuration)
        filedBox = Lock(filed)
        let record = HealthRecord(
            thresholds: configuration.check?.thresholds ?? HealthThresholds(), since: now,
            initialState: configuration.initialState)
        let state = ServerState(
            filed.isDisabled ? .maintenance : .ready, health: configuration.check == nil ? .unchecked : record.state,
            name: address == nil ? .unresolved : .resolved)
        states = ServerStates(state)
        wasUsable = Atomic(state.isUsable)
        traffic = Traffic(workers: workers)
        rate = RateMeter(workers: workers)
        breakers = (0..<workers).map { _ in CircuitBreaker() }
        endpointBox = Lock(ServerEndpoint(at: address, configuration, after: nil))
        cookie = AddressCookie(key: configuration.cookieKey, address: address)
        recordBox = Lock(record)
    }

    // MARK: States

    public var state: ServerState { states.current }

    /// Whether balancing may choose it.
    var isEligible: Bool { state.isEligible(weight: weight) }

    /// What the checks have found.
    public var record: HealthRecord { recordBox.withLock { $0 } }

    /// The health that its own checks and its agent have found.
    var ownHealth: HealthState {
        let record = record
        return check == nil && !record.isDownByAgent ? .unchecked : record.state
    }

    func updateRecord<Result>(_ change: (inout HealthRecord) -> Result) -> Result { recordBox.withLock { change(&$0) } }

    // MARK: Counters

    /// The times of about its last 1,024 exchanges.
    public var averageTimes: AverageTimes { timeAverages.averages(of: traffic) }

    /// A worker counts a session that begins.
    @inlinable @inline(__always)
    public func countSession(worker: Int, at now: Instant) {
        let row = traffic.row(worker)
        row.add(.sessions)
        row.noteSession(at: now)
        rate.count(worker: worker, at: now)
    }

    /// Whether it has answered a live request since `instant`.
    func hasAnswered(since instant: Instant) -> Bool {
        let last = traffic.most(.lastAnswer)
        return last > 0 && last >= instant.nanoseconds
    }

    /// A worker counts the times of an exchange that has ended.
    public func count(_ times: ExchangeTimes, worker: Int) {
        if traffic.row(worker).count(times: times) { timeAverages.take(traffic) }
    }
}

// MARK: - Configuration

extension Server {
    /// What it goes by now.
    public var configuration: ServerConfiguration { live.current }
    /// What the configuration said of it last.
    public var filed: FiledServer { filedBox.withLock { $0 } }
    func setFiled(_ filed: FiledServer) { filedBox.withLock { $0 = filed } }
    /// Whether the configuration puts it into maintenance (`disabled`).
    public var startedInMaintenance: Bool { filedBox.withLock { $0.isDisabled } }
    /// The weight that its line gives it.
    public var ownWeight: Int { filedBox.withLock { $0.configuration.weight } }
    var currentTraits: LiveConfiguration.Traits { live.currentTraits }

    /// Gives it another configuration: only through `Backend.reconfigure`, which makes it count.
    func reconfigure(as configuration: ServerConfiguration, at address: SocketAddress?) {
        live.replace(by: configuration)
        renewEndpoint(at: address)
        cookie.follow(address, key: configuration.cookieKey)
        // One that tracks another has that one's health.
        guard tracked == nil else { return }
        _ = states.set(ownHealth)
    }

    // These cost a load or two: requests ask for them.
    public var weight: Int { live.weight }
    /// What is to happen when its state changes.
    var reactions: ServerReactions { live.read { $0.reactions } }
    /// Whether its traffic tells of its health (`Backend.observe`).
    public var isObserved: Bool { live.currentTraits.contains(.isObserved) }
    var observation: Observation? { live.read { $0.observation } }
    var initialState: InitialState? { live.read { $0.initialState } }
    public var limits: ServerLimits { live.limits }
    /// Whether its `maxconn` bounds its idle connections together with those in use.
    public var countsIdleConnections: Bool { live.currentTraits.contains(.countsIdleConnections) }
    public var poolIdleTime: TimeSpan { live.idleTime }
    public var poolConnectionsMax: Int? { live.idleConnectionsMax }
    public var poolConnectionsLow: Int { live.idleConnectionsLow }
    public var connectionReusesMax: Int? { live.reusesMax }

    /// The PROXY protocol header that its connections begin with; nil for none.
    public var proxyHeader: ProxyHeaderVersion? {
        live.currentTraits.contains(.sendsHeader) ? live.read { $0.proxyHeader } : nil
    }
    public var proxyOptions: ProxyHeaderOptions { live.read { $0.proxyOptions } }

    /// What encrypts its connections; nil if they are plain.
    public var tls: TLSUpstream? { live.currentTraits.contains(.isSecure) ? live.read { $0.tls } : nil }
    /// Whether its connections are told apart by names.
    public var hasNamedConnections: Bool { live.currentTraits.contains(.hasNamedConnections) }

    /// What its connections speak: `negotiated` only where ALPN may choose HTTP/2; then, and with `http2`, streams share them.
    public var protocolChoice: ProtocolChoice {
        let traits = live.currentTraits
        if traits.contains(.speaksHTTP2) { return .http2 }
        return traits.contains(.speaksHTTP1) || !traits.contains(.offersHTTP2) ? .http1 : .negotiated
    }
    /// Whether ALPN offers HTTP/1.1.
    public var offersHTTP1: Bool { live.currentTraits.contains(.offersHTTP1) }
    /// What WebSockets are carried by.
    public var webSocketProtocol: WebSocketProtocol {
        let traits = live.currentTraits
        if traits.contains(.hasWebSocketsOverHTTP1) { return .http1 }
        return traits.contains(.hasWebSocketsOverHTTP2) ? .http2 : .automatic
    }

    public var id: Int { live.read { $0.id } }
    public var isBackup: Bool { live.read { $0.isBackup } }
    public var hashKey: ServerHashKey { live.read { $0.hashKey } }
    public var idlePing: TimeSpan? { live.read { $0.idlePing } }
    public var serviceName: String? { live.read { $0.serviceName } }
    public var hostName: String? { live.read { $0.hostName } }
    public var port: UInt16 { live.read { $0.port } }
    public var portOffset: Int? { live.read { $0.portOffset } }
    public var naming: ServerNaming? { live.read { $0.naming } }
    public var check: HealthCheckPlan? { live.read { $0.check } }
    public var agentCheck: HealthCheckPlan? { live.read { $0.agentCheck } }
}

// MARK: - Where it is

extension Server {
    /// Where its connections lead and how they begin.
    public var endpoint: ServerEndpoint { endpointBox.withLock { $0 } }
    /// The number of its endpoint: a load, for what asks with each request.
    public var epoch: UInt32 { epochNow.load(ordering: .acquiring) }
    /// Where it is; nil until its name has been resolved.
    public var address: SocketAddress? { endpointBox.withLock { $0.address } }

    func setEndpoint(_ endpoint: ServerEndpoint) {
        endpointBox.withLock { $0 = endpoint }
        epochNow.store(endpoint.epoch, ordering: .releasing)
    }

    func setAddress(_ address: SocketAddress?) {
        renewEndpoint(at: address)
        cookie.follow(address, key: live.read { $0.cookieKey })
    }

    /// Whether all its connections go to the same address.
    public var isInOnePlace: Bool {
        live.currentTraits.isDisjoint(with: [.takesClientAddress, .addsToClientPort, .followsName])
    }

    /// Where a connection goes for a client that connected to `destination`, from which comes what the server's line leaves
    /// open. Returns nil if that is no address to connect to, or the server's name has no address.
    /// - Parameter endpoint: the one that the connection begins with.
    public func target(forClientOf destination: SocketAddress, by endpoint: ServerEndpoint) -> SocketAddress? {
        guard let address = endpoint.address else { return nil }
        let traits = live.currentTraits
        if traits.isDisjoint(with: [.takesClientAddress, .addsToClientPort]) { return address }
        guard case .ip(let ownIP, let ownPort) = address else { return address }
        guard let ip = traits.contains(.takesClientAddress) ? destination.ip : ownIP, !ip.isAny else { return nil }
        guard let portOffset else { return .ip(ip, port: ownPort) }
        guard let clientPort = destination.port, let port = UInt16(exactly: Int(clientPort) + portOffset), port > 0
        else { return nil }
        return .ip(ip, port: port)
    }
}
