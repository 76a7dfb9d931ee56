// An unnamed file (O_TMPFILE) for data that does not fit into memory. No other process can open it, and the system
// removes it when it is closed, even after a crash. Reads and writes go through the page cache and normally do not wait
// for the disk.

public import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// An unlinked file, used by one thread. It is closed on deinitialisation.
public final class TemporaryFile {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Creates an empty file in the file system of `directory`.
    public static func make(in directory: String) -> Result<TemporaryFile, Errno> {
        while true {
            let descriptor = unsafe clinux_open_unnamed(directory)
            if descriptor >= 0 { return .success(TemporaryFile(descriptor)) }
            switch Errno.last {
            case .interrupted: continue
            // The file system does not support O_TMPFILE.
            case .notSupportedOnSocket, .isDirectory: return makeAndUnlink(in: directory)
            case let reason: return .failure(reason)
            }
        }
    }

    private static func makeAndUnlink(in directory: String) -> Result<TemporaryFile, Errno> {
        var path = Array((directory + "/portico-XXXXXX").utf8CString)
        let descriptor = unsafe mkostemp(&path, O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(Errno.last) }
        unsafe unlink(path)
        return .success(TemporaryFile(descriptor))
    }

    /// Writes all of `bytes` at `offset`. Returns the errno on failure, for example when the disk is full.
    public func write(_ bytes: RawSpan, at offset: Int) -> Errno? {
        unsafe bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
                let n = unsafe pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + written))
                if n >= 0 {
                    written += n
                } else if Errno.last != .interrupted {
                    return Errno.last
                }
            }
            return nil
        }
    }

    /// Reads at most `limit` bytes at `offset` into the buffer's free space, which must not be empty. Returns the
    /// number of bytes read, 0 at the end of the file.
    public func read(into buffer: inout ByteBuffer, at offset: Int, limit: Int) -> Result<Int, Errno> {
        precondition(buffer.room > 0, "reading without room would look like the end of the file")
        return unsafe buffer.fill(limit: limit) { room in
            while true {
                let n = unsafe pread(descriptor, room.baseAddress, room.count, off_t(offset))
                if n >= 0 { return (n, .success(n)) }
                if Errno.last != .interrupted { return (0, .failure(Errno.last)) }
            }
        }
    }

    /// Truncates the file to free its disk space.
    public func empty() {
        // Failure is harmless: the contents are overwritten.
        _ = ftruncate(descriptor, 0)
    }
}
