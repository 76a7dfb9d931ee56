// Certificates whose files are renewed while the process runs: which folders to watch, which certificates have changed on disk, and
// whether what is there now may take the place of what is in use.

public import Basics
internal import Glibc

/// What tells one state of a certificate's files from another.
struct FileSignature: Equatable, Sendable {
    private let numbers: [UInt64]

    /// Of the files that are there.
    init(_ paths: [String], in folders: HeldFolders) {
        var numbers: [UInt64] = []
        for path in paths {
            var info = stat()
            let (folder, name) = folders.place(of: path)
            guard name.withVerbatimCString({ unsafe fstatat(folder, $0, &info, 0) }) == 0 else {
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
    /// Opens the folders of all certificates, for later. Call it before the process changes its root.
    /// - Returns: the folders to watch: also those that symbolic links lead to now.
    public func holdFolders() -> [String] {
        var folders: [String] = []
        func add(_ folder: String) { if !folders.contains(folder) { folders.append(folder) } }
        for paths in names.map({ paths(of: $0) }) {
            for path in paths where SecretFile.kind(of: path) == .file {
                let folder = HeldFolders.folder(of: path)
                reader.folders.hold(folder)
                add(folder)
                guard let real = path.withVerbatimCString({ unsafe realpath($0, nil) }) else { continue }
                defer { unsafe free(real) }
                add(HeldFolders.folder(of: unsafe String(cString: real)))
            }
        }
        for name in names { noteSignature(of: name) }
        return folders
    }

    /// All files that a certificate may be made of.
    private func paths(of name: String) -> [String] {
        files(of: name).map { reader.paths(of: $0) } ?? []
    }

    private func noteSignature(of name: String) {
        let signature = FileSignature(paths(of: name), in: reader.folders)
        state.withLock { $0.signatures[name] = signature }
    }

    /// The certificates whose files are not what they were when they were last looked at.
    public func changedOnDisk() -> [String] {
        names.filter { name in
            guard let known = state.withLock({ $0.signatures[name] }) else { return false }
            return known != FileSignature(paths(of: name), in: reader.folders)
        }
    }

    /// Reads the files of a certificate again and, if they are whole and valid, puts it to use. What is wrong with them is thrown, and
    /// nothing has changed then.
    /// - Parameter isLast: whether what is there now is not looked at again before it changes.
    public func renew(_ name: String, at now: WallTime, isLast: Bool) throws(CertificateProblem) {
        // What changes while it is read is looked at again.
        let signature = FileSignature(paths(of: name), in: reader.folders)
        if isLast { state.withLock { $0.signatures[name] = signature } }
        let certificate = try read(name)
        guard certificate.validUntil > Int64(now.seconds) else { throw CertificateProblem(name, "it has expired") }
        try exchange(certificate)
        state.withLock { $0.signatures[name] = signature }
    }

    /// The files that a user other than root could not read again, each with the reason. Call it before privileges are dropped.
    /// - Parameter root: the directory that becomes the process's root; nil for none.
    public func unreadableLater(user: UInt32?, group: UInt32?, root: String?) -> [CertificateProblem] {
        var problems: [CertificateProblem] = []
        var seen: Set<String> = []
        for path in names.flatMap({ paths(of: $0) }) where seen.insert(path).inserted {
            var info = stat()
            var link = stat()
            guard path.withVerbatimCString({ unsafe stat($0, &info) }) == 0,
                path.withVerbatimCString({ unsafe lstat($0, &link) }) == 0
            else { continue }
            if root != nil, link.st_mode & S_IFMT == S_IFLNK, Self.leadsToRoot(path) {
                problems.append(
                    CertificateProblem(
                        path, "it cannot be read again after 'chroot': it is a symbolic link with an absolute path"))
            } else if let user, user != 0 {
                let folder = HeldFolders.folder(of: path)
                var folderInfo = stat()
                _ = folder.withVerbatimCString { unsafe stat($0, &folderInfo) }
                if !Self.allows(info, S_IRUSR, user, group) || !Self.allows(folderInfo, S_IXUSR, user, group) {
                    problems.append(
                        CertificateProblem(
                            path, "it cannot be read again as user \(user): a renewed one needs a reload"))
                }
            }
        }
        return problems
    }

    private static func leadsToRoot(_ path: String) -> Bool {
        var byte: CChar = 0
        return path.withVerbatimCString { unsafe readlink($0, &byte, 1) } == 1 && byte == 0x2F
    }

    /// Whether a mode allows what the owner's bit `bit` is for.
    private static func allows(_ info: stat, _ bit: mode_t, _ user: UInt32, _ group: UInt32?) -> Bool {
        if info.st_uid == user { return info.st_mode & bit != 0 }
        if info.st_gid == group { return info.st_mode & (bit >> 3) != 0 }
        return info.st_mode & (bit >> 6) != 0
    }
}
