// A regular file that is open for sending, and its HTTP metadata.

public import Basics
internal import CLinux
internal import Glibc

/// An open regular file. It is closed on deinitialisation.
///
/// The file may change while it is sent. If it shrinks, it yields fewer bytes than the declared `size`, and the sender
/// has to abort the connection.
public final class OpenFile: Sendable {
    /// For `sendfile` with an explicit offset, so that several responses can share the descriptor.
    public let descriptor: Int32
    public let metadata: FileMetadata
    /// The size in bytes at the time of opening.
    public var size: Int { metadata.size }

    private init(descriptor: Int32, metadata: FileMetadata) {
        self.descriptor = descriptor
        self.metadata = metadata
    }

    deinit { close(descriptor) }

    enum Adopted {
        case file(OpenFile)
        case directory
        /// A FIFO, socket or device.
        case other
        case failed(Int32)
    }

    /// Takes ownership of an open descriptor. Closes it unless it is a regular file.
    static func adopt(_ descriptor: Int32, name: ArraySlice<UInt8>, now: WallTime) -> Adopted {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let cause = clinux_errno()
            close(descriptor)
            return .failed(cause)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            let metadata = FileMetadata(
                size: status.st_size, modifiedSeconds: status.st_mtim.tv_sec,
                modifiedNanoseconds: status.st_mtim.tv_nsec, contentType: MediaType.of(name), now: now)
            return .file(OpenFile(descriptor: descriptor, metadata: metadata))
        case S_IFDIR:
            close(descriptor)
            return .directory
        default:
            close(descriptor)
            return .other
        }
    }
}

/// The HTTP metadata of a file (RFC 9110 sections 8.3 and 8.8).
public struct FileMetadata: Sendable {
    /// The size in bytes.
    public let size: Int
    /// Last-Modified; not later than the time of the response (RFC 9110 section 8.8.2.1).
    public let modified: WallTime
    /// A strong entity tag, including its quotes, made of the modification time in nanoseconds and the size.
    public let etag: [UInt8]
    public let contentType: StaticString

    init(size: Int, modifiedSeconds: Int, modifiedNanoseconds: Int, contentType: StaticString, now: WallTime) {
        self.size = size
        modified = min(WallTime(seconds: modifiedSeconds, microseconds: modifiedNanoseconds / 1_000), now)
        var tag: [UInt8] = [0x22]
        tag.reserveCapacity(40)
        tag.append(hexadecimal: UInt64(bitPattern: Int64(modifiedSeconds &* 1_000_000_000 &+ modifiedNanoseconds)))
        tag.append(0x2D)
        tag.append(hexadecimal: UInt64(size))
        tag.append(0x22)
        etag = tag
        self.contentType = contentType
    }
}
