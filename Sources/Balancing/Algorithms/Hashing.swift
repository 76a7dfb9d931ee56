// How balancing by hash makes a number of a key, and which servers it passes over: `hash-type`, `hash-balance-factor`,
// `hash-preserve-affinity`. What a number leads to is in `HashedServers`.

internal import Basics

/// What a section's lines say about balancing by hash.
public struct HashSettings: Sendable, Equatable {
    /// How a number leads to a server.
    public enum Method: Sendable { case map, ring }

    /// What makes a number of a key.
    public enum Function: Sendable {
        case sdbm, djb2, wt6, crc32
        /// The key is a number already, in decimal.
        case none
    }

    /// Which servers a request does not wait for (`hash-preserve-affinity`); on a ring only.
    public enum Affinity: Sendable {
        case always
        /// Passes over servers that have all the requests they may have.
        case untilFull
        /// Passes over servers whose queue, too, is full.
        case untilQueueIsFull
    }

    public var method = Method.map
    public var function = Function.sdbm
    /// Whether the number is mixed once more, so that each bit depends on all (`avalanche`).
    public var avalanches = false
    /// The most load that a server may have, in percent of the average (`hash-balance-factor`), on a ring; nil for any.
    public var balanceFactor: Int?
    public var affinity = Affinity.always

    public init() {}
}

extension HashSettings {
    /// The number of a key.
    func hash(_ key: RawSpan) -> UInt32 {
        switch function {
        case .sdbm: mixed(ShortHash.sdbm(key))
        case .djb2: mixed(ShortHash.djb2(key))
        case .wt6: mixed(ShortHash.wt6(key))
        case .crc32: mixed(CRC32.ethernet.adding(key).value)
        case .none: mixed(UInt32(truncatingIfNeeded: key.leadingNumber))
        }
    }

    /// A number that is a hash already, mixed if the settings say so.
    func mixed(_ hash: UInt32) -> UInt32 { avalanches ? ShortHash.avalanche(hash) : hash }
}

extension RawSpan {
    /// The decimal number, with or without sign, that the bytes begin with: 0 if there is none, and the nearest there is to one
    /// of more than 64 bits.
    fileprivate var leadingNumber: Int64 {
        let isNegative = byteCount > 0 && self[0] == 0x2D
        var i = isNegative || (byteCount > 0 && self[0] == 0x2B) ? 1 : 0
        var number: Int64 = 0
        while i < byteCount, self[i] &- 0x30 < 10 {
            let digit = Int64(self[i] &- 0x30)
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) =
                isNegative
                ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            if overflow || carry { return isNegative ? .min : .max }
            number = sum
            i += 1
        }
        return number
    }
}
