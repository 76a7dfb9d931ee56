// Attributes of the process: its ID, limits, privileges, environment and standard streams.
// Functions that change them must be called at start-up, on the main thread, before the workers exist.

internal import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// This process, and signals to other processes.
public enum SystemProcess {
    /// The process ID.
    public static var id: Int { Int(getpid()) }

    /// The machine's host name; `localhost` if it is unknown.
    public static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Raises the limit for open descriptors to `wanted`, or as far as the system permits; returns the resulting limit.
    public static func raiseDescriptorLimit(to wanted: Int? = nil) -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(resource, &limit) == 0 else { return 1_024 }
        var raised = limit
        raised.rlim_cur = wanted.map { rlim_t($0) } ?? limit.rlim_max
        if raised.rlim_cur > raised.rlim_max { raised.rlim_max = raised.rlim_cur }
        if unsafe setrlimit(resource, &raised) != 0 {
            // Exceeding the hard limit needs privileges, and fs.nr_open is an absolute limit.
            raised = limit
            raised.rlim_cur = limit.rlim_max
            _ = unsafe setrlimit(resource, &raised)
        }
        _ = unsafe getrlimit(resource, &limit)
        // Bounded, because sums with "unlimited" would overflow.
        return Int(min(limit.rlim_cur, 1_000_000_000))
    }

    /// Ignores SIGPIPE, so that writing to a closed connection does not end the process.
    public static func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

    /// Installs signal handlers that print a crash's signal and stack on standard error before the process ends.
    public static func reportCrashes(of program: String) {
        clinux_use_signal_stack()
        unsafe clinux_report_crashes("\(program) crashed, please report this: ")
    }

    /// chdir(2)
    public static func changeDirectory(_ path: String) throws(Errno) { try check(unsafe chdir(path)) }

    /// chroot(2) of the whole process, then changes to the new root directory.
    static func changeRoot(_ path: String) throws(Errno) {
        try check(path.withVerbatimCString { unsafe chroot($0) })
        try check(unsafe chdir("/"))
    }

    /// Drops root privileges permanently: supplementary groups first, then group, then user.
    /// - Parameter kept: the privileges that the calling thread keeps, of those that it has. They are not in effect then.
    public static func become(user: UInt32?, group: UInt32?, keeping kept: Privileges = []) throws(Errno) {
        if user != nil || group != nil, geteuid() == 0 { try check(setgroups(0, nil)) }
        if let group { try check(setgid(group)) }
        guard let user else { return }
        let kept = user != 0 && geteuid() == 0 ? kept.intersection(.held) : []
        if !kept.isEmpty { try check(clinux_keep_capabilities(1)) }
        try check(setuid(user))
        guard !kept.isEmpty else { return }
        guard kept.keepAlone() else { throw Errno.last }
        try check(clinux_keep_capabilities(0))
    }

    /// Asks another process to shut down gracefully (SIGUSR1). Does nothing if the process has ended already.
    public static func requestGracefulStop(_ process: Int32) { _ = kill(process, SIGUSR1) }

    /// Asks another process to end at once (SIGTERM).
    public static func requestStop(_ process: Int32) { _ = kill(process, SIGTERM) }

    /// Asks another process to pause its listeners (SIGTTOU).
    public static func requestPause(_ process: Int32) { _ = kill(process, SIGTTOU) }

    /// Asks another process to resume its listeners (SIGTTIN).
    public static func requestResume(_ process: Int32) { _ = kill(process, SIGTTIN) }

    /// Blocks the calling thread. For start-up only: threads that serve connections must not call it.
    public static func pause(milliseconds: UInt32) { _ = usleep(milliseconds * 1_000) }

    /// Whether standard error is a terminal.
    public static var errorsGoToTerminal: Bool { isatty(2) == 1 }

    /// The environment variables.
    public static var environment: [String: String] {
        var variables: [String: String] = [:]
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let text = unsafe String(
                verbatim: UnsafeBufferPointer(start: entry, count: strlen(entry)).map(UInt8.init(bitPattern:)))
            let parts = text.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            unsafe next += 1
        }
        return variables
    }

    /// Writes to standard output without buffering, unlike `print`.
    public static func printOutput(_ text: String) { write(text, to: 1) }

    /// Writes to standard error. If its reader reads nothing for `errorPatienceMilliseconds`, the rest is discarded.
    /// For start-up only: later messages go through the logger, which never blocks its callers.
    public static func printError(_ text: String) {
        write(text, to: 2) {
            var request = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
            return unsafe poll(&request, 1, errorPatienceMilliseconds) > 0
        }
    }

    /// Long enough for a terminal or a service manager, short enough for a script that waits for the start.
    private static let errorPatienceMilliseconds: Int32 = 2_000
    /// A pipe that is writable accepts at least this many bytes without blocking (PIPE_BUF).
    private static let pipeBytes = 4_096

    private static func write(_ text: String, to descriptor: Int32, while isReady: () -> Bool = { true }) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count, isReady() {
            let n = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(
                    descriptor, $0.baseAddress.unsafelyUnwrapped + sent, min(pipeBytes, bytes.count - sent))
            }
            if n <= 0 { return }
            sent += n
        }
    }

    private static func check(_ result: Int32) throws(Errno) {
        if result != 0 { throw Errno.last }
    }
}

/// The system's user and group database (getpwnam, getgrnam).
public enum UserDatabase {
    /// The ID of a user; nil if there is no such user.
    public static func userID(_ name: String) -> UInt32? {
        guard let entry = unsafe getpwnam(name) else { return nil }
        return unsafe entry.pointee.pw_uid
    }

    /// The ID of a user's primary group; nil if there is no such user.
    public static func primaryGroupID(ofUser name: String) -> UInt32? {
        guard let entry = unsafe getpwnam(name) else { return nil }
        return unsafe entry.pointee.pw_gid
    }

    /// The ID of a group; nil if there is no such group.
    public static func groupID(_ name: String) -> UInt32? {
        guard let entry = unsafe getgrnam(name) else { return nil }
        return unsafe entry.pointee.gr_gid
    }
}
