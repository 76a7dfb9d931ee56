// What a written header of version 2 says beside the addresses (section 2.2 of the specification; HAProxy's
// `proxy-v2-options`).

/// Values that a header of version 2 has.
public struct ProxyHeaderOptions: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// PP2_TYPE_AUTHORITY: the host name that the client asked for, where its own header had one.
    public static let authority = ProxyHeaderOptions(rawValue: 1 << 0)
    /// PP2_TYPE_CRC32C: a checksum over the whole header.
    public static let checksum = ProxyHeaderOptions(rawValue: 1 << 1)
    /// PP2_TYPE_UNIQUE_ID: the name of the request for which the connection is opened.
    public static let uniqueID = ProxyHeaderOptions(rawValue: 1 << 2)
}
