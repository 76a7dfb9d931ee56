// Distinguishes received fields from fields that were added or changed later: those are always stored after the
// received ones in the arena.

internal import Basics

extension HeaderFields {
    /// The current end of the arena. Fields added or changed from now on are stored after it. Valid until `removeAll`.
    public var mark: Int { used }

    /// Removes every such field stored before `mark`. Returns true if one stored after it remains.
    public mutating func remove(_ field: KnownField, before mark: Int) -> Bool {
        precondition(field != .other, "fields without a known name are removed by name")
        guard contains(field) else { return false }
        entries.removeAll { $0.known == field && $0.nameStart < mark }
        if entries.contains(where: { $0.known == field }) { return true }
        present &= ~field.bit
        return false
    }

    /// Removes every field of this lower-case name stored before `mark`. Returns true if one stored after it remains.
    public mutating func remove(named lowercased: RawSpan, before mark: Int) -> Bool {
        let known = KnownField(lowercasedName: lowercased)
        if known != .other { return remove(known, before: mark) }
        var isLeft = false
        var i = count - 1
        while i >= 0 {
            if name(i).isSame(as: lowercased) {
                if entries[i].nameStart < mark { entries.remove(at: i) } else { isLeft = true }
            }
            i -= 1
        }
        return isLeft
    }

    /// Whether field `i` is stored before `mark`.
    public func lies(_ i: Int, before mark: Int) -> Bool { entries[i].nameStart < mark }

    /// Removes all such fields except the last one with a non-empty value.
    public mutating func keepLast(_ field: KnownField) {
        var i = count - 1
        var isKept = false
        while i >= 0 {
            if known(i) == field {
                let isEmpty = value(i).byteCount == 0
                if isKept || isEmpty { remove(at: i) }
                isKept = isKept || !isEmpty
            }
            i -= 1
        }
    }
}
