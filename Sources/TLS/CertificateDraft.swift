// A certificate that commands change part by part before it takes its place (`set ssl cert`): it begins as the one in use, and each
// command gives another draft. What is not whole, or does not fit together, is refused at the end.

internal import Basics
internal import COpenSSL

/// What a command gives of a certificate, by the ending of the name.
enum CertificatePiece: Sendable {
    case bundle, key, issuer, ocsp, timestamps

    /// The endings of names of files beside the certificate.
    static let byEnding: KeyValuePairs<String, CertificatePiece> = [
        ".key": .key, ".issuer": .issuer, ".ocsp": .ocsp, ".sctl": .timestamps,
    ]
}

/// A certificate in the making. Immutable.
@safe
final class CertificateDraft: Sendable {
    let name: String
    // Safe: not changed after it was made.
    nonisolated(unsafe) let parts: CertificateParts
    /// In DER.
    let ocsp: [UInt8]?
    let timestamps: [UInt8]?
    /// What it began as; nil for a new one.
    let original: Certificate?
    private let hasNewOCSP: Bool
    private let hasNewTimestamps: Bool

    /// - Parameter original: the certificate in use; nil for a new one.
    init(_ name: String, from original: Certificate?) {
        self.name = name
        self.original = original
        unsafe parts = original?.parts() ?? CertificateParts()
        ocsp = original?.ocsp?.bytes
        timestamps = original?.timestamps
        hasNewOCSP = false
        hasNewTimestamps = false
    }

    private init(_ old: CertificateDraft, _ parts: CertificateParts, ocsp: [UInt8]?, timestamps: [UInt8]?) {
        name = old.name
        original = old.original
        unsafe self.parts = parts
        self.ocsp = ocsp ?? old.ocsp
        self.timestamps = timestamps ?? old.timestamps
        hasNewOCSP = ocsp != nil || old.hasNewOCSP
        hasNewTimestamps = timestamps != nil || old.hasNewTimestamps
    }

    /// The draft with one piece more, or another one in its place.
    func with(_ piece: CertificatePiece, _ contents: SecretBytes) throws(CertificateProblem) -> CertificateDraft {
        let parts = unsafe self.parts.copy()
        var ocsp: [UInt8]?
        var timestamps: [UInt8]?
        switch piece {
        case .bundle: try takeBundle(contents, into: parts)
        case .key:
            let key = try blocks(of: contents).first { $0.isPrivateKey && !$0.isEncrypted }
            guard let key = unsafe key?.privateKey() else {
                throw CertificateProblem(name, "there is no private key in PEM that is not encrypted")
            }
            unsafe EVP_PKEY_free(parts.key)
            unsafe parts.key = key
        case .issuer:
            guard let issuer = try unsafe blocks(of: contents).first(where: \.isCertificate)?.certificate() else {
                throw CertificateProblem(name, "there is no certificate in PEM")
            }
            unsafe X509_free(parts.issuer)
            unsafe parts.issuer = issuer
        case .ocsp: ocsp = try decoded(contents)
        case .timestamps: timestamps = try decoded(contents)
        }
        return CertificateDraft(self, parts, ocsp: ocsp, timestamps: timestamps)
    }

    private func takeBundle(_ contents: SecretBytes, into parts: CertificateParts) throws(CertificateProblem) {
        let new = CertificateParts()
        for block in try blocks(of: contents) {
            if block.isCertificate {
                guard let certificate = unsafe block.certificate() else {
                    throw CertificateProblem(name, "a certificate is damaged")
                }
                if unsafe new.leaf == nil {
                    unsafe new.leaf = certificate
                } else {
                    unsafe new.chain.append(certificate)
                }
            } else if block.isPrivateKey, unsafe new.key == nil {
                guard !block.isEncrypted, let key = unsafe block.privateKey() else {
                    throw CertificateProblem(name, "the private key is damaged, encrypted, or of an unknown kind")
                }
                unsafe new.key = key
            } else if block.areParameters, unsafe new.parameters == nil {
                unsafe new.parameters = block.parameters()
            }
        }
        guard unsafe new.leaf != nil else { throw CertificateProblem(name, "there is no certificate in PEM") }
        // The same key may go on with another certificate. It is not looked for elsewhere.
        parts.exchange(with: new)
    }

    private func blocks(of contents: SecretBytes) throws(CertificateProblem) -> [PEMBlock] {
        do throws(FileRefusal) {
            return try PEMBlock.all(in: contents)
        } catch {
            throw CertificateProblem(name, error.text)
        }
    }

    private func decoded(_ contents: SecretBytes) throws(CertificateProblem) -> [UInt8] {
        let text = contents.bytes.filter { $0 > 0x20 }
        guard let bytes = TicketKeys.decoded(text), !bytes.isEmpty else {
            throw CertificateProblem(name, "it is not in base64")
        }
        return bytes
    }

    /// The certificate, if it is whole and all fits together.
    func finish(with reader: CertificateReader) throws(CertificateProblem) -> Certificate {
        let parts = unsafe self.parts.copy()
        guard let leaf = unsafe parts.leaf else { throw CertificateProblem(name, "there is no certificate yet") }
        guard let key = unsafe parts.key else { throw CertificateProblem(name, "there is no private key yet") }
        guard unsafe X509_check_private_key(leaf, key) == 1 else {
            ERR_clear_error()
            throw CertificateProblem(name, "the private key does not belong to the certificate")
        }
        unsafe reader.completeChain(of: leaf, parts)
        // The responses and timestamps of another certificate do not belong to this one.
        let isSame = if let original { unsafe X509_cmp(original.leaf, leaf) == 0 } else { false }
        // It may have been renewed since the change began.
        var response = isSame ? original?.ocsp : nil
        if let ocsp, hasNewOCSP {
            do throws(FileRefusal) {
                guard let issuer = unsafe Certificate.signer(of: leaf, parts.chain, parts.issuer) else {
                    throw .refused("the certificate that signed it is not known")
                }
                response = try unsafe OCSPResponse(ocsp, about: leaf, issuer: issuer)
            } catch {
                throw CertificateProblem(name, "the OCSP response: \(error.text)")
            }
        }
        return Certificate(
            parts, name: name, ocsp: response, timestamps: hasNewTimestamps || isSame ? timestamps : nil)
    }
}

extension Certificate {
    /// What it is made of, with references of its own.
    func parts() -> CertificateParts {
        unsafe CertificateParts(sharing: leaf, chain, key, parameters, issuer, chainPath: chainPath)
    }
}

extension CertificateParts {
    /// The same objects, with references of its own.
    func copy() -> CertificateParts {
        unsafe CertificateParts(sharing: leaf, chain, key, parameters, issuer, chainPath: chainPath)
    }

    /// Takes a reference of its own to each object.
    fileprivate convenience init(
        sharing leaf: OpaquePointer?, _ chain: [OpaquePointer], _ key: OpaquePointer?, _ parameters: OpaquePointer?,
        _ issuer: OpaquePointer?, chainPath: String?
    ) {
        self.init()
        self.chainPath = chainPath
        unsafe self.leaf = leaf
        unsafe self.chain = chain
        unsafe self.key = key
        unsafe self.parameters = parameters
        unsafe self.issuer = issuer
        if let leaf = unsafe leaf { _ = unsafe X509_up_ref(leaf) }
        if let issuer = unsafe issuer { _ = unsafe X509_up_ref(issuer) }
        // swift-format-ignore
        for unsafe certificate in unsafe chain { _ = unsafe X509_up_ref(certificate) }
        if let key = unsafe key { _ = unsafe EVP_PKEY_up_ref(key) }
        if let parameters = unsafe parameters { _ = unsafe EVP_PKEY_up_ref(parameters) }
    }

    /// Takes what the other has, and gives it what was here. The key, the parameters and the issuer stay where it has none.
    fileprivate func exchange(with other: CertificateParts) {
        unsafe swap(&leaf, &other.leaf)
        unsafe swap(&chain, &other.chain)
        swap(&chainPath, &other.chainPath)
        if unsafe other.key != nil { unsafe swap(&key, &other.key) }
        if unsafe other.parameters != nil { unsafe swap(&parameters, &other.parameters) }
    }
}
