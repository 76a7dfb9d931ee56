// Idle connections in the order in which they became idle: two doubly linked chains over one array, one of the connections that
// have carried a single request, one of those that have been reused. Adding, taking the newest and removing a given one cost
// the same for ten entries and for ten thousand. No locks: `IdleList` has them.

internal import Basics
internal import Reactor
internal import TLS

/// An idle connection as any worker may see it. The worker that takes the entry out of its list owns the descriptor.
struct IdleEntry: Sendable {
    let socket: Socket
    /// The connection's slot in the table of the worker that keeps it.
    let handle: SlotHandle
    /// What a request has to have in common with it.
    let key: ConnectionKey
    /// Requests it has carried.
    let useCount: Int
    /// What encrypts it; nil if it is plain. Only the worker that owns the descriptor uses it.
    var tls: TLSEngine?

    var kind: IdleKind { useCount > 1 ? .reused : .usedOnce }
}

enum IdleKind: Sendable {
    /// It has carried one request: whether the server really lets connections be reused is not proven.
    case usedOnce
    case reused
}

/// Which connections a request may go over, and which it takes first.
enum IdlePreference: Sendable {
    case usedOnceFirst
    case reusedOnly
}

/// Where an entry is in its list; for `remove`.
struct IdlePosition: Sendable, Equatable {
    fileprivate let index: Int32
}

struct IdleChains {
    private struct Node {
        var entry: IdleEntry
        var newer = none
        var older = none
    }
    /// The two ends of a chain.
    private struct Ends {
        var newest = none
        var oldest = none
    }
    private static let none: Int32 = -1
    /// An array for more than so many connections is given back when none is left.
    private static let nodesKept = 64

    private var nodes: [Node] = []
    /// The first unused node; the others follow by `older`.
    private var free = none
    private var usedOnce = Ends()
    private var reused = Ends()
    private(set) var count = 0

    /// Whether a connection of the kind would be the first: HAProxy's threads always keep one of each, a reused one counting for both.
    func lacks(_ kind: IdleKind) -> Bool {
        reused.newest == Self.none && (kind == .reused || usedOnce.newest == Self.none)
    }

    mutating func add(_ entry: IdleEntry) -> IdlePosition {
        let index = makeNode(entry)
        link(index, entry.kind)
        count += 1
        return IdlePosition(index: index)
    }

    /// Takes out the connection with this key that became idle last, in the order of `preference`; nil if there is none.
    mutating func takeNewest(_ key: ConnectionKey, _ preference: IdlePreference) -> IdleEntry? {
        if preference == .usedOnceFirst, let index = newest(key, from: usedOnce) { return take(index) }
        return newest(key, from: reused).map { take($0) }
    }

    /// Takes out the one that has been idle for longest, of those used once if there are any; nil if there is none at all.
    mutating func takeOldest() -> IdleEntry? {
        let index = usedOnce.oldest != Self.none ? usedOnce.oldest : reused.oldest
        return index == Self.none ? nil : take(index)
    }

    /// Takes out the entry of a certain connection; false if it is not there any more.
    mutating func remove(_ position: IdlePosition, of handle: SlotHandle) -> Bool {
        let index = position.index
        guard index < nodes.count, isUsed(index), nodes[Int(index)].entry.handle == handle else { return false }
        _ = take(index)
        return true
    }

    // MARK: Links

    private func newest(_ key: ConnectionKey, from ends: Ends) -> Int32? {
        var index = ends.newest
        while index != Self.none {
            if nodes[Int(index)].entry.key == key { return index }
            index = nodes[Int(index)].older
        }
        return nil
    }

    /// An unused node refers to itself as newer, which no used one does.
    private func isUsed(_ index: Int32) -> Bool { nodes[Int(index)].newer != index }

    private mutating func makeNode(_ entry: IdleEntry) -> Int32 {
        guard free != Self.none else {
            nodes.append(Node(entry: entry))
            return Int32(nodes.count - 1)
        }
        let index = free
        free = nodes[Int(index)].older
        nodes[Int(index)] = Node(entry: entry)
        return index
    }

    private mutating func link(_ index: Int32, _ kind: IdleKind) {
        var ends = self[kind]
        nodes[Int(index)].older = ends.newest
        if ends.newest != Self.none { nodes[Int(ends.newest)].newer = index } else { ends.oldest = index }
        ends.newest = index
        self[kind] = ends
    }

    private mutating func take(_ index: Int32) -> IdleEntry {
        unlink(index)
        count -= 1
        let entry = nodes[Int(index)].entry
        if count == 0 && nodes.count > Self.nodesKept {
            nodes = []
            free = Self.none
        } else {
            // An unused node keeps no engine, which would keep its session and buffers.
            nodes[Int(index)].entry.tls = nil
            nodes[Int(index)].newer = index
            nodes[Int(index)].older = free
            free = index
        }
        return entry
    }

    private mutating func unlink(_ index: Int32) {
        let (newer, older) = (nodes[Int(index)].newer, nodes[Int(index)].older)
        let kind = nodes[Int(index)].entry.kind
        var ends = self[kind]
        if newer != Self.none { nodes[Int(newer)].older = older } else { ends.newest = older }
        if older != Self.none { nodes[Int(older)].newer = newer } else { ends.oldest = newer }
        self[kind] = ends
    }

    private subscript(kind: IdleKind) -> Ends {
        get { kind == .reused ? reused : usedOnce }
        set { if kind == .reused { reused = newValue } else { usedOnce = newValue } }
    }
}
