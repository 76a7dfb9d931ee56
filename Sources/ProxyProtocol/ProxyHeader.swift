// The header of the PROXY protocol, versions 1 and 2: sent by a proxy at the start of a connection, it gives the
// addresses of the original client connection. Section numbers refer to HAProxy's proxy-protocol.txt.

public import Basics

/// The contents of a header.
public struct ProxyHeader: Equatable, Sendable {
    /// The addresses of the client's connection. Nil if the addresses of the current connection apply: for connections
    /// of the proxy itself (LOCAL), unknown ones (UNKNOWN, UNSPEC), and transports other than TCP over IP.
    public var ends: Ends?
    /// The type-length-value fields; empty in version 1.
    public var values: TypedValues

    /// The source and destination address of the client's connection.
    public struct Ends: Equatable, Sendable {
        public var source: SocketAddress
        public var destination: SocketAddress

        public init(source: SocketAddress, destination: SocketAddress) {
            self.source = source
            self.destination = destination
        }
    }

    public init(ends: Ends? = nil, values: TypedValues = TypedValues()) {
        self.ends = ends
        self.values = values
    }
}

/// Why a header is invalid.
public enum ProxyHeaderFault: String, CaseIterable, Error, Sendable {
    /// The first bytes match neither version.
    case notAHeader
    /// Version 1: a protocol other than TCP4, TCP6 or UNKNOWN.
    case unknownProtocol
    /// Version 1: no line end within the maximum length.
    case lineTooLong
    /// Version 1: a carriage return or a line feed without the other.
    case badLineEnd
    /// Version 1: not exactly two addresses and two ports, separated by single spaces.
    case badFieldCount
    case badAddress
    case badPort
    /// Version 2: a command other than LOCAL or PROXY.
    case badCommand
    /// Version 2: an unknown address family or transport.
    case badFamily
    /// Version 2: shorter than its addresses.
    case tooShort
    /// Version 2: longer than the receiver accepts.
    case tooLong
    /// Version 2: a value that extends past the header's end, or is longer than its type allows.
    case badValue
    /// Version 2: the checksum does not match.
    case badChecksum
}

/// The type-length-value fields that a written header of version 2 has (HAProxy's `proxy-v2-options`).
public struct ProxyHeaderOptions: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// PP2_TYPE_AUTHORITY: the host name that the client asked for, if its own header had one.
    public static let authority = ProxyHeaderOptions(rawValue: 1 << 0)
    /// PP2_TYPE_CRC32C: a checksum of the whole header.
    public static let checksum = ProxyHeaderOptions(rawValue: 1 << 1)
    /// PP2_TYPE_UNIQUE_ID: the ID of the request for which the connection is opened.
    public static let uniqueID = ProxyHeaderOptions(rawValue: 1 << 2)
    /// PP2_TYPE_SSL: whether the client's connection is encrypted, with which version, and whether it has shown a certificate.
    /// The options below have no effect without it.
    public static let tls = ProxyHeaderOptions(rawValue: 1 << 3)
    /// PP2_SUBTYPE_SSL_CN: the common name in the client's certificate.
    public static let commonName = ProxyHeaderOptions(rawValue: 1 << 4)
    /// PP2_SUBTYPE_SSL_CIPHER
    public static let cipher = ProxyHeaderOptions(rawValue: 1 << 5)
    /// PP2_SUBTYPE_SSL_SIG_ALG and PP2_SUBTYPE_SSL_KEY_ALG: of the certificate that the client was shown.
    public static let signatureAlgorithm = ProxyHeaderOptions(rawValue: 1 << 6)
    public static let keyAlgorithm = ProxyHeaderOptions(rawValue: 1 << 7)
}
