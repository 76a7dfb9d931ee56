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
