// The idle connections that one worker keeps to one server. Every worker may take from it.
//
// The entry stands for the connection. A worker that takes it out owns the descriptor and uses, closes or adopts it; a worker
// that does not find it must not touch the descriptor, even if an event, a deadline or a purge is about this very connection:
// another worker has it. The object that the keeping worker has for the connection (`ServerConnection`) never leaves that worker.
// When the entry was stolen, the object is told on one of three occasions, whichever comes first: its worker looks into the
// list again, an event or the idle deadline finds the entry missing, or the worker stops.

internal import Basics
internal import Reactor
internal import Synchronization

/// An entry that was taken from another worker.
struct StolenConnection: Sendable {
    let entry: IdleEntry
    /// The other worker's, which still watches the descriptor.
    let watchSet: any WatchSet
}

@safe
final class IdleList: @unchecked Sendable {
    /// With a single worker there is no lock.
    private let isShared: Bool
    private let lock = Lock<Void>(())
    @safe @exclusivity(unchecked) private var chains = IdleChains()
    /// The keeping worker's.
    @safe @exclusivity(unchecked) private var watchSet: (any WatchSet)?
    /// Slots whose entries were stolen since the keeping worker last asked.
    @safe @exclusivity(unchecked) private var stolen: [SlotHandle] = []
    // For a look without the lock: current to within a moment.
    private let countSeen = Atomic<Int>(0)
    private let hasStolen = Atomic<Bool>(false)

    init(isShared: Bool) { self.isShared = isShared }

    /// Entries, as of a moment ago where other threads are at work.
    var count: Int { countSeen.load(ordering: .relaxed) }

    // MARK: For the worker that keeps the connections

    /// Returns nil, and adds nothing, if `onlyAsFirst` is set and the worker keeps a connection of this kind already.
    func add(_ entry: IdleEntry, watchedBy set: any WatchSet, onlyAsFirst: Bool) -> IdlePosition? {
        exclusively {
            if onlyAsFirst && !chains.lacks(entry.kind) { return nil }
            if watchSet == nil { watchSet = set }
            defer { noteCount() }
            return chains.add(entry)
        }
    }

    /// Takes the connection with this key that became idle last; nil if there is none.
    func takeNewest(_ key: ConnectionKey, _ preference: IdlePreference) -> IdleEntry? {
        if count == 0 { return nil }
        return exclusively {
            defer { noteCount() }
            return chains.takeNewest(key, preference)
        }
    }

    func takeOldest() -> IdleEntry? {
        if count == 0 { return nil }
        return exclusively {
            defer { noteCount() }
            return chains.takeOldest()
        }
    }

    /// Takes out a certain connection. False if another worker has taken it: then its descriptor is not the caller's any more.
    func remove(_ position: IdlePosition, of handle: SlotHandle) -> Bool {
        exclusively {
            defer { noteCount() }
            return chains.remove(position, of: handle)
        }
    }

    /// The slots of connections that other workers have taken since the last call.
    func takeStolen() -> [SlotHandle] {
        guard hasStolen.load(ordering: .relaxed) else { return [] }
        return exclusively {
            hasStolen.store(false, ordering: .relaxed)
            defer { stolen.removeAll() }
            return stolen
        }
    }

    // MARK: For the others

    func steal(_ key: ConnectionKey, _ preference: IdlePreference) -> StolenConnection? {
        if count == 0 { return nil }
        return exclusively { handOver(chains.takeNewest(key, preference)) }
    }

    func stealOldest() -> StolenConnection? {
        if count == 0 { return nil }
        return exclusively { handOver(chains.takeOldest()) }
    }

    private func handOver(_ entry: IdleEntry?) -> StolenConnection? {
        guard let entry, let watchSet else { return nil }
        noteCount()
        stolen.append(entry.handle)
        hasStolen.store(true, ordering: .relaxed)
        return StolenConnection(entry: entry, watchSet: watchSet)
    }

    // MARK: The lock

    private func noteCount() { countSeen.store(chains.count, ordering: .relaxed) }

    private func exclusively<R: Sendable>(_ body: () -> R) -> R {
        if !isShared { return body() }
        return lock.withLock { _ in body() }
    }
}
