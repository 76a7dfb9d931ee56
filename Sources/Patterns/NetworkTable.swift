// Networks of one version of IP: the longest one that an address is in.
//
// One hash table holds all networks, keyed by address and prefix length. A look-up masks the address to each prefix length in
// use, longest first: files use few lengths, and a network is added or removed without touching others, which a flattened trie
// would not allow.

struct NetworkTable<Word: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    private struct Slot: Sendable {
        var network: Word
        var length: UInt8
        /// -1 for none.
        var entry: Int32
    }

    /// A power of two of them, half of them free at least.
    private var slots: [Slot] = []
    private var count = 0
    /// How many networks have each length.
    private var counts = [Int32](repeating: 0, count: Word.bitWidth + 1)
    /// The lengths that occur, the longest first.
    private var lengths: [UInt8] = []
    private let factors = NetworkHash.factors

    var memory: Int { slots.capacity * MemoryLayout<Slot>.stride + counts.capacity * 4 }

    /// Adds a network; false if it is there already.
    mutating func insert(_ network: Word, _ length: Int, _ entry: Int32) -> Bool {
        if (count + 1) * 2 > slots.count { grow() }
        let i = place(network, UInt8(length))
        guard slots[i].entry < 0 else { return false }
        slots[i] = Slot(network: network, length: UInt8(length), entry: entry)
        count += 1
        counts[length] += 1
        if counts[length] == 1 { findLengths() }
        return true
    }

    /// Takes away a network; false if it stands there for another entry.
    mutating func remove(_ network: Word, _ length: Int, _ entry: Int32) -> Bool {
        guard !slots.isEmpty else { return false }
        var hole = place(network, UInt8(length))
        guard slots[hole].entry == entry else { return false }
        let mask = slots.count - 1
        var i = (hole + 1) & mask
        while slots[i].entry >= 0 {
            let distance = (i - home(slots[i].network, slots[i].length)) & mask
            if distance >= (i - hole) & mask {
                slots[hole] = slots[i]
                hole = i
            }
            i = (i + 1) & mask
        }
        slots[hole].entry = -1
        count -= 1
        counts[length] -= 1
        if counts[length] == 0 { findLengths() }
        return true
    }

    /// Whether the network leads to this entry.
    func contains(_ network: Word, _ length: Int, _ entry: Int32) -> Bool {
        !slots.isEmpty && slots[place(network, UInt8(length))].entry == entry
    }

    /// The entry of the longest network that the address is in; -1 if there is none.
    func find(_ address: Word) -> Int32 {
        for length in lengths {
            let slot = slots[place(address & Self.mask(Int(length)), length)]
            if slot.entry >= 0 { return slot.entry }
        }
        return -1
    }

    static func mask(_ length: Int) -> Word { length == 0 ? 0 : ~0 << Word(Word.bitWidth - length) }

    /// Where the network is, or would be put.
    @inline(__always)
    private func place(_ network: Word, _ length: UInt8) -> Int {
        let mask = slots.count &- 1
        var i = home(network, length)
        while slots[i].entry >= 0 {
            if slots[i].network == network, slots[i].length == length { return i }
            i = (i &+ 1) & mask
        }
        return i
    }

    @inline(__always)
    private func home(_ network: Word, _ length: UInt8) -> Int {
        let low = UInt64(truncatingIfNeeded: network)
        let high = Word.bitWidth > 64 ? UInt64(truncatingIfNeeded: network >> 64) : 0
        let sum = low &* factors.low ^ high &* factors.high ^ (UInt64(length) &+ 1) &* factors.length
        return Int(((sum ^ sum >> 32) &* 0x9E37_79B9_7F4A_7C15) >> 32) & (slots.count &- 1)
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(network: 0, length: 0, entry: -1), count: max(16, old.count * 2))
        for slot in old where slot.entry >= 0 { slots[place(slot.network, slot.length)] = slot }
    }

    private mutating func findLengths() {
        lengths = counts.indices.reversed().filter { counts[$0] > 0 }.map { UInt8($0) }
    }
}

/// Random numbers of this process: without them, a client could choose addresses whose hashes collide.
enum NetworkHash {
    static let factors = (low: odd(), high: odd(), length: odd())

    private static func odd() -> UInt64 { .random(in: 0 ... .max) | 1 }
}
