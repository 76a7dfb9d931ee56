// Events per second, as HAProxy's frequency counters tell them: the events of the second that runs, and of those of the second
// before it the share that is still within the last second. It is computed when it is asked for.
//
// A worker counts in a row of its own, so that counting takes no lock and shares no cache line. A row is a ring of seconds;
// each slot says which second it counts, so that a reader sees no second half changed to the next.

public import Basics
public import Synchronization

/// The rate of events now, and the most that one second has had. Workers count, anyone may ask.
@safe
public final class RateMeter: @unchecked Sendable {
    /// The second in the upper bits, its count below: 2^36 events a second and 8 years of a machine's uptime.
    @usableFromInline internal let slots: UnsafeMutablePointer<Atomic<UInt64>>
    @usableFromInline internal let workers: Int
    private let highest = Atomic<UInt64>(0)

    // Functions, since a stored constant would cost a call where this is inlined.
    @inlinable @inline(__always) internal static var countBits: UInt64 { 36 }
    /// More than the two that a rate needs: the maximum of a second may be looked up this many seconds later.
    @inlinable @inline(__always) internal static var ringSeconds: UInt64 { 4 }
    /// Slots from one worker's row to the next: a cache line.
    @inlinable @inline(__always) internal static var stride: Int { 8 }

    public init(workers: Int) {
        precondition(workers > 0, "a rate that nobody counts")
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

    /// Events per second at `now`. As in HAProxy a single event is told for as long as its second or the next runs, so that
    /// a slow trickle does not flicker between 0 and 1.
    public func rate(at now: Instant) -> Int {
        let second = now.nanoseconds / 1_000_000_000
        let current = events(ofSecond: second)
        let past = second > 0 ? events(ofSecond: second - 1) : 0
        if current == 0 && past <= 1 { return Int(past) }
        let remaining = 1_000 - now.nanoseconds / 1_000_000 % 1_000
        return Int(clamping: current &+ past &* remaining / 1_000)
    }

    /// The most events that one second has had. Seconds count that ended up to three seconds before a call of this or of
    /// `keepMaximum`.
    public func maximum(at now: Instant) -> Int {
        keepMaximum(at: now)
        return Int(clamping: highest.load(ordering: .relaxed))
    }

    /// Looks at the last seconds for the maximum. Any thread calls it, once a second.
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
