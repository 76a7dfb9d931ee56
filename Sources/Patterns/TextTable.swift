// Texts by their hashes: whole ones, beginnings and ends.
//
// A hash grows byte by byte, from the front or from the back, so that one pass over a value has the hash of each of
// its beginnings or ends at hand. The table knows how many keys there are of each length, and asks only for those.
//
// Rules can add what a client sends, so clients must not be able to choose keys that collide: the hash is a polynomial over the
// prime 2^61 - 1 at a point that this process has drawn. Two keys of n bytes meet with a chance of n in 2^61.

internal import Basics

struct TextTable: Sendable {
    /// What of a value has to be equal to a key.
    enum Part: Sendable { case whole, beginning, end }
    /// How keys and values are read.
    enum Reading: Sendable {
        case plain, ignoringCase
        /// Keys are hexadecimal digits that stand for bytes.
        case hexadecimal
    }

    private struct Slot: Sendable {
        var tag: UInt32
        /// -1 for none.
        var entry: Int32
    }

    private let part: Part
    private let reading: Reading
    private let point = TextHash.point
    /// A power of two of them, a quarter free at least. A key is where its tag says, or behind.
    private var slots: [Slot] = []
    private var count = 0
    /// How many keys have each number of bytes; kept for beginnings and ends.
    private var lengths: [Int32] = []

    init(_ part: Part, _ reading: Reading) {
        self.part = part
        self.reading = reading
    }

    var memory: Int { slots.capacity * MemoryLayout<Slot>.stride + lengths.capacity * 4 }

    /// Adds the key of an entry; false if it is there already.
    mutating func insert(_ entry: Int32, _ store: borrowing PatternStore) -> Bool {
        if (count + 1) * 4 > slots.count * 3 { grow() }
        let tag = tag(ofKey: store.key(entry))
        var i = Int(tag) & (slots.count - 1)
        while slots[i].entry >= 0 {
            if slots[i].tag == tag, isSameKey(store.key(slots[i].entry), store.key(entry)) { return false }
            i = (i + 1) & (slots.count - 1)
        }
        slots[i] = Slot(tag: tag, entry: entry)
        count += 1
        countLength(store.key(entry).byteCount, by: 1)
        return true
    }

    /// Takes away the key of an entry; false if it stands there for another entry.
    mutating func remove(_ entry: Int32, _ store: borrowing PatternStore) -> Bool {
        guard !slots.isEmpty else { return false }
        let mask = slots.count - 1
        var hole = Int(tag(ofKey: store.key(entry))) & mask
        while slots[hole].entry != entry {
            if slots[hole].entry < 0 { return false }
            hole = (hole + 1) & mask
        }
        // Entries behind the hole move up: a search for one of them would end at the hole.
        var i = (hole + 1) & mask
        while slots[i].entry >= 0 {
            let distance = (i - Int(slots[i].tag)) & mask
            if distance >= (i - hole) & mask {
                slots[hole] = slots[i]
                hole = i
            }
            i = (i + 1) & mask
        }
        slots[hole] = Slot(tag: 0, entry: -1)
        count -= 1
        countLength(store.key(entry).byteCount, by: -1)
        return true
    }

    /// Whether the key of an entry leads to it, not to another one of the same key.
    func contains(_ entry: Int32, _ store: borrowing PatternStore) -> Bool {
        if slots.isEmpty { return false }
        var i = Int(tag(ofKey: store.key(entry))) & (slots.count - 1)
        while slots[i].entry >= 0 {
            if slots[i].entry == entry { return true }
            i = (i + 1) & (slots.count - 1)
        }
        return false
    }

    /// The entry whose key is the value; for beginnings the longest, for ends the oldest one. -1 if there is none.
    func find(_ value: RawSpan, _ store: borrowing PatternStore) -> Int32 {
        if count == 0 { return -1 }
        switch part {
        case .whole:
            let hash = TextHash.whole(value, at: point, ignoringCase: reading == .ignoringCase)
            return find(TextHash.tag(hash), value, store)
        case .beginning: return findPart(atEnd: false, of: value, store)
        case .end: return findPart(atEnd: true, of: value, store)
        }
    }

    /// Tries every length of which there are patterns. Of beginnings the longest counts, of ends the first in the file.
    private func findPart(atEnd: Bool, of value: RawSpan, _ store: borrowing PatternStore) -> Int32 {
        var found: Int32 = -1
        var hash: UInt64 = 0
        let ignoresCase = reading == .ignoringCase
        let last = min(value.byteCount, lengths.count - 1)
        var length = 0
        while true {
            if lengths[length] > 0 {
                let part = atEnd ? value.extracting(last: length) : value.extracting(first: length)
                let entry = find(TextHash.tag(hash), part, store)
                if entry >= 0, !atEnd || found < 0 || store.order(entry) < store.order(found) { found = entry }
            }
            if length >= last { return found }
            let byte = value[atEnd ? value.byteCount - 1 - length : length]
            hash = TextHash.step(hash, ignoresCase ? asciiLowercased(byte) : byte, point)
            length += 1
        }
    }

    private func find(_ tag: UInt32, _ text: RawSpan, _ store: borrowing PatternStore) -> Int32 {
        let mask = slots.count - 1
        var i = Int(tag) & mask
        while true {
            let slot = slots[i]
            if slot.entry < 0 { return -1 }
            if slot.tag == tag, isKey(store.key(slot.entry), text) { return slot.entry }
            i = (i + 1) & mask
        }
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(tag: 0, entry: -1), count: max(16, old.count * 2))
        let mask = slots.count - 1
        for slot in old where slot.entry >= 0 {
            var i = Int(slot.tag) & mask
            while slots[i].entry >= 0 { i = (i + 1) & mask }
            slots[i] = slot
        }
    }

    private mutating func countLength(_ length: Int, by change: Int32) {
        if part == .whole { return }
        while lengths.count <= length { lengths.append(0) }
        lengths[length] += change
        while lengths.last == 0, lengths.count > 1 { lengths.removeLast() }
    }

    private func tag(ofKey key: RawSpan) -> UInt32 {
        let ignoresCase = reading == .ignoringCase
        switch part {
        case .whole:
            guard reading == .hexadecimal else {
                return TextHash.tag(TextHash.whole(key, at: point, ignoringCase: ignoresCase))
            }
            var decoded: [UInt8] = []
            for i in 0..<key.byteCount / 2 { decoded.append(hexadecimalByte(key, i)) }
            return unsafe TextHash.tag(TextHash.whole(decoded.span.bytes, at: point, ignoringCase: false))
        case .beginning, .end:
            var hash: UInt64 = 0
            for i in 0..<key.byteCount {
                let byte = part == .end ? key[key.byteCount - 1 - i] : key[i]
                hash = TextHash.step(hash, ignoresCase ? asciiLowercased(byte) : byte, point)
            }
            return TextHash.tag(hash)
        }
    }

    private func isSameKey(_ key: RawSpan, _ other: RawSpan) -> Bool {
        switch reading {
        case .plain: key.hasSameBytes(as: other)
        // Digits in either case stand for the same bytes.
        case .ignoringCase, .hexadecimal: key.hasSameLetters(as: other)
        }
    }

    @inline(__always)
    private func isKey(_ key: RawSpan, _ text: RawSpan) -> Bool {
        switch reading {
        case .plain: return key.hasSameBytes(as: text)
        case .ignoringCase: return key.hasSameLetters(as: text)
        case .hexadecimal:
            guard key.byteCount == 2 * text.byteCount else { return false }
            for i in 0..<text.byteCount where hexadecimalByte(key, i) != text[i] { return false }
            return true
        }
    }
}

/// A polynomial over the integers modulo 2^61 - 1. Numbers are kept below 2^62, not always fully reduced.
enum TextHash {
    private static let prime: UInt64 = 1 << 61 - 1

    /// Where this process evaluates.
    static let point = UInt64.random(in: 1 << 60..<prime)

    /// One byte more.
    @inline(__always)
    static func step(_ hash: UInt64, _ byte: UInt8, _ point: UInt64) -> UInt64 {
        multiply(hash &+ UInt64(byte) &+ 1, point)
    }

    /// The hash of a whole text, seven bytes a step.
    @inline(__always)
    static func whole(_ text: RawSpan, at point: UInt64, ignoringCase: Bool) -> UInt64 {
        var hash = UInt64(text.byteCount) &+ 1
        var i = 0
        if !ignoringCase {
            while i &+ 8 <= text.byteCount {
                // Safe: eight bytes are left.
                let chunk = unsafe text.unsafeLoadUnaligned(fromUncheckedByteOffset: i, as: UInt64.self)
                hash = multiply(hash &+ (chunk & 0xFF_FFFF_FFFF_FFFF), point)
                i &+= 7
            }
        }
        while i < text.byteCount {
            var chunk: UInt64 = 0
            var shift: UInt64 = 0
            while shift < 56, i < text.byteCount {
                chunk |= UInt64(ignoringCase ? asciiLowercased(text[i]) : text[i]) &<< shift
                shift &+= 8
                i &+= 1
            }
            hash = multiply(hash &+ chunk, point)
        }
        return hash
    }

    /// 32 bits of it, of which all are good.
    @inline(__always)
    static func tag(_ hash: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: (hash &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    @inline(__always)
    private static func multiply(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        let sum = (product.low & prime) &+ (product.low >> 61 | product.high << 3)
        return (sum & prime) &+ (sum >> 61)
    }
}

extension RawSpan {
    @inline(__always)
    func hasSameBytes(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        var i = 0
        while i &+ 8 <= byteCount {
            // Safe: eight bytes are left of both.
            let a = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: i, as: UInt64.self)
            let b = unsafe other.unsafeLoadUnaligned(fromUncheckedByteOffset: i, as: UInt64.self)
            if a != b { return false }
            i &+= 8
        }
        while i < byteCount {
            if self[i] != other[i] { return false }
            i &+= 1
        }
        return true
    }

    func hasSameLetters(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        for i in 0..<byteCount where asciiLowercased(self[i]) != asciiLowercased(other[i]) { return false }
        return true
    }
}

/// The byte that two digits stand for; they are known to be digits.
@inline(__always)
private func hexadecimalByte(_ digits: RawSpan, _ i: Int) -> UInt8 {
    hexadecimalDigit(digits[2 &* i]) << 4 | hexadecimalDigit(digits[2 &* i &+ 1])
}

@inline(__always)
private func hexadecimalDigit(_ byte: UInt8) -> UInt8 { byte < 0x40 ? byte & 0x0F : (byte & 0x0F) &+ 9 }
