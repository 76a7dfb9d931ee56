// Files of authorities and of revocation lists (`ca-file`, `ca-verify-file`, `crl-file`): each is read once, however many lines name it,
// and can be exchanged while connections go on.

internal import Basics
internal import COpenSSL
internal import Configuration

/// What a file of these holds.
public enum TrustKind: Sendable {
    case authorities
    case revocations
}

/// What one such file says. Immutable; a changed file is another object.
@safe
public final class TrustFile: Sendable {
    /// Its path, or `@system-ca`.
    public let name: String
    let kind: TrustKind
    // Safe: these objects are not changed after they were made.
    nonisolated(unsafe) let certificates: [OpaquePointer]
    nonisolated(unsafe) let lists: [OpaquePointer]
    /// What tells these contents from others.
    let digest: [UInt8]

    /// Reads the blocks of a file.
    init(_ name: String, _ kind: TrustKind, _ blocks: [PEMBlock] = []) throws(FileRefusal) {
        self.name = name
        self.kind = kind
        var certificates: [OpaquePointer] = unsafe []
        var lists: [OpaquePointer] = unsafe []
        var damage: String?
        for block in blocks {
            if block.isCertificate, kind == .authorities {
                if let certificate = unsafe block.certificate() {
                    unsafe certificates.append(certificate)
                } else {
                    damage = "a certificate is damaged"
                }
            } else if block.isRevocationList {
                if let list = unsafe block.revocationList() {
                    unsafe lists.append(list)
                } else {
                    damage = "a revocation list is damaged"
                }
            }
        }
        unsafe self.certificates = certificates
        unsafe self.lists = lists
        digest = unsafe Self.digest(certificates, lists)
        if let damage { throw .refused(damage) }
    }

    /// What two files say, under the name of the first.
    init(_ one: TrustFile, and other: TrustFile) {
        name = one.name
        kind = one.kind
        unsafe certificates = one.certificates + other.certificates
        unsafe lists = one.lists + other.lists
        digest = unsafe Self.digest(certificates, lists)
        // swift-format-ignore
        for unsafe certificate in unsafe certificates { _ = unsafe X509_up_ref(certificate) }
        // swift-format-ignore
        for unsafe list in unsafe lists { _ = unsafe X509_CRL_up_ref(list) }
    }

    deinit {
        // swift-format-ignore
        for unsafe certificate in unsafe certificates { unsafe X509_free(certificate) }
        // swift-format-ignore
        for unsafe list in unsafe lists { unsafe X509_CRL_free(list) }
    }

    private static func digest(_ certificates: [OpaquePointer], _ lists: [OpaquePointer]) -> [UInt8] {
        var digests: [UInt8] = []
        var digest = [UInt8](repeating: 0, count: 32)
        // swift-format-ignore
        for unsafe certificate in unsafe certificates {
            _ = unsafe X509_digest(certificate, EVP_sha256(), &digest, nil)
            digests += digest
        }
        // swift-format-ignore
        for unsafe list in unsafe lists {
            _ = unsafe X509_CRL_digest(list, EVP_sha256(), &digest, nil)
            digests += digest
        }
        return ListenerMaker.digest(digests)
    }

    /// How many certificates, or lists, it has.
    public var count: Int { unsafe kind == .authorities ? certificates.count : lists.count }

    /// Throws if a list is over, or is not signed by the authority whose name it has: peers of that authority would all be refused.
    /// - Parameter authorities: those that are known; a list of another one is taken as it is.
    func checkLists(at now: WallTime, against authorities: [TrustFile]) throws(FileRefusal) {
        defer { ERR_clear_error() }
        // swift-format-ignore
        for unsafe list in unsafe lists {
            if let end = unsafe X509_CRL_get0_nextUpdate(list), unsafe ASN1_TIME_cmp_time_t(end, time_t(now.seconds)) <= 0 {
                throw .refused("a revocation list has expired")
            }
            let issuer = unsafe X509_CRL_get_issuer(list)
            let namesakes = unsafe authorities.flatMap { unsafe $0.certificates }.filter {
                unsafe X509_NAME_cmp(X509_get_subject_name($0), issuer) == 0
            }
            let isSigned = unsafe namesakes.contains { unsafe X509_CRL_verify(list, X509_get0_pubkey($0)) == 1 }
            guard unsafe isSigned || namesakes.isEmpty else {
                throw .refused("a revocation list is not signed by the authority that it names")
            }
        }
    }
}

/// The files of a configuration. Thread-safe; they are read by the caller's thread.
public final class TrustFiles: Sendable {
    struct Key: Hashable {
        let kind: TrustKind
        let name: String
    }

    struct State {
        var files: [Key: TrustFile] = [:]
        /// Where files are whose names are relative to the folder of `default-path`.
        var places: [String: String] = [:]
        /// What the files were when they were read; nothing for what commands have made.
        var signatures: [Key: FileSignature] = [:]
        /// In the order of the configuration.
        var order: [Key] = []
        /// What is being changed by commands.
        var drafts: [TrustKind: TrustFile] = [:]
        /// The files of the reading before, until all lines are read.
        var before: TrustFiles?
    }

    let state = Lock(State())
    private let folders: HeldFolders

    public convenience init() { self.init(HeldFolders()) }

    /// - Parameters:
    ///   - folders: those that are open when the files are read again.
    ///   - before: the files of the reading before, of which those are taken over that have not changed.
    init(_ folders: HeldFolders, adopting before: TrustFiles? = nil) {
        self.folders = folders
        if let before { state.withLock { $0.before = before } }
    }

    /// The file that a word names; read unless it is there already.
    /// - Parameter folder: where a relative path begins (`ca-base`).
    func file(_ kind: TrustKind, _ word: Word, folder: String?) throws(ConfigProblem) -> TrustFile {
        let name = Self.name(word, folder)
        if let known = file(kind, name) { return known }
        if word.folder != nil { state.withLock { $0.places[name] = word.place(of: name) } }
        // Before it is read: what changes from now on is to be noticed.
        let signature = FileSignature(paths(of: name), in: folders)
        noteRead(signature, kind, name)
        if let kept = kept(Key(kind: kind, name: name), signature) {
            put(kept)
            return kept
        }
        let file: TrustFile
        do throws(FileRefusal) {
            file = try read(kind, name)
        } catch {
            throw ConfigProblem("'\(name)': \(error.text)", at: word.range)
        }
        put(file)
        return file
    }

    /// The name by which a word's file is known.
    static func name(_ word: Word, _ folder: String?) -> String {
        word.text == TrustStore.systemWord ? word.text : joined(folder, word.text)
    }

    func file(_ kind: TrustKind, _ name: String) -> TrustFile? {
        state.withLock { $0.files[Key(kind: kind, name: name)] }
    }

    func readSignature(_ kind: TrustKind, _ name: String) -> FileSignature? {
        state.withLock { $0.signatures[Key(kind: kind, name: name)] }
    }

    func noteRead(_ signature: FileSignature, _ kind: TrustKind, _ name: String) {
        state.withLock { $0.signatures[Key(kind: kind, name: name)] = signature }
    }

    /// All files of a kind, in the order of the configuration.
    public func files(_ kind: TrustKind) -> [TrustFile] {
        state.withLock { state in state.order.filter { $0.kind == kind }.compactMap { state.files[$0] } }
    }

    /// Puts a file into the place of the one of the same name.
    func put(_ file: TrustFile) {
        let key = Key(kind: file.kind, name: file.name)
        state.withLock { state in
            if state.files.updateValue(file, forKey: key) == nil { state.order.append(key) }
        }
    }

    func remove(_ kind: TrustKind, _ name: String) {
        let key = Key(kind: kind, name: name)
        state.withLock { state in
            state.files[key] = nil
            state.order.removeAll { $0 == key }
        }
    }

    // MARK: Reading

    /// What is in the file of this name now.
    func read(_ kind: TrustKind, _ name: String) throws(FileRefusal) -> TrustFile {
        try Self.file(kind, name, try blocks(name))
    }

    /// What some blocks say. Throws if they say nothing.
    static func file(_ kind: TrustKind, _ name: String, _ blocks: [PEMBlock]) throws(FileRefusal) -> TrustFile {
        let file = try TrustFile(name, kind, blocks)
        guard file.count > 0 else {
            throw .refused("there is no \(kind == .authorities ? "certificate" : "revocation list") in PEM")
        }
        return file
    }

    /// The files that one of this name is made of: itself, or those of a folder.
    func paths(of name: String) -> [String] {
        if name == TrustStore.systemWord { return (try? Self.systemPaths()) ?? [] }
        let place = place(of: name)
        guard SecretFile.kind(of: place + "/.", in: folders) == .folder,
            let entries = try? SecretFile.names(in: place, folders)
        else { return [place] }
        return entries.map { place + "/" + $0 }
    }

    private func place(of name: String) -> String { state.withLock { $0.places[name] } ?? name }

    private func blocks(_ name: String) throws(FileRefusal) -> [PEMBlock] {
        if name == TrustStore.systemWord { return try systemBlocks() }
        var blocks: [PEMBlock] = []
        // Nothing else than certificates is expected in a folder, and what is no file is passed over.
        let place = place(of: name)
        for path in paths(of: name) where path == place || SecretFile.kind(of: path, in: folders) == .file {
            blocks += try PEMBlock.all(in: try SecretFile.read(path, in: folders))
        }
        return blocks
    }

    private static let systemFile = unsafe String(cString: X509_get_default_cert_file())
    private static let systemFolder = unsafe String(cString: X509_get_default_cert_dir())

    /// Each certificate is in the folder under its name and under its digest.
    private static func systemPaths() throws(FileRefusal) -> [String] {
        if SecretFile.kind(of: systemFile) == .file { return [systemFile] }
        return try SecretFile.names(in: systemFolder).filter { $0.hasSuffix(".pem") || $0.hasSuffix(".crt") }
            .map { systemFolder + "/" + $0 }
    }

    private func systemBlocks() throws(FileRefusal) -> [PEMBlock] {
        var blocks: [PEMBlock] = []
        for path in try Self.systemPaths() where SecretFile.kind(of: path) == .file {
            blocks += try PEMBlock.all(in: try SecretFile.read(path))
        }
        guard blocks.contains(where: \.isCertificate) else {
            throw .refused(
                "the system has no authorities in '\(Self.systemFile)' or '\(Self.systemFolder)': install the package "
                    + "ca-certificates, or name a file")
        }
        return blocks
    }
}
