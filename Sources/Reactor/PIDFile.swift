// The file with the process ID, for scripts and service managers that send signals.

internal import Basics
internal import Glibc
public import SystemPackage

/// A PID file. It is opened before the process drops its privileges and stays open until the process ends.
public final class PIDFile {
    private let path: String
    private let descriptor: Int32

    public init(_ path: String) throws(Errno) {
        let descriptor = path.withVerbatimCString {
            unsafe open($0, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        }
        guard descriptor >= 0 else { throw Errno.last }
        self.path = path
        self.descriptor = descriptor
        let text = Array("\(SystemProcess.id)\n".utf8)
        guard unsafe write(descriptor, text, text.count) == text.count else { throw Errno.last }
    }

    deinit { close(descriptor) }

    /// Removes the file, unless a successor has written its own process ID into it. If the process may no longer remove
    /// it (after a change of user or root), truncates it instead.
    public func remove() {
        var text = [UInt8](repeating: 0, count: 32)
        let count = unsafe pread(descriptor, &text, text.count, 0)
        guard count > 0, text.prefix(count).elementsEqual("\(SystemProcess.id)\n".utf8) else { return }
        if path.withVerbatimCString({ unsafe unlink($0) }) != 0 { _ = ftruncate(descriptor, 0) }
    }
}
