// How long the last requests took: averages in which older requests count less and less, as in HAProxy.
//
// Each worker adds the times of its requests to sums that only grow. From time to time a worker, or a reader, takes what was
// added since the last time and weighs it into the averages. So the averages follow the order of the requests, however
// unevenly the workers share them.

internal import Basics

/// Averages of the times of about the last 1,024 requests, in milliseconds.
public struct AverageTimes: Sendable, Equatable {
    public var queue = 0, connect = 0, response = 0, total = 0
    public init() {}
}

/// The averages of one backend or server.
final class TimeAverages: Sendable {
    /// A request's share in the average falls by 1/512 with each that follows: the mean age of what counts is that of the last
    /// 1,024 requests with equal shares.
    private static let window = 512.0
    /// A worker weighs its requests in after this many.
    static let batch: UInt64 = 16

    private struct Sums {
        var count = 0.0, queue = 0.0, connect = 0.0, response = 0.0, total = 0.0

        init() {}

        init(of traffic: Traffic) {
            count = Double(traffic.total(.timed))
            queue = Double(traffic.total(.queueMilliseconds))
            connect = Double(traffic.total(.connectMilliseconds))
            response = Double(traffic.total(.responseMilliseconds))
            total = Double(traffic.total(.totalMilliseconds))
        }

        /// What has been added since `before`, behind what is left of `kept`.
        func added(since before: Sums, to kept: Sums) -> Sums {
            let new = count - before.count
            guard new > 0 else { return kept }
            // Until the window is full nothing is forgotten.
            let excess = max(0, kept.count + new - TimeAverages.window)
            let share = kept.count > 0 ? max(0, 1 - excess / kept.count) : 0
            // More at a time than the window holds counts as one window.
            let scale = min(1, TimeAverages.window / new)
            var sums = Sums()
            sums.count = kept.count * share + new * scale
            sums.queue = kept.queue * share + (queue - before.queue) * scale
            sums.connect = kept.connect * share + (connect - before.connect) * scale
            sums.response = kept.response * share + (response - before.response) * scale
            sums.total = kept.total * share + (total - before.total) * scale
            return sums
        }
    }

    private struct State {
        var seen = Sums()
        var window = Sums()

        mutating func take(_ traffic: Traffic) {
            let now = Sums(of: traffic)
            window = now.added(since: seen, to: window)
            seen = now
        }
    }

    private let state = Lock(State())

    /// Weighs in what was added since the last time, unless another thread is doing so.
    func take(_ traffic: Traffic) {
        _ = state.withLockIfAvailable { $0.take(traffic) }
    }

    func averages(of traffic: Traffic) -> AverageTimes {
        let sums = state.withLock { state in
            state.take(traffic)
            return state.window
        }
        var times = AverageTimes()
        guard sums.count > 0 else { return times }
        times.queue = Self.rounded(sums.queue / sums.count)
        times.connect = Self.rounded(sums.connect / sums.count)
        times.response = Self.rounded(sums.response / sums.count)
        times.total = Self.rounded(sums.total / sums.count)
        return times
    }

    /// Rounded up, as in HAProxy, without what the rounding of the shares has added.
    private static func rounded(_ milliseconds: Double) -> Int {
        Int(clamping: Int64((milliseconds - 1e-6).rounded(.up)))
    }
}
