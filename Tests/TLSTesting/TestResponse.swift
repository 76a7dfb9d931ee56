// OCSP responses made on the spot, for tests: right ones, and each kind of wrong one.

internal import COpenSSL
internal import Glibc

/// What an OCSP responder says, in DER.
public enum TestResponse {
    public enum Status: Sendable { case good, revoked, unknown }

    /// The response to a question about one certificate.
    /// - Parameters:
    ///   - issuer: who signed the certificate.
    ///   - signer: who signs the response; nil for the issuer.
    ///   - from: seconds since 1970 at which it is true; nil for a minute ago.
    ///   - until: seconds since 1970 until which it is valid; 0 for an hour from now, nil for no end.
    public static func make(
        about certificate: TestCertificate, issuer: TestCertificate, signer: TestCertificate? = nil,
        status: Status = .good, from: Int? = nil, until: Int? = 0
    ) -> [UInt8] {
        let basic = unsafe OCSP_BASICRESP_new()
        defer { unsafe OCSP_BASICRESP_free(basic) }
        let id = unsafe OCSP_cert_to_id(nil, certificate.certificate, issuer.certificate)
        defer { unsafe OCSP_CERTID_free(id) }
        let now = time(nil)
        let this = unsafe ASN1_GENERALIZEDTIME_set(nil, from ?? now - 60)
        let next = unsafe until.flatMap { unsafe ASN1_GENERALIZEDTIME_set(nil, $0 == 0 ? now + 3_600 : $0) }
        defer {
            unsafe ASN1_GENERALIZEDTIME_free(this)
            unsafe ASN1_GENERALIZEDTIME_free(next)
        }
        let code =
            switch status {
            case .good: V_OCSP_CERTSTATUS_GOOD
            case .revoked: V_OCSP_CERTSTATUS_REVOKED
            case .unknown: V_OCSP_CERTSTATUS_UNKNOWN
            }
        _ = unsafe OCSP_basic_add1_status(basic, id, code, 0, status == .revoked ? this : nil, this, next)
        let signer = signer ?? issuer
        let isSigned = unsafe OCSP_basic_sign(basic, signer.certificate, signer.key, EVP_sha256(), nil, 0)
        precondition(isSigned == 1, "OpenSSL does not sign a response")
        return unsafe bytes(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic))
    }

    /// What a responder says that does not want to answer now.
    public static func refusal() -> [UInt8] {
        unsafe bytes(OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, nil))
    }

    private static func bytes(_ response: OpaquePointer?) -> [UInt8] {
        defer { unsafe OCSP_RESPONSE_free(response) }
        var bytes: UnsafeMutablePointer<UInt8>?
        let length = unsafe i2d_OCSP_RESPONSE(response, &bytes)
        defer { unsafe CRYPTO_free(bytes, #file, #line) }
        return unsafe [UInt8](UnsafeBufferPointer(start: bytes, count: Int(length)))
    }
}
