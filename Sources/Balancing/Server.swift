// One server of a backend: who it is, whether it is up, how busy it is. It lives as long as the process,
// is read by every worker and changed by the control thread.

public import Basics
public import ProxyProtocol
internal import Synchronization

/// Whether a server gets requests, and why not.
public enum ServerState: UInt8, Sendable {
    /// No check is configured: taken as up.
    case unchecked
    case up
    /// Up, but its last check failed.
    case goingDown
    case down
    /// Down, but its last check succeeded.
    case goingUp
    /// Switched off by the configuration.
    case maintenance
    /// Its host name has no address yet.
    case unresolved

    public var isUsable: Bool { self == .unchecked || self == .up || self == .goingDown }

    /// The word on the stats page and in the CSV.
    public var label: String {
        switch self {
        case .unchecked: "no check"
        case .up: "UP"
        case .goingDown: "UP"
        case .down: "DOWN"
        case .goingUp: "DOWN"
        case .maintenance: "MAINT"
        case .unresolved: "MAINT (resolution)"
        }
    }
}

/// How idle connections to a server are kept for the next request.
public struct PoolLimits: Sendable, Equatable {
    /// Idle connections kept, over all workers; nil for as many as there come to be.
    public var connectionsMax: Int?
    /// With fewer idle connections than this, over all workers, a worker opens its own rather than take another worker's; and as many
    /// are kept beyond those that are needed.
    public var connectionsLow = 0
    /// An idle connection is closed after this time. Shorter than most servers' own limit, so that they seldom close
    /// first.
    public var idleTime = TimeSpan.seconds(5)
    /// Requests after the first that one connection may carry; nil for any number.
    public var reusesMax: Int?

    public init() {}
}

/// A server as the configuration describes it, and its live state.
public final class Server: Sendable {
    public let name: String
    public let backendName: String
    /// Position in its backend, from 0.
    public let index: Int
    /// HAProxy's `sid`: position from 1, or what `id` says.
    public let id: Int
    public let weight: Int
    public let isBackup: Bool
    /// The host name to look up, if the configuration gives a name instead of an address.
    public let hostName: String?
    public let port: UInt16
    /// What is added to the port that the client connected to; nil if the server has a port of its own.
    public let portOffset: Int?
    /// The address is the one that the client connected to.
    public let takesClientAddress: Bool
    /// How its name is looked up while Portico runs; nil if it has none, or keeps its first address.
    public let naming: ServerNaming?
    public let pool: PoolLimits
    public let limits: ServerLimits
    /// The PROXY protocol header that its connections begin with; nil for none.
    public let proxyHeader: ProxyHeaderVersion?
    /// What such a header of version 2 says beside the addresses.
    public let proxyOptions: ProxyHeaderOptions
    public let check: HealthCheckPlan?

    /// Exchanges now on this server, counted by all workers: what `leastconn` compares.
    public let active = Gauge()
    /// Requests waiting for a place on this server alone.
    public let queued = Gauge()
    /// Waiting requests that its last change of state concerned.
    let moved = Atomic<Int>(0)
    /// Those that no longer wait for it since it went down, or that it took when it came up.
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

    private let stateCode: Atomic<UInt8>
    private let addressBox: Lock<SocketAddress?>
    private let recordBox: Lock<HealthRecord>

    public init(
        name: String, backendName: String, index: Int, id: Int, weight: Int, isBackup: Bool, isDisabled: Bool,
        address: SocketAddress?, hostName: String?, port: UInt16, portOffset: Int? = nil,
        naming: ServerNaming? = nil, pool: PoolLimits = PoolLimits(), limits: ServerLimits = ServerLimits(),
        proxyHeader: ProxyHeaderVersion? = nil, proxyOptions: ProxyHeaderOptions = [], check: HealthCheckPlan?,
        workers: Int, now: Instant
    ) {
        self.name = name
        self.backendName = backendName
        self.index = index
        self.id = id
        self.weight = weight
        self.isBackup = isBackup
        self.hostName = hostName
        self.port = port
        self.portOffset = portOffset
        self.naming = naming
        takesClientAddress = hostName == nil && address?.ip?.isAny == true
        self.pool = pool
        self.limits = limits.normal
        self.proxyHeader = proxyHeader
        self.proxyOptions = proxyOptions
        self.check = check
        traffic = Traffic(workers: workers)
        rate = RateMeter(workers: workers)
        breakers = (0..<workers).map { _ in CircuitBreaker() }
        addressBox = Lock(address)
        let state: ServerState =
            isDisabled ? .maintenance : address == nil ? .unresolved : check == nil ? .unchecked : .up
        stateCode = Atomic(state.rawValue)
        recordBox = Lock(HealthRecord(thresholds: check?.thresholds ?? HealthThresholds(), since: now))
    }

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

    /// A worker counts the times of an exchange that has ended.
    public func count(_ times: ExchangeTimes, worker: Int) {
        if traffic.row(worker).count(times: times) { timeAverages.take(traffic) }
    }

    public var state: ServerState {
        guard let state = ServerState(rawValue: stateCode.load(ordering: .acquiring)) else {
            preconditionFailure("server \(backendName)/\(name) has no known state")
        }
        return state
    }

    /// Whether requests may go to it.
    var isEligible: Bool { state.isUsable && weight > 0 }

    /// Where it is; nil until its name has been resolved.
    public var address: SocketAddress? { addressBox.withLock { $0 } }

    /// Whether all its connections go to one place.
    public var isInOnePlace: Bool { !takesClientAddress && portOffset == nil && naming == nil }

    /// Whether a connection to `place` leads elsewhere than the server's name does by now.
    public func hasLeft(_ place: SocketAddress) -> Bool { naming != nil && address?.ip != place.ip }

    /// Where a connection goes for a client that connected to `destination`, from which comes what the server's line leaves
    /// open. Nil if that is no place to connect to, or the server's name has no address.
    public func target(forClientOf destination: SocketAddress) -> SocketAddress? {
        guard let address else { return nil }
        if isInOnePlace { return address }
        guard case .ip(let ownIP, let ownPort) = address else { return address }
        guard let ip = takesClientAddress ? destination.ip : ownIP, !ip.isAny else { return nil }
        guard let portOffset else { return .ip(ip, port: ownPort) }
        guard let clientPort = destination.port, let port = UInt16(exactly: Int(clientPort) + portOffset), port > 0
        else { return nil }
        return .ip(ip, port: port)
    }

    /// What the checks have seen. Written by the control thread.
    public var record: HealthRecord { recordBox.withLock { $0 } }

    /// Only the control thread changes states; `Backend.serverChanged()` makes it count.
    func setState(_ state: ServerState) { stateCode.store(state.rawValue, ordering: .releasing) }
    /// Its name has an address, or another one. If it had none, it is up from now on, until its checks say otherwise; in
    /// maintenance it stays there.
    public func resolved(to address: SocketAddress, now: Instant) {
        addressBox.withLock { $0 = address }
        guard state == .unresolved else { return }
        updateRecord { $0.beginAnew(at: now) }
        setState(check == nil ? .unchecked : record.state)
    }
    /// Its name has no address any more.
    public func unresolved() {
        addressBox.withLock { $0 = nil }
        if state != .maintenance { setState(.unresolved) }
    }
    func updateRecord<R>(_ change: (inout HealthRecord) -> R) -> R { recordBox.withLock { change(&$0) } }
}
