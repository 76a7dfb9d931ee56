// This process as the system knows it: its number, its limits, its rights, its place in the background.
// All of it happens at start-up, on the main thread, before there is any other.

internal import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

public enum SystemProcess {
    public static var id: Int { Int(getpid()) }

    public static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Raises the limit on open files to `wanted`, or as far as the system allows; returns what it is then.
    public static func raiseDescriptorLimit(to wanted: Int? = nil) -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(resource, &limit) == 0 else { return 1_024 }
        var raised = limit
        raised.rlim_cur = wanted.map { rlim_t($0) } ?? limit.rlim_max
        if raised.rlim_cur > raised.rlim_max { raised.rlim_max = raised.rlim_cur }
        if unsafe setrlimit(resource, &raised) != 0 {
            // More than the hard limit needs privileges, and more than fs.nr_open nobody gets.
            raised = limit
            raised.rlim_cur = limit.rlim_max
            _ = unsafe setrlimit(resource, &raised)
        }
        _ = unsafe getrlimit(resource, &limit)
        // "Unlimited" would make sums overflow; nobody has a billion connections.
        return Int(min(limit.rlim_cur, 1_000_000_000))
    }

    /// A peer that closes must not end the process.
    public static func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

    /// Has a fault of our own say on standard error what and where it was, before it ends the process as it would have.
    public static func reportCrashes(of program: String) {
        clinux_use_signal_stack()
        unsafe clinux_report_crashes("\(program) has a fault of its own, which is worth a report: ")
    }

    public static func changeDirectory(_ path: String) throws(Errno) { try check(unsafe chdir(path)) }

    public static func changeRoot(_ path: String) throws(Errno) {
        try check(path.withVerbatimCString { unsafe chroot($0) })
        try check(unsafe chdir("/"))
    }

    /// Gives up root's rights for good: supplementary groups first, then group, then user.
    public static func become(user: UInt32?, group: UInt32?) throws(Errno) {
        if user != nil || group != nil, geteuid() == 0 { try check(setgroups(0, nil)) }
        if let group { try check(setgid(group)) }
        if let user { try check(setuid(user)) }
    }

    /// Asks another process to finish what it does and to end (SIGUSR1). One that has ended already needs no asking.
    public static func finish(_ process: Int32) { _ = kill(process, SIGUSR1) }

    /// Ends another process (SIGTERM).
    public static func terminate(_ process: Int32) { _ = kill(process, SIGTERM) }

    /// Asks another process to stop listening for a while (SIGTTOU).
    public static func giveUpAddresses(_ process: Int32) { _ = kill(process, SIGTTOU) }

    /// Asks another process to listen again (SIGTTIN).
    public static func takeAddressesBack(_ process: Int32) { _ = kill(process, SIGTTIN) }

    /// Waits. At start-up only: no thread that serves connections may.
    public static func pause(milliseconds: UInt32) { _ = usleep(milliseconds * 1_000) }

    /// Whether a person reads what goes to standard error.
    public static var errorsGoToTerminal: Bool { isatty(2) == 1 }

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

    /// Prints at once, unlike `print`, which may keep it until the end.
    public static func printOutput(_ text: String) { write(text, to: 1) }

    /// Prints on standard error, as far as its reader takes it: one that takes nothing for `errorPatienceMilliseconds` loses the
    /// rest. While Portico runs, what there is to say goes through the logger, which never waits.
    public static func printError(_ text: String) {
        write(text, to: 2) {
            var request = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
            return unsafe poll(&request, 1, errorPatienceMilliseconds) > 0
        }
    }

    /// Long for a terminal or a service manager, short for a script that waits for the start.
    private static let errorPatienceMilliseconds: Int32 = 2_000
    /// A pipe that is writable takes this much without blocking (PIPE_BUF).
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
