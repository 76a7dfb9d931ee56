// A priority queue of deadlines with lazy updates.
//
// The owner stores its current deadline itself and may move it later without touching the queue. The queue only has to
// hold an entry due no later than that deadline. When the entry comes up, the owner compares it with its deadline and
// schedules a new entry if the deadline has moved.

public import Basics
internal import HeapModule

/// The deadlines of one thread's connections or tasks.
public struct TimerQueue {
    private struct Entry: Comparable {
        let due: Instant
        let handle: SlotHandle
        static func < (a: Entry, b: Entry) -> Bool { a.due < b.due }
    }
    private var entries = Heap<Entry>()

    public init() {}

    /// The number of entries, outdated ones included.
    public var count: Int { entries.count }
    /// When the first entry is due; `never` if the queue is empty.
    public var next: Instant { entries.min?.due ?? .never }

    /// Adds an entry. Earlier entries of the same owner stay in the queue.
    public mutating func schedule(_ handle: SlotHandle, at due: Instant) {
        entries.insert(Entry(due: due, handle: handle))
    }

    /// Removes and returns the first entry if it is due by `now`; otherwise returns nil.
    public mutating func popDue(by now: Instant) -> (handle: SlotHandle, due: Instant)? {
        guard let first = entries.min, first.due <= now else { return nil }
        entries.removeMin()
        return (first.handle, first.due)
    }
}
