// Folders of certificates that are opened before the process changes its root, so that a renewed file can be read afterwards.

internal import Basics
internal import Glibc

/// Descriptors of folders. Thread-safe.
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
