// A response of OCSP that is sent with a certificate (stapled): read and checked when it is loaded, and withheld once it is no
// longer valid.

internal import Basics
internal import COpenSSL
internal import Glibc

/// What an OCSP responder has said of one certificate.
public final class OCSPResponse: Sendable {
    /// The response as it was given, in DER.
    let bytes: [UInt8]
    /// The identity of the certificate that it is about, in DER.
    let identity: [UInt8]
    /// Seconds since 1970 until which it may be sent; nil: the responder names no end.
    let validUntil: Int64?

    /// Reads a response in DER.
    /// - Parameters:
    ///   - certificate: what it must be about.
    ///   - issuer: the certificate that signed that one.
    init(_ bytes: [UInt8], about certificate: OpaquePointer, issuer: OpaquePointer) throws(FileRefusal) {
        defer { ERR_clear_error() }
        let response = unsafe bytes.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe d2i_OCSP_RESPONSE(nil, &start, bytes.count)
        }
        guard let response = unsafe response else { throw .refused("it is no OCSP response in DER") }
        defer { unsafe OCSP_RESPONSE_free(response) }
        guard unsafe OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL else {
            throw .refused("the responder reports a failure")
        }
        guard let basic = unsafe OCSP_response_get1_basic(response) else {
            throw .refused("the response has no contents")
        }
        defer { unsafe OCSP_BASICRESP_free(basic) }
        validUntil = try unsafe Self.end(of: basic, certificate, issuer)
        identity = unsafe Self.identity(of: basic)
        self.bytes = bytes
    }

    /// The identity as commands call it.
    var key: String {
        identity.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    private static func identity(of basic: OpaquePointer) -> [UInt8] {
        guard let id = unsafe OCSP_SINGLERESP_get0_id(OCSP_resp_get0(basic, 0)) else { return [] }
        var bytes: UnsafeMutablePointer<UInt8>?
        let length = unsafe i2d_OCSP_CERTID(id, &bytes)
        defer { unsafe CRYPTO_free(bytes, #file, #line) }
        return unsafe length > 0 ? [UInt8](UnsafeBufferPointer(start: bytes, count: Int(length))) : []
    }

    /// Whether it may still be sent.
    var isCurrent: Bool { validUntil.map { $0 > Int64(time(nil)) } ?? true }

    private static func end(
        of basic: OpaquePointer, _ certificate: OpaquePointer, _ issuer: OpaquePointer
    ) throws(FileRefusal) -> Int64? {
        // The digest of the identifier is the responder's choice.
        // swift-format-ignore
        for unsafe digest in unsafe [EVP_sha1(), EVP_sha256()] {
            guard let id = unsafe OCSP_cert_to_id(digest, certificate, issuer) else { continue }
            defer { unsafe OCSP_CERTID_free(id) }
            var status: Int32 = 0
            var reason: Int32 = 0
            var revokedAt: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
            var producedAt: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
            var next: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
            guard unsafe OCSP_resp_find_status(basic, id, &status, &reason, &revokedAt, &producedAt, &next) == 1 else {
                continue
            }
            // Clocks may differ by some minutes.
            guard unsafe OCSP_check_validity(producedAt, next, 300, -1) == 1 else {
                throw .refused("it is not valid any more, or not yet")
            }
            return unsafe next.map { unsafe seconds($0) }
        }
        throw .refused("it is about another certificate")
    }

    private static func seconds(_ time: UnsafePointer<ASN1_GENERALIZEDTIME>) -> Int64 {
        var days: Int32 = 0
        var seconds: Int32 = 0
        let epoch = unsafe ASN1_TIME_set(nil, 0)
        defer { unsafe ASN1_TIME_free(epoch) }
        guard unsafe ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return 0 }
        return Int64(days) * 86_400 + Int64(seconds)
    }
}
