// What happens to the files of some folders, from the system (inotify). A folder that is watched before the process changes its root
// or its user stays watched.

internal import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// Watches folders. It belongs to the thread that reads it.
public final class FolderWatch {
    /// Something that happened to a file.
    public struct Change: Sendable, Equatable {
        /// The folder, as it was given.
        public let folder: String
        /// Whether the file is complete: it was closed behind its last byte, or it has come under this name as it is.
        public let isComplete: Bool
    }

    /// What a loop watches for reading.
    public let socket: Socket
    private var folders: [Int32: [String]] = [:]

    public init() throws(Errno) {
        let number = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard number >= 0 else { throw Errno.last }
        socket = Socket(number)
    }

    deinit { _ = Glibc.close(socket.number) }

    /// Watches one more folder. Throws the errno when the system refuses it.
    public func add(_ folder: String) throws(Errno) {
        let wanted = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MODIFY | IN_ONLYDIR
        let watch = folder.withVerbatimCString { unsafe inotify_add_watch(socket.number, $0, UInt32(wanted)) }
        guard watch >= 0 else { throw Errno.last }
        // Two names may be of one folder.
        if folders[watch]?.contains(folder) != true { folders[watch, default: []].append(folder) }
    }

    /// What has happened since the last call.
    public func read() -> [Change] {
        var changes: [Change] = []
        // Room for many of the longest names.
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe Glibc.read(socket.number, &bytes, bytes.count)
            guard count > 0 else { return changes }
            var start = 0
            while start + Self.headBytes <= count {
                func word(_ place: Int) -> UInt32 {
                    (0..<4).reduce(0) { $0 | UInt32(bytes[start + place + $1]) << (8 * UInt32($1)) }
                }
                let mask = word(4)
                for folder in folders[Int32(bitPattern: word(0))] ?? [] {
                    changes.append(
                        Change(folder: folder, isComplete: mask & UInt32(IN_CLOSE_WRITE | IN_MOVED_TO) != 0))
                }
                // Some were lost: everything may have changed.
                if mask & UInt32(IN_Q_OVERFLOW) != 0 {
                    changes += folders.values.joined().map { Change(folder: $0, isComplete: false) }
                }
                start += Self.headBytes + Int(word(12))
            }
        }
    }

    /// Of an event of inotify(7): watch, mask, cookie, length of the name.
    private static let headBytes = 16
}
