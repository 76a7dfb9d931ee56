// How a thread that logs wakes the logger thread: at the price of a memory fence while that is awake.

internal import Reactor
internal import Synchronization

/// A bell that any thread rings and one thread sleeps by.
final class Doorbell: Sendable {
    private let waker = AtomicLazyReference<Waker>()
    private let isAsleep = Atomic<Bool>(false)

    /// Makes known what ends the sleeper's wait. Once, before it sleeps.
    func connect(to waker: Waker) { _ = self.waker.storeIfNil(waker) }

    /// Wakes the sleeper if there is one. Call after the work it is to find has been published.
    func ring() {
        // Pairs with the fence in `sleep`: either the sleeper sees the work, or this thread sees that it sleeps.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if isAsleep.load(ordering: .relaxed), isAsleep.exchange(false, ordering: .acquiringAndReleasing) {
            waker.load()?.wake()
        }
    }

    /// Calls `wait`, which the bell ends, unless `hasWork` says that there is work. A wait may also end for no reason: a ring that
    /// comes while the sleeper wakes up ends its next one.
    func sleep(unless hasWork: () -> Bool, _ wait: () -> Void) {
        isAsleep.store(true, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if !hasWork() { wait() }
        isAsleep.store(false, ordering: .relaxed)
    }
}
