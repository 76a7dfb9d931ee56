// How long a server takes to begin its responses: an average in which older ones count less and less, for `balance ewma`.
//
// The average and its time are one word, so that workers need no lock: each response is weighed in exactly once, whichever worker
// had it.

public import Basics
internal import Synchronization

/// An average of latencies, in seconds. Any thread adds to it and reads it.
final class LatencyMeter: Sendable {
    /// What counts half as much: half of what a server is slower than others is forgotten in this time, in seconds.
    static let halfLife = 5.0

    /// The average as a `Float` in the upper half, the millisecond of the last latency in the lower; 0 while there was none.
    private let word = Atomic<UInt64>(0)
    /// Whether a latency above the average replaces it.
    private let followsPeaks: Bool

    init(followsPeaks: Bool) { self.followsPeaks = followsPeaks }

    /// Weighs in a latency.
    /// - Parameter isWhole: the response has begun; otherwise that is only how long it has been waited for, which cannot lower the average.
    func add(_ latency: TimeSpan, isWhole: Bool = true, at now: Instant) {
        let sample = Float(latency.nanoseconds) / 1e9
        var old = word.load(ordering: .relaxed)
        while true {
            var average = sample
            if old != 0 {
                let known = Self.average(old)
                if !isWhole, sample <= known { return }
                if !followsPeaks || sample < known {
                    average = sample + (known - sample) * Float(Self.share(afterMilliseconds: Self.age(old, at: now)))
                }
            }
            let (isDone, seen) = word.weakCompareExchange(
                expected: old, desired: Self.word(average, now), ordering: .relaxed)
            if isDone { return }
            old = seen
        }
    }

    /// The average; nil while there is none.
    var value: Double? {
        let word = word.load(ordering: .relaxed)
        return word == 0 ? nil : Double(Self.average(word))
    }

    /// The average as it may be by now: the longer ago the last latency was, the nearer it is to `typical`, which it is without any.
    func value(at now: Instant, typical: Double) -> Double {
        let word = word.load(ordering: .relaxed)
        guard word != 0 else { return typical }
        return typical
            + (Double(Self.average(word)) - typical) * Self.share(afterMilliseconds: Self.age(word, at: now))
    }

    private static func word(_ average: Float, _ now: Instant) -> UInt64 {
        // Never 0, which stands for none.
        UInt64(max(average, .leastNormalMagnitude).bitPattern) << 32
            | UInt64(UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000))
    }

    private static func average(_ word: UInt64) -> Float { Float(bitPattern: UInt32(truncatingIfNeeded: word >> 32)) }

    /// In milliseconds; 0 if another worker's clock was ahead.
    private static func age(_ word: UInt64, at now: Instant) -> UInt32 {
        let age = UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000) &- UInt32(truncatingIfNeeded: word)
        return age > .max / 2 ? 0 : age
    }

    /// What is left after a time: half after each half-life. Within one, 2^-x is a polynomial that is right at both ends and wrong by
    /// less than 0.001 in between: a worker computes this for each server.
    private static func share(afterMilliseconds age: UInt32) -> Double {
        let halvings = Double(age) / (halfLife * 1_000)
        guard halvings < 64 else { return 0 }
        let whole = halvings.rounded(.down)
        let x = halvings - whole
        let part = 1 - x * (0.693147 - x * (0.2362954 - x * 0.0431484))
        return Double(sign: .plus, exponent: -Int(whole), significand: 1) * part
    }
}

extension Backend {
    /// Weighs in how long a server took, if balancing goes by that. Call once for each exchange, for the server that it had last.
    /// - Parameters:
    ///   - latency: from the beginning of the connection to the beginning of the response.
    ///   - isWhole: whether there was a response; otherwise how long it was waited for.
    public func learn(_ latency: TimeSpan, of server: Server, isWhole: Bool, at now: Instant) {
        guard learnsLatencies else { return }
        server.latency.add(latency, isWhole: isWhole, at: now)
        if isWhole { latencies.add(latency, at: now) }
    }
}
