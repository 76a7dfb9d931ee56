// Public keys read from files, and the verification of signatures with them, through OpenSSL's libcrypto.

internal import Basics
internal import COpenSSL
internal import Configuration

/// A key within a table, which keeps it alive.
@safe
struct PublicKey: @unchecked Sendable {
    fileprivate let key: OpaquePointer
}

/// Keeps one key alive.
@safe
final class PublicKeyOwner: @unchecked Sendable {
    let key: PublicKey

    /// nil if the bytes hold neither a public key (PKCS #1 or SubjectPublicKeyInfo) nor a certificate, in PEM.
    init?(_ bytes: [UInt8]) {
        guard let found = unsafe Self.read(bytes, Self.bareKey) ?? Self.read(bytes, Self.certifiedKey) else {
            return nil
        }
        unsafe key = PublicKey(key: found)
    }

    deinit { unsafe EVP_PKEY_free(key.key) }

    private static func read(_ bytes: [UInt8], _ parse: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
        // Safe: the library reads no further than it is told.
        unsafe bytes.withUnsafeBytes { bytes in
            guard let input = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else {
                return nil
            }
            defer { unsafe BIO_free(input) }
            // What it found wrong is no concern of the next who asks.
            defer { ERR_clear_error() }
            return unsafe parse(input)
        }
    }

    // The callback refuses to ask for a pass phrase: OpenSSL would read it from the terminal.
    private static func bareKey(_ input: OpaquePointer) -> OpaquePointer? {
        unsafe PEM_read_bio_PUBKEY(input, nil, { _, _, _, _ in 0 }, nil)
    }

    private static func certifiedKey(_ input: OpaquePointer) -> OpaquePointer? {
        guard let certificate = unsafe PEM_read_bio_X509(input, nil, { _, _, _, _ in 0 }, nil) else { return nil }
        defer { unsafe X509_free(certificate) }
        return unsafe X509_get_pubkey(certificate)
    }
}

/// How something is signed.
enum SignatureScheme: Sendable {
    case pkcs1, pss, ecdsa
}

extension DigestMaker {
    /// Whether `signature` (DER for ECDSA) is a valid signature of these bytes under this key.
    func isSigned(
        _ bytes: RawSpan, by key: PublicKey, _ scheme: SignatureScheme, digestBits: Int, _ signature: RawSpan
    ) -> Bool {
        defer { ERR_clear_error() }
        let kind = unsafe EVP_PKEY_get_base_id(key.key)
        guard kind == (scheme == .ecdsa ? EVP_PKEY_EC : EVP_PKEY_RSA) else { return false }
        var parameters: OpaquePointer?
        guard unsafe beginVerification(DigestAlgorithm(bits: digestBits), key.key, &parameters) else { return false }
        if scheme == .pss {
            // RFC 7518 section 3.5: the salt is as long as the digest.
            guard unsafe EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) > 0,
                unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) > 0
            else { return false }
        }
        // Safe: the library reads as many bytes as it is told.
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe signature.withUnsafeBytes { signature in
                unsafe verify(bytes, signature)
            }
        }
    }
}
