// Field names with characters other than letters, digits and hyphens. RFC 9110 allows them, but CGI-like gateways map
// several of them to the same variable name.

internal import Basics

extension HeaderFields {
    /// Whether any field name has a character other than a letter, digit or hyphen.
    public var hasUnusualNames: Bool {
        for i in 0..<count where known(i) == .other && Self.isUnusual(name(i)) { return true }
        return false
    }

    /// Removes the fields whose name has a character other than a letter, digit or hyphen.
    public mutating func removeUnusualNames() {
        var i = count - 1
        while i >= 0 {
            // Known fields never qualify.
            if known(i) == .other, Self.isUnusual(name(i)) { remove(at: i) }
            i -= 1
        }
    }

    /// `name` is in lower case.
    private static func isUnusual(_ name: RawSpan) -> Bool {
        for i in 0..<name.byteCount {
            let byte = name[i]
            if byte &- 0x61 >= 26, byte &- 0x30 >= 10, byte != 0x2D { return true }
        }
        return false
    }
}
