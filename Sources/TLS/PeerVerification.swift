// What came of checking the peer's certificate, for the samples `ssl_c_err`, `ssl_c_ca_err` and their like. OpenSSL keeps one result
// of each check, and drops a certificate that it has refused; the first error of each kind and the refused certificate are kept here.

internal import COpenSSL

/// The results of checking one peer's chain of certificates.
struct PeerVerification {
    /// A certificate was checked in this connection, which is not so in one that goes on with an earlier session.
    private(set) var hasRun = false
    /// The first error in the peer's own certificate (X509_V_ERR_…); 0 if there was none.
    private(set) var certificateError: Int32 = 0
    /// The first error in the chain behind it, and how far behind it.
    private(set) var issuerError: Int32 = 0
    private(set) var issuerErrorDepth = 0
    /// The error for which the certificate is refused; 0 if it is not.
    private(set) var refusal: Int32 = 0
    private(set) var refusalDepth = 0
    /// The peer's certificate, once there was an error.
    private(set) var certificate: CertificateReference?

    /// What the call-back of `SSL_CTX_set_verify` answers: 1 to go on, 0 to refuse.
    /// - Parameters:
    ///   - isGood: OpenSSL's own verdict, 1 or 0.
    ///   - isForgiven: whether an error at this depth of the chain is let pass.
    mutating func judge(_ isGood: Int32, _ store: OpaquePointer, _ isForgiven: (Int32, Int) -> Bool) -> Int32 {
        hasRun = true
        guard isGood != 1 else { return 1 }
        let error = unsafe X509_STORE_CTX_get_error(store)
        let depth = Int(unsafe X509_STORE_CTX_get_error_depth(store))
        if certificate == nil, let own = unsafe X509_STORE_CTX_get0_cert(store) {
            certificate = unsafe CertificateReference(own)
        }
        if depth > 0, issuerError == 0 {
            issuerError = error
            issuerErrorDepth = depth
        }
        if depth == 0, certificateError == 0 { certificateError = error }
        if isForgiven(error, depth) {
            // What is forgiven would otherwise be taken for the reason of a later failure.
            ERR_clear_error()
            return 1
        }
        refusal = error
        refusalDepth = depth
        return 0
    }
}

/// Keeps a certificate alive.
@safe
final class CertificateReference {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        unsafe X509_up_ref(pointer)
        unsafe self.pointer = pointer
    }

    deinit { unsafe X509_free(pointer) }
}

extension TLSEngine {
    /// For the call-back of `SSL_CTX_set_verify`: judges what OpenSSL found of one certificate of the peer's chain.
    /// - Parameter isForgiven: whether an error, at this depth of the chain, is let pass; 0 is the peer's own certificate.
    /// - Returns: 1 to go on, 0 to refuse the peer.
    static func judge(
        _ isGood: Int32, _ store: OpaquePointer?,
        _ isForgiven: (_ error: Int32, _ depth: Int) -> Bool = { _, _ in false }
    ) -> Int32 {
        guard let store = unsafe store,
            let data = unsafe X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let engine = unsafe TLSEngine.of(OpaquePointer(data))
        else { return isGood }
        return unsafe engine.notes.verification.judge(isGood, store, isForgiven)
    }
}

/// A number that checking the peer's certificate yields.
public enum VerificationNumber: Sendable {
    /// OpenSSL's result of the whole check, 0 if the certificate is good or there is none.
    case result
    /// The first error of the peer's own certificate; of the chain behind it, and where in the chain that was.
    case certificateError, issuerError, issuerErrorDepth
}

extension TLSEngine {
    public func number(_ what: VerificationNumber) -> Int {
        switch what {
        case .result: unsafe SSL_get_verify_result(ssl)
        case .certificateError: Int(notes.verification.certificateError)
        case .issuerError: Int(notes.verification.issuerError)
        case .issuerErrorDepth: notes.verification.issuerErrorDepth
        }
    }

    /// Where in its chain the peer's certificate was refused: 0 for its own, more for an issuer's; nil if it was not.
    public var refusedDepth: Int? {
        notes.verification.refusal == 0 ? nil : notes.verification.refusalDepth
    }
}
