// Hashes of 32 bits that are not cryptographic: for `hash-type`, and for the converters of the same names. They give no
// protection against an adversary.
//
// The numbers are part of the interface: files count on a key's hash being what it is in HAProxy.

/// Hashes of 32 bits.
public enum ShortHash {
    /// Bernstein's hash, which starts at 5381.
    public static func djb2(_ bytes: RawSpan) -> UInt32 {
        var hash: UInt32 = 5_381
        for i in 0..<bytes.byteCount { hash = hash &* 33 &+ UInt32(bytes[i]) }
        return hash
    }

    /// The hash of the sdbm database.
    public static func sdbm(_ bytes: RawSpan) -> UInt32 {
        var hash: UInt32 = 0
        for i in 0..<bytes.byteCount { hash = hash &* 65_599 &+ UInt32(bytes[i]) }
        return hash
    }

    /// Each byte goes into two words, which are then turned by as many bits as they say themselves.
    public static func wt6(_ bytes: RawSpan) -> UInt32 {
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
    public static func avalanche(_ hash: UInt32) -> UInt32 {
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
