// The entries of a set of patterns: one array of bytes, and where each entry's key and value are in it. Indexes find entries,
// and refer to them by slot.

internal import Basics

struct PatternStore: ~Copyable {
    struct Entry: Sendable {
        /// Stretches of `bytes`.
        public var key: TableSlice
        public var value: TableSlice
        /// Grows from entry to entry, so that the first one in the file can win; `unused` for a free slot.
        public var order: UInt64

        public static let unused = UInt64.max
    }

    private(set) var entries: [Entry] = []
    /// Slots that can be used again.
    private var free: [Int32] = []
    private var bytes: [UInt8] = []
    /// Bytes of `bytes` that no entry refers to any more.
    private var wasted = 0
    private var nextOrder: UInt64 = 0

    /// Texts left behind are swept up beyond this, and beyond half of all.
    private static let wastedMin = 64 << 10

    var count: Int { entries.count - free.count }
    /// Bytes of keys and values.
    var textBytes: Int { bytes.count - wasted }

    /// What all of it takes.
    var memory: Int { entries.capacity * MemoryLayout<Entry>.stride + free.capacity * 4 + bytes.capacity }

    /// The slots in use, oldest entry first.
    var slots: [Int32] {
        let used = entries.indices.filter { entries[$0].order != Entry.unused }.map { Int32($0) }
        return free.isEmpty && nextOrder == entries.count
            ? used : used.sorted { entries[Int($0)].order < entries[Int($1)].order }
    }

    @_lifetime(borrow self)
    func key(_ slot: Int32) -> RawSpan { unsafe bytes.span.bytes.extracting(entries[Int(slot)].key.range) }

    @_lifetime(borrow self)
    func value(_ slot: Int32) -> RawSpan { unsafe bytes.span.bytes.extracting(entries[Int(slot)].value.range) }

    func order(_ slot: Int32) -> UInt64 { entries[Int(slot)].order }

    mutating func reserve(entries count: Int, bytes byteCount: Int) {
        entries.reserveCapacity(count)
        bytes.reserveCapacity(byteCount)
    }

    /// Adds an entry behind all others; its slot.
    mutating func add(_ key: RawSpan, _ value: RawSpan) -> Int32 {
        let entry = Entry(key: keep(key), value: keep(value), order: nextOrder)
        nextOrder += 1
        if let slot = free.popLast() {
            entries[Int(slot)] = entry
            return slot
        }
        entries.append(entry)
        return Int32(entries.count - 1)
    }

    mutating func remove(_ slot: Int32) {
        let entry = entries[Int(slot)]
        precondition(entry.order != Entry.unused, "pattern slot \(slot) is free already")
        wasted += entry.key.count + entry.value.count
        entries[Int(slot)] = Entry(key: TableSlice(0..<0), value: TableSlice(0..<0), order: Entry.unused)
        free.append(slot)
        sweepIfWorthIt()
    }

    mutating func removeAll() { self = PatternStore() }

    mutating func setValue(_ slot: Int32, _ value: RawSpan) {
        let old = entries[Int(slot)].value
        if value.byteCount <= old.count {
            let start = old.range.lowerBound
            for i in 0..<value.byteCount { bytes[start + i] = value[i] }
            wasted += old.count - value.byteCount
            entries[Int(slot)].value = TableSlice(start..<start + value.byteCount)
        } else {
            wasted += old.count
            entries[Int(slot)].value = keep(value)
            sweepIfWorthIt()
        }
    }

    private mutating func keep(_ text: RawSpan) -> TableSlice {
        let start = bytes.count
        bytes.append(text)
        return TableSlice(start..<bytes.count)
    }

    private mutating func sweepIfWorthIt() {
        guard wasted > Self.wastedMin, wasted > bytes.count / 2 else { return }
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count - wasted)
        func move(_ old: TableSlice) -> TableSlice {
            let start = kept.count
            kept += bytes[old.range]
            return TableSlice(start..<kept.count)
        }
        for i in entries.indices {
            entries[i].key = move(entries[i].key)
            entries[i].value = move(entries[i].value)
        }
        bytes = kept
        wasted = 0
    }
}
