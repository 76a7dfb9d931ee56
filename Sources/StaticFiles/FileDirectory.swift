// Opens files below a directory, with openat2. All files are opened here.

internal import Basics
internal import CLinux
internal import Glibc

/// An open directory. The descriptor refers to the same directory after it is renamed or the process changes its root.
public final class FileDirectory: Sendable {
    /// The path as configured.
    public let path: String
    private let descriptor: Int32

    /// Why a directory cannot be used, for example `'/srv/x' is not a directory`.
    public struct Fault: Error, CustomStringConvertible {
        public let description: String
    }

    /// Opens the directory at `path`, which must be readable.
    public init(path: String) throws(Fault) {
        self.path = path
        let opened = path.withVerbatimCString { unsafe Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard opened >= 0 else {
            switch clinux_errno() {
            case ENOENT: throw Fault(description: "there is no directory '\(path)'")
            case ENOTDIR: throw Fault(description: "'\(path)' is not a directory")
            case let cause: throw Fault(description: "cannot open '\(path)': \(text(of: cause))")
            }
        }
        descriptor = opened
        switch unsafe openBelow(".", flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC, resolve: RESOLVE_BENEATH) {
        case .descriptor(let probe): close(probe)
        case .failed(ENOSYS), .failed(EPERM):
            throw Fault(
                description: "serving files needs the system call openat2 (Linux 5.6), which is missing or forbidden")
        case .failed(let cause): throw Fault(description: "cannot open '\(path)': \(text(of: cause))")
        }
    }

    deinit { close(descriptor) }

    enum Opened {
        case descriptor(Int32)
        /// The errno.
        case failed(Int32)
    }

    /// Opens the file at `path` below the directory. Follows symbolic links, unless they lead out of the directory or
    /// to a name that begins with a dot. Does not block, not even on a FIFO without a writer.
    func open(_ path: borrowing FilePath) -> Opened {
        unsafe path.withCString { path in
            // Fast path: without links, the check of the requested name suffices.
            let direct = unsafe openBelow(path, resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)
            guard case .failed(ELOOP) = direct else { return direct }
            let linked = unsafe openBelow(path, resolve: RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)
            guard case .descriptor(let found) = linked else { return linked }
            guard isVisible(found) else {
                close(found)
                return .failed(ENOENT)
            }
            return linked
        }
    }

    private func openBelow(
        _ path: UnsafePointer<CChar>, flags: Int32 = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, resolve: Int32
    ) -> Opened {
        var how = open_how()
        how.flags = UInt64(flags)
        how.resolve = UInt64(resolve)
        // EAGAIN: a rename interfered with the kernel's path lookup. Retry a few times.
        var attempts = 8
        while true {
            let opened = unsafe clinux_openat2(descriptor, path, &how)
            if opened >= 0 { return .descriptor(opened) }
            let cause = clinux_errno()
            attempts -= 1
            guard cause == EINTR || cause == EAGAIN, attempts > 0 else { return .failed(cause) }
        }
    }

    /// Whether the real path of an open file, below the directory, has no name that begins with a dot. Returns false if
    /// the path is unknown because /proc is not mounted.
    private func isVisible(_ found: Int32) -> Bool {
        guard let top = place(of: descriptor), let place = place(of: found), place.starts(with: top) else {
            return false
        }
        let below = place[top.count...]
        guard below.isEmpty || below.first == 0x2F || top.last == 0x2F else { return false }
        return !below.split(separator: 0x2F).contains { $0.first == 0x2E }
    }

    private func place(of descriptor: Int32) -> [UInt8]? {
        var place = [UInt8](repeating: 0, count: FilePath.bytesMax)
        let length = unsafe place.withUnsafeMutableBytes { buffer in
            unsafe readlink(
                "/proc/self/fd/\(descriptor)",
                buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard length > 0, length < place.count else { return nil }
        return Array(place[..<length])
    }
}

private func text(of cause: Int32) -> String { unsafe String(cString: strerror(cause)) }
