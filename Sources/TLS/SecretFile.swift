// Reading of files with keys: what is in memory of ours is overwritten as soon as it is not needed, and a file that cannot be read
// is answered with what forbids it.

internal import Basics
internal import COpenSSL
internal import Glibc
internal import Reactor

/// The bytes of a file or of a key, overwritten when the last user is done with them.
// Safe: they are changed by the thread that collects them, before another has them.
public final class SecretBytes: @unchecked Sendable {
    public private(set) var bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    deinit { Self.wipe(&bytes) }

    public func append(_ more: some Collection<UInt8>) { Self.append(more, to: &bytes) }

    /// Appends without leaving a copy behind where the array has to grow.
    public static func append(_ more: some Collection<UInt8>, to bytes: inout [UInt8]) {
        if bytes.count + more.count > bytes.capacity {
            var bigger: [UInt8] = []
            bigger.reserveCapacity(2 * bytes.count + more.count)
            bigger += bytes
            wipe(&bytes)
            bytes = bigger
        }
        bytes += more
    }

    /// Overwrites bytes so that no compiler leaves it out.
    public static func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }
}

/// Why a file was not read.
enum FileRefusal: Error, Equatable {
    case absent
    /// The message says what forbids it.
    case refused(String)

    var text: String {
        switch self {
        case .absent: "there is no such file"
        case .refused(let reason): reason
        }
    }
}

enum SecretFile {
    /// A limit, so that a device does not exhaust the memory. A file of a thousand authorities has two megabytes.
    private static let bytesMax = 64 << 20

    /// The contents of a file.
    /// - Parameter folders: those that are open already, from before the process changed its root.
    static func read(_ path: String, in folders: HeldFolders? = nil) throws(FileRefusal) -> SecretBytes {
        let descriptor = try open(path, 0, in: folders)
        defer { close(descriptor) }
        let contents = SecretBytes([])
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        defer { SecretBytes.wipe(&chunk) }
        while true {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw refusal(of: path, errno) }
            if count == 0 { return contents }
            guard contents.bytes.count + count <= bytesMax else {
                throw .refused("it is bigger than \(bytesMax >> 20) MiB")
            }
            contents.append(chunk[..<count])
        }
    }

    private static func open(_ path: String, _ flags: Int32, in folders: HeldFolders?) throws(FileRefusal) -> Int32 {
        FilesRead.note(path)
        let (folder, name) = folders?.place(of: path) ?? (AT_FDCWD, path)
        // Where a privilege is needed for it, it is needed for nothing else: an open file stays readable.
        let (descriptor, error) = Privileges.use {
            let number = name.withVerbatimCString { unsafe openat(folder, $0, O_RDONLY | O_CLOEXEC | flags) }
            return (number, errno)
        }
        guard descriptor >= 0 else { throw refusal(of: path, error) }
        return descriptor
    }

    /// What a path leads to; nil for nothing.
    static func information(of path: String, in folders: HeldFolders? = nil) -> stat? {
        var info = stat()
        let (folder, name) = folders?.place(of: path) ?? (AT_FDCWD, path)
        let result = Privileges.use { name.withVerbatimCString { unsafe fstatat(folder, $0, &info, 0) } }
        return result == 0 ? info : nil
    }

    enum Kind { case absent, file, folder }

    static func kind(of path: String, in folders: HeldFolders? = nil) -> Kind {
        guard let info = information(of: path, in: folders) else { return .absent }
        return info.st_mode & S_IFMT == S_IFDIR ? .folder : .file
    }

    /// The names in a folder that do not begin with a dot, in the order of their bytes.
    static func names(in folder: String, _ folders: HeldFolders? = nil) throws(FileRefusal) -> [String] {
        let descriptor = try open(folders == nil ? folder : folder + "/.", O_DIRECTORY, in: folders)
        guard let listing = unsafe fdopendir(descriptor) else {
            close(descriptor)
            throw refusal(of: folder, errno)
        }
        // With its descriptor.
        defer { unsafe closedir(listing) }
        var names: [String] = []
        while let entry = unsafe readdir(listing) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
                unsafe String(verbatim: $0.prefix { $0 != 0 })
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.verbatimBytes.lexicographicallyPrecedes($1.verbatimBytes) }
    }

    // MARK: What forbids it

    private static func refusal(of path: String, _ error: Int32) -> FileRefusal {
        guard error != ENOENT else { return .absent }
        let reason = unsafe String(cString: strerror(error))
        return .refused(error == EACCES ? "\(reason): \(whatForbids(path))" : reason)
    }

    /// Which permission is missing: to search a folder on the way, or to read the file.
    private static func whatForbids(_ path: String) -> String {
        let user = "user \(geteuid())"
        var folder = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/").dropLast() {
            folder += (folder.isEmpty || folder.hasSuffix("/") ? "" : "/") + part
            if folder.withVerbatimCString({ unsafe access($0, X_OK) }) != 0 {
                return "\(user) may not enter the folder \(folder)"
            }
        }
        var info = stat()
        guard path.withVerbatimCString({ unsafe stat($0, &info) }) == 0 else { return "\(user) may not read it" }
        return "\(user) may not read it (mode \(String(info.st_mode & 0o7777, radix: 8)), owner \(info.st_uid))"
    }
}

/// Folders of certificates that are opened before the process changes its root, so that a renewed file can be read afterwards.
/// Thread-safe.
final class HeldFolders: Sendable {
    private let descriptors = Lock<[String: Int32]>([:])

    deinit { for descriptor in descriptors.withLock({ $0.values }) { close(descriptor) } }

    /// O_PATH, which the library declares for programs with extensions of GNU only.
    private let pathOnly: Int32 = 0o10000000

    /// Opens a folder, unless it is open.
    func hold(_ folder: String) {
        guard descriptors.withLock({ $0[folder] }) == nil else { return }
        let descriptor = folder.withVerbatimCString { unsafe open($0, pathOnly | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { return }
        descriptors.withLock { $0[folder] = descriptor }
    }

    /// The folder that a path leads through, and the rest of the path. Without an open folder: the working directory and all of it.
    func place(of path: String) -> (folder: Int32, name: String) {
        let folder = Self.folder(of: path)
        guard let descriptor = descriptors.withLock({ $0[folder] }) else { return (AT_FDCWD, path) }
        return (
            descriptor,
            String(
                path.dropFirst(path.lastIndex(of: "/").map { path.distance(from: path.startIndex, to: $0) + 1 } ?? 0))
        )
    }

    /// The folder of a file: `.` for a bare name.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
