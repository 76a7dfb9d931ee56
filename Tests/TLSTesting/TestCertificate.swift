// Certificates made on the spot, for tests: an authority of their own and what it signs. Nothing of them is kept.

internal import COpenSSL

/// A certificate with its key. As an authority it signs others.
@safe
public final class TestCertificate: @unchecked Sendable {
    // Safe: freed with the object; a context that uses them counts its own references.
    public let certificate: OpaquePointer
    public let key: OpaquePointer
    private let issuer: TestCertificate?

    public enum KeyKind: Sendable {
        case ecdsa, rsa
        /// Its signatures are all of one length: for tests that have to go the same way each time.
        case ed25519
    }

    /// - Parameters:
    ///   - name: the common name; of an authority, its name.
    ///   - names: DNS names (`DNS:`) and addresses (`IP:`) of the certificate; `DNS:` and the common name if there are none.
    ///   - issuer: who signs it; nil for itself.
    ///   - days: from when to when it is good, from now.
    ///   - responder: the address of the OCSP responder that it names.
    ///   - signsResponses: whether its issuer lets it sign OCSP responses.
    public init(
        _ name: String, names: [String] = [], isAuthority: Bool = false, issuer: TestCertificate? = nil,
        key kind: KeyKind = .ecdsa, days: ClosedRange<Int> = -1...30, serial: Int = 1,
        responder: String? = nil, signsResponses: Bool = false
    ) {
        guard let made = unsafe X509_new() else { preconditionFailure("OpenSSL has no memory for a certificate") }
        unsafe certificate = unsafe made
        unsafe key = unsafe Self.makeKey(kind)
        self.issuer = issuer
        unsafe X509_set_version(certificate, 2)
        unsafe ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial)
        unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), days.lowerBound * 86_400)
        unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), days.upperBound * 86_400)
        unsafe X509_set_pubkey(certificate, key)
        let subject = unsafe X509_get_subject_name(certificate)
        unsafe X509_NAME_add_entry_by_txt(subject, "CN", Int32(MBSTRING_ASC), name, -1, -1, 0)
        unsafe X509_set_issuer_name(
            certificate, issuer.map { unsafe X509_get_subject_name($0.certificate) } ?? subject)
        add(NID_basic_constraints, isAuthority ? "critical,CA:TRUE" : "CA:FALSE")
        if !isAuthority {
            add(NID_subject_alt_name, (names.isEmpty ? ["DNS:\(name)"] : names).joined(separator: ","))
        }
        if let responder { add(NID_info_access, "OCSP;URI:\(responder)") }
        if signsResponses { add(NID_ext_key_usage, "OCSPSigning") }
        let signer = unsafe issuer?.key ?? key
        let digest = unsafe EVP_PKEY_get_id(signer) == EVP_PKEY_ED25519 ? nil : EVP_sha256()
        unsafe X509_sign(certificate, signer, digest)
    }

    private func add(_ extension: Int32, _ value: String) {
        let made = unsafe X509V3_EXT_conf_nid(nil, nil, `extension`, value)
        precondition(unsafe made != nil, "'\(value)' is no value of extension \(`extension`)")
        unsafe X509_add_ext(certificate, made, -1)
        unsafe X509_EXTENSION_free(made)
    }

    private static func makeKey(_ kind: KeyKind) -> OpaquePointer {
        let id =
            switch kind {
            case .ecdsa: EVP_PKEY_EC
            case .rsa: EVP_PKEY_RSA
            case .ed25519: EVP_PKEY_ED25519
            }
        let context = unsafe EVP_PKEY_CTX_new_id(id, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        unsafe EVP_PKEY_keygen_init(context)
        switch kind {
        case .ecdsa: unsafe EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1)
        case .rsa: unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2_048)
        case .ed25519: break
        }
        var key: OpaquePointer?
        unsafe EVP_PKEY_keygen(context, &key)
        guard let key = unsafe key else { preconditionFailure("OpenSSL makes no key") }
        return unsafe key
    }

    /// The certificate, in PEM.
    public var pem: String { unsafe Self.text { unsafe PEM_write_bio_X509($0, certificate) } }
    /// The key, in PEM.
    public var keyPEM: String { unsafe Self.text { unsafe PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) } }
    /// Certificate, key and the issuer's certificate: what HAProxy's `crt` reads.
    public var bundle: String { pem + keyPEM + (issuer.map { $0.pem } ?? "") }

    /// A revocation list of this authority that revokes nothing, in PEM.
    /// - Parameter days: when it is over, from now.
    public func revocationList(days: Int = 30) -> String {
        let list = unsafe X509_CRL_new()
        defer { unsafe X509_CRL_free(list) }
        unsafe X509_CRL_set_version(list, 1)
        unsafe X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate))
        let time = unsafe X509_gmtime_adj(nil, -2 * 86_400)
        defer { unsafe ASN1_TIME_free(time) }
        unsafe X509_CRL_set1_lastUpdate(list, time)
        unsafe X509_gmtime_adj(time, days * 86_400)
        unsafe X509_CRL_set1_nextUpdate(list, time)
        unsafe X509_CRL_sign(list, key, EVP_sha256())
        return unsafe Self.text { unsafe PEM_write_bio_X509_CRL($0, list) }
    }

    private static func text(_ write: (OpaquePointer?) -> Int32) -> String {
        let memory = unsafe BIO_new(BIO_s_mem())
        defer { unsafe BIO_free(memory) }
        let result = unsafe write(memory)
        precondition(result == 1, "OpenSSL cannot write PEM")
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = unsafe BIO_read(memory, &piece, Int32(piece.count))
            if count <= 0 { break }
            bytes += piece[..<Int(count)]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    deinit {
        unsafe X509_free(certificate)
        unsafe EVP_PKEY_free(key)
    }
}
