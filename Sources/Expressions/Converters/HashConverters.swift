// Hashes that are not cryptographic (manual, section 7.3.1). They give no protection against an adversary; for that there
// are digests. The first five are those of `hash-type`.

internal import Basics
internal import CXXHash
internal import Configuration

struct HashConverter: Sendable {
    private let function: Function
    /// xxHash's seed; for the others whether the result is mixed once more.
    private let parameter: Int

    private enum Function {
        case crc32, crc32c, djb2, sdbm, wt6, xxh32, xxh64, xxh3
    }

    static let rows: [ConverterRow] = [
        row("crc32", .crc32, "The CRC-32 of Ethernet, gzip and PNG"),
        row("crc32c", .crc32c, "The CRC-32C of iSCSI and SCTP"),
        row("djb2", .djb2, "Bernstein's hash"),
        row("sdbm", .sdbm, "The hash of the sdbm database"),
        row("wt6", .wt6, "HAProxy's hash of two words that turn one another"),
        seeded("xxh32", .xxh32, "XXH32, a number of 32 bits"),
        seeded("xxh64", .xxh64, "XXH64, a number of 64 bits with a sign"),
        seeded("xxh3", .xxh3, "XXH3, a number of 64 bits with a sign"),
    ]

    private static func row(_ name: String, _ function: Function, _ what: String) -> ConverterRow {
        ConverterRow(
            name, "([<avalanche>])", takes: .binary, yields: .integer,
            summary: "\(what), a number of 32 bits; with <avalanche> 1 mixed so that each bit depends on all."
        ) { (arguments, _) throws(ConfigProblem) in
            // Any other number is a 1.
            let avalanche = try arguments.optionalInteger("0 or 1", in: .min ... .max) ?? 0
            return .hash(HashConverter(function: function, parameter: avalanche))
        }
    }

    private static func seeded(_ name: String, _ function: Function, _ what: String) -> ConverterRow {
        ConverterRow(
            name, "([<seed>])", takes: .binary, yields: .integer, summary: "\(what); the seed is 0 if none is given."
        ) { (arguments, _) throws(ConfigProblem) in
            let seed = try arguments.optionalInteger("a seed, a whole number", in: .min ... .max) ?? 0
            return .hash(HashConverter(function: function, parameter: seed))
        }
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        .integer(context.withBytes(value.bytes(context), hash))
    }

    private func hash(_ bytes: RawSpan) -> Int {
        switch function {
        case .crc32: mixed(CRC32.ethernet.adding(bytes).value)
        case .crc32c: mixed(CRC32.castagnoli.adding(bytes).value)
        case .djb2: mixed(ShortHash.djb2(bytes))
        case .sdbm: mixed(ShortHash.sdbm(bytes))
        case .wt6: mixed(ShortHash.wt6(bytes))
        // Safe: the library reads as many bytes as it is told.
        case .xxh32:
            unsafe bytes.withUnsafeBytes {
                Int(unsafe XXH32($0.baseAddress, $0.count, UInt32(truncatingIfNeeded: parameter)))
            }
        case .xxh64:
            unsafe bytes.withUnsafeBytes {
                Int(truncatingIfNeeded: unsafe XXH64($0.baseAddress, $0.count, UInt64(bitPattern: Int64(parameter))))
            }
        case .xxh3:
            unsafe bytes.withUnsafeBytes {
                Int(
                    truncatingIfNeeded: unsafe XXH3_64bits_withSeed(
                        $0.baseAddress, $0.count, UInt64(bitPattern: Int64(parameter))))
            }
        }
    }

    private func mixed(_ hash: UInt32) -> Int { Int(parameter == 0 ? hash : ShortHash.avalanche(hash)) }
}

/// Hashes of 32 bits.
enum ShortHash {
    static func djb2(_ bytes: RawSpan) -> UInt32 {
        var hash: UInt32 = 5_381
        for i in 0..<bytes.byteCount { hash = hash &* 33 &+ UInt32(bytes[i]) }
        return hash
    }

    static func sdbm(_ bytes: RawSpan) -> UInt32 {
        var hash: UInt32 = 0
        for i in 0..<bytes.byteCount { hash = hash &* 65_599 &+ UInt32(bytes[i]) }
        return hash
    }

    /// Each byte goes into two words, which are then turned by as many bits as they say themselves.
    static func wt6(_ bytes: RawSpan) -> UInt32 {
        var (a, b): (UInt32, UInt32) = (0xA53C_965A, 0x5CA6_953A)
        var (turnB, turnA): (UInt32, UInt32) = (6, 18)
        for i in 0..<bytes.byteCount {
            a = ~(a ^ UInt32(bytes[i]))
            b = ~(b &+ UInt32(bytes[i]))
            (a, b) = (b.turned(left: turnB), a.turned(left: turnA))
            let next = (a >> 16 ^ b) & 0xFFFF
            turnB = next & 31
            turnA = next >> 11
        }
        return a ^ b
    }

    /// Bob Jenkins's mix of 32 bits (burtleburtle.net/bob/hash/integer.html), spread by a large prime.
    static func avalanche(_ hash: UInt32) -> UInt32 {
        var a = hash
        a = a &+ 0x7ED5_5D16 &+ (a << 12)
        a = a ^ 0xC761_C23C ^ (a >> 19)
        a = a &+ 0x1656_67B1 &+ (a << 5)
        a = (a &+ 0xD3A2_646C) ^ (a << 9)
        a = a &+ 0xFD70_46C5 &+ (a << 3)
        a = a ^ 0xB55A_4F09 ^ (a >> 16)
        return a &* 3_221_225_473
    }
}

extension UInt32 {
    fileprivate func turned(left bits: UInt32) -> UInt32 { self &<< bits | self &>> (32 &- bits) }
}
