// One simulated clock for threads that really run at once, each with a kernel and a network of its own.
//
// It moves when all of them wait, to the earliest time that one of them waits for. All accesses are relaxed on purpose: the clock must
// not order the threads' other accesses to memory, or ThreadSanitizer would take races for orderly. A thread that is woken at the very
// moment of a jump finds the time later than it was; that is what a busy machine does too.

internal import Basics
internal import Glibc
internal import Reactor
internal import Synchronization

public final class SharedClock: Sendable {
    private let nanoseconds = Atomic<UInt64>(1_000_000_000)
    /// One bit for each thread that waits, or has ended.
    private let waiting = Atomic<UInt64>(0)
    private let ended = Atomic<UInt64>(0)
    private let threads: [Thread]
    let strays = StrayDescriptors()

    private final class Thread: Sendable {
        let deadline = Atomic<UInt64>(.max)
        let isWoken = Atomic<Bool>(false)
    }

    /// - Parameter threads: how many have to wait before the clock moves; at most 63.
    public init(threads: Int) {
        precondition(1...63 ~= threads, "a clock for \(threads) threads")
        self.threads = (0..<threads).map { _ in Thread() }
    }

    var now: Instant { Instant(nanoseconds: nanoseconds.load(ordering: .relaxed)) }

    func wake(_ thread: Int) { threads[thread].isWoken.store(true, ordering: .relaxed) }

    /// Whether the thread was woken since it last asked.
    func wasWoken(_ thread: Int) -> Bool { threads[thread].isWoken.exchange(false, ordering: .relaxed) }

    /// Waits until the thread is woken or `deadline` has come.
    func wait(_ thread: Int, until deadline: Instant) {
        threads[thread].deadline.store(deadline.nanoseconds, ordering: .relaxed)
        waiting.bitwiseOr(1 << UInt64(thread), ordering: .relaxed)
        defer { waiting.bitwiseAnd(~(1 << UInt64(thread)), ordering: .relaxed) }
        while now < deadline, !threads[thread].isWoken.load(ordering: .relaxed) {
            moveIfAllWait()
            usleep(20)
        }
    }

    /// The thread has ended: the clock does not wait for it any more.
    public func leave(_ thread: Int) {
        ended.bitwiseOr(1 << UInt64(thread), ordering: .relaxed)
        waiting.bitwiseOr(1 << UInt64(thread), ordering: .relaxed)
    }

    private func moveIfAllWait() {
        guard waiting.load(ordering: .relaxed) == 1 << UInt64(threads.count) - 1 else { return }
        var earliest = UInt64.max
        // A thread that has ended may be woken all the same.
        let ended = ended.load(ordering: .relaxed)
        for (index, thread) in threads.enumerated() where ended & 1 << UInt64(index) == 0 {
            if thread.isWoken.load(ordering: .relaxed) { return }
            earliest = min(earliest, thread.deadline.load(ordering: .relaxed))
        }
        precondition(earliest != .max, "all threads wait for ever")
        nanoseconds.max(earliest, ordering: .relaxed)
    }
}

/// Descriptors that a thread has closed whose peers belong to another: that one closes them at its next wait.
final class StrayDescriptors: Sendable {
    private let count = Atomic<Int>(0)
    private let sockets = Lock<[Socket]>([])

    func add(_ socket: Socket) {
        sockets.withLock { $0.append(socket) }
        count.add(1, ordering: .relaxed)
    }

    /// Those that are the caller's.
    func take(where isOwn: (Socket) -> Bool) -> [Socket] {
        guard count.load(ordering: .relaxed) > 0 else { return [] }
        let own = sockets.withLock { sockets in
            let own = sockets.filter(isOwn)
            sockets.removeAll(where: isOwn)
            return own
        }
        count.subtract(own.count, ordering: .relaxed)
        return own
    }
}
