// A lock for what is read often and written seldom: readers do not wait for one another, a writer waits for all of them.
//
// Each thread counts its reads on a cache line of its own, so that a read costs two uncontended atomic additions. A writer
// closes the lock, waits until the counts are zero, and opens it again; readers that arrive meanwhile wait for the writer.
// A reader must not nest reads: a writer that arrives between them waits for the outer one, and the inner one for the writer.

internal import Basics
internal import Glibc
internal import Synchronization

struct ReadMostlyLock: ~Copyable, Sendable {
    /// With more threads than lanes, several share a lane: reads become slower, not wrong.
    private static let lanesCount = 16

    /// 128 bytes: processors prefetch cache lines in pairs.
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

    /// Begins a read. Returns the lane that `endReading` needs.
    func beginReading() -> Int {
        // Threads' control blocks lie whole pages apart: the lower bits say nothing.
        let thread = UInt64(pthread_self()) >> 12
        let lane = Int(truncatingIfNeeded: (thread &* 0x9E37_79B9_7F4A_7C15) >> 60)
        while true {
            unsafe lanes.all[lane].readers.add(1, ordering: .sequentiallyConsistent)
            // Sequential consistency: either this load sees the writer, or the writer sees the count.
            if !isClosed.load(ordering: .sequentiallyConsistent) { return lane }
            unsafe lanes.all[lane].readers.subtract(1, ordering: .releasing)
            writing.withLock { _ in }
        }
    }

    /// Ends a read.
    func endReading(_ lane: Int) { unsafe lanes.all[lane].readers.subtract(1, ordering: .releasing) }

    /// Runs `body` while no read and no other write is under way.
    func withoutReaders<R>(_ body: () -> R) -> R {
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
