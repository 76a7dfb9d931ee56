// The file of a listening unix socket: who has made it takes it away in the end, unless another process has replaced it meanwhile.

internal import CLinux
internal import Glibc

/// A socket file that this process has made.
public struct SocketFile: Sendable {
    private let path: String
    private let device: UInt64
    private let inode: UInt64

    /// Notes which file is at `path` now; nil if there is none.
    public init?(_ path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        self.path = path
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }

    /// Removes the file if it is still the same one.
    public func remove() {
        guard let now = SocketFile(path), now.device == device, now.inode == inode else { return }
        _ = unsafe unlink(path)
    }
}
