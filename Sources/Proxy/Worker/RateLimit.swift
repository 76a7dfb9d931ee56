// How many connections may come in within a second: `rate-limit sessions`, `maxconnrate`, `maxsessrate`. It holds for all workers
// together, so each takes its place before it accepts.

internal import Basics
internal import Synchronization

/// A limit on events a second, measured as `RateMeter` does: those of the current second, and of those of the second before it the
/// share that lies within the last second.
final class RateLimit: Sendable {
    private let most: Atomic<Int>
    private let counts = Lock(Counts())

    private struct Counts {
        var second: UInt64 = 0
        var current: UInt64 = 0
        var past: UInt64 = 0

        mutating func advance(to now: UInt64) {
            guard now != second else { return }
            past = now == second + 1 ? current : 0
            current = 0
            second = now
        }
    }

    /// - Parameter perSecond: how many events there may be in a second; 0 for any number.
    init(_ perSecond: Int = 0) { most = Atomic(perSecond) }

    /// The limit; 0 for none. What came in before it changed counts.
    var perSecond: Int {
        get { most.load(ordering: .relaxed) }
        set { most.store(newValue, ordering: .relaxed) }
    }

    /// Takes a place for an event now. Returns nil if there is one, else after what time there may be.
    func take(at now: Instant) -> TimeSpan? {
        let perSecond = perSecond
        if perSecond == 0 { return nil }
        let milliseconds = now.nanoseconds / 1_000_000
        return counts.withLock { counts -> TimeSpan? in
            counts.advance(to: milliseconds / 1_000)
            let remaining = 1_000 - milliseconds % 1_000
            let most = UInt64(perSecond)
            if counts.current + counts.past * remaining / 1_000 < most {
                counts.current += 1
                return nil
            }
            guard counts.current < most else { return .milliseconds(remaining) }
            // The share of the past shrinks until another fits.
            let enough = ((most - counts.current) * 1_000 - 1) / counts.past
            return .milliseconds(max(1, remaining - min(remaining, enough)))
        }
    }

    /// Gives back a place that was taken in this turn and not needed.
    func giveBack() { counts.withLock { if $0.current > 0 { $0.current -= 1 } } }
}
