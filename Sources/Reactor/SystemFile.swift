// Reads small files completely: files in /proc, and files named in the configuration.

internal import Basics
internal import Glibc
public import SystemPackage

/// Reading whole files.
public enum SystemFile {
    /// The file's text, truncated to 64 KiB; nil if the file cannot be opened.
    public static func read(_ path: String) -> String? {
        let descriptor = path.withVerbatimCString { unsafe open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        var filled = 0
        while filled < bytes.count {
            let n = unsafe bytes.withUnsafeMutableBytes { room in
                unsafe Glibc.read(descriptor, room.baseAddress.unsafelyUnwrapped + filled, room.count - filled)
            }
            if n <= 0 { break }
            filled += n
        }
        return String(decoding: bytes[..<filled], as: UTF8.self)
    }

    /// The file's bytes. If it has more than `maximum`, returns its first `maximum + 1` bytes, by which the caller
    /// recognises that the file is too long.
    public static func bytes(of path: String, atMost maximum: Int) throws(Errno) -> [UInt8] {
        FilesRead.note(path)
        let descriptor = path.withVerbatimCString { unsafe open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= maximum {
            let n = unsafe Glibc.read(descriptor, &chunk, min(chunk.count, maximum + 1 - bytes.count))
            if n < 0 && errno == EINTR { continue }
            guard n >= 0 else { throw Errno(rawValue: errno) }
            if n == 0 { break }
            bytes += chunk[..<n]
        }
        return bytes
    }
}
