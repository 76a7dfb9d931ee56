// Names of fields beyond letters, digits and hyphens: RFC 9110 allows more, and what turns names into variables (CGI) takes
// several of them for one.

internal import Basics

extension HeaderFields {
    /// Whether some name has another character than a letter, a digit or a hyphen.
    public var hasUnusualNames: Bool {
        for i in 0..<count where known(i) == .other && Self.isUnusual(name(i)) { return true }
        return false
    }

    /// Removes the fields with such names.
    public mutating func removeUnusualNames() {
        var i = count - 1
        while i >= 0 {
            // The known ones are all usual.
            if known(i) == .other, Self.isUnusual(name(i)) { remove(at: i) }
            i -= 1
        }
    }

    /// Names are kept in lower case.
    private static func isUnusual(_ name: RawSpan) -> Bool {
        for i in 0..<name.byteCount {
            let byte = name[i]
            if byte &- 0x61 >= 26, byte &- 0x30 >= 10, byte != 0x2D { return true }
        }
        return false
    }
}
