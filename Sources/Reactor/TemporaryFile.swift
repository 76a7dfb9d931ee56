// A file without a name, for bytes that do not fit into memory: nobody else can open it, and it is gone when it is
// closed, whatever becomes of the process. Reads and writes go through the system's page cache; they are not made
// to wait for the disk as long as that has room.

public import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// An unlinked file of one thread; it closes itself when nobody holds it any more.
public final class TemporaryFile {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Makes an empty file on the file system of `directory`.
    public static func make(in directory: String) -> Result<TemporaryFile, Errno> {
        while true {
            let descriptor = unsafe clinux_open_unnamed(directory)
            if descriptor >= 0 { return .success(TemporaryFile(descriptor)) }
            switch Errno.last {
            case .interrupted: continue
            // Not every file system has files without names.
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

    /// Writes all of `bytes` at `offset`. A full disk is an outcome, not a mistake.
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

    /// Reads from `offset` on into the buffer's free room, at most `limit` bytes; how many there were.
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

    /// Gives the disk back what the file holds.
    public func empty() {
        // A file that stays as long as it was does no harm: it is overwritten.
        _ = ftruncate(descriptor, 0)
    }
}
