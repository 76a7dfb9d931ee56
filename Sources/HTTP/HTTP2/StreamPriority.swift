// Whose turn it is to send: RFC 9218's urgency and incremental delivery. The scheme of RFC 7540 is ignored, as RFC 9113 section 5.3 allows.

internal import Basics

/// How urgent a response is, and whether its parts are of use before the rest has come.
public struct StreamPriority: Equatable, Sendable {
    /// 0 is the most urgent, 7 the least; 3 where the client names none.
    public var urgency = Self.usualUrgency
    public var isIncremental = false
    /// The client has said so: what is not incremental is then sent one after the other.
    public var isTold = false

    static let usualUrgency: UInt8 = 3
    static let leastUrgency: UInt8 = 7

    public init() {}

    /// Reads a `Priority` field's value (RFC 9218 section 4): `u=1, i`. Parameters that are unknown or malformed have no effect.
    public init(_ value: RawSpan) {
        isTold = true
        var position = 0
        while let range = value.nextElement(from: &position) {
            let member = value.extracting(range)
            if member.equals("i") || member.equals("i=?1") { isIncremental = true }
            if member.equals("i=?0") { isIncremental = false }
            if member.byteCount == 3, member.extracting(first: 2).equals("u="), member[2] &- 0x30 <= Self.leastUrgency {
                urgency = member[2] &- 0x30
            }
        }
    }
}

/// The streams that wait for their turn to send, and in which order they get it.
///
/// Streams of equal urgency take turns, a frame each; what is told not to be incremental keeps its turn for some frames. More urgent
/// streams go first, but every few turns one goes to the next class that waits, so that none starves.
struct SendOrder: Sendable {
    private var queues = [Queue](repeating: Queue(), count: Int(StreamPriority.leastUrgency) + 1)
    private(set) var count = 0
    /// Turns that each class has let pass while it waited.
    private var passed = [Int](repeating: 0, count: Int(StreamPriority.leastUrgency) + 1)

    /// Turns of more urgent streams after which a less urgent one has one.
    private static let patience = 8

    private struct Queue: Sendable {
        var slots: [StreamSlot] = []
        var first = 0

        var isEmpty: Bool { first == slots.count }

        mutating func popFirst() -> StreamSlot {
            let slot = slots[first]
            first += 1
            if first == slots.count {
                slots.removeAll(keepingCapacity: true)
                first = 0
            } else if first >= 32 {
                slots.removeFirst(first)
                first = 0
            }
            return slot
        }
    }

    var isEmpty: Bool { count == 0 }

    mutating func append(_ slot: StreamSlot, _ priority: StreamPriority) {
        queues[Int(priority.urgency)].slots.append(slot)
        count += 1
    }

    mutating func remove(_ slot: StreamSlot, _ priority: StreamPriority) {
        let urgency = Int(priority.urgency)
        for i in queues[urgency].first..<queues[urgency].slots.count where queues[urgency].slots[i] == slot {
            queues[urgency].slots.remove(at: i)
            count -= 1
            return
        }
    }

    /// Takes out the next; nil if none waits.
    mutating func next() -> StreamSlot? {
        guard count > 0 else { return nil }
        var chosen: Int?
        for urgency in queues.indices where !queues[urgency].isEmpty {
            guard let first = chosen else {
                chosen = urgency
                continue
            }
            passed[urgency] += 1
            if passed[urgency] >= Self.patience {
                chosen = urgency
                _ = first
                break
            }
        }
        guard let chosen else { return nil }
        passed[chosen] = 0
        count -= 1
        return queues[chosen].popFirst()
    }
}
