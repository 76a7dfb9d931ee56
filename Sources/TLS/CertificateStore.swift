// Every certificate that the configuration names, read once however many lines name it, and who uses it: so that one can be exchanged
// for a renewed one everywhere at once while connections go on.

internal import Basics
public import Configuration

/// What shows a certificate to peers: a listener, or a server's connections.
public protocol CertificateUser: AnyObject, Sendable {
    /// The line that it was made for; nil for none that another reading could name.
    var line: EncryptedLine? { get }
    /// Makes ready for a certificate that takes the place of the one of the same name.
    /// - Returns: what puts it to use, which cannot fail; nil if this user has no certificate of that name.
    func prepare(_ certificate: Certificate) throws(CertificateProblem) -> (@Sendable () -> Void)?
    /// Likewise for a file of authorities or revocation lists; `files` has the new one already.
    func prepare(
        _ kind: TrustKind, _ name: String, in files: TrustFiles
    ) throws(CertificateProblem) -> (@Sendable () -> Void)?
    /// Whether it shows the certificate of this name.
    func uses(certificate name: String) -> Bool
    /// Whether it checks peers with the file of this name.
    func uses(_ kind: TrustKind, _ name: String) -> Bool
}

extension CertificateUser {
    public var line: EncryptedLine? { nil }
    public func prepare(
        _ kind: TrustKind, _ name: String, in files: TrustFiles
    ) throws(CertificateProblem) -> (@Sendable () -> Void)? { nil }
    public func uses(certificate name: String) -> Bool { false }
    public func uses(_ kind: TrustKind, _ name: String) -> Bool { false }
}

/// The certificates of a configuration. Thread-safe; files are read by the caller's thread.
public final class CertificateStore: Sendable {
    struct State {
        /// Certificates of `crt-store` sections, by each name that lines may call them.
        var declared: [String: CertificateFiles] = [:]
        var files: [String: CertificateFiles] = [:]
        var loaded: [String: Certificate] = [:]
        /// Named by the configuration, in order.
        var names: [String] = []
        var users: [any CertificateUser] = []
        /// Named by commands, and without contents yet.
        var created: Set<String> = []
        /// What the files of each item were when they were last looked at.
        var signatures: [RenewedItem: FileSignature] = [:]
        /// What they were when the item in use was read.
        var readSignatures: [RenewedItem: FileSignature] = [:]
        /// What is being changed by commands.
        var draft: CertificateDraft?
        /// What lines say of fetching OCSP responses, by the certificate's name.
        var updates: [String: UpdateNote] = [:]
        var version = 0
        /// The store before, until all lines are read.
        var adoption: Adoption?
    }

    public let defaults: TLSDefaults
    let reader: CertificateReader
    let state = Lock(State())
    /// The files of authorities and of revocation lists.
    public let trust: TrustFiles

    /// Without folders or anything else that `global` may say.
    public init() {
        defaults = TLSDefaults()
        reader = CertificateReader(defaults: defaults, issuers: nil)
        trust = TrustFiles(reader.folders)
    }

    /// Reads the folder of issuers, where one is named.
    /// - Parameter before: the store of the reading before, from which it takes what has not changed since; `finishAdopting` ends that.
    public init(_ defaults: TLSDefaults, adopting before: CertificateStore? = nil) throws(ConfigProblem) {
        if let word = defaults.libraryWord { try TLSLibrary.checkAlgorithms(chosenBy: word) }
        try defaults.responseUpdates.check()
        self.defaults = defaults
        var issuers: IssuerChains?
        if let folder = defaults.issuersFolder {
            issuers = try IssuerChains.read(folder, unlessSameAs: before?.reader.issuers)
        }
        reader = CertificateReader(defaults: defaults, issuers: issuers)
        trust = TrustFiles(reader.folders, adopting: before?.trust)
        if let before { state.withLock { $0.adoption = Adoption(before) } }
    }

    // MARK: Finding

    /// Makes a certificate of a crt-store known by its names.
    func declare(_ files: CertificateFiles, as names: [String]) {
        state.withLock { state in
            for name in names { state.declared[name] = files }
        }
    }

    /// What a word of the configuration names: a certificate of a crt-store, a file, the files of a folder, or of a bundle.
    func files(named word: Word) throws(ConfigProblem) -> [CertificateFiles] {
        if let declared = state.withLock({ $0.declared[word.text] }) { return [declared] }
        if word.text.hasPrefix("@") {
            let known = state.withLock { state in state.declared.keys.filter { $0.hasPrefix("@") }.sorted() }
            throw ConfigProblem(
                "no crt-store has a certificate '\(word.text)'", at: word.range,
                suggestion: nearest(word.text, among: known))
        }
        let path = joined(defaults.certificatesFolder, word.text)
        if let declared = state.withLock({ $0.declared[path] }) { return [declared] }
        switch SecretFile.kind(of: word.place(of: path)) {
        case .file: return [CertificateFiles(name: path, path: word.place(of: path))]
        case .folder: return try filesOfFolder(path, word)
        case .absent: return try bundle(path, word)
        }
    }

    private func filesOfFolder(_ path: String, _ word: Word) throws(ConfigProblem) -> [CertificateFiles] {
        let names: [String]
        do throws(FileRefusal) {
            names = try SecretFile.names(in: word.place(of: path))
        } catch {
            throw ConfigProblem("'\(path)': \(error.text)", at: word.range)
        }
        let folder = path.hasSuffix("/") ? path : path + "/"
        let files = names.filter { name in
            !CertificateFiles.companionEndings.contains { name.hasSuffix($0) }
                && SecretFile.kind(of: word.place(of: folder + name)) == .file
        }
        guard !files.isEmpty else {
            throw ConfigProblem("the folder '\(path)' has no certificates", at: word.range)
        }
        return files.map { CertificateFiles(name: folder + $0, path: word.place(of: folder + $0)) }
    }

    private func bundle(_ path: String, _ word: Word) throws(ConfigProblem) -> [CertificateFiles] {
        let mayBeBundle = defaults.companions.contains(.bundle)
        let found = CertificateFiles.bundleEndings.map { path + $0 }.filter {
            mayBeBundle && SecretFile.kind(of: word.place(of: $0)) == .file
        }
        guard !found.isEmpty else {
            // Reading it says why: a folder on the way that may not be entered looks like a file that is not there.
            do throws(FileRefusal) {
                _ = try SecretFile.read(word.place(of: path))
            } catch {
                throw ConfigProblem("'\(path)': \(error.text)", at: word.range)
            }
            throw ConfigProblem("'\(path)': there is no such file", at: word.range)
        }
        return found.map { CertificateFiles(name: $0, path: word.place(of: $0)) }
    }

    // MARK: Loading

    /// The certificate of these files, read unless it is there already, or the store before has it.
    func certificate(_ files: CertificateFiles) throws(CertificateProblem) -> Certificate {
        if let loaded = state.withLock({ $0.loaded[files.name] }) { return loaded }
        // Before they are read: what changes from now on is to be noticed.
        let signature = FileSignature(reader.paths(of: files), in: reader.folders)
        let certificate: Certificate
        if let kept = kept(files, signature) {
            certificate = kept
        } else {
            certificate = try reader.read(files)
            if let old = outdated(files.name) { certificate.keepResponse(of: old) }
        }
        state.withLock { state in
            state.signatures[.certificate(files.name)] = signature
            state.readSignatures[.certificate(files.name)] = signature
            if state.loaded.updateValue(certificate, forKey: files.name) == nil { state.names.append(files.name) }
            state.files[files.name] = files
        }
        return certificate
    }

    /// The one certificate that a word names: for lines that can have only one.
    public func certificate(named word: Word) throws(ConfigProblem) -> Certificate {
        let files = try files(named: word)
        guard files.count == 1, let only = files.first else {
            throw ConfigProblem(
                "'\(word.text)' stands for \(files.count) certificates", at: word.range, expected: "one certificate")
        }
        do throws(CertificateProblem) {
            return try certificate(only)
        } catch {
            throw error.problem(at: word)
        }
    }

    // MARK: Exchanging

    /// Tells of certificates that are exchanged from now on.
    public func register(_ user: any CertificateUser) { state.withLock { $0.users.append(user) } }

    var users: [any CertificateUser] { state.withLock { $0.users } }

    /// The names of all certificates, in the order of the configuration.
    public var names: [String] { state.withLock { $0.names } }

    /// The files of a certificate.
    public func files(of name: String) -> CertificateFiles? { state.withLock { $0.files[name] } }

    /// The certificate of this name that is in use.
    public func certificate(of name: String) -> Certificate? { state.withLock { $0.loaded[name] } }

    /// Reads a certificate's files again; nothing is exchanged yet.
    public func read(_ name: String) throws(CertificateProblem) -> Certificate {
        guard let files = files(of: name) else { throw CertificateProblem(name, "no line names this certificate") }
        return try reader.read(files)
    }

    /// Puts a certificate into the place of the one of the same name, everywhere or, if one user cannot have it, nowhere.
    public func exchange(_ certificate: Certificate) throws(CertificateProblem) {
        var changes: [@Sendable () -> Void] = []
        for user in state.withLock({ $0.users }) {
            if let change = try user.prepare(certificate) { changes.append(change) }
        }
        state.withLock { state in
            state.loaded[certificate.name] = certificate
            state.version += 1
        }
        for change in changes { change() }
    }

    /// The same for a file that peers' certificates are checked with.
    func exchange(_ file: TrustFile) throws(CertificateProblem) {
        let old = trust.file(file.kind, file.name)
        trust.put(file)
        do throws(CertificateProblem) {
            var changes: [@Sendable () -> Void] = []
            for user in users {
                if let change = try user.prepare(file.kind, file.name, in: trust) { changes.append(change) }
            }
            for change in changes { change() }
        } catch {
            if let old { trust.put(old) }
            throw error
        }
    }
}
