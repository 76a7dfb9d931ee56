// How a starting process reports to its environment: to the command that starts it as a daemon, to the service manager,
// and in its PID file.

public import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// A child process that is becoming a daemon, and reports start-up failures to the command that started it.
///
/// The process forks before it starts any thread. The parent waits until the child reports that it is ready, and exits
/// with status 0; if the child exits first, the parent exits with status 1. The child keeps the terminal for error
/// messages until then.
public final class Background {
    private let ready: Int32
    /// /dev/null, opened before a chroot may hide it.
    private let null: Int32
    /// The later standard error: a syslog daemon's socket, so that crash reports are not lost.
    private let standardError: Int32

    /// Forks. Returns in the child only.
    /// - Parameter standardError: the address of a datagram socket that becomes standard error in `detach`.
    public static func begin(standardError: SocketAddress?) throws(Errno) -> Background {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw Errno.last }
        let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        guard null >= 0 else { throw Errno.last }
        let child = clinux_fork()
        if child < 0 { throw Errno.last }
        if child > 0 {
            close(ends[1])
            var word: UInt8 = 0
            _exit(unsafe read(ends[0], &word, 1) == 1 ? 0 : 1)
        }
        close(ends[0])
        _ = setsid()
        return Background(ready: ends[1], null: null, standardError: standardError.flatMap(datagramSocket) ?? null)
    }

    private init(ready: Int32, null: Int32, standardError: Int32) {
        self.ready = ready
        self.null = null
        self.standardError = standardError
    }

    /// A datagram socket connected to `address`; nil if no process listens there.
    private static func datagramSocket(to address: SocketAddress) -> Int32? {
        let family =
            switch address {
            case .ip(.v4, _): AF_INET
            case .ip(.v6, _): AF_INET6
            case .path, .abstract, .abstractExact, .pair: AF_UNIX
            }
        let number = clinux_datagram_socket(family)
        guard number >= 0 else { return nil }
        if unsafe SystemAddress.with(address, { unsafe clinux_connect(number, $0, $1) }) == 0 { return number }
        close(number)
        return nil
    }

    /// Start-up has succeeded: detaches from the terminal and lets the parent exit.
    public func detach() {
        for standard: Int32 in 0...1 { _ = dup2(null, standard) }
        _ = dup2(standardError, 2)
        if standardError != null { close(standardError) }
        close(null)
        var word: UInt8 = 1
        _ = unsafe write(ready, &word, 1)
        close(ready)
    }
}

/// A connection to the socket named by `NOTIFY_SOCKET`.
public final class ServiceManager {
    private let socket: Int32

    /// Connects to the socket. Call before a chroot or a change of user, which may make its path inaccessible.
    /// - Parameter path: the value of NOTIFY_SOCKET; a leading `@` stands for the abstract namespace.
    /// - Returns: nil when no process listens there.
    public init?(at path: String) {
        let address: SocketAddress = path.hasPrefix("@") ? .abstractExact(String(path.dropFirst())) : .path(path)
        guard path.utf8.count > 1, path.utf8.count <= SystemAddress.pathBytesMax else { return nil }
        socket = clinux_datagram_socket(AF_UNIX)
        guard socket >= 0 else { return nil }
        if unsafe SystemAddress.with(address, { unsafe clinux_connect(socket, $0, $1) }) != 0 {
            Glibc.close(socket)
            return nil
        }
    }

    deinit { Glibc.close(socket) }

    /// What the manager is told (sd_notify(3)).
    public enum State: Sendable, Equatable {
        /// This process has started, and is the service's main process from now on.
        case started
        /// It reads its configuration again, since then on the monotonic clock.
        case reloading(since: Instant)
        /// That has ended. A service that goes on as before is as ready as one that was changed.
        case reloaded(isDone: Bool)
        /// It ends, as soon as what is under way has.
        case stopping

        var lines: [String] {
            switch self {
            case .started: ["READY=1", "MAINPID=\(SystemProcess.id)", "STATUS=Ready."]
            case .reloading(let start):
                ["RELOADING=1", "MONOTONIC_USEC=\(start.nanoseconds / 1_000)", "STATUS=Reloading configuration."]
            case .reloaded(true): ["READY=1", "STATUS=Ready."]
            case .reloaded(false):
                ["READY=1", "STATUS=Reload failed, the configuration before is still in force."]
            case .stopping: ["STOPPING=1", "STATUS=Stopping."]
            }
        }
    }

    /// Tells the manager. Does not block: if the manager's socket is full, the message is lost.
    public func say(_ state: State) {
        let text = Array(state.lines.map { $0 + "\n" }.joined().utf8)
        _ = unsafe text.withUnsafeBytes {
            unsafe clinux_send(socket, $0.baseAddress, $0.count, Int32(CLINUX_MSG_NOSIGNAL))
        }
    }
}

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
