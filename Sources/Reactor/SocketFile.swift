// The file of a listening Unix-domain socket. The process that created it removes it at its end, or renames it while it
// is paused, unless another process has replaced the file meanwhile.

internal import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// A socket file that this process has created, identified by device and inode.
public struct SocketFile: Sendable {
    private let path: String
    private let device: UInt64
    private let inode: UInt64

    /// Records the identity of the file at `path`; returns nil if there is none.
    public init?(_ path: String) {
        var status = stat()
        guard path.withVerbatimCString({ unsafe lstat($0, &status) }) == 0 else { return nil }
        self.path = path
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }

    /// Removes the file if it is still the same one.
    public func remove() {
        if isAt(path) { _ = path.withVerbatimCString { unsafe unlink($0) } }
        if isAt(nameAside) { _ = nameAside.withVerbatimCString { unsafe unlink($0) } }
    }

    private func isAt(_ path: String) -> Bool {
        guard let now = SocketFile(path) else { return false }
        return now.device == device && now.inode == inode
    }

    // MARK: While paused

    /// The file's name while another process may use its path.
    private var nameAside: String { path + ".paused" }

    /// Renames the file, so that another process can bind the path. Owner and mode are kept. Does nothing if another
    /// process has replaced the file already.
    public func moveAside() throws(Errno) {
        guard isAt(path) else { return }
        guard Self.rename(path, to: nameAside) else { throw Errno.last }
    }

    /// Renames the file back to its path.
    /// - Throws: `.addressInUse` if another process listens there.
    public func moveBack() throws(Errno) {
        if isAt(path) { return }
        try ListeningSocket.removeStale(path, evenIfAlive: false)
        guard Self.rename(nameAside, to: path) else { throw Errno.last }
    }

    private static func rename(_ old: String, to new: String) -> Bool {
        old.withVerbatimCString { old in new.withVerbatimCString { unsafe Glibc.rename(old, $0) } } == 0
    }
}
