// Many readers, who must not wait for one another, and seldom a writer, who waits for all of them.
//
// Each thread counts itself in on a line of memory of its own, so that reading costs two additions that nobody fights
// for. A writer closes the gate, waits until everybody is out, and opens it again; who comes meanwhile waits for it.
// Readers do not read while they read: a writer in between would wait for the outer one, and the inner one for it.

internal import Basics
internal import Glibc
internal import Synchronization

struct ReaderGate: ~Copyable, Sendable {
    /// More threads than this share lines, which costs them time and nothing else.
    private static let lanesCount = 16

    /// Alone on its line of memory; processors fetch two at a time.
    private struct Lane: ~Copyable, Sendable {
        let readers = Atomic<Int>(0)
        let padding: (Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0)
        let morePadding: (Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0)
    }

    private let isClosed = Atomic<Bool>(false)
    private let writing = Lock<Void>(())
    private let lanes: LaneArray

    @safe
    private struct LaneArray: ~Copyable, @unchecked Sendable {
        let all = UnsafeMutablePointer<Lane>.allocate(capacity: lanesCount)

        init() { for i in 0..<lanesCount { unsafe (all + i).initialize(to: Lane()) } }

        deinit {
            unsafe all.deinitialize(count: lanesCount)
            unsafe all.deallocate()
        }
    }

    init() { lanes = LaneArray() }

    /// Goes in; what it returns is for `leave`.
    func enter() -> Int {
        // Threads' own blocks of memory lie pages apart.
        let thread = UInt64(pthread_self()) >> 12
        let lane = Int(truncatingIfNeeded: (thread &* 0x9E37_79B9_7F4A_7C15) >> 60)
        while true {
            unsafe lanes.all[lane].readers.add(1, ordering: .sequentiallyConsistent)
            // Either we see that the gate is closed, or who closed it sees us.
            if !isClosed.load(ordering: .sequentiallyConsistent) { return lane }
            unsafe lanes.all[lane].readers.subtract(1, ordering: .releasing)
            writing.withLock { _ in }
        }
    }

    func leave(_ lane: Int) { unsafe lanes.all[lane].readers.subtract(1, ordering: .releasing) }

    /// Runs `body` while nobody else is inside.
    func withAllOut<R>(_ body: () -> R) -> R {
        writing.withLock { _ in
            isClosed.store(true, ordering: .sequentiallyConsistent)
            defer { isClosed.store(false, ordering: .releasing) }
            for i in 0..<Self.lanesCount {
                while unsafe lanes.all[i].readers.load(ordering: .sequentiallyConsistent) > 0 { sched_yield() }
            }
            return body()
        }
    }
}
