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
    /// The digests of the files, which tell one state of them from another.
    nonisolated(unsafe) private(set) var digests: [UInt8] = []

    /// The word for the system's authorities.
    static let systemWord = "@system-ca"

    init() {
        guard let store = unsafe X509_STORE_new() else { preconditionFailure("OpenSSL has no memory for a store") }
        unsafe pointer = store
    }

    deinit {
        // swift-format-ignore
        for unsafe certificate in unsafe authorities { unsafe X509_free(certificate) }
        unsafe X509_STORE_free(pointer)
    }

    /// Adds the authorities of a file, of the files of a folder, or the system's.
    /// - Parameter isAnnounced: whether clients may be told its authorities' names.
    func addAuthorities(_ file: TrustFile, isAnnounced: Bool = true) {
        // What is announced is added first.
        defer { if isAnnounced { unsafe announcedCount = authorities.count } }
        unsafe digests += file.digest
        defer { ERR_clear_error() }
        // swift-format-ignore
        for unsafe certificate in unsafe file.certificates {
            _ = unsafe X509_STORE_add_cert(pointer, certificate)
            _ = unsafe X509_up_ref(certificate)
            unsafe authorities.append(certificate)
        }
        // swift-format-ignore
        for unsafe list in unsafe file.lists { _ = unsafe X509_STORE_add_crl(pointer, list) }
    }

    /// Adds lists of withdrawn certificates, by which every certificate of a chain is checked from then on.
    func addRevocations(_ file: TrustFile) {
        unsafe digests += file.digest
        // swift-format-ignore
        for unsafe list in unsafe file.lists { _ = unsafe X509_STORE_add_crl(pointer, list) }
        ERR_clear_error()
        _ = unsafe X509_STORE_set_flags(pointer, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
    }

    /// Tells clients the names of the authorities, so that they can choose a certificate.
    func announceNames(in context: TLSContext) {
        // swift-format-ignore
        for unsafe certificate in unsafe authorities.prefix(announcedCount) {
            _ = unsafe SSL_CTX_add_client_CA(context.pointer, certificate)
        }
    }

    /// Makes a context check its peers' certificates with this store.
    func use(in context: TLSContext) {
        // Takes a reference of its own.
        _ = unsafe copenssl_use_cert_store(context.pointer, pointer)
    }
}

/// What the lines say that peers' certificates are checked with.
struct TrustSource: Sendable, Equatable {
    var authorities: Word?
    /// Those whose names clients are not told.
    var hiddenAuthorities: Word?
    var revocations: Word?
    /// Where relative paths begin.
    var folder: String?

    func uses(_ kind: TrustKind, _ name: String) -> Bool {
        let words = kind == .authorities ? [authorities, hiddenAuthorities] : [revocations]
        return words.contains { word in word.map { TrustFiles.name($0, folder) == name } ?? false }
    }

    func makeStore(_ files: TrustFiles) throws(ConfigProblem) -> TrustStore {
        let store = TrustStore()
        if let word = authorities { store.addAuthorities(try files.file(.authorities, word, folder: folder)) }
        if let word = hiddenAuthorities {
            store.addAuthorities(try files.file(.authorities, word, folder: folder), isAnnounced: false)
        }
        if let word = revocations { store.addRevocations(try files.file(.revocations, word, folder: folder)) }
        return store
    }
}

/// A path relative to a folder of `global`; an absolute one as it is.
func joined(_ folder: String?, _ path: String) -> String {
    guard let folder, !path.hasPrefix("/") else { return path }
    return folder.hasSuffix("/") ? folder + path : folder + "/" + path
}
