// What a header of version 2 says beside the addresses: values with a type each, one behind the other (section 2.2).

internal import Basics

/// A header's values, as they were sent.
public struct TypedValues: Equatable, Sendable {
    /// A byte of type, two of length, highest first, and so many of value; then the next.
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// Adds a value behind those that there are. Not longer than two bytes of length can say.
    public mutating func append(_ type: UInt8, _ value: some Collection<UInt8>) {
        precondition(value.count <= Int(UInt16.max), "a value of \(value.count) bytes")
        bytes += [type, UInt8(value.count >> 8), UInt8(value.count & 255)]
        bytes += value
    }

    /// The values that `bytes` hold; nil if one of them reaches over the end.
    init?(_ bytes: RawSpan) {
        self.bytes.reserveCapacity(bytes.byteCount)
        self.bytes.append(bytes)
        var at = 0
        while at < bytes.byteCount {
            guard let end = end(of: at) else { return nil }
            at = end
        }
    }

    /// The next value of a type at `offset`, which goes on behind it; nil if there is none. The first one is at 0.
    public func next(_ type: UInt8, from offset: inout Int) -> ArraySlice<UInt8>? {
        while let end = end(of: offset) {
            let start = offset
            offset = end
            if bytes[start] == type { return bytes[start + Self.prefixBytes..<end] }
        }
        return nil
    }

    /// The first value of a type; nil if there is none.
    public func first(_ type: UInt8) -> ArraySlice<UInt8>? {
        var offset = 0
        return next(type, from: &offset)
    }

    /// Where the values of a type are.
    func places(of type: UInt8) -> [Range<Int>] {
        var places: [Range<Int>] = []
        var offset = 0
        while let value = next(type, from: &offset) { places.append(value.indices) }
        return places
    }

    /// Where the value that begins at `start` with its type ends; nil if that is behind the end of all.
    private func end(of start: Int) -> Int? {
        guard start + Self.prefixBytes <= bytes.count else { return nil }
        let end = start + Self.prefixBytes + Int(bytes[start + 1]) << 8 + Int(bytes[start + 2])
        return end <= bytes.count ? end : nil
    }

    /// Type and length.
    static let prefixBytes = 3
}

extension TypedValues {
    // Section 2.2, "the following types have already been registered".
    public static let protocolName: UInt8 = 0x01
    public static let authority: UInt8 = 0x02
    public static let checksum: UInt8 = 0x03
    public static let padding: UInt8 = 0x04
    public static let uniqueID: UInt8 = 0x05
    public static let tls: UInt8 = 0x20
    public static let networkNamespace: UInt8 = 0x30

    /// The types by their names in the specification, without PP2_TYPE_ and PP2_SUBTYPE_.
    public static let names: [(name: String, type: UInt8)] = [
        ("ALPN", protocolName), ("AUTHORITY", authority), ("CRC32C", checksum), ("NOOP", padding),
        ("UNIQUE_ID", uniqueID), ("SSL", tls), ("SSL_VERSION", 0x21), ("SSL_CN", 0x22), ("SSL_CIPHER", 0x23),
        ("SSL_SIG_ALG", 0x24), ("SSL_KEY_ALG", 0x25), ("NETNS", networkNamespace),
    ]

    /// Bytes of a value at most: a host name (as in HAProxy), and what section 2.2.5 says. Others are bounded by the header.
    static let authorityBytesMax = 255
    static let uniqueIDBytesMax = 128
    static let checksumBytes = 4
}
