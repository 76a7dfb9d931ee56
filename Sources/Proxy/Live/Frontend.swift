// What lives of a frontend: what is counted of it, and what was last seen there. A plan says how a frontend is configured, and another
// plan may say so otherwise; the counts go on for as long as there is a frontend of that name.

internal import Balancing
internal import Basics
public import Synchronization

/// The counts of one frontend. Written by workers, read by the control plane and for statistics.
public final class Frontend: Sendable {
    /// Client connections now.
    let sessions = Gauge()
    let traffic: Traffic
    /// Of its connections that speak HTTP/2.
    let http2: HTTP2Counters
    /// Connections that were accepted.
    let connectionRate: RateMeter
    /// Connections that the rules about connections let in.
    let sessionRate: RateMeter
    let requestRate: RateMeter
    /// Lines of the log so far, where they are numbered.
    let logLines = Atomic<UInt64>(0)
    /// `rate-limit sessions`, for all workers together.
    let sessionRateLimit = RateLimit()
    /// The last request that could not be parsed.
    let refused = CapturedErrorSlot()
    /// Whether its listeners are closed for a while; for statistics.
    public let isPaused = Atomic<Bool>(false)

    /// - Parameter workers: how many threads count.
    init(workers: Int) {
        traffic = Traffic(workers: workers)
        http2 = HTTP2Counters(workers: workers)
        connectionRate = RateMeter(workers: workers)
        sessionRate = RateMeter(workers: workers)
        requestRate = RateMeter(workers: workers)
    }

    /// Looks at the last seconds for maxima. Called once a second.
    func keepMaxima(at now: Instant) {
        for meter in [connectionRate, sessionRate, requestRate] { meter.keepMaximum(at: now) }
    }
}
