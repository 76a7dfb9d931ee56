// A hash table of the names in one head, for looking up many names at once. The hash has a key that peers do not know,
// so that they cannot send names which all fall into one place.

internal import Basics

/// Names of fields, each in the table once, by the index of the first field that has it.
struct FieldNameTable: Sendable {
    private struct Slot {
        var hash: UInt64
        /// Negative: nothing is here.
        var field: Int32
        var isMarked = false

        static let empty = Slot(hash: 0, field: -1)
    }

    /// A power of two, at least twice as many as there are names: a search ends at an empty slot.
    private var slots: [Slot] = []

    /// Empties the table and makes room for the names of so many fields.
    mutating func begin(fields count: Int) {
        var size = 16
        while size < 2 * count { size *= 2 }
        slots.removeAll(keepingCapacity: true)
        slots.append(contentsOf: repeatElement(.empty, count: size))
    }

    /// Adds the name of field `i`.
    mutating func insert(_ i: Int, of fields: borrowing HeaderFields) {
        let hash = Self.hash(fields.name(i))
        let at = place(of: fields.name(i), hash, in: fields)
        if slots[at].field < 0 { slots[at] = Slot(hash: hash, field: Int32(i)) }
    }

    /// Marks a name, in whatever case it is written, if a field has it.
    mutating func mark(_ name: RawSpan, of fields: borrowing HeaderFields) {
        let at = place(of: name, Self.hash(name), in: fields)
        if slots[at].field >= 0 { slots[at].isMarked = true }
    }

    /// Whether the name of field `i`, which is in the table, is marked.
    func isMarked(_ i: Int, of fields: borrowing HeaderFields) -> Bool {
        slots[place(of: fields.name(i), Self.hash(fields.name(i)), in: fields)].isMarked
    }

    /// The slot that has the name, or the empty one where it would be put.
    private func place(of name: RawSpan, _ hash: UInt64, in fields: borrowing HeaderFields) -> Int {
        let mask = slots.count - 1
        var at = Int(truncatingIfNeeded: hash) & mask
        while slots[at].field >= 0 {
            if slots[at].hash == hash, fields.name(Int(slots[at].field)).isSameIgnoringCase(as: name) { return at }
            at = (at + 1) & mask
        }
        return at
    }

    /// The same for names that differ in the case of ASCII letters only. Eight bytes at a time are multiplied into 128 bits,
    /// the two halves of which are the next state: a quarter of the time that the library's hash takes for a short name.
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

    /// Drawn once in a process; odd, so that a multiplication by it loses nothing.
    private static let key = UInt64.random(in: .min ... .max) | 1
}
