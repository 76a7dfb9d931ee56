// How a thread that logs wakes the logger thread: at the price of a memory fence while that is awake.

internal import Basics
internal import CLinux
internal import Glibc
internal import Synchronization

/// A bell that any thread rings and one thread sleeps by.
@safe
final class Doorbell: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>
    private let isAsleep = Atomic<Bool>(false)

    init() {
        unsafe semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        let result = unsafe sem_init(semaphore, 0, 0)
        precondition(result == 0, "sem_init failed with \(errno)")
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    /// Wakes the sleeper if there is one. Call after the work it is to find has been published.
    func ring() {
        // Pairs with the fence in `sleep`: either the sleeper sees the work, or we see that it sleeps.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if isAsleep.load(ordering: .relaxed), isAsleep.exchange(false, ordering: .acquiringAndReleasing) {
            unsafe sem_post(semaphore)
        }
    }

    /// Sleeps until the bell rings or `limit` has come, unless `hasWork` says that there is work.
    func sleep(until limit: Instant = .never, unless hasWork: () -> Bool) {
        isAsleep.store(true, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        // Whoever turns the flag back decides: we did, and nobody posts; or a ringer did, and its post is coming.
        if hasWork(), isAsleep.exchange(false, ordering: .acquiringAndReleasing) { return }
        guard limit != .never else {
            while unsafe sem_wait(semaphore) != 0 && errno == EINTR {}
            return
        }
        var time = timespec()
        time.tv_sec = Int(limit.nanoseconds / 1_000_000_000)
        time.tv_nsec = Int(limit.nanoseconds % 1_000_000_000)
        while unsafe sem_clockwait(semaphore, CLOCK_MONOTONIC, &time) != 0 {
            guard errno == EINTR else {
                // The time has come. Who turns the flag back decides here too.
                if isAsleep.exchange(false, ordering: .acquiringAndReleasing) { return }
                while unsafe sem_wait(semaphore) != 0 && errno == EINTR {}
                return
            }
        }
    }
}
