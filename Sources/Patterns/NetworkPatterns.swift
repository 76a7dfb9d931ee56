// Addresses and networks to match against (manual, section 7.1.6).

public import Basics
public import Configuration

public struct NetworkPatterns: Sendable {
    struct V4: Sendable {
        let network: UInt32
        let mask: UInt32
    }
    struct V6: Sendable {
        let high: UInt64
        let low: UInt64
        let highMask: UInt64
        let lowMask: UInt64
    }
    /// Stretches of the table's networks.
    private let v4: TableSlice
    private let v6: TableSlice

    public func contains(_ address: IPAddress, _ program: PatternProgram) -> Bool {
        switch address {
        case .v4(let word):
            return contains(word, program) || contains(high: 0, low: 0xFFFF_0000_0000 | UInt64(word), program)
        case .v6(let high, let low):
            if contains(high: high, low: low, program) { return true }
            guard let word = Self.v4(within: high, low) else { return false }
            return contains(word, program)
        }
    }

    private func contains(_ word: UInt32, _ program: PatternProgram) -> Bool {
        for i in v4.range {
            let pattern = program.patterns.networks4[i]
            if word & pattern.mask == pattern.network { return true }
        }
        return false
    }

    private func contains(high: UInt64, low: UInt64, _ program: PatternProgram) -> Bool {
        for i in v6.range {
            let pattern = program.patterns.networks6[i]
            if high & pattern.highMask == pattern.high && low & pattern.lowMask == pattern.low { return true }
        }
        return false
    }

    /// The IPv4 address that an IPv6 address stands for: ::a.b.c.d, ::ffff:a.b.c.d, or 2002:ab:cd:: of 6to4.
    public static func v4(within high: UInt64, _ low: UInt64) -> UInt32? {
        if high == 0, low >> 32 == 0 || low >> 32 == 0xFFFF { return UInt32(truncatingIfNeeded: low) }
        if high >> 48 == 0x2002 { return UInt32(truncatingIfNeeded: high >> 16) }
        return nil
    }

    /// Reads `10.0.0.0/8`, `127.1`, `10.0.0.0/255.0.0.0`, `fe80::/10`. Names are not looked up.
    public init(_ words: [Word], _ table: inout PatternTable) throws(ConfigProblem) {
        let starts = (table.networks4.count, table.networks6.count)
        for word in words { try Self.read(word, &table) }
        v4 = TableSlice(starts.0..<table.networks4.count)
        v6 = TableSlice(starts.1..<table.networks6.count)
    }

    private static func read(_ word: Word, _ table: inout PatternTable) throws(ConfigProblem) {
        switch try network(word) {
        case .v4(let network, let length):
            table.networks4.append(V4(network: network, mask: NetworkTable<UInt32>.mask(length)))
        case .v6(let network, let length):
            let mask = NetworkTable<UInt128>.mask(length)
            table.networks6.append(
                V6(
                    high: UInt64(network >> 64), low: UInt64(truncatingIfNeeded: network), highMask: UInt64(mask >> 64),
                    lowMask: UInt64(truncatingIfNeeded: mask)))
        }
    }

    /// A network, and how many of its bits count; the others are zero.
    enum Network: Equatable {
        case v4(UInt32, Int)
        case v6(UInt128, Int)
    }

    /// One pattern of a file.
    static func network(_ key: RawSpan, _ place: SourceRange) throws(ConfigProblem) -> Network {
        if let (word, length) = plainV4(key) { return .v4(word & NetworkTable<UInt32>.mask(length), length) }
        return try network(Word(key.text, at: place))
    }

    /// The usual way to write a network, read without making strings; nil for all others.
    private static func plainV4(_ key: RawSpan) -> (UInt32, Int)? {
        var numbers: (count: Int, word: UInt32) = (0, 0)
        var number: UInt32 = 0
        var digits = 0
        for i in 0..<key.byteCount {
            switch key[i] {
            case 0x30...0x39:
                number = number * 10 + UInt32(key[i] &- 0x30)
                digits += 1
                if digits > 3 { return nil }
            case 0x2E where digits > 0 && number < 256 && numbers.count < 3,
                0x2F where digits > 0 && number < 256 && numbers.count == 3:
                numbers = (numbers.count + 1, numbers.word << 8 | number)
                number = 0
                digits = 0
            default: return nil
            }
        }
        guard digits > 0 else { return nil }
        if numbers.count == 4 { return number <= 32 ? (numbers.word, Int(number)) : nil }
        return numbers.count == 3 && number < 256 ? (numbers.word << 8 | number, 32) : nil
    }

    private static func network(_ word: Word) throws(ConfigProblem) -> Network {
        let parts = word.text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let mask = parts.count == 2 ? String(parts[1]) : nil
        if let address = parseV4(parts[0]) {
            guard let mask = maskV4(mask) else { throw badMask(word, bits: 32) }
            return .v4(address & mask, mask.nonzeroBitCount)
        } else if case .v6(let high, let low) = IPAddress(parts[0]) {
            guard let bits = mask.map(Int.init) ?? 128, 0...128 ~= bits else { throw badMask(word, bits: 128) }
            return .v6((UInt128(high) << 64 | UInt128(low)) & NetworkTable<UInt128>.mask(bits), bits)
        } else {
            throw ConfigProblem(
                "'\(word.text)' is not an address or a network", at: word.range,
                expected: "an address like 10.0.0.1 or fe80::1, or a network like 10.0.0.0/8")
        }
    }

    /// Dotted decimal; of fewer than four numbers the last one stands for the last byte: `10.12` is 10.0.0.12.
    private static func parseV4(_ text: Substring) -> UInt32? {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false)
        guard 2...4 ~= numbers.count else { return nil }
        var address: UInt32 = 0
        for (i, number) in numbers.enumerated() {
            guard let byte = UInt8(number), number.utf8.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
            let place = i == numbers.count - 1 ? 3 : i
            address |= UInt32(byte) << UInt32(24 - 8 * place)
        }
        return address
    }

    private static func maskV4(_ text: String?) -> UInt32? {
        guard let text else { return .max }
        if let bits = Int(text) { return 0...32 ~= bits ? (bits == 0 ? 0 : ~0 << UInt32(32 - bits)) : nil }
        guard let mask = parseV4(text[...]), (~mask & (~mask &+ 1)) == 0 else { return nil }
        return mask
    }

    private static func badMask(_ word: Word, bits: Int) -> ConfigProblem {
        ConfigProblem("'\(word.text)' has no valid mask", at: word.range, expected: "0 to \(bits) bits behind the '/'")
    }
}
