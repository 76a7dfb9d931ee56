// A regular file that is open for sending, and its HTTP metadata.

public import Basics
internal import CLinux
internal import Glibc
internal import HTTP

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
    /// All `size` bytes of a small file that is kept open; nil if they are to be sent from the descriptor.
    public let content: [UInt8]?
    /// When the file or its inode (links, permissions, names) was last changed.
    private let changedSeconds: Int
    private let changedNanoseconds: Int

    private init(descriptor: Int32, metadata: FileMetadata, status: stat, content: [UInt8]?) {
        self.descriptor = descriptor
        self.metadata = metadata
        self.content = content
        changedSeconds = status.st_ctim.tv_sec
        changedNanoseconds = status.st_ctim.tv_nsec
    }

    deinit { close(descriptor) }

    enum Adopted {
        case file(OpenFile)
        case directory
        /// A FIFO, socket or device.
        case other
        case failed(Int32)
    }

    /// Whether the file is as it was when it was opened: not written, renamed or deleted, and with the same permissions. A change
    /// within one tick of the file system's clock after the opening may go unseen.
    var isUnchanged: Bool {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return false }
        return status.st_ctim.tv_nsec == changedNanoseconds && status.st_ctim.tv_sec == changedSeconds
            && status.st_size == size && status.st_nlink > 0
    }

    /// Takes ownership of an open descriptor. Closes it unless it is a regular file.
    ///
    /// Reads the content of a file of at most `contentMax` bytes, unless it was changed a moment ago: then the time of a further
    /// change may be the same.
    static func adopt(
        _ descriptor: Int32, name: ArraySlice<UInt8>, now: WallTime, contentMax: Int = 0
    ) -> Adopted {
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
            let isSettled = now.seconds &- status.st_ctim.tv_sec >= settlingSeconds
            let content = isSettled && status.st_size <= contentMax ? read(descriptor, count: status.st_size) : nil
            return .file(OpenFile(descriptor: descriptor, metadata: metadata, status: status, content: content))
        case S_IFDIR:
            close(descriptor)
            return .directory
        default:
            close(descriptor)
            return .other
        }
    }

    /// Longer than the ticks of the clocks of file systems: two seconds for FAT, milliseconds for others.
    private static let settlingSeconds = 2

    /// The first `count` bytes; nil if there are fewer, or they cannot be read.
    private static func read(_ descriptor: Int32, count: Int) -> [UInt8]? {
        var content = [UInt8](repeating: 0, count: count)
        let got = unsafe content.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        return got == count ? content : nil
    }
}

/// The HTTP metadata of a file (RFC 9110 sections 8.3 and 8.8).
public struct FileMetadata: Sendable {
    /// The size in bytes.
    public let size: Int
    /// Last-Modified; not later than the time of the response (RFC 9110 section 8.8.2.1).
    public let modified: WallTime
    /// The same as an HTTP date.
    public let lastModified: [UInt8]
    /// A strong entity tag, including its quotes, made of the modification time in nanoseconds and the size.
    public let etag: [UInt8]
    public let contentType: StaticString

    init(size: Int, modifiedSeconds: Int, modifiedNanoseconds: Int, contentType: StaticString, now: WallTime) {
        self.size = size
        modified = min(WallTime(seconds: modifiedSeconds, microseconds: modifiedNanoseconds / 1_000), now)
        var date: [UInt8] = []
        date.reserveCapacity(32)
        HTTPDate.append(modified, to: &date)
        lastModified = date
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
