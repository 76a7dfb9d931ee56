// A hash table of the field names in one head, for looking up many names at once. The hash is keyed with a random
// value, so that a peer cannot construct names that all collide.

internal import Basics

/// The distinct field names of one head. An entry refers to the first field with that name by its index.
struct FieldNameTable: Sendable {
    private struct Slot {
        var hash: UInt64
        /// Negative in an empty slot.
        var field: Int32
        var isMarked = false

        static let empty = Slot(hash: 0, field: -1)
    }

    /// The count is a power of two and at least twice the number of names, so that a probe always ends at an empty
    /// slot.
    private var slots: [Slot] = []

    /// Clears the table and sizes it for `count` names.
    mutating func begin(fields count: Int) {
        var size = 16
        while size < 2 * count { size *= 2 }
        slots.removeAll(keepingCapacity: true)
        slots.append(contentsOf: repeatElement(.empty, count: size))
    }

    /// Adds the name of field `i`.
    mutating func insert(_ i: Int, of fields: borrowing HeaderFields) {
        let hash = Self.hash(fields.name(i))
        let index = slot(of: fields.name(i), hash, in: fields)
        if slots[index].field < 0 { slots[index] = Slot(hash: hash, field: Int32(i)) }
    }

    /// Marks the entry for `name`, compared without case, if there is one.
    mutating func mark(_ name: RawSpan, of fields: borrowing HeaderFields) {
        let index = slot(of: name, Self.hash(name), in: fields)
        if slots[index].field >= 0 { slots[index].isMarked = true }
    }

    /// Whether the name of field `i` is marked. The name must be in the table.
    func isMarked(_ i: Int, of fields: borrowing HeaderFields) -> Bool {
        slots[slot(of: fields.name(i), Self.hash(fields.name(i)), in: fields)].isMarked
    }

    /// The slot that holds `name`, or the empty slot where it would be inserted.
    private func slot(of name: RawSpan, _ hash: UInt64, in fields: borrowing HeaderFields) -> Int {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index].field >= 0 {
            if slots[index].hash == hash, fields.name(Int(slots[index].field)).isSameIgnoringCase(as: name) {
                return index
            }
            index = (index + 1) & mask
        }
        return index
    }

    /// A hash that ignores the case of ASCII letters. Each step multiplies eight bytes to 128 bits and folds the two
    /// halves into the next state: a quarter of the time of the standard library's hash for a short name.
    private static func hash(_ name: RawSpan) -> UInt64 {
        let key = key
        var state = key ^ UInt64(name.byteCount)
        var i = 0
        while i &+ 8 <= name.byteCount {
            // Safe: the eight bytes end inside the name.
            let word = unsafe name.unsafeLoadUnaligned(fromUncheckedByteOffset: i, as: UInt64.self)
            state = mixed(state ^ EightBytes.lowercased(word), key)
            i &+= 8
        }
        var last: UInt64 = 0
        while i < name.byteCount {
            last = last &<< 8 | UInt64(name[i])
            i &+= 1
        }
        return mixed(state ^ EightBytes.lowercased(last), key)
    }

    @inline(__always)
    private static func mixed(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    /// Random per process. Odd, so that multiplying by it is invertible modulo 2^64.
    private static let key = UInt64.random(in: .min ... .max) | 1
}
