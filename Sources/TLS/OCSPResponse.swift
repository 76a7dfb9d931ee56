// A response of OCSP that is sent with a certificate (stapled): read and checked when it is loaded or fetched, and withheld once it is
// no longer valid.

internal import Basics
internal import COpenSSL
internal import Glibc

/// What an OCSP responder has said of one certificate.
public final class OCSPResponse: Sendable {
    /// Seconds by which the responder's clock may differ.
    private static let clockTolerance: Int64 = 300

    /// The response as it was given, in DER.
    public let bytes: [UInt8]
    /// Seconds since 1970 at which it was true.
    public let validFrom: Int64
    /// Seconds since 1970 until which it may be sent; nil: the responder names no end.
    public let validUntil: Int64?
    /// Whether it says that the certificate is revoked, rather than good.
    public let isRevoked: Bool

    /// Reads a response in DER.
    /// - Parameters:
    ///   - certificate: what it must be about.
    ///   - issuer: the certificate that signed that one.
    ///   - now: seconds since 1970 at which it must be valid.
    ///   - checksSignature: whether the issuer must have signed it, or whom the issuer has appointed (RFC 6960 section 4.2.2.2).
    /// - Throws: what is wrong with it.
    init(
        _ bytes: [UInt8], about certificate: OpaquePointer, issuer: OpaquePointer, at now: Int64 = Int64(time(nil)),
        checksSignature: Bool = false
    ) throws(FileRefusal) {
        defer { ERR_clear_error() }
        let basic = try unsafe Self.contents(of: bytes)
        defer { unsafe OCSP_BASICRESP_free(basic) }
        let statement = try unsafe Self.statement(in: basic, about: certificate, issuer)
        if statement.thisUpdate > now + Self.clockTolerance { throw .refused("it is not valid yet") }
        if let next = statement.nextUpdate {
            if next < now - Self.clockTolerance { throw .refused("it is not valid any more") }
            if next < statement.thisUpdate { throw .refused("it ends before it begins") }
        }
        if checksSignature { try unsafe Self.checkSignature(of: basic, issuer) }
        validFrom = statement.thisUpdate
        validUntil = statement.nextUpdate
        isRevoked = statement.isRevoked
        self.bytes = bytes
    }

    /// Whether it may still be sent.
    var isCurrent: Bool { validUntil.map { $0 > Int64(time(nil)) } ?? true }

    /// The part with the statements; the caller frees it.
    private static func contents(of bytes: [UInt8]) throws(FileRefusal) -> OpaquePointer {
        var used = 0
        let response = unsafe bytes.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            let response = unsafe d2i_OCSP_RESPONSE(nil, &start, bytes.count)
            if let first = bytes.baseAddress, let next = unsafe start { used = unsafe next - first }
            return unsafe response
        }
        guard let response = unsafe response else { throw .refused("it is no OCSP response in DER") }
        defer { unsafe OCSP_RESPONSE_free(response) }
        // Clients would get it as it is, and what stands behind it too.
        guard used == bytes.count else { throw .refused("something stands behind the OCSP response") }
        let status = unsafe OCSP_response_status(response)
        guard status == OCSP_RESPONSE_STATUS_SUCCESSFUL else {
            throw .refused("the responder reports '\(unsafe String(cString: OCSP_response_status_str(Int(status))))'")
        }
        guard let basic = unsafe OCSP_response_get1_basic(response) else {
            throw .refused("the response has no contents")
        }
        return unsafe basic
    }

    /// What a response says of one certificate.
    private struct Statement {
        let isRevoked: Bool
        let thisUpdate: Int64
        let nextUpdate: Int64?
    }

    private static func statement(
        in basic: OpaquePointer, about certificate: OpaquePointer, _ issuer: OpaquePointer
    ) throws(FileRefusal) -> Statement {
        // The digest of the identifier is the responder's choice.
        // swift-format-ignore
        for unsafe digest in unsafe [EVP_sha1(), EVP_sha256()] {
            guard let id = unsafe OCSP_cert_to_id(digest, certificate, issuer) else { continue }
            defer { unsafe OCSP_CERTID_free(id) }
            var status: Int32 = 0
            var reason: Int32 = 0
            var revokedAt: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
            var this: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
            var next: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
            guard unsafe OCSP_resp_find_status(basic, id, &status, &reason, &revokedAt, &this, &next) == 1 else {
                continue
            }
            guard status != V_OCSP_CERTSTATUS_UNKNOWN else {
                throw .refused("the responder does not know the certificate")
            }
            let end = unsafe next.map { unsafe seconds($0) }
            guard let begin = unsafe this.flatMap({ unsafe seconds($0) }), end != .some(nil) else {
                throw .refused("its times are malformed")
            }
            return Statement(isRevoked: status == V_OCSP_CERTSTATUS_REVOKED, thisUpdate: begin, nextUpdate: end ?? nil)
        }
        throw .refused("it is about another certificate")
    }

    /// Seconds since 1970; nil for what is no time.
    private static func seconds(_ time: UnsafePointer<ASN1_GENERALIZEDTIME>) -> Int64? {
        guard unsafe ASN1_GENERALIZEDTIME_check(time) == 1 else { return nil }
        var days: Int32 = 0
        var seconds: Int32 = 0
        let epoch = unsafe ASN1_TIME_set(nil, 0)
        defer { unsafe ASN1_TIME_free(epoch) }
        guard unsafe ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return nil }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    private static func checkSignature(of basic: OpaquePointer, _ issuer: OpaquePointer) throws(FileRefusal) {
        guard let store = unsafe X509_STORE_new(), let known = unsafe OPENSSL_sk_new_null() else {
            throw .refused("OpenSSL has no memory to check it")
        }
        defer {
            unsafe X509_STORE_free(store)
            unsafe OPENSSL_sk_free(known)
        }
        // The issuer may itself be signed by another: it is trusted here all the same.
        _ = unsafe X509_STORE_add_cert(store, issuer)
        _ = unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        _ = unsafe OPENSSL_sk_push(known, UnsafeRawPointer(issuer))
        ERR_clear_error()
        guard unsafe OCSP_basic_verify(basic, known, store, UInt(OCSP_NOEXPLICIT)) == 1 else {
            let reason = ERR_peek_last_error()
            throw .refused(
                "its signature is not the issuer's" + (reason == 0 ? "" : " (\(TLSFault.text(of: reason)))"))
        }
    }
}
