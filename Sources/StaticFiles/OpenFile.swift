// A regular file that is open for sending, and what HTTP says about it.

public import Basics
internal import CLinux
internal import Glibc

/// An open regular file; it closes itself when nobody holds it any more.
///
/// The file may still change. One that shrinks while it is being sent yields fewer bytes than `size`: the sender
/// then has to break the connection off, because the length was promised.
public final class OpenFile: Sendable {
    /// For `sendfile`, which takes the offset from its caller, so that the file may be sent more than once.
    public let descriptor: Int32
    public let metadata: FileMetadata
    /// Bytes when it was opened.
    public var size: Int { metadata.size }

    private init(descriptor: Int32, metadata: FileMetadata) {
        self.descriptor = descriptor
        self.metadata = metadata
    }

    deinit { close(descriptor) }

    enum Adopted {
        case file(OpenFile)
        case directory
        /// A pipe, socket or device.
        case other
        case failed(Int32)
    }

    /// Takes over an open descriptor; it is closed at once unless it is a regular file.
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

/// What HTTP says about a file (RFC 9110 sections 8.3 and 8.8).
public struct FileMetadata: Sendable {
    /// Bytes.
    public let size: Int
    /// Last-Modified: never later than the moment it is said (RFC 9110 section 8.8.2.1).
    public let modified: WallTime
    /// Strong, with its quotes: the time of modification in nanoseconds and the size.
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
