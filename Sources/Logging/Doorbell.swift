// Wakes the logger thread. While it is awake, the cost for a thread that logs is a memory fence.

internal import Reactor
internal import Synchronization

/// A wake-up signal that any thread can send and one thread sleeps on.
final class Doorbell: Sendable {
    private let waker = AtomicLazyReference<Waker>()
    private let isAsleep = Atomic<Bool>(false)

    /// Sets the waker of the sleeping thread. Call once, before the thread sleeps.
    func connect(to waker: Waker) { _ = self.waker.storeIfNil(waker) }

    /// Wakes the sleeping thread, if it sleeps. Call after publishing the work for it.
    func ring() {
        // Pairs with the fence in `sleep`: either the sleeper sees the work, or this thread sees that it sleeps.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if isAsleep.load(ordering: .relaxed), isAsleep.exchange(false, ordering: .acquiringAndReleasing) {
            waker.load()?.wake()
        }
    }

    /// Calls `wait`, which `ring` ends, unless `hasWork` returns true. A wait may also end spuriously: a `ring` during
    /// a wake-up ends the next wait.
    func sleep(unless hasWork: () -> Bool, _ wait: () -> Void) {
        isAsleep.store(true, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if !hasWork() { wait() }
        isAsleep.store(false, ordering: .relaxed)
    }
}
