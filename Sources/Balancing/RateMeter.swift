// Events per second, as HAProxy's frequency counters have them: the events of the current second, and of those of the second
// before it the share that lies within the last second. The rate is computed when it is read.
//
// A worker counts in a row of its own, so that counting takes no lock and shares no cache line. A row is a ring of seconds;
// each entry holds the number of its second beside the count, so that a reader never takes one second's count for another's.

public import Basics
public import Synchronization

/// The rate of events now, and the most events that one second has had. Workers count; any thread reads.
@safe
public final class RateMeter: @unchecked Sendable {
    /// The second in the upper bits, its count below: 2^36 events a second and 8 years of a machine's uptime.
    @usableFromInline internal let slots: UnsafeMutablePointer<Atomic<UInt64>>
    @usableFromInline internal let workers: Int
    private let highest = Atomic<UInt64>(0)

    // Functions, since a stored constant would cost a call where this is inlined.
    @inlinable @inline(__always) internal static var countBits: UInt64 { 36 }
    /// More than the two that a rate needs, so that `keepMaximum` may be called some seconds late.
    @inlinable @inline(__always) internal static var ringSeconds: UInt64 { 4 }
    /// Entries from one worker's row to the next: a cache line.
    @inlinable @inline(__always) internal static var stride: Int { 8 }

    public init(workers: Int) {
        precondition(workers > 0, "a rate without workers")
        self.workers = workers
        unsafe slots = UnsafeMutablePointer.allocate(capacity: workers * Self.stride)
        for i in 0..<workers * Self.stride { unsafe (slots + i).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe slots.deinitialize(count: workers * Self.stride)
        unsafe slots.deallocate()
    }

    /// Counts events of worker `worker`, which must be the caller's own.
    @inlinable @inline(__always)
    public func count(_ amount: UInt64 = 1, worker: Int, at now: Instant) {
        precondition(UInt(bitPattern: worker) < UInt(bitPattern: workers), "worker \(worker) of \(workers)")
        let second = now.nanoseconds / 1_000_000_000
        let ring = Int(truncatingIfNeeded: second & (Self.ringSeconds &- 1))
        let slot = unsafe slots + (worker &* Self.stride &+ ring)
        let stamp = second &<< Self.countBits
        // One writer a row: a load and a store, no locked instruction.
        let held = unsafe slot.pointee.load(ordering: .relaxed)
        let before = (held ^ stamp) &>> Self.countBits == 0 ? held : stamp
        unsafe slot.pointee.store(before &+ amount, ordering: .relaxed)
    }

    /// Events per second at `now`. As in HAProxy a single event counts as 1 during its second and the next, so that a slow
    /// trickle does not flicker between 0 and 1.
    public func rate(at now: Instant) -> Int {
        let second = now.nanoseconds / 1_000_000_000
        let current = events(ofSecond: second)
        let past = second > 0 ? events(ofSecond: second - 1) : 0
        if current == 0 && past <= 1 { return Int(past) }
        let remaining = 1_000 - now.nanoseconds / 1_000_000 % 1_000
        return Int(clamping: current &+ past &* remaining / 1_000)
    }

    /// The most events that one second has had, of the seconds that ended at most three seconds before a call of this method
    /// or of `keepMaximum`.
    public func maximum(at now: Instant) -> Int {
        keepMaximum(at: now)
        return Int(clamping: highest.load(ordering: .relaxed))
    }

    /// Takes the last seconds into account for the maximum. To be called once a second, on any thread.
    public func keepMaximum(at now: Instant) {
        let second = now.nanoseconds / 1_000_000_000
        for back in 0..<min(Self.ringSeconds, second + 1) {
            let events = events(ofSecond: second - back)
            if events > highest.load(ordering: .relaxed) { highest.max(events, ordering: .relaxed) }
        }
    }

    private func events(ofSecond second: UInt64) -> UInt64 {
        let ring = Int(truncatingIfNeeded: second & (Self.ringSeconds - 1))
        let mask: UInt64 = 1 << Self.countBits - 1
        let stamp = second &<< Self.countBits
        var sum: UInt64 = 0
        for worker in 0..<workers {
            let held = unsafe slots[worker * Self.stride + ring].load(ordering: .relaxed)
            if held & ~mask == stamp { sum &+= held & mask }
        }
        return sum
    }
}
