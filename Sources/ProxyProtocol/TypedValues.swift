// The type-length-value fields (TLVs) of a version 2 header (section 2.2).

internal import Basics

/// The TLVs of a header, in wire format.
public struct TypedValues: Equatable, Sendable {
    /// For each TLV one byte of type, two of length in network byte order, and the value.
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// Appends a TLV. Traps if the value is longer than 65,535 bytes.
    public mutating func append(_ type: UInt8, _ value: some Collection<UInt8>) {
        precondition(value.count <= Int(UInt16.max), "a value of \(value.count) bytes")
        bytes += [type, UInt8(value.count >> 8), UInt8(value.count & 255)]
        bytes += value
    }

    /// Parses a sequence of TLVs; returns nil if one extends past the end.
    init?(_ bytes: RawSpan) {
        self.bytes.reserveCapacity(bytes.byteCount)
        self.bytes.append(bytes)
        var at = 0
        while at < bytes.byteCount {
            guard let end = end(of: at) else { return nil }
            at = end
        }
    }

    /// Returns the next value of a type at or after `offset`, and moves `offset` past it; nil if there is none. Start
    /// at 0.
    public func next(_ type: UInt8, from offset: inout Int) -> ArraySlice<UInt8>? {
        while let end = end(of: offset) {
            let start = offset
            offset = end
            if bytes[start] == type { return bytes[start + Self.prefixBytes..<end] }
        }
        return nil
    }

    /// The first value of a type, or nil.
    public func first(_ type: UInt8) -> ArraySlice<UInt8>? {
        var offset = 0
        return next(type, from: &offset)
    }

    /// The ranges of the values of a type.
    func ranges(of type: UInt8) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var offset = 0
        while let value = next(type, from: &offset) { ranges.append(value.indices) }
        return ranges
    }

    /// The end of the TLV that starts at `start`; nil if it extends past the end of the bytes.
    private func end(of start: Int) -> Int? {
        guard start + Self.prefixBytes <= bytes.count else { return nil }
        let end = start + Self.prefixBytes + Int(bytes[start + 1]) << 8 + Int(bytes[start + 2])
        return end <= bytes.count ? end : nil
    }

    /// Bytes of type and length.
    static let prefixBytes = 3
}

extension TypedValues {
    // The types registered in section 2.2.
    public static let protocolName: UInt8 = 0x01
    public static let authority: UInt8 = 0x02
    public static let checksum: UInt8 = 0x03
    public static let padding: UInt8 = 0x04
    public static let uniqueID: UInt8 = 0x05
    public static let tls: UInt8 = 0x20
    public static let networkNamespace: UInt8 = 0x30

    // Inside the value of `tls` (section 2.2.6).
    public static let tlsVersion: UInt8 = 0x21
    public static let tlsCommonName: UInt8 = 0x22
    public static let tlsCipher: UInt8 = 0x23
    public static let tlsSignatureAlgorithm: UInt8 = 0x24
    public static let tlsKeyAlgorithm: UInt8 = 0x25

    /// The types by their names in the specification, without the prefixes PP2_TYPE_ and PP2_SUBTYPE_.
    public static let names: [(name: String, type: UInt8)] = [
        ("ALPN", protocolName), ("AUTHORITY", authority), ("CRC32C", checksum), ("NOOP", padding),
        ("UNIQUE_ID", uniqueID), ("SSL", tls), ("SSL_VERSION", tlsVersion), ("SSL_CN", tlsCommonName),
        ("SSL_CIPHER", tlsCipher), ("SSL_SIG_ALG", tlsSignatureAlgorithm), ("SSL_KEY_ALG", tlsKeyAlgorithm),
        ("NETNS", networkNamespace),
    ]

    /// The type with a number in decimal, or in hexadecimal behind `0x`, or with a name from the specification; nil if there is none.
    public static func type(named text: String) -> UInt8? {
        let name = text.uppercased()
        if let known = names.first(where: { $0.name == name }) { return known.type }
        let digits = name.hasPrefix("0X") ? name.dropFirst(2) : name[...]
        guard digits.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }) else { return nil }
        return UInt8(digits, radix: name.hasPrefix("0X") ? 16 : 10)
    }

    /// Limits for the length of values: a host name (as in HAProxy), and a unique ID (section 2.2.5). Other values are
    /// limited only by the header's length.
    static let authorityBytesMax = 255
    static let uniqueIDBytesMax = 128
    static let checksumBytes = 4
}

/// What a header says about TLS on the client's connection (section 2.2.6).
public struct TLSValue: Sendable {
    /// The field `client`.
    public struct Client: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The connection is encrypted.
        public static let isEncrypted = Client(rawValue: 1)
        /// The client has shown a certificate on this connection, or at least once in its TLS session.
        public static let hasCertificate = Client(rawValue: 2)
        public static let sessionHasCertificate = Client(rawValue: 4)
    }

    public var client: Client = []
    /// Zero only if the client's certificate was verified; otherwise the reason.
    public var verifyResult: UInt32 = 1
    /// Version, names and algorithms.
    public var values = TypedValues()

    public init() {}
}

extension TypedValues {
    /// Appends what there is to say about TLS.
    public mutating func append(_ tls: TLSValue) {
        let result = stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: tls.verifyResult >> $0) }
        append(Self.tls, [tls.client.rawValue] + result + tls.values.bytes)
    }
}
