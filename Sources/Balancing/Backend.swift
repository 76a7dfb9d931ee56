// A set of servers and the choice among them: what lives as long as the backend, whichever servers the configuration gives it.
//
// The eligible servers are an immutable list, which the control thread replaces when a state or the roster changes. Workers compare a
// version number and keep the list they have seen, so choosing a server takes no lock.

public import Basics
public import Synchronization

/// The list of eligible servers that each worker has seen last. A worker reads and writes its own entry only.
@safe
private final class EligibleViews: @unchecked Sendable {
    private struct View {
        var version: UInt64 = 0
        var list: EligibleServers?
    }
    private let views: UnsafeMutablePointer<View>
    private let workers: Int

    init(workers: Int) {
        self.workers = workers
        unsafe views = UnsafeMutablePointer.allocate(capacity: workers)
        unsafe views.initialize(repeating: View(), count: workers)
    }

    deinit {
        unsafe views.deinitialize(count: workers)
        unsafe views.deallocate()
    }

    /// The list of this version; `load` is called if the worker has seen another one.
    func list(of worker: Int, version: UInt64, load: () -> EligibleServers) -> EligibleServers {
        precondition(UInt(bitPattern: worker) < UInt(bitPattern: workers), "worker \(worker) of \(workers)")
        let view = unsafe views + worker
        if unsafe view.pointee.version == version, let known = unsafe view.pointee.list { return known }
        let fresh = load()
        unsafe view.pointee = View(version: version, list: fresh)
        return fresh
    }
}

/// A backend's servers, shared by all workers.
public final class Backend: Sendable {
    public let name: String
    public let traffic: Traffic
    /// Sessions.
    public let rate: RateMeter
    private let timeAverages = TimeAverages()
    /// Of all its servers, where its algorithm goes by them.
    let latencies = LatencyMeter(followsPeaks: false)
    private let goesByLatencies: Atomic<Bool>
    /// Exchanges now in this backend.
    public let active = Gauge()
    /// Requests that wait for a connection slot of any of its servers.
    public let queued = Gauge()
    private let fullLoad: Atomic<Int>
    let queue = RequestQueue()
    let failureReporter = Lock<(@Sendable (Server, String) -> Void)?>(nil)
    let sessionEnder = Lock<(@Sendable (Server, SessionEnd) -> Void)?>(nil)
    /// Servers that track one of these, here or elsewhere.
    let trackers = Lock<[Tracker]>([])
    /// Whether a server may be in slow start.
    let hasSlowStarts = Atomic<Bool>(false)
    @usableFromInline let limitsServers: Atomic<Bool>
    /// Whether a server has a `maxconn`: without any, requests never wait, and touch nothing of the queue.
    @inlinable var hasQueue: Bool { limitsServers.load(ordering: .relaxed) }
    /// When it last changed between having usable servers and having none.
    private let changes: Lock<Availability>

    private let eligible: Lock<EligibleServers>
    private let views: EligibleViews
    private let version = Atomic<UInt64>(1)
    /// Turns taken so far, by all workers (`SlotAttempt.nextTurn`).
    let position = Atomic<UInt64>(0)

    public struct Availability: Sendable {
        public var isUp: Bool
        public var since: Instant
        /// Times it lost its last server.
        public var falls: UInt64 = 0
        /// Time spent without a server before `since`.
        public var downtime: TimeSpan = .zero
    }

    public init(name: String, roster: Roster, workers: Int, now: Instant) {
        self.name = name
        fullLoad = Atomic(roster.loadAtFull)
        goesByLatencies = Atomic(roster.algorithm.needs.latencies)
        limitsServers = Atomic(roster.limitsServers)
        traffic = Traffic(workers: workers)
        rate = RateMeter(workers: workers)
        views = EligibleViews(workers: workers)
        let first = EligibleServers(of: roster)
        changes = Lock(Availability(isUp: !first.servers.isEmpty, since: now))
        eligible = Lock(first)
    }

    // MARK: What the configuration says

    /// Which servers it has, and how one is chosen. A lock is taken: for what is rare.
    public var roster: Roster { eligibleNow.roster }
    /// Its servers in the order of the configuration.
    public var servers: [Server] { roster.servers }
    public var algorithm: BalanceLine { roster.algorithm }
    /// The load at which servers with `minconn` reach their `maxconn` (`fullconn`).
    public var loadAtFull: Int { fullLoad.load(ordering: .relaxed) }
    /// Whether balancing goes by how long servers take.
    var learnsLatencies: Bool { goesByLatencies.load(ordering: .relaxed) }

    /// Gives it other servers, or another way to choose one. Servers that it had before go on as they are. A server that it has no more
    /// gets no other request; those on it end there, and those that wait for it wait for any. A new server begins without slow start.
    /// The control thread calls it.
    public func replaceRoster(by roster: Roster, now: Instant) {
        let (before, after) = (servers, Set(roster.servers.map(ObjectIdentifier.init)))
        let known = Set(before.map(ObjectIdentifier.init))
        for server in roster.servers where !known.contains(ObjectIdentifier(server)) { server.join() }
        let removed = before.filter { !after.contains(ObjectIdentifier($0)) }
        for server in removed { server.leave() }
        fullLoad.store(roster.loadAtFull, ordering: .relaxed)
        goesByLatencies.store(roster.algorithm.needs.latencies, ordering: .relaxed)
        publish(roster, removed: removed, now: now)
    }

    /// Lets a worker see the latest list, so that it keeps no server that is gone. That worker calls it.
    public func seeRoster(by worker: Int) { _ = eligibleServers(for: worker) }

    // MARK: Counters

    /// The times of about its last 1,024 exchanges.
    public var averageTimes: AverageTimes { timeAverages.averages(of: traffic) }

    /// A worker counts a session that begins. `TrafficRow.noteSession` notes its time once it has a server.
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

    /// The eligible servers as worker `worker` sees them: it asks for a new list only when the version has changed.
    func eligibleServers(for worker: Int) -> EligibleServers {
        let latest = version.load(ordering: .acquiring)
        return views.list(of: worker, version: latest) { eligible.withLock { $0 } }
    }

    /// The latest list, which workers may not have seen yet.
    var eligibleNow: EligibleServers { eligible.withLock { $0 } }

    /// Publishes the servers' present states, weights and limits. The control thread calls it after it has changed one.
    public func serverChanged(now: Instant) { publish(roster, removed: [], now: now) }

    private func publish(_ roster: Roster, removed: [Server], now: Instant) {
        limitsServers.store(roster.limitsServers, ordering: .sequentiallyConsistent)
        let ends = followStates(of: roster, at: now)
        let fresh = EligibleServers(of: roster)
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
        queue.serversChanged(of: self, removed: removed, now: now)
        endSessions(ends)
        passOnStates(now: now)
    }

    /// The sum of the weights of the servers that requests are spread over now: the active ones, or else the backups.
    public var eligibleWeight: Int { eligibleNow.servers.reduce(0) { $0 + $1.weight } }
    /// The same as it is now, with servers in slow start.
    public var eligibleWeightNow: Int {
        let sum = eligibleNow.servers.reduce(0) { $0 + $1.currentWeight }
        return (sum + Server.weightParts - 1) / Server.weightParts
    }

    /// Eligible servers without and with the `backup` mark.
    public var usableCounts: (active: Int, backup: Int) {
        var counts = (active: 0, backup: 0)
        for server in servers where server.isEligible {
            if server.isBackup { counts.backup += 1 } else { counts.active += 1 }
        }
        return counts
    }
}
