// A root directory for the threads that clients can reach (`chroot`), while the main thread stays outside: it reads the configuration, maps
// and keys again, looks users up and opens sockets as at the start, and it serves no client.
//
// In Linux a root directory is shared by the threads that were started from one another, and unshare(2) ends that. So one thread takes
// the new root, and starts all others.

internal import Basics
internal import CLinux
internal import Glibc
internal import Synchronization
public import SystemPackage

/// The root directory of all threads but the main one.
public enum Confinement {
    /// The thread that stays outside, by pthread_self; 0 while there is no confinement. Set once, while the process has one thread.
    private static let outside = Atomic<UInt>(0)
    private static let confined = Lock<ConfinedThread?>(nil)

    /// Whether the system gives a thread a root directory of its own. Containers may forbid it: Docker's default profile does.
    public static let isPossible: Bool = {
        let answer = SystemAnswer()
        let thread = Thread(name: "portico-probe", isConfined: false) {
            answer.number.store(clinux_leave_root(), ordering: .relaxed)
        }
        thread.join()
        return answer.number.load(ordering: .relaxed) == 0
    }()

    /// Gives all threads that are started from now on, but for those that shall stay outside, this root directory. Where that is not
    /// possible the whole process gets it. Call it on the main thread, before any other is started.
    /// - Throws: why the directory cannot be one.
    public static func begin(at root: String) throws(Errno) {
        guard isPossible else { return try SystemProcess.changeRoot(root) }
        let thread = try ConfinedThread(at: root)
        confined.withLock { $0 = thread }
        outside.store(Self.callingThread, ordering: .relaxed)
    }

    private static var callingThread: UInt { UInt(pthread_self()) }

    /// Whether the calling thread is outside while others are confined.
    static var isOutside: Bool {
        let thread = outside.load(ordering: .relaxed)
        return thread != 0 && thread == callingThread
    }

    /// Does something where the confined threads are: paths mean there what they mean to these. The caller waits.
    public static func inside<R, E>(_ body: () throws(E) -> R) throws(E) -> R {
        guard isOutside, let thread = confined.withLock({ $0 }) else { return try body() }
        var result: Result<R, E>?
        thread.run { result = Result { () throws(E) -> R in try body() } }
        guard let result else { preconditionFailure("the confined thread has done nothing") }
        return try result.get()
    }
}

/// The thread that has taken the root directory, and does there what the main thread asks for. It ends with the process.
private final class ConfinedThread: Sendable {
    /// What is to be done; nil once it is done.
    private let work = Lock<Work?>(nil)
    private let failure = SystemAnswer()
    /// Eventfds.
    private let asked: Int32
    private let done: Int32

    // Safe: the thread that gave it waits until it is done.
    private struct Work: @unchecked Sendable {
        let body: () -> Void
    }

    init(at root: String) throws(Errno) {
        asked = eventfd(0, Int32(EFD_CLOEXEC))
        done = eventfd(0, Int32(EFD_CLOEXEC))
        guard asked >= 0, done >= 0 else { throw Errno.last }
        let thread = Thread(name: "portico-root", isConfined: false) { [self] in
            failure.number.store(root.withVerbatimCString { unsafe clinux_take_root($0) }, ordering: .relaxed)
            Self.signal(done)
            guard failure.number.load(ordering: .relaxed) == 0 else { return }
            while true { serve() }
        }
        Self.wait(done)
        let number = failure.number.load(ordering: .relaxed)
        guard number != 0 else { return }
        thread.join()
        for descriptor in [asked, done] { close(descriptor) }
        throw Errno(rawValue: number)
    }

    private func serve() {
        Self.wait(asked)
        perform()
        work.withLock { $0 = nil }
        Self.signal(done)
    }

    // A function of its own: nothing here may refer to the work any more when the other thread goes on.
    @inline(never)
    private func perform() { work.withLock { $0 }?.body() }

    func run(_ body: () -> Void) {
        withoutActuallyEscaping(body) { body in
            work.withLock { $0 = Work(body: body) }
            Self.signal(asked)
            Self.wait(done)
            work.withLock { precondition($0 == nil, "the confined thread has not done its work") }
        }
    }

    private static func signal(_ descriptor: Int32) {
        var one: UInt64 = 1
        let count = unsafe write(descriptor, &one, 8)
        precondition(count == 8, "eventfd: \(Errno.last)")
    }

    private static func wait(_ descriptor: Int32) {
        var count: UInt64 = 0
        while unsafe read(descriptor, &count, 8) != 8 {
            precondition(Errno.last == .interrupted, "eventfd: \(Errno.last)")
        }
    }
}

/// What the system has answered a thread: an errno, or 0.
private final class SystemAnswer: Sendable {
    let number = Atomic<Int32>(0)
}
