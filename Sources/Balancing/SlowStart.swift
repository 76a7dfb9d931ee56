// `slowstart`: a server that comes back gets its share of the requests little by little, so that it can fill its caches.
//
// It begins with a sixteenth of its weight and one connection slot of `maxconn`; once a second both rise, in a straight line until the
// time is over, in HAProxy's steps. Algorithms whose layout must not change with weights (a map of hashes, `static-rr`) give it
// its whole weight at once. No server begins slowly when Portico starts: then all would be cold.

public import Basics
internal import Synchronization

/// How far a server is with its slow start. The control thread changes it, any thread reads it.
struct SlowStart: ~Copyable, Sendable {
    private let parts = Atomic<Int>(Server.weightParts)
    private let percent = Atomic<Int>(100)
    /// When the server came back; nil while it is not in slow start.
    private let since = Lock<Instant?>(nil)

    /// Sixteenths of its weight that the server has now.
    var weightParts: Int { parts.load(ordering: .relaxed) }
    /// The share of its `maxconn` that the server has now, from 0; 100 outside a slow start.
    var connectionPercent: Int { percent.load(ordering: .relaxed) }
    var isUnderWay: Bool { since.withLock { $0 != nil } }

    func begin(raisesWeight: Bool, at now: Instant) {
        since.withLock { $0 = now }
        parts.store(raisesWeight ? 1 : Server.weightParts, ordering: .relaxed)
        percent.store(0, ordering: .relaxed)
    }

    /// Goes on to what the server may have `time` after it came back. Returns whether that is more than before.
    func advance(time: TimeSpan?, raisesWeight: Bool, to now: Instant) -> Bool {
        guard let start = since.withLock({ $0 }) else { return false }
        let elapsed = Int(now.since(start).nanoseconds / 1_000_000_000)
        guard let seconds = time?.wholeSecondsRoundedUp, elapsed < seconds else {
            end()
            return true
        }
        let newPercent = 100 * elapsed / seconds
        if raisesWeight { parts.store((Server.weightParts * elapsed + seconds) / seconds, ordering: .relaxed) }
        return percent.exchange(newPercent, ordering: .relaxed) != newPercent
    }

    func end() {
        since.withLock { $0 = nil }
        parts.store(Server.weightParts, ordering: .relaxed)
        percent.store(100, ordering: .relaxed)
    }
}

extension TimeSpan {
    fileprivate var wholeSecondsRoundedUp: Int { Int((nanoseconds + 999_999_999) / 1_000_000_000) }
}

extension Server {
    /// How many parts a unit of weight has in slow start.
    static let weightParts = 16

    /// Its weight as balancing counts it now: in sixteenths.
    var currentWeight: Int { weight * slowStart.weightParts }

    /// Its weight now, rounded up: less than `weight` during a slow start.
    public var weightNow: Int { (currentWeight + Self.weightParts - 1) / Self.weightParts }

    /// The percentage of its weight that it has during a slow start; nil outside one.
    public var throttle: Int? { slowStart.isUnderWay ? 100 * slowStart.weightParts / Self.weightParts : nil }

    /// How many requests it may have now.
    func connectionLimit(_ limits: ServerLimits, _ load: BackendLoad) -> Int {
        let limit = limits.limit(load: load.now, full: load.full)
        let percent = slowStart.connectionPercent
        return percent == 100 ? limit : max(1, limit * percent / 100)
    }
}

extension Backend {
    /// Lets the weights and limits of servers in slow start rise. The control thread calls it once a second.
    public func raiseWeights(now: Instant) {
        guard hasSlowStarts.load(ordering: .relaxed) else { return }
        var isChanged = false
        var hasMore = false
        let roster = roster
        for server in roster.servers {
            let time = server.reactions.slowStart
            if server.slowStart.advance(time: time, raisesWeight: roster.raisesWeights, to: now) { isChanged = true }
            if server.slowStart.isUnderWay { hasMore = true }
        }
        hasSlowStarts.store(hasMore, ordering: .relaxed)
        if isChanged { serverChanged(now: now) }
    }
}
