// Threads, signal masks, and signals as readable descriptors.

public import Basics
internal import CLinux
internal import Glibc

/// A running thread.
@safe
public final class Thread: @unchecked Sendable {
    private let id: pthread_t

    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs `body` on a new thread with all signals blocked, so that the main thread receives them, and without a privilege that the
    /// main thread has kept.
    /// - Parameters:
    ///   - name: is shown by `top -H`, truncated to 15 bytes.
    ///   - isConfined: whether it has the root directory of the threads that clients can reach (`Confinement`).
    public init(name: String, isConfined: Bool = true, _ body: @escaping @Sendable () -> Void) {
        let start = Start(name: name, body: body)
        id = isConfined ? Confinement.inside { Self.begin(start) } : Self.begin(start)
    }

    /// A thread has the root directory of the one that begins it.
    private static func begin(_ start: Start) -> pthread_t {
        var id = pthread_t()
        let result = unsafe pthread_create(
            &id, nil,
            { raw in
                // Safe: the reference was retained for this thread.
                let start = unsafe Unmanaged<Start>.fromOpaque(raw.unsafelyUnwrapped).takeRetainedValue()
                Privileges.renounce()
                unsafe clinux_set_thread_name(start.name)
                SignalMask.blockAll()
                clinux_use_signal_stack()
                start.body()
                clinux_free_signal_stack()
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        precondition(result == 0, "pthread_create: error \(result)")
        return id
    }

    /// Waits until the thread ends. Call once.
    public func join() {
        let result = pthread_join(id, nil)
        precondition(result == 0, "pthread_join: error \(result)")
    }

    /// The thread's processor time; nil if it has ended.
    public var processorTime: TimeSpan? {
        var clock = clockid_t()
        var time = timespec()
        guard unsafe pthread_getcpuclockid(id, &clock) == 0, unsafe clock_gettime(clock, &time) == 0 else { return nil }
        return TimeSpan(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// The number of processors online.
    public static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

/// The signal mask of the calling thread.
public enum SignalMask {
    /// Blocks all signals except those of program faults.
    public static func blockAll() {
        var all = sigset_t()
        unsafe sigfillset(&all)
        // A blocked fault signal would end the process without a crash report.
        for signal in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] { unsafe sigdelset(&all, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
    }
}

/// A signalfd: signals are read from a descriptor instead of interrupting the thread.
public final class SignalSource {
    public let socket: Socket

    /// Blocks `signals` in the calling thread and queues them for `next`.
    public init(_ signals: [Int32]) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        let number = unsafe signalfd(-1, &set, Int32(SFD_NONBLOCK) | Int32(SFD_CLOEXEC))
        precondition(number >= 0, "signalfd: errno \(clinux_errno())")
        socket = Socket(number)
    }

    deinit { _ = Glibc.close(socket.number) }

    /// The next pending signal, or nil.
    public func next() -> Int32? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        guard unsafe read(socket.number, &info, size) == size else { return nil }
        return Int32(info.ssi_signo)
    }
}
