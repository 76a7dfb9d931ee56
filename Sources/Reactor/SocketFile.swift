// The file of a listening unix socket: who has made it takes it away in the end, or out of the way for a while, unless another process
// has replaced it meanwhile.

internal import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// A socket file that this process has made.
public struct SocketFile: Sendable {
    private let path: String
    private let device: UInt64
    private let inode: UInt64

    /// Notes which file is at `path` now; nil if there is none.
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

    // MARK: Out of the way for a while

    /// The file's name while another process may have its path.
    private var nameAside: String { path + ".paused" }

    /// Gives the file another name, so that another process can have the path. It keeps its owner and mode. Nothing is to be done if
    /// another process has the path already.
    public func moveAside() throws(Errno) {
        guard isAt(path) else { return }
        guard Self.rename(path, to: nameAside) else { throw Errno.last }
    }

    /// Gives the file its path back.
    /// - Throws: `.addressInUse` if another process listens there by now.
    public func moveBack() throws(Errno) {
        if isAt(path) { return }
        try ListeningSocket.removeStale(path, evenIfAlive: false)
        guard Self.rename(nameAside, to: path) else { throw Errno.last }
    }

    private static func rename(_ old: String, to new: String) -> Bool {
        old.withVerbatimCString { old in new.withVerbatimCString { unsafe Glibc.rename(old, $0) } } == 0
    }
}
