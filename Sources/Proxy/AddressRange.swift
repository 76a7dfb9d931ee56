// A network of addresses, as options name it.

internal import Basics
internal import Configuration

/// A CIDR range of addresses.
struct AddressRange: Sendable, Equatable {
    let base: IPAddress
    let bits: Int

    /// Reads `10.0.0.0/8`, `10.0.0.0/255.0.0.0` or one address.
    init(_ word: Word) throws(ConfigProblem) {
        let parts = word.text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = IPAddress(parts[0]) else {
            throw ConfigProblem("'\(word.text)' is not an address range", at: word.range, expected: "like 10.0.0.0/8")
        }
        let width = if case .v4 = base { 32 } else { 128 }
        let bits = parts.count == 1 ? width : Self.prefixLength(parts[1], of: base) ?? -1
        guard (0...width).contains(bits) else {
            throw ConfigProblem("'\(parts[1])' is not a prefix length", at: word.range, expected: "0 to \(width)")
        }
        self.base = base
        self.bits = bits
    }

    /// A number, or for IPv4 a mask of ones and then zeros.
    private static func prefixLength(_ text: Substring, of base: IPAddress) -> Int? {
        if let number = Int(text) { return number }
        guard case .v4 = base, case .v4(let mask)? = IPAddress(text) else { return nil }
        let ones = (~mask).leadingZeroBitCount
        return mask == (ones == 0 ? 0 : ~0 << UInt32(32 - ones)) ? ones : nil
    }

    func contains(_ address: IPAddress) -> Bool {
        switch (base, address) {
        case (.v4(let a), .v4(let b)): bits == 0 || (a ^ b) >> UInt32(32 - bits) == 0
        case (.v6(let aHigh, let aLow), .v6(let bHigh, let bLow)):
            (bits == 0 || (aHigh ^ bHigh) >> UInt64(max(0, 64 - bits)) == 0)
                && (bits <= 64 || (aLow ^ bLow) >> UInt64(128 - bits) == 0)
        case (.v4, .v6), (.v6, .v4): false
        }
    }
}
