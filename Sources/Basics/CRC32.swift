// 32-bit cyclic redundancy checks, least significant bit first.

/// An incremental CRC-32. Computed bit by bit, without a table: meant for a field or a header, not for bodies.
public struct CRC32: Sendable {
    private let polynomial: UInt32
    private var rest = UInt32.max

    /// - Parameter polynomial: bit-reversed, without the term of the highest degree.
    public init(polynomial: UInt32) { self.polynomial = polynomial }

    /// CRC-32, as in Ethernet, gzip and PNG.
    public static var ethernet: CRC32 { CRC32(polynomial: 0xEDB8_8320) }
    /// CRC-32C, as in iSCSI, SCTP (RFC 4960 appendix B) and the PROXY protocol.
    public static var castagnoli: CRC32 { CRC32(polynomial: 0x82F6_3B78) }

    /// The checksum of all bytes added so far.
    public var value: UInt32 { ~rest }

    public mutating func add(_ byte: UInt8) {
        rest ^= UInt32(byte)
        for _ in 0..<8 { rest = rest >> 1 ^ (rest & 1 == 0 ? 0 : polynomial) }
    }

    public mutating func add(_ bytes: RawSpan) {
        for i in 0..<bytes.byteCount { add(bytes[i]) }
    }

    /// A copy to which `bytes` have been added.
    public func adding(_ bytes: RawSpan) -> CRC32 {
        var sum = self
        sum.add(bytes)
        return sum
    }
}
