// Why a handshake or an encrypted connection failed, in words that an operator can act on. Read from what OpenSSL has queued, from the
// result of checking the peer's certificate, and from what the system said.

internal import Basics
internal import COpenSSL
public import SystemPackage

public struct TLSFault: Error, Equatable, Sendable {
    /// What kind of failure it is, as far as Portico does something about it or counts it.
    public enum Kind: Equatable, Sendable {
        /// The peer closed, or its connection broke, before the handshake was complete.
        case closed
        case broken(Errno)
        /// The handshake was not complete in time.
        case timedOut
        /// The peer speaks HTTP where TLS is expected.
        case plainHTTP
        /// The peer speaks something that is no TLS.
        case notTLS
        /// The peer's certificate was not accepted: X509_V_ERR_… of OpenSSL.
        case certificate(Int)
        /// The peer has shown none, though it had to.
        case noCertificate
        /// The peer has refused, with this alert (RFC 8446 section 6.2).
        case alert(UInt8)
        case noSharedCipher
        case unsupportedVersion
        /// No certificate is there for the name that the client asked for, or it asked for none (`strict-sni`).
        case unknownName
        case noName
        /// An extension that the choice of a certificate depends on cannot be understood.
        case malformedHello
        /// The server has dropped what was sent before the end of the handshake.
        case earlyDataRejected
        /// No protocol of the peer's list (ALPN) is one of ours.
        case noSharedProtocol
        case other
    }

    public let kind: Kind
    /// OpenSSL's code, 0 if the failure is not its own (`ssl_fc_err`).
    public let code: UInt
    private let detail: String
    /// Whether the peer's certificate was refused for one above it.
    public let concernsIssuer: Bool

    /// Whether the peer's certificate was refused because it is for another name.
    public var concernsName: Bool { kind == .certificate(Int(X509_V_ERR_HOSTNAME_MISMATCH)) }

    public init(_ kind: Kind, code: UInt = 0, detail: String = "", concernsIssuer: Bool = false) {
        self.kind = kind
        self.code = code
        self.detail = detail
        self.concernsIssuer = concernsIssuer
    }

    /// The reason as a clause: `unknown CA`, `no shared cipher`.
    public var words: String {
        switch kind {
        case .closed: "the peer closed the connection during the handshake"
        case .broken(let reason): "the connection broke during the handshake: \(reason)"
        case .timedOut: "the handshake was not complete in time"
        case .plainHTTP: "the peer speaks HTTP without TLS"
        case .notTLS: "the peer does not speak TLS"
        case .certificate(let result): "the peer's certificate is refused: \(Self.words(ofCertificate: result))"
        case .noCertificate: "the peer has shown no certificate"
        case .alert(let number): "the peer refused: \(Self.words(ofAlert: number))"
        case .noSharedCipher: "no shared cipher"
        case .unsupportedVersion: "no version of TLS in common"
        case .unknownName: "no certificate for the name that the client asked for"
        case .noName: "the client asked for no name, and strict-sni needs one"
        case .malformedHello: "the client's hello is malformed"
        case .earlyDataRejected: "the server has not taken early data"
        case .noSharedProtocol: "no protocol in common (ALPN)"
        case .other: detail
        }
    }

    // MARK: Reading OpenSSL's mind

    /// What the engine's last call failed of. Empties OpenSSL's queue of errors.
    init(of engine: TLSEngine, duringHandshake: Bool, systemFailure: Errno?, hasEnded: Bool) {
        let code = ERR_peek_error()
        ERR_clear_error()
        if code == 0 || Self.isEndOfFile(code) {
            self.init(systemFailure.map(Kind.broken) ?? (hasEnded || duringHandshake ? .closed : .other))
            return
        }
        let kind = engine.notes.helloRefusal ?? Self.kind(code, verified: unsafe SSL_get_verify_result(engine.ssl))
        self.init(
            kind, code: code, detail: Self.text(of: code),
            concernsIssuer: engine.refusedDepth ?? 0 > 0)
    }

    private static func isEndOfFile(_ code: UInt) -> Bool {
        copenssl_error_library(code) == ERR_LIB_SSL
            && copenssl_error_reason(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING
    }

    private static func kind(_ code: UInt, verified: Int) -> Kind {
        guard copenssl_error_library(code) == ERR_LIB_SSL else { return .other }
        let reason = copenssl_error_reason(code)
        switch reason {
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: return .plainHTTP
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_UNKNOWN_PROTOCOL, SSL_R_BAD_PACKET_LENGTH, SSL_R_RECORD_LENGTH_MISMATCH,
            SSL_R_PACKET_LENGTH_TOO_LONG:
            return .notTLS
        case SSL_R_CERTIFICATE_VERIFY_FAILED: return .certificate(verified)
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return .noCertificate
        case SSL_R_NO_SHARED_CIPHER: return .noSharedCipher
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_VERSION_TOO_LOW: return .unsupportedVersion
        case SSL_R_NO_APPLICATION_PROTOCOL: return .noSharedProtocol
        // An alert that the peer has sent: its number behind a thousand.
        case SSL_AD_REASON_OFFSET..<SSL_AD_REASON_OFFSET + 256: return .alert(UInt8(reason - SSL_AD_REASON_OFFSET))
        default: return .other
        }
    }

    /// OpenSSL's text of an error code; empty for 0.
    public static func text(of code: UInt) -> String {
        guard code != 0, let text = unsafe ERR_reason_error_string(code) else {
            return code == 0 ? "" : "error \(String(code, radix: 16))"
        }
        return unsafe String(cString: text)
    }

    /// OpenSSL's text of a result of checking a certificate (X509_V_…).
    public static func words(ofCertificate result: Int) -> String {
        switch Int32(truncatingIfNeeded: result) {
        case X509_V_ERR_CERT_HAS_EXPIRED: "it has expired"
        case X509_V_ERR_CERT_NOT_YET_VALID: "it is not valid yet"
        case X509_V_ERR_CERT_REVOKED: "it is revoked"
        case X509_V_ERR_HOSTNAME_MISMATCH: "it is for another name"
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            "its issuer is unknown (\(unsafe String(cString: X509_verify_cert_error_string(result))))"
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: "it is signed by itself and not in ca-file"
        default: unsafe String(cString: X509_verify_cert_error_string(result))
        }
    }

    private static func words(ofAlert number: UInt8) -> String {
        switch Int32(number) {
        case SSL3_AD_BAD_CERTIFICATE: "bad certificate"
        case SSL3_AD_UNSUPPORTED_CERTIFICATE: "unsupported certificate"
        case SSL3_AD_CERTIFICATE_REVOKED: "our certificate is revoked"
        case SSL3_AD_CERTIFICATE_EXPIRED: "our certificate has expired"
        case SSL3_AD_CERTIFICATE_UNKNOWN: "certificate unknown"
        case TLS1_AD_UNKNOWN_CA: "unknown CA"
        case TLS1_AD_PROTOCOL_VERSION: "no version of TLS in common"
        case SSL3_AD_HANDSHAKE_FAILURE: "no cipher or parameter in common (handshake failure)"
        case TLS1_AD_UNRECOGNIZED_NAME: "unrecognized name"
        case TLS1_AD_NO_APPLICATION_PROTOCOL: "no protocol in common (ALPN)"
        case Int32(TLS13_AD_CERTIFICATE_REQUIRED): "it requires a certificate"
        default: unsafe String(cString: SSL_alert_desc_string_long(Int32(number)))
        }
    }
}
