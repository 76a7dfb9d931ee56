// The blocks of a PEM file: certificates, keys, parameters, revocation lists.

internal import Basics
internal import COpenSSL

/// One block of a PEM file.
struct PEMBlock {
    /// What stands behind `BEGIN`.
    let label: String
    /// Whether its bytes are encrypted with a password.
    let isEncrypted: Bool
    let contents: SecretBytes

    var isCertificate: Bool { ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"].contains(label) }
    var isPrivateKey: Bool { label.hasSuffix("PRIVATE KEY") }
    var isRevocationList: Bool { label == "X509 CRL" }
    var areParameters: Bool { label == "DH PARAMETERS" || label == "X9.42 DH PARAMETERS" }

    /// All blocks of a file. What stands between them is a comment. Throws if one of them is cut off or cannot be decoded.
    static func all(in file: SecretBytes) throws(FileRefusal) -> [PEMBlock] {
        var blocks: [PEMBlock] = []
        defer { ERR_clear_error() }
        // Safe: the BIO reads the array only while it is lent.
        let isWhole = unsafe file.bytes.withUnsafeBytes { bytes in
            guard unsafe !bytes.isEmpty,
                let input = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count))
            else { return true }
            defer { unsafe BIO_free(input) }
            while let block = TLSLibrary.wiping({ unsafe next(from: input) }) { blocks.append(block) }
            return copenssl_error_reason(ERR_peek_last_error()) == PEM_R_NO_START_LINE
        }
        guard isWhole else { throw .refused("what follows '-----BEGIN' is not whole") }
        return blocks
    }

    private static func next(from input: OpaquePointer) -> PEMBlock? {
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var length = 0
        guard unsafe PEM_read_bio(input, &name, &header, &data, &length) == 1, let name = unsafe name,
            let header = unsafe header, let data = unsafe data
        else { return nil }
        defer {
            unsafe CRYPTO_free(name, #file, #line)
            unsafe CRYPTO_free(header, #file, #line)
            unsafe CRYPTO_clear_free(data, length, #file, #line)
        }
        let label = unsafe String(cString: name)
        return PEMBlock(
            label: label,
            isEncrypted: unsafe label == "ENCRYPTED PRIVATE KEY" || String(cString: header).contains("ENCRYPTED"),
            contents: SecretBytes(unsafe Array(UnsafeBufferPointer(start: data, count: length))))
    }

    // MARK: As OpenSSL's objects, which the caller frees

    func certificate() -> OpaquePointer? {
        unsafe parse { bytes, length in
            unsafe label == "TRUSTED CERTIFICATE" ? d2i_X509_AUX(nil, &bytes, length) : d2i_X509(nil, &bytes, length)
        }
    }

    func privateKey() -> OpaquePointer? {
        unsafe TLSLibrary.wiping { unsafe parse { bytes, length in unsafe d2i_AutoPrivateKey(nil, &bytes, length) } }
    }

    func revocationList() -> OpaquePointer? {
        unsafe parse { bytes, length in unsafe d2i_X509_CRL(nil, &bytes, length) }
    }

    func parameters() -> OpaquePointer? {
        let type = label == "DH PARAMETERS" ? EVP_PKEY_DH : EVP_PKEY_DHX
        return unsafe parse { bytes, length in unsafe d2i_KeyParams(type, nil, &bytes, length) }
    }

    private func parse(_ body: (inout UnsafePointer<UInt8>?, Int) -> OpaquePointer?) -> OpaquePointer? {
        defer { ERR_clear_error() }
        return unsafe contents.bytes.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe body(&start, bytes.count)
        }
    }
}
