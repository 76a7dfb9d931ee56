// A set of servers and the choice among them.
//
// Which servers are eligible is an immutable list, made anew by the control thread whenever a state
// changes. Workers notice by comparing a version number and keep the list they saw: choosing a server
// takes no lock.

public import Basics
internal import Synchronization

/// How a server is chosen.
public enum BalanceAlgorithm: Sendable, Equatable {
    case roundRobin
    case leastConnections

    /// The word in the configuration and on the stats page.
    public var name: String {
        switch self {
        case .roundRobin: "roundrobin"
        case .leastConnections: "leastconn"
        }
    }
}

/// The servers that may be chosen now. Immutable.
public final class EligibleServers: Sendable {
    public let servers: [Server]
    /// The order of turns for weighted round robin: indices into `servers`.
    let turns: [UInt32]
    /// By index in the backend.
    private let isMember: [Bool]

    init(of all: [Server], algorithm: BalanceAlgorithm, usesAllBackups: Bool) {
        let usable = all.filter(\.isEligible)
        let primary = usable.filter { !$0.isBackup }
        let backups = usable.filter(\.isBackup)
        // Backups serve only when nobody else can: the first of them, or all with `option allbackups`.
        servers = !primary.isEmpty ? primary : usesAllBackups ? backups : Array(backups.prefix(1))
        turns = algorithm == .roundRobin ? RoundRobin.turns(weights: servers.map(\.weight)) : []
        var isMember = Array(repeating: false, count: all.count)
        for server in servers { isMember[server.index] = true }
        self.isMember = isMember
    }

    func contains(_ server: Server) -> Bool { isMember[server.index] }
}

/// A backend's servers, shared by all workers.
public final class Backend: Sendable {
    public let name: String
    public let algorithm: BalanceAlgorithm
    public let servers: [Server]
    public let usesAllBackups: Bool
    public let traffic: Traffic
    /// Sessions.
    public let rate: RateMeter
    private let timeAverages = TimeAverages()
    /// Exchanges now in this backend.
    public let active = Gauge()
    /// Requests waiting for a place on any of its servers.
    public let queued = Gauge()
    /// The load at which servers with `minconn` reach their `maxconn` (`fullconn`).
    public let loadAtFull: Int
    /// Nil if no server has a limit.
    let queue: RequestQueue?
    @usableFromInline let hasQueue: Bool
    /// When it last changed between having usable servers and having none.
    private let changes: Mutex<Availability>

    private let eligible: Mutex<EligibleServers>
    private let version = Atomic<UInt64>(1)
    /// Turns taken so far, by all workers: what makes round robin exact across threads.
    let position = Atomic<UInt64>(0)

    public struct Availability: Sendable {
        public var isUp: Bool
        public var since: Instant
        /// Times it lost its last server.
        public var falls: UInt64 = 0
        /// Time spent without a server before `since`.
        public var downtime: TimeSpan = .zero
    }

    public init(
        name: String, algorithm: BalanceAlgorithm, servers: [Server], usesAllBackups: Bool, loadAtFull: Int = 1,
        workers: Int, now: Instant
    ) {
        self.name = name
        self.algorithm = algorithm
        self.servers = servers
        self.usesAllBackups = usesAllBackups
        self.loadAtFull = loadAtFull
        queue = servers.contains { $0.limits.most != nil } ? RequestQueue(servers: servers.count) : nil
        hasQueue = queue != nil
        traffic = Traffic(workers: workers)
        rate = RateMeter(workers: workers)
        let first = EligibleServers(of: servers, algorithm: algorithm, usesAllBackups: usesAllBackups)
        changes = Mutex(Availability(isUp: !first.servers.isEmpty, since: now))
        eligible = Mutex(first)
    }

    /// The times of about its last 1,024 exchanges.
    public var averageTimes: AverageTimes { timeAverages.averages(of: traffic) }

    /// A worker counts a session that begins. When it has found a server, that is noted in `traffic` as the last session.
    @inlinable @inline(__always)
    public func countSession(worker: Int, at now: Instant) {
        traffic.add(.sessions, worker: worker)
        rate.count(worker: worker, at: now)
    }

    /// A worker counts the times of an exchange that has ended.
    public func count(_ times: ExchangeTimes, worker: Int) {
        if traffic.row(worker).count(times: times) { timeAverages.take(traffic) }
    }

    public var availability: Availability { changes.withLock { $0 } }

    /// One worker's view of the eligible servers.
    public struct View {
        fileprivate var version: UInt64 = 0
        fileprivate var eligible: EligibleServers?
        public init() {}
    }

    /// Chooses a server for one request of `worker`; nil if none is usable. `avoiding`, and servers that the worker leaves alone, are
    /// passed over if there is any other.
    public func choose(
        _ view: inout View, avoiding: Server? = nil, by worker: Int = 0, now: Instant = Instant(nanoseconds: 0)
    ) -> Server? {
        let eligible = current(&view)
        guard let first = eligible.servers.first else { return nil }
        if eligible.servers.count == 1 { return first }
        let avoidance = Avoidance(server: avoiding, worker: worker, now: now)
        let server =
            switch algorithm {
            case .roundRobin: RoundRobin.choose(from: eligible, position: position, avoidance)
            case .leastConnections: LeastConnections.choose(from: eligible, position: position, avoidance)
            }
        server.breakers[worker].noteAttempt(at: now)
        return server
    }

    func current(_ view: inout View) -> EligibleServers {
        let latest = version.load(ordering: .acquiring)
        if view.version == latest, let known = view.eligible { return known }
        let fresh = eligible.withLock { $0 }
        view.version = latest
        view.eligible = fresh
        return fresh
    }

    /// The latest list, whatever anybody has seen.
    var eligibleNow: EligibleServers { eligible.withLock { $0 } }

    /// Makes the servers' present states count. Called by the control thread after it has changed one.
    public func serverChanged(now: Instant) {
        let fresh = EligibleServers(of: servers, algorithm: algorithm, usesAllBackups: usesAllBackups)
        eligible.withLock { $0 = fresh }
        version.wrappingAdd(1, ordering: .acquiringAndReleasing)
        changes.withLock { availability in
            let isUp = !fresh.servers.isEmpty
            guard isUp != availability.isUp else { return }
            if isUp {
                availability.downtime.nanoseconds += now.since(availability.since).nanoseconds
            } else {
                availability.falls += 1
            }
            availability.isUp = isUp
            availability.since = now
        }
        queue?.serversChanged(of: self, now: now)
    }

    /// The weights of the servers that requests are spread over now, together: the active ones, or the backups in their stead.
    public var eligibleWeight: Int { eligibleNow.servers.reduce(0) { $0 + $1.weight } }

    /// Servers that can get requests, without and with the `backup` mark. One of weight 0 gets none.
    public var usableCounts: (active: Int, backup: Int) {
        var counts = (active: 0, backup: 0)
        for server in servers where server.isEligible {
            if server.isBackup { counts.backup += 1 } else { counts.active += 1 }
        }
        return counts
    }
}
