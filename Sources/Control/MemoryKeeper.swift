// Gives memory back to the system after a burst. Lives on the control thread.
//
// Buffers and exchanges go back once they were not needed for a whole period. What connections leave behind in the heaps is
// returned after the number of clients has fallen by much: then most pages of the heaps are free, and returning them takes
// milliseconds for which a worker may have to wait.

internal import Basics
internal import Proxy
internal import Reactor

/// Looks every second how many clients there are, and every few seconds has the workers give back what they do not need.
final class MemoryKeeper: LoopTask {
    private let site: Site
    private let pool: BufferPool
    private var handle = SlotHandle(index: 0, generation: 0)
    private var seconds = 0
    /// The most clients at once since the heaps were last trimmed.
    private var peak = 0
    /// Rounds that still trim the heaps: exchanges of a burst go back in the second round behind it.
    private var roundsLeft = 0

    private static let period = TimeSpan.seconds(1)
    /// Seconds between two rounds: longer than the pauses between bursts that follow each other, and twice as much is well
    /// below the minute after which memory is to be back.
    private static let roundSeconds = 10
    /// A fall of this many clients leaves some megabytes behind, which is worth the trim.
    private static let fallMin = 250
    private static let roundsAfterFall = 3

    /// - Parameter pool: that of the control thread.
    static func start(_ site: Site, pool: BufferPool, in loop: TaskLoop) -> MemoryKeeper {
        Heap.configure()
        let keeper = MemoryKeeper(site, pool)
        keeper.handle = loop.add(keeper)
        loop.setDeadline(loop.now + period, of: keeper.handle)
        return keeper
    }

    func stop(in loop: TaskLoop) { loop.remove(handle) }

    private init(_ site: Site, _ pool: BufferPool) {
        self.site = site
        self.pool = pool
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {}

    func expired(in loop: TaskLoop) {
        loop.setDeadline(loop.now + Self.period, of: handle)
        let clients = site.admission.connections.current
        // A burst may begin and end between two looks.
        peak = max(peak, site.admission.connections.takeRecentMaximum())
        if site.freeOldPlans() { roundsLeft = max(roundsLeft, 1) }
        seconds += 1
        switch seconds % Self.roundSeconds {
        case 0:
            _ = pool.trimUnused()
            for worker in site.workers.mailboxes { worker.trimUnused() }
        case 1:
            // A second after the round the workers have done it.
            if peak - clients >= max(Self.fallMin, peak / 4) {
                roundsLeft = Self.roundsAfterFall
                peak = clients
            }
            guard roundsLeft > 0 else { return }
            roundsLeft -= 1
            Heap.trim()
        default: break
        }
    }
}
