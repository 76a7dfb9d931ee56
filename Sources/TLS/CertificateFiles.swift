// Which files make up a certificate, and reading them: a bundle in PEM, with or without the key, and what lies beside it under the
// same name (`.key`, `.ocsp`, `.issuer`, `.sctl`), or what a crt-store names.

internal import Basics
internal import COpenSSL
internal import Configuration

/// The files of one certificate.
public struct CertificateFiles: Sendable, Equatable {
    /// The name that it is known by.
    public var name: String
    /// The file in PEM.
    public var path: String
    /// Files that a crt-store, or an entry of a crt-list, names; nil: what lies beside `path`.
    public var key: String?
    public var ocsp: String?
    public var issuer: String?
    public var timestamps: String?

    public init(name: String, path: String) {
        self.name = name
        self.path = path
    }

    /// The endings of files that belong to another.
    static let companionEndings = [".key", ".ocsp", ".issuer", ".sctl"]
    /// The endings of the files of a bundle.
    static let bundleEndings = [".rsa", ".ecdsa", ".dsa"]
}

/// Why a certificate cannot be used: which file, and what of it.
public struct CertificateProblem: Error, Equatable, Sendable {
    public let path: String
    public let reason: String

    public var text: String { "'\(path)': \(reason)" }

    init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    func problem(at word: Word) -> ConfigProblem { ConfigProblem(text, at: word.range) }
}

/// Reads certificates as `global` says.
struct CertificateReader: Sendable {
    let defaults: TLSDefaults
    let issuers: IssuerChains?
    let folders = HeldFolders()

    /// The files that a certificate may be made of, whether they are there or not.
    func paths(of files: CertificateFiles) -> [String] {
        [
            files.path, files.key ?? companionPath(".key", of: files.path),
            files.ocsp ?? companionPath(".ocsp", of: files.path),
            files.issuer ?? companionPath(".issuer", of: files.path),
            files.timestamps ?? companionPath(".sctl", of: files.path),
        ]
    }

    func read(_ files: CertificateFiles) throws(CertificateProblem) -> Certificate {
        let parts = CertificateParts()
        let blocks = try blocks(of: files.path)
        let hasEncryptedKey = try take(blocks, from: files.path, into: parts)
        guard let leaf = unsafe parts.leaf else {
            throw CertificateProblem(
                files.path, "there is no certificate in the file\(blocks.isEmpty ? ", nor anything else in PEM" : "")")
        }
        try readKey(of: files, hasEncryptedKey, into: parts)
        guard let key = unsafe parts.key, unsafe X509_check_private_key(leaf, key) == 1 else {
            ERR_clear_error()
            throw CertificateProblem(files.path, "the private key does not belong to the certificate")
        }
        // It stays with the certificate: OCSP calls a certificate by its issuer.
        if let file = try companion(files.issuer, ".issuer", .issuer, of: files) {
            let blocks = try self.blocks(of: file, files.issuer ?? companionPath(".issuer", of: files.path))
            unsafe parts.issuer = blocks.first(where: \.isCertificate)?.certificate()
        }
        unsafe completeChain(of: leaf, parts)
        return Certificate(
            parts, name: files.name, ocsp: try unsafe readOCSP(of: files, leaf, parts),
            timestamps: try companion(files.timestamps, ".sctl", .timestamps, of: files)?.bytes)
    }

    // MARK: The bundle

    private func blocks(of path: String) throws(CertificateProblem) -> [PEMBlock] {
        let contents: SecretBytes
        do throws(FileRefusal) {
            contents = try SecretFile.read(path, in: folders)
        } catch {
            throw CertificateProblem(path, error.text)
        }
        return try blocks(of: contents, path)
    }

    private func blocks(of contents: SecretBytes, _ path: String) throws(CertificateProblem) -> [PEMBlock] {
        do throws(FileRefusal) {
            return try PEMBlock.all(in: contents)
        } catch {
            throw CertificateProblem(path, error.text)
        }
    }

    /// Returns whether there is a key that needs a password.
    private func take(
        _ blocks: [PEMBlock], from path: String, into parts: CertificateParts
    ) throws(CertificateProblem) -> Bool {
        var hasEncryptedKey = false
        for block in blocks {
            if block.isCertificate {
                guard let certificate = unsafe block.certificate() else {
                    throw CertificateProblem(path, "a certificate in the file is damaged")
                }
                if unsafe parts.leaf == nil {
                    unsafe parts.leaf = certificate
                } else {
                    unsafe parts.chain.append(certificate)
                }
            } else if block.isPrivateKey, unsafe parts.key == nil {
                if block.isEncrypted {
                    hasEncryptedKey = true
                    continue
                }
                guard let key = unsafe block.privateKey() else {
                    throw CertificateProblem(path, "the private key in the file is damaged, or of an unknown kind")
                }
                unsafe parts.key = key
            } else if block.areParameters, unsafe parts.parameters == nil {
                unsafe parts.parameters = block.parameters()
            }
        }
        return hasEncryptedKey
    }

    private func readKey(
        of files: CertificateFiles, _ hasEncryptedKey: Bool, into parts: CertificateParts
    ) throws(CertificateProblem) {
        let beside = files.key ?? companionPath(".key", of: files.path)
        // A key that is named counts more than one in the bundle.
        guard unsafe files.key != nil || parts.key == nil else { return }
        let mayLieBeside = files.key != nil || defaults.companions.contains(.key)
        guard mayLieBeside, files.key != nil || SecretFile.kind(of: beside, in: folders) == .file else {
            throw CertificateProblem(
                files.path,
                hasEncryptedKey
                    ? "the private key is encrypted with a password, which Portico cannot ask for: decrypt it, with 'openssl pkey'"
                    : "there is no private key in the file\(mayLieBeside ? ", and no file '\(beside)'" : "")")
        }
        for block in try blocks(of: beside) where block.isPrivateKey {
            guard !block.isEncrypted else {
                throw CertificateProblem(
                    beside,
                    "the private key is encrypted with a password, which Portico cannot ask for: decrypt it, with 'openssl pkey'"
                )
            }
            guard let key = unsafe block.privateKey() else {
                throw CertificateProblem(beside, "the private key is damaged, or of an unknown kind")
            }
            unsafe EVP_PKEY_free(parts.key)
            unsafe parts.key = key
            return
        }
        throw CertificateProblem(beside, "there is no private key in the file")
    }

    // MARK: The chain

    /// Adds the certificates that sign the leaf, from the folder of issuers, where the file has none.
    func completeChain(of leaf: OpaquePointer, _ parts: CertificateParts) {
        if unsafe parts.chain.isEmpty, let found = unsafe issuers?.chain(of: leaf) {
            unsafe parts.chain = found.certificates
            unsafe parts.chainPath = found.path
        }
        guard defaults.skipsSelfIssued else { return }
        // Who signed the leaf is known also when it is not sent.
        if unsafe parts.issuer == nil, let signer = unsafe Certificate.signer(of: leaf, parts.chain, nil) {
            _ = unsafe X509_up_ref(signer)
            unsafe parts.issuer = signer
        }
        let kept = unsafe parts.chain.filter { unsafe X509_get_extension_flags($0) & UInt32(EXFLAG_SS) == 0 }
        // swift-format-ignore
        for unsafe certificate in unsafe parts.chain where unsafe !kept.contains(certificate) {
            unsafe X509_free(certificate)
        }
        unsafe parts.chain = kept
    }

    // MARK: What lies beside it

    private func companionPath(_ ending: String, of path: String) -> String {
        guard defaults.companionsReplaceEnding, path.hasSuffix(".crt") else { return path + ending }
        return String(path.dropLast(4)) + ending
    }

    /// The contents of a named file, or of one beside the certificate if there is one.
    private func companion(
        _ named: String?, _ ending: String, _ kind: CertificateCompanions, of files: CertificateFiles
    ) throws(CertificateProblem) -> SecretBytes? {
        guard named != nil || defaults.companions.contains(kind) else { return nil }
        let path = named ?? companionPath(ending, of: files.path)
        do throws(FileRefusal) {
            return try SecretFile.read(path, in: folders)
        } catch .absent where named == nil {
            return nil
        } catch {
            throw CertificateProblem(path, error.text)
        }
    }

    private func readOCSP(
        of files: CertificateFiles, _ leaf: OpaquePointer, _ parts: CertificateParts
    ) throws(CertificateProblem) -> OCSPResponse? {
        guard let contents = try companion(files.ocsp, ".ocsp", .ocsp, of: files), !contents.bytes.isEmpty else {
            return nil
        }
        let path = files.ocsp ?? companionPath(".ocsp", of: files.path)
        guard let issuer = unsafe Certificate.signer(of: leaf, parts.chain, parts.issuer) else {
            throw CertificateProblem(
                path,
                "the certificate that signed '\(files.path)' is in neither its file nor an .issuer file, so that it "
                    + "cannot be told whether this response is about it")
        }
        do throws(FileRefusal) {
            return try unsafe OCSPResponse(contents.bytes, about: leaf, issuer: issuer)
        } catch {
            throw CertificateProblem(path, error.text)
        }
    }
}
