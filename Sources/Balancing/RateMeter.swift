// Events per second, from a total that only grows: sampled once a second by the control thread.

public import Basics
internal import Synchronization

/// The rate of a counter over the last whole second, and the highest seen.
public final class RateMeter: Sendable {
    private let lastTotal = Atomic<UInt64>(0)
    private let perSecond = Atomic<UInt64>(0)
    private let highest = Atomic<UInt64>(0)

    public init() {}

    public var current: UInt64 { perSecond.load(ordering: .relaxed) }
    public var maximum: UInt64 { highest.load(ordering: .relaxed) }

    /// `total` now, `elapsed` after the previous sample.
    public func sample(total: UInt64, elapsed: TimeSpan) {
        let before = lastTotal.exchange(total, ordering: .relaxed)
        guard elapsed.nanoseconds > 0 else { return }
        let rate = Double(total &- before) * 1e9 / Double(elapsed.nanoseconds)
        let rounded = UInt64(rate.rounded())
        perSecond.store(rounded, ordering: .relaxed)
        highest.max(rounded, ordering: .relaxed)
    }
}
