// The authorities that a side trusts, and the certificates that these withdrew: `ca-file`, `ca-verify-file`, `crl-file`.

internal import Basics
internal import COpenSSL
internal import Configuration

/// OpenSSL's store of what peers' certificates are checked with.
@safe
final class TrustStore: Sendable {
    // Safe: changed only while it is made; OpenSSL locks what it caches in it.
    nonisolated(unsafe) let pointer: OpaquePointer
    /// The authorities, in the order of the files.
    nonisolated(unsafe) private var authorities: [OpaquePointer] = unsafe []
    /// How many of them clients may be told.
    nonisolated(unsafe) private var announcedCount = 0

    /// The word for the system's authorities.
    static let systemWord = "@system-ca"

    init() {
        guard let store = unsafe X509_STORE_new() else { preconditionFailure("OpenSSL has no memory for a store") }
        unsafe pointer = store
    }

    deinit {
        for unsafe certificate in unsafe authorities { unsafe X509_free(certificate) }
        unsafe X509_STORE_free(pointer)
    }

    /// Adds the authorities of a file, of the files of a folder, or the system's.
    /// - Parameters:
    ///   - folder: where a relative path begins (`ca-base`).
    ///   - isAnnounced: whether clients may be told its authorities' names.
    func addAuthorities(_ word: Word, folder: String?, isAnnounced: Bool = true) throws(ConfigProblem) {
        // What is announced is added first.
        defer { if isAnnounced { unsafe announcedCount = authorities.count } }
        if word.text == Self.systemWord {
            try addSystemAuthorities(word)
            return
        }
        let path = joined(folder, word.text)
        let paths: [String]
        if SecretFile.kind(of: path) == .folder {
            // Nothing else than certificates is expected in a folder, and files of other kinds are passed over.
            paths = try names(in: path, word).map { path + "/" + $0 }.filter { SecretFile.kind(of: $0) == .file }
        } else {
            paths = [path]
        }
        let before = unsafe authorities.count
        for path in paths { try add(path, word) }
        guard unsafe authorities.count > before else {
            throw ConfigProblem("'\(path)': there is no certificate in PEM", at: word.range)
        }
    }

    /// Adds lists of withdrawn certificates, by which every certificate of a chain is checked from then on.
    func addRevocations(_ word: Word, folder: String?) throws(ConfigProblem) {
        let path = joined(folder, word.text)
        var count = 0
        for block in try blocks(path, word) where block.isRevocationList {
            guard let list = unsafe block.revocationList() else {
                throw ConfigProblem("'\(path)': a revocation list is damaged", at: word.range)
            }
            defer { unsafe X509_CRL_free(list) }
            _ = unsafe X509_STORE_add_crl(pointer, list)
            count += 1
        }
        ERR_clear_error()
        guard count > 0 else { throw ConfigProblem("'\(path)': there is no revocation list in PEM", at: word.range) }
        _ = unsafe X509_STORE_set_flags(pointer, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
    }

    /// Tells clients the names of the authorities, so that they can choose a certificate.
    func announceNames(in context: TLSContext) {
        for unsafe certificate in unsafe authorities.prefix(announcedCount) {
            _ = unsafe SSL_CTX_add_client_CA(context.pointer, certificate)
        }
    }

    /// Makes a context check its peers' certificates with this store.
    func use(in context: TLSContext) {
        // Takes a reference of its own.
        _ = unsafe copenssl_use_cert_store(context.pointer, pointer)
    }

    // MARK: Files

    private func add(_ path: String, _ word: Word) throws(ConfigProblem) {
        defer { ERR_clear_error() }
        for block in try blocks(path, word) {
            if block.isCertificate {
                guard let certificate = unsafe block.certificate() else {
                    throw ConfigProblem("'\(path)': a certificate is damaged", at: word.range)
                }
                _ = unsafe X509_STORE_add_cert(pointer, certificate)
                unsafe authorities.append(certificate)
            } else if block.isRevocationList, let list = unsafe block.revocationList() {
                _ = unsafe X509_STORE_add_crl(pointer, list)
                unsafe X509_CRL_free(list)
            }
        }
    }

    private func addSystemAuthorities(_ word: Word) throws(ConfigProblem) {
        defer { ERR_clear_error() }
        let file = unsafe String(cString: X509_get_default_cert_file())
        let folder = unsafe String(cString: X509_get_default_cert_dir())
        if SecretFile.kind(of: file) == .file {
            try add(file, word)
        } else {
            // Each certificate is there under its name and under its digest.
            for name in try names(in: folder, word) where name.hasSuffix(".pem") || name.hasSuffix(".crt") {
                let path = folder + "/" + name
                if SecretFile.kind(of: path) == .file { try add(path, word) }
            }
        }
        guard unsafe !authorities.isEmpty else {
            throw ConfigProblem(
                "the system has no authorities in '\(file)' or '\(folder)'", at: word.range,
                expected: "the package ca-certificates, or a file")
        }
    }

    private func blocks(_ path: String, _ word: Word) throws(ConfigProblem) -> [PEMBlock] {
        do throws(FileRefusal) {
            return PEMBlock.all(in: try SecretFile.read(path))
        } catch {
            throw ConfigProblem("'\(path)': \(error.text)", at: word.range)
        }
    }

    private func names(in folder: String, _ word: Word) throws(ConfigProblem) -> [String] {
        do throws(FileRefusal) {
            return try SecretFile.names(in: folder)
        } catch {
            throw ConfigProblem("'\(folder)': \(error.text)", at: word.range)
        }
    }
}

/// A path relative to a folder of `global`; an absolute one as it is.
func joined(_ folder: String?, _ path: String) -> String {
    guard let folder, !path.hasPrefix("/") else { return path }
    return folder.hasSuffix("/") ? folder + path : folder + "/" + path
}
