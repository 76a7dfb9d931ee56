// A certificate with its key and what is sent along: made from the blocks of its files and freed with its last user. A renewed
// certificate is another object; only the OCSP response changes, as often as the responder gives another.

internal import Basics
internal import COpenSSL

/// The kind of a certificate's key, as far as clients choose by it.
public enum KeyKind: Sendable {
    case rsa, ecdsa
    /// Ed25519 and its like, and DSA: for clients that get nothing else.
    case other
}

/// What a certificate is made of. Owns its objects of OpenSSL.
@safe
public final class Certificate: Sendable {
    // Safe: these objects are not changed after they were made, and OpenSSL counts their users with atomic counters.
    nonisolated(unsafe) let leaf: OpaquePointer
    /// The certificates that signed it, the nearest first.
    nonisolated(unsafe) let chain: [OpaquePointer]
    nonisolated(unsafe) let key: OpaquePointer
    /// For ciphers with DHE, from its file.
    nonisolated(unsafe) let parameters: OpaquePointer?
    /// The certificate that signed it, where that is not in the chain; nil if it was not given.
    nonisolated(unsafe) let issuer: OpaquePointer?
    /// The file of the folder of issuers that the chain is from; nil for a chain of its own.
    let chainPath: String?
    /// The name that it is known by: its path, or that in a crt-store.
    public let name: String
    public let kind: KeyKind
    /// Common name and alternative names that are names of hosts, in lower case, each once.
    public let hostNames: [String]
    /// Seconds since 1970.
    public let validFrom: Int64
    public let validUntil: Int64
    /// Signed timestamps for the extension of RFC 6962.
    let timestamps: [UInt8]?
    /// What OCSP calls this certificate, in DER: digests of its issuer's name and key, and its number (RFC 6960 section 4.1.1). Nil if
    /// the issuer's certificate is not known.
    public let identity: [UInt8]?
    /// Where its OCSP responder is, as it says itself; nil if it names none that speaks plain HTTP.
    public let responder: ResponderAddress?
    private let response: Lock<OCSPResponse?>

    /// Takes leaf, chain and key out of `parts`, which must have a leaf and a key.
    init(_ parts: CertificateParts, name: String, ocsp: OCSPResponse?, timestamps: [UInt8]?) {
        guard let leaf = unsafe parts.leaf, let key = unsafe parts.key else {
            preconditionFailure("a certificate lacks its key")
        }
        self.name = name
        unsafe self.leaf = leaf
        unsafe self.key = key
        unsafe chain = parts.chain
        unsafe parameters = parts.parameters
        unsafe issuer = parts.issuer
        chainPath = parts.chainPath
        parts.forget()
        response = Lock(ocsp)
        self.timestamps = timestamps
        let signer = unsafe Self.signer(of: leaf, chain, issuer)
        unsafe identity = signer.flatMap { unsafe OCSPRequest.identity(of: leaf, signedBy: $0) }
        unsafe responder = OCSPRequest.responder(of: leaf)
        kind =
            switch unsafe EVP_PKEY_get_base_id(key) {
            case EVP_PKEY_RSA, EVP_PKEY_RSA_PSS: .rsa
            case EVP_PKEY_EC: .ecdsa
            default: .other
            }
        hostNames = unsafe Self.hostNames(of: leaf)
        validFrom = unsafe Self.seconds(X509_get0_notBefore(leaf))
        validUntil = unsafe Self.seconds(X509_get0_notAfter(leaf))
    }

    deinit {
        unsafe X509_free(leaf)
        // swift-format-ignore
        for unsafe certificate in unsafe chain { unsafe X509_free(certificate) }
        // Overwrites the key, once no context uses it any more.
        unsafe EVP_PKEY_free(key)
        unsafe EVP_PKEY_free(parameters)
        unsafe X509_free(issuer)
    }

    /// The OCSP response that is sent with it, as long as it is valid.
    public var ocsp: OCSPResponse? { response.withLock { $0 } }

    /// Sends this response with it from now on, in the place of the one before.
    func staple(_ new: OCSPResponse) { response.withLock { $0 = new } }

    /// Goes on with the response of the certificate whose place this one takes, if that is the same one and its response is newer.
    func keepResponse(of old: Certificate) {
        guard let kept = old.ocsp, kept.isCurrent, unsafe X509_cmp(old.leaf, leaf) == 0 else { return }
        if let own = ocsp, own.validFrom >= kept.validFrom { return }
        staple(kept)
    }

    /// The certificate that signed this one; nil if it is not known.
    var signer: OpaquePointer? { unsafe Self.signer(of: leaf, chain, issuer) }

    /// The certificate that has signed `leaf`: the one that was given as the issuer, else one of the chain.
    static func signer(of leaf: OpaquePointer, _ chain: [OpaquePointer], _ issuer: OpaquePointer?) -> OpaquePointer? {
        defer { ERR_clear_error() }
        if let issuer = unsafe issuer, unsafe X509_check_issued(issuer, leaf) == X509_V_OK { return unsafe issuer }
        return unsafe chain.first { unsafe X509_check_issued($0, leaf) == X509_V_OK }
    }

    // MARK: What OpenSSL says of it

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        var days: Int32 = 0
        var seconds: Int32 = 0
        let epoch = unsafe ASN1_TIME_set(nil, 0)
        defer { unsafe ASN1_TIME_free(epoch) }
        guard unsafe ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return 0 }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    private static func hostNames(of leaf: OpaquePointer) -> [String] {
        var names: [String] = []
        func add(_ text: UnsafePointer<ASN1_STRING>?) {
            var bytes: UnsafeMutablePointer<UInt8>?
            let length = unsafe ASN1_STRING_to_UTF8(&bytes, text)
            guard length > 0, let start = unsafe bytes else { return }
            defer { unsafe CRYPTO_free(start, #file, #line) }
            let name = unsafe String(
                decoding: UnsafeBufferPointer(start: start, count: Int(length)), as: UTF8.self
            ).lowercased()
            if !names.contains(name) { names.append(name) }
        }
        if let list = unsafe X509_get_ext_d2i(leaf, NID_subject_alt_name, nil, nil) {
            let alternatives = OpaquePointer(list)
            defer { unsafe GENERAL_NAMES_free(alternatives) }
            for index in unsafe 0..<copenssl_names_count(alternatives) {
                if let text = unsafe copenssl_dns_name(alternatives, index) { unsafe add(text) }
            }
        }
        let subject = unsafe X509_get_subject_name(leaf)
        var index: Int32 = -1
        while true {
            index = unsafe X509_NAME_get_index_by_NID(subject, NID_commonName, index)
            guard index >= 0 else { break }
            unsafe add(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)))
        }
        return names
    }
}

/// What the blocks of one or more files amount to, on the way to a certificate. Frees what no certificate took.
@safe
final class CertificateParts {
    var leaf: OpaquePointer?
    var chain: [OpaquePointer] = unsafe []
    var key: OpaquePointer?
    var parameters: OpaquePointer?
    var issuer: OpaquePointer?
    /// The file of the folder of issuers that the chain is from.
    var chainPath: String?

    deinit {
        unsafe X509_free(leaf)
        // swift-format-ignore
        for unsafe certificate in unsafe chain { unsafe X509_free(certificate) }
        unsafe EVP_PKEY_free(key)
        unsafe EVP_PKEY_free(parameters)
        unsafe X509_free(issuer)
    }

    /// All belongs to a certificate now.
    func forget() {
        unsafe leaf = nil
        unsafe chain = []
        unsafe key = nil
        unsafe parameters = nil
        unsafe issuer = nil
    }
}
