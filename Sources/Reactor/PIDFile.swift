// The file that says which process this is, for those who want to signal it.

internal import Basics
internal import Glibc
public import SystemPackage

/// A process-number file, open from before the process gives up its rights until its end.
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

    /// Takes the file away, unless a successor has written its number into it. Where that is not allowed any more (another user,
    /// another root), empties it.
    public func remove() {
        var text = [UInt8](repeating: 0, count: 32)
        let count = unsafe pread(descriptor, &text, text.count, 0)
        guard count > 0, text.prefix(count).elementsEqual("\(SystemProcess.id)\n".utf8) else { return }
        if path.withVerbatimCString({ unsafe unlink($0) }) != 0 { _ = ftruncate(descriptor, 0) }
    }
}
