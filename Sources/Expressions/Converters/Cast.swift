// Conversions between types that change what a value is made of: put between a sample and a converter, or between
// two converters, where the types ask for it (manual, section 7.3).

internal import Basics
internal import Patterns

enum Cast: Sendable {
    /// Bytes as text: up to the first NUL.
    case binaryToText
    /// A number, or yes and no as 1 and 0, as eight bytes, an address as four or sixteen, the first byte being the highest; text as it is.
    case toBinary
    /// The IPv4 address, also one within an IPv6 address.
    case toIPv4
    /// The IPv6 address; for IPv4 the one mapped into ::ffff:0:0/96.
    case toIPv6

    /// nil where there is no such value.
    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        switch self {
        case .binaryToText:
            var bytes = value.bytes(context)
            bytes.count = context.withBytes(bytes) { text in text.firstIndex(from: 0) { $0 == 0 } }
            return .string(bytes)
        case .toBinary:
            switch value {
            case .string: return value
            case .bool(let isTrue): return .string(context.make { $0.append(bigEndian: UInt64(isTrue ? 1 : 0)) })
            case .integer(let number):
                return .string(context.make { $0.append(bigEndian: UInt64(bitPattern: Int64(number))) })
            case .address(.v4(let word)): return .string(context.make { $0.append(bigEndian: word) })
            case .address(.v6(let high, let low)):
                return .string(
                    context.make {
                        $0.append(bigEndian: high)
                        $0.append(bigEndian: low)
                    })
            }
        case .toIPv4:
            switch value.address(context) {
            case .v4(let word): return .address(.v4(word))
            case .v6(let high, let low):
                return NetworkPatterns.v4(within: high, low).map { .address(.v4($0)) }
            case nil: return nil
            }
        case .toIPv6:
            switch value.address(context) {
            case .v4(let word): return .address(.v6(0, 0xFFFF_0000_0000 | UInt64(word)))
            case .v6(let high, let low): return .address(.v6(high, low))
            case nil: return nil
            }
        }
    }
}

extension [UInt8] {
    /// Appends a number, its highest byte first.
    mutating func append<N: FixedWidthInteger>(bigEndian number: N) {
        for shift in stride(from: N.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> N(shift)))
        }
    }
}
