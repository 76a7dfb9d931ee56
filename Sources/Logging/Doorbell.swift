// How a thread that logs wakes the logger thread: at the price of a memory fence while that is awake.

internal import Basics
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

    /// Sleeps until the bell rings, unless `hasWork` says that it has.
    func sleep(unless hasWork: () -> Bool) {
        isAsleep.store(true, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        // Whoever turns the flag back decides: we did, and nobody posts; or a ringer did, and its post is coming.
        if hasWork(), isAsleep.exchange(false, ordering: .acquiringAndReleasing) { return }
        while unsafe sem_wait(semaphore) != 0 && errno == EINTR {}
    }
}
