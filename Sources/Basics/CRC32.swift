// Cyclic redundancy checks of 32 bits, bits taken lowest first: those of Ethernet, of iSCSI, and so on.

/// The check over bytes that come one after the other. Bit by bit, without a table: for a field or a header, not for bodies.
public struct CRC32: Sendable {
    private let polynomial: UInt32
    private var rest = UInt32.max

    /// - Parameter polynomial: its bits reversed, without the highest.
    public init(polynomial: UInt32) { self.polynomial = polynomial }

    /// CRC-32: Ethernet, gzip, PNG.
    public static var ethernet: CRC32 { CRC32(polynomial: 0xEDB8_8320) }
    /// CRC-32C: iSCSI, SCTP (RFC 4960 appendix B), the PROXY protocol.
    public static var castagnoli: CRC32 { CRC32(polynomial: 0x82F6_3B78) }

    /// The check over all bytes so far.
    public var value: UInt32 { ~rest }

    public mutating func add(_ byte: UInt8) {
        rest ^= UInt32(byte)
        for _ in 0..<8 { rest = rest >> 1 ^ (rest & 1 == 0 ? 0 : polynomial) }
    }

    public mutating func add(_ bytes: RawSpan) {
        for i in 0..<bytes.byteCount { add(bytes[i]) }
    }

    /// With `bytes` behind what it has.
    public func adding(_ bytes: RawSpan) -> CRC32 {
        var sum = self
        sum.add(bytes)
        return sum
    }
}
