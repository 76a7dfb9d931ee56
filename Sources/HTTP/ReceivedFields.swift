// Telling the fields that a peer has sent from those that were added here: a line that is added, or whose value is
// changed, lies behind all that were there.

internal import Basics

extension HeaderFields {
    /// The end of the lines that are there: what is added from now on lies behind it. Good until `removeAll`.
    public var mark: Int { used }

    /// Removes every such field whose line lies before `mark`; true if one is left, which lies behind it.
    public mutating func remove(_ field: KnownField, before mark: Int) -> Bool {
        precondition(field != .other, "fields without a known name are removed by name")
        guard contains(field) else { return false }
        entries.removeAll { $0.known == field && $0.nameStart < mark }
        if entries.contains(where: { $0.known == field }) { return true }
        present &= ~field.bit
        return false
    }

    /// The same for the fields of this lower-case name.
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

    /// Whether the line of field `i` lies before `mark`.
    public func lies(_ i: Int, before mark: Int) -> Bool { entries[i].nameStart < mark }

    /// Leaves the last such field whose value is not empty, or none.
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
