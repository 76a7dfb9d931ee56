// What is renewed from its files while the process runs: which folders to watch, what has changed on disk, and whether what is there
// now may take the place of what is in use.

public import Basics
internal import Glibc
internal import Reactor

/// What is made of files, and made anew when they change.
public enum RenewedItem: Hashable, Sendable {
    case certificate(String)
    /// A `ca-file`, `ca-verify-file` or `crl-file`.
    case trust(TrustKind, String)

    /// What it is and its name, for messages: `Certificate 'site.pem'`.
    public var title: String {
        switch self {
        case .certificate(let name): "Certificate '\(name)'"
        case .trust(let kind, let name): "\(kind.title) file '\(name)'"
        }
    }
}

/// What tells one state of some files from another.
struct FileSignature: Equatable, Sendable {
    private let numbers: [UInt64]

    /// Of the files that are there.
    init(_ paths: [String], in folders: HeldFolders? = nil) {
        var numbers: [UInt64] = []
        for path in paths {
            guard let info = SecretFile.information(of: path, in: folders) else {
                numbers.append(0)
                continue
            }
            numbers += [
                UInt64(info.st_dev), UInt64(info.st_ino), UInt64(bitPattern: Int64(info.st_size)),
                UInt64(bitPattern: Int64(info.st_mtim.tv_sec)),
                UInt64(bitPattern: Int64(info.st_mtim.tv_nsec)),
            ]
        }
        self.numbers = numbers
    }
}

extension CertificateStore {
    /// All that may be renewed: the certificates in the order of the configuration, then what peers are checked with.
    public var renewedItems: [RenewedItem] {
        names.map { .certificate($0) }
            + [TrustKind.authorities, .revocations].flatMap { kind in
                trust.files(kind).map(\.name).filter { $0 != TrustStore.systemWord }.map { .trust(kind, $0) }
            }
    }

    /// Opens the folders of all files, for later. Call it before the process changes its root.
    /// - Returns: the folders to watch: also those that symbolic links lead to now.
    public func holdFolders() -> [String] {
        var folders: [String] = []
        func add(_ folder: String) { if !folders.contains(folder) { folders.append(folder) } }
        for path in renewedItems.flatMap({ paths(of: $0) }) where SecretFile.kind(of: path) == .file {
            let folder = HeldFolders.folder(of: path)
            reader.folders.hold(folder)
            add(folder)
            if let real = UserPermissions.realPath(path) { add(HeldFolders.folder(of: real)) }
        }
        return folders
    }

    /// All files that something may be made of.
    func paths(of item: RenewedItem) -> [String] {
        switch item {
        case .certificate(let name): files(of: name).map { reader.paths(of: $0) } ?? []
        case .trust(_, let name): trust.paths(of: name)
        }
    }

    private func signature(of item: RenewedItem) -> FileSignature {
        FileSignature(paths(of: item), in: reader.folders)
    }

    private func note(_ signature: FileSignature, of item: RenewedItem) {
        state.withLock { $0.signatures[item] = signature }
    }

    /// Notes what the files were that something in use is made of.
    private func noteRead(_ signature: FileSignature, of item: RenewedItem) {
        note(signature, of: item)
        state.withLock { $0.readSignatures[item] = signature }
        if case .trust(let kind, let name) = item { trust.noteRead(signature, kind, name) }
    }

    /// What the files were when they were last looked at, or read.
    private func knownSignature(of item: RenewedItem) -> FileSignature? {
        if let noted = state.withLock({ $0.signatures[item] }) { return noted }
        guard case .trust(let kind, let name) = item else { return nil }
        return trust.readSignature(kind, name)
    }

    /// What has other files than when they were last looked at.
    public func changedOnDisk() -> [RenewedItem] {
        renewedItems.filter { item in
            guard let known = knownSignature(of: item) else { return false }
            return known != signature(of: item)
        }
    }

    /// Reads something's files again and, if they are whole and valid, puts it to use. What is wrong with them is thrown, and nothing has
    /// changed then.
    /// - Parameter isLast: whether what is there now is not looked at again before it changes.
    public func renew(_ item: RenewedItem, at now: WallTime, isLast: Bool) throws(CertificateProblem) {
        // What changes while it is read is looked at again.
        let signature = signature(of: item)
        if isLast { note(signature, of: item) }
        switch item {
        case .certificate(let name):
            let certificate = try read(name)
            guard certificate.validUntil > Int64(now.seconds) else { throw CertificateProblem(name, "it has expired") }
            if let old = self.certificate(of: name) { certificate.keepResponse(of: old) }
            try exchange(certificate)
        case .trust(let kind, let name):
            let file: TrustFile
            do throws(FileRefusal) {
                file = try trust.read(kind, name)
                if kind == .revocations { try file.checkLists(at: now, against: trust.files(.authorities)) }
            } catch {
                throw CertificateProblem(name, error.text)
            }
            try exchange(file)
        }
        noteRead(signature, of: item)
    }
}

/// What becomes of reading files again when the process has changed its user or its root. Made before it does.
public struct LaterReading {
    /// Files that the user may not read: without a privilege a renewed one would not be taken.
    public private(set) var privilegedFiles: [String] = []
    /// What cannot be read again, with the reason.
    public private(set) var problems: [CertificateProblem] = []

    /// - Parameters:
    ///   - user: that the process is going to have; nil for the one it has.
    ///   - changesRoot: whether the thread that reads is going to have another root directory.
    public init(_ store: CertificateStore, user: UInt32?, group: UInt32?, changesRoot: Bool) {
        guard user != nil || group != nil || changesRoot else { return }
        let permissions = UserPermissions(user: user, group: group)
        // A user who only checks the file is not the one who starts the process.
        let hasPrivilege = geteuid() != 0 || Privileges.held.contains(.readingFiles)
        var seen: Set<String> = []
        for path in store.renewedItems.flatMap({ store.paths(of: $0) }) where seen.insert(path).inserted {
            guard SecretFile.information(of: path) != nil else { continue }
            if changesRoot, Self.leadsToRoot(path) {
                problems.append(
                    CertificateProblem(
                        path, "it cannot be read again after 'chroot': it is a symbolic link with an absolute path"))
                continue
            }
            guard !permissions.mayRead(path) else { continue }
            privilegedFiles.append(path)
            guard !hasPrivilege else { continue }
            problems.append(
                CertificateProblem(
                    path,
                    "it cannot be read again as user \(permissions.user), since root lacks the capability 'dac_read_search' "
                        + "here, which Portico would keep for it: a renewed one needs a restart"))
        }
    }

    private static func leadsToRoot(_ path: String) -> Bool {
        var byte: CChar = 0
        return path.withVerbatimCString { unsafe readlink($0, &byte, 1) } == 1 && byte == 0x2F
    }
}
