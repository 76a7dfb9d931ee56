// Why a client's connection ended during its handshake, with HAProxy's numbers and texts (manual, `fc_err_str`).

public import ProxyProtocol
public import TLS

public enum HandshakeFault: Int, CaseIterable, Sendable {
    /// The client closed, or its connection broke, before the first byte.
    case closed = 11
    case broken = 12
    /// The header was not whole in time.
    case timedOut = 13
    /// The client closed within it, or it is longer than a buffer.
    case truncated = 14
    case noHeader = 15
    case badHeader = 16
    case unknownProtocol = 17
    /// The same for a NetScaler Client IP header.
    case closedBeforeClientAddress = 18
    case brokenBeforeClientAddress = 19
    case timedOutBeforeClientAddress = 20
    case truncatedClientAddress = 21
    case wrongMagic = 22
    case unknownProtocolOfClientAddress = 23
    /// The client closed during the TLS handshake, or its connection broke, or it took too long.
    case closedInTLS = 24
    case brokenInTLS = 25
    case timedOutInTLS = 26
    /// The issuer of the client's certificate is not trusted, or the certificate itself is not.
    case untrustedIssuer = 30
    case untrustedCertificate = 31
    /// The server's certificate is not for the name that was asked for; where none was, not for the one that the file names.
    case unexpectedCertificate = 32
    case unexpectedName = 33
    /// The TLS handshake failed for another reason.
    case tlsFailed = 34

    public init(_ fault: ProxyHeaderFault) {
        self =
            switch fault {
            case .notAHeader: .noHeader
            case .unknownProtocol: .unknownProtocol
            case .tooLong: .truncated
            case .lineTooLong, .badLineEnd, .badFieldCount, .badAddress, .badPort, .badCommand, .badFamily, .tooShort,
                .badValue, .badChecksum:
                .badHeader
            }
    }

    public init(_ fault: ClientAddressFault) {
        self =
            switch fault {
            case .wrongMagic: .wrongMagic
            case .unknownProtocol: .unknownProtocolOfClientAddress
            case .tooLong: .truncatedClientAddress
            }
    }

    public init(_ fault: TLSFault) {
        self =
            switch fault.kind {
            case .closed: .closedInTLS
            case .broken: .brokenInTLS
            case .timedOut: .timedOutInTLS
            case .certificate: fault.concernsIssuer ? .untrustedIssuer : .untrustedCertificate
            default: .tlsFailed
            }
    }

    /// Of the connection to a server.
    public init(_ fault: TLSFault, ofServer engine: TLSEngine) {
        if fault.concernsName {
            self = engine.holds(.hasServerName) ? .unexpectedName : .unexpectedCertificate
        } else if case .certificate = fault.kind {
            self = .tlsFailed
        } else {
            self.init(fault)
        }
    }

    /// HAProxy's name for it (`fc_err_name`).
    public var name: StaticString {
        switch self {
        case .closed: "PRX_EMPTY"
        case .broken: "PRX_ABORT"
        case .timedOut: "PRX_TIMEOUT"
        case .truncated: "PRX_TRUNCATED"
        case .noHeader: "PRX_NOT_HDR"
        case .badHeader: "PRX_BAD_HDR"
        case .unknownProtocol: "PRX_BAD_PROTO"
        case .closedBeforeClientAddress: "CIP_EMPTY"
        case .brokenBeforeClientAddress: "CIP_ABORT"
        case .timedOutBeforeClientAddress: "CIP_TIMEOUT"
        case .truncatedClientAddress: "CIP_TRUNCATED"
        case .wrongMagic: "CIP_BAD_MAGIC"
        case .unknownProtocolOfClientAddress: "CIP_BAD_PROTO"
        case .closedInTLS: "SSL_EMPTY"
        case .brokenInTLS: "SSL_ABORT"
        case .timedOutInTLS: "SSL_TIMEOUT"
        case .untrustedIssuer: "SSL_CA_FAIL"
        case .untrustedCertificate: "SSL_CRT_FAIL"
        case .unexpectedCertificate: "SSL_MISMATCH"
        case .unexpectedName: "SSL_MISMATCH_SNI"
        case .tlsFailed: "SSL_HANDSHAKE"
        }
    }

    /// The words of the log.
    public var text: StaticString {
        switch self {
        case .closed: "Connection closed while waiting for PROXY protocol header"
        case .broken: "Connection error while waiting for PROXY protocol header"
        case .timedOut: "Timeout while waiting for PROXY protocol header"
        case .truncated: "Truncated PROXY protocol header received"
        case .noHeader: "Received something which does not look like a PROXY protocol header"
        case .badHeader: "Received an invalid PROXY protocol header"
        case .unknownProtocol: "Received an unhandled protocol in the PROXY protocol header"
        case .closedBeforeClientAddress: "Connection closed while waiting for NetScaler Client IP header"
        case .brokenBeforeClientAddress: "Connection error while waiting for NetScaler Client IP header"
        case .timedOutBeforeClientAddress: "Timeout while waiting for a NetScaler Client IP header"
        case .truncatedClientAddress: "Truncated NetScaler Client IP header received"
        case .wrongMagic: "Received an invalid NetScaler Client IP magic number"
        case .unknownProtocolOfClientAddress: "Received an unhandled protocol in the NetScaler Client IP header"
        case .closedInTLS: "Connection closed during SSL handshake"
        case .brokenInTLS: "Connection error during SSL handshake"
        case .timedOutInTLS: "Timeout during SSL handshake"
        case .untrustedIssuer: "SSL client CA chain cannot be verified"
        case .untrustedCertificate: "SSL client certificate not trusted"
        case .unexpectedCertificate: "Server presented an SSL certificate different from the configured one"
        case .unexpectedName: "Server presented an SSL certificate different from the expected one"
        case .tlsFailed: "SSL handshake failure"
        }
    }
}
