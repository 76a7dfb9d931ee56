// Deadlines in order, moved lazily.
//
// An owner keeps its true deadline itself and changes it as often as it likes, which costs nothing here.
// The queue holds one entry for it, due no later than the true deadline; when the entry comes up, the
// owner says whether its time has really come or when to look again.

public import Basics
internal import HeapModule

/// The deadlines of one thread.
public struct TimerQueue {
    private struct Entry: Comparable {
        let due: Instant
        let handle: SlotHandle
        static func < (a: Entry, b: Entry) -> Bool { a.due < b.due }
    }
    private var entries = Heap<Entry>()

    public init() {}

    public var count: Int { entries.count }
    /// When to look next; `never` if there is nothing to wait for.
    public var next: Instant { entries.min?.due ?? .never }

    public mutating func schedule(_ handle: SlotHandle, at due: Instant) {
        entries.insert(Entry(due: due, handle: handle))
    }

    /// The next entry that is due by `now`, taken out.
    public mutating func popDue(by now: Instant) -> (handle: SlotHandle, due: Instant)? {
        guard let first = entries.min, first.due <= now else { return nil }
        entries.removeMin()
        return (first.handle, first.due)
    }
}
