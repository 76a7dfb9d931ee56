// What is counted for every frontend, backend and server.

public import Basics

/// One count of a proxy or server: a column of its `PerThreadCounters`.
public enum TrafficCounter: Int, CaseIterable, Sendable {
    /// Sessions taken: connections for a frontend, exchanges for a backend or server (HAProxy's `stot`).
    case sessions
    /// Connections accepted (frontend), or attempted to servers.
    case connections
    case requests
    case bytesIn, bytesOut
    case deniedRequests, deniedResponses
    /// Changes of messages that rules could not make.
    case failedRewrites
    /// Connections rejected by `tcp-request connection` and `tcp-request session` rules.
    case deniedConnections, deniedSessions
    case badRequests
    /// TLS handshakes that were completed, those of them that went on with an earlier session, and those that failed.
    case tlsSessions, resumedTLSSessions, failedHandshakes
    case connectionErrors, badResponses
    case retries, redispatches
    /// Exchanges that went over an idle connection of the pool.
    case reuses
    case clientAborts, serverAborts
    case responses1xx, responses2xx, responses3xx, responses4xx, responses5xx, responsesOther
    /// Requests that a rule, a page or a file answered without any server.
    case intercepted
    /// Times the balancer chose this server or backend (HAProxy's `lbtot`).
    case selections
    /// Failures of Portico's own: a rule's change that could not be made, a message that outgrew its buffer.
    case internalErrors
    /// Exchanges whose times are in the sums below.
    case timed
    /// Sums of milliseconds, for averages; changed through `TrafficRow.count(times:)`.
    case queueMilliseconds, connectMilliseconds, responseMilliseconds, totalMilliseconds
    /// The most milliseconds that one exchange took. These are maxima, not counts: `Traffic.most` reads them.
    case queueMax, connectMax, responseMax, totalMax
    /// When the last session began, in seconds of the monotonic clock, plus one; 0 for never. `Traffic.most` reads it.
    case lastSession
    /// When a server last answered, in nanoseconds of the monotonic clock; 0 for never. `Traffic.most` reads it.
    case lastAnswer

    /// The column that counts responses of a status.
    public static func responses(status: Int) -> TrafficCounter {
        switch status / 100 {
        case 1: .responses1xx
        case 2: .responses2xx
        case 3: .responses3xx
        case 4: .responses4xx
        case 5: .responses5xx
        default: .responsesOther
        }
    }
}

/// The counts of one counted thing, one row a worker.
public struct Traffic: Sendable {
    @usableFromInline internal let sheet: PerThreadCounters

    public init(workers: Int) { sheet = PerThreadCounters(rows: workers, columns: TrafficCounter.allCases.count) }

    /// Adds to the row of worker `worker`, which must be the caller's own.
    @inlinable @inline(__always)
    public func add(_ counter: TrafficCounter, _ amount: UInt64 = 1, worker: Int) {
        sheet.add(amount, row: worker, column: counter.rawValue)
    }

    /// The row of worker `worker`, for several counts at once.
    @inlinable @inline(__always)
    public func row(_ worker: Int) -> TrafficRow { TrafficRow(row: sheet.row(worker)) }

    public func total(_ counter: TrafficCounter) -> UInt64 { sheet.total(counter.rawValue) }

    /// The highest value in any worker's row, for counters that are maxima.
    public func most(_ counter: TrafficCounter) -> UInt64 { sheet.maximum(counter.rawValue) }

    /// How long ago the last session began; nil if there was none.
    public func lastSessionAge(at now: Instant) -> TimeSpan? {
        let last = most(.lastSession)
        let second = now.nanoseconds / 1_000_000_000 + 1
        return last == 0 ? nil : .seconds(second - min(last, second))
    }
}

/// The times of one exchange that its server and backend count, in milliseconds.
public struct ExchangeTimes: Sendable {
    public var queue: UInt64 = 0
    public var connect: UInt64 = 0
    public var response: UInt64 = 0
    public var total: UInt64 = 0

    public init() {}
}

/// One worker's row of a `Traffic`. It must not be used when the `Traffic` is gone.
public struct TrafficRow {
    @usableFromInline let row: CounterRow

    @inlinable init(row: CounterRow) { self.row = row }

    @inlinable @inline(__always)
    public func add(_ counter: TrafficCounter, _ amount: UInt64 = 1) { row.add(amount, column: counter.rawValue) }

    /// A session has begun (`lastsess`).
    @inlinable @inline(__always)
    public func noteSession(at now: Instant) {
        row.raise(to: now.nanoseconds / 1_000_000_000 &+ 1, column: TrafficCounter.lastSession.rawValue)
    }

    /// The server has answered a request, or taken a connection in TCP mode.
    @inlinable @inline(__always)
    public func noteAnswer(at now: Instant) {
        row.raise(to: now.nanoseconds, column: TrafficCounter.lastAnswer.rawValue)
    }

    /// Counts an exchange's times. Returns true if the averages are due to be updated.
    public func count(times: ExchangeTimes) -> Bool {
        add(.queueMilliseconds, times.queue)
        add(.connectMilliseconds, times.connect)
        add(.responseMilliseconds, times.response)
        add(.totalMilliseconds, times.total)
        row.raise(to: times.queue, column: TrafficCounter.queueMax.rawValue)
        row.raise(to: times.connect, column: TrafficCounter.connectMax.rawValue)
        row.raise(to: times.response, column: TrafficCounter.responseMax.rawValue)
        row.raise(to: times.total, column: TrafficCounter.totalMax.rawValue)
        return row.add(1, column: TrafficCounter.timed.rawValue).isMultiple(of: TimeAverages.batch)
    }
}
