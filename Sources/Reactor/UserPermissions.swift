// What a user may do with files, found out by one who may do everything: for the user that the process is going to be.

internal import Basics
internal import CLinux
internal import Glibc

/// A user and a group, by their modes. Access control lists and privileges are not looked at.
public struct UserPermissions: Sendable {
    public let user: UInt32
    public let group: UInt32

    /// - Parameters:
    ///   - user: nil for that of the process.
    ///   - group: nil for that of the process.
    public init(user: UInt32?, group: UInt32?) {
        self.user = user ?? geteuid()
        self.group = group ?? getegid()
    }

    /// Whether the user may open a file for reading by its path: links on the way are followed. True for a file that is not there.
    public func mayRead(_ path: String) -> Bool {
        guard user != 0, let info = Self.information(of: path) else { return true }
        guard allow(info, S_IRUSR) else { return false }
        return Self.folders(of: path).allSatisfy { Self.information(of: $0).map { allow($0, S_IXUSR) } ?? false }
    }

    /// Whether a mode allows what the owner's bit `bit` is for.
    private func allow(_ info: stat, _ bit: mode_t) -> Bool {
        if info.st_uid == user { return info.st_mode & bit != 0 }
        if info.st_gid == group { return info.st_mode & (bit >> 3) != 0 }
        return info.st_mode & (bit >> 6) != 0
    }

    private static func information(of path: String) -> stat? {
        var info = stat()
        return path.withVerbatimCString { unsafe stat($0, &info) } == 0 ? info : nil
    }

    /// All folders on the way to a file, and to where links lead.
    private static func folders(of path: String) -> Set<String> {
        var folders: Set<String> = [path.hasPrefix("/") ? "/" : "."]
        for path in [path, realPath(path) ?? path] {
            var folder = path.hasPrefix("/") ? "/" : ""
            for part in path.split(separator: "/").dropLast() {
                folder += (folder.isEmpty || folder.hasSuffix("/") ? "" : "/") + part
                folders.insert(folder)
            }
        }
        return folders
    }

    /// A path without symbolic links; nil if it leads nowhere.
    public static func realPath(_ path: String) -> String? {
        guard let real = path.withVerbatimCString({ unsafe realpath($0, nil) }) else { return nil }
        defer { unsafe free(real) }
        return unsafe String(
            verbatim: UnsafeBufferPointer(start: real, count: strlen(real)).map(UInt8.init(bitPattern:)))
    }
}
