// A reference to one index of a set, held by conditions and converters. It is a few pointers, so that a look-up does no
// reference counting; the table that holds it retains the set.

public import Basics

@safe
public struct PatternLookup: @unchecked Sendable {
    private let index: UnsafeMutablePointer<PatternIndex>
    private let store: UnsafeMutablePointer<PatternStore>
    /// nil if the set never changes.
    private let lock: UnsafeMutablePointer<ReadMostlyLock>?

    init(
        index: UnsafeMutablePointer<PatternIndex>, store: UnsafeMutablePointer<PatternStore>,
        lock: UnsafeMutablePointer<ReadMostlyLock>?
    ) {
        unsafe self.index = index
        unsafe self.store = store
        unsafe self.lock = lock
    }

    public func contains(_ number: Int) -> Bool {
        let lane = enter()
        defer { leave(lane) }
        return unsafe index.pointee.find(number, store.pointee) >= 0
    }

    public func contains(_ address: IPAddress) -> Bool {
        let lane = enter()
        defer { leave(lane) }
        return unsafe index.pointee.find(address) >= 0
    }

    public func contains(_ text: RawSpan) -> Bool {
        let lane = enter()
        defer { leave(lane) }
        return unsafe index.pointee.find(text, store.pointee) >= 0
    }

    public func contains(_ text: RawSpan, by matcher: RegularMatcher) -> Bool {
        let lane = enter()
        defer { leave(lane) }
        return unsafe index.pointee.find(text, matcher) >= 0
    }

    /// Calls `use` with the value, or the key, of the entry that `search` finds; false if it finds none. The set is held for
    /// reading meanwhile: neither may read it again.
    public func withEntry(
        asKey: Bool, _ search: (_ set: PatternSearch) -> Int32, _ use: (_ text: RawSpan) -> Void
    ) -> Bool {
        let lane = enter()
        defer { leave(lane) }
        let slot = unsafe search(PatternSearch(index: index, store: store))
        if slot < 0 { return false }
        if asKey { unsafe use(store.pointee.key(slot)) } else { unsafe use(store.pointee.value(slot)) }
        return true
    }

    @inline(__always)
    private func enter() -> Int {
        if let lock = unsafe lock { unsafe lock.pointee.beginReading() } else { 0 }
    }

    @inline(__always)
    private func leave(_ lane: Int) {
        if let lock = unsafe lock { unsafe lock.pointee.endReading(lane) }
    }
}

/// A set that is held for reading: finds entries by the ways to match. -1 stands for no entry.
@safe
public struct PatternSearch {
    fileprivate let index: UnsafeMutablePointer<PatternIndex>
    fileprivate let store: UnsafeMutablePointer<PatternStore>

    public func find(_ number: Int) -> Int32 { unsafe index.pointee.find(number, store.pointee) }
    public func find(_ address: IPAddress) -> Int32 { unsafe index.pointee.find(address) }
    public func find(_ text: RawSpan) -> Int32 { unsafe index.pointee.find(text, store.pointee) }
    public func find(_ text: RawSpan, by matcher: RegularMatcher) -> Int32 { unsafe index.pointee.find(text, matcher) }
}

extension PatternProgram {
    /// The look-up at an index that `PatternTable.use` returned.
    @inlinable @inline(__always)
    public final func lookup(_ place: Int) -> PatternLookup {
        guard let lookup = patterns.lookups[place] else { preconditionFailure("pattern file \(place) was not read") }
        return lookup
    }
}
