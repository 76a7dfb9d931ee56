// What other threads tell a worker: atomics it looks at after each turn, and a wakeup that ends its wait.

internal import Balancing
public import Basics
public import Reactor
public import Resolvers
internal import Synchronization

/// The mailbox of one worker.
public final class WorkerMailbox: Sendable {
    public enum Order: UInt8, Sendable { case run, stopSoftly, stopNow }

    private let order = Atomic<UInt8>(Order.run.rawValue)
    private let resumeWanted = Atomic<Bool>(false)
    private let hasGrants = Atomic<Bool>(false)
    private let grants = Lock<[SlotGrant]>([])
    private let hasAnswers = Atomic<Bool>(false)
    private let answers = Lock<[NameAnswer]>([])
    private let hasSessionEnds = Atomic<Bool>(false)
    private let sessionEnds = Lock<[(server: Server, end: SessionEnd)]>([])
    /// Twice the number of orders about listening so far; one more if the last was to stop.
    private let listening = Atomic<Int>(0)
    private let hasSwitch = Atomic<Bool>(false)
    private let planSwitch = Lock<PlanSwitch?>(nil)
    private let lastGeneration = Atomic<UInt32>(0)
    private let trimWanted = Atomic<Bool>(false)
    private let unusedTrimWanted = Atomic<Bool>(false)
    private let wakeup: Wakeup?

    /// - Parameter wakeup: ends the worker's wait; nil where no thread waits, as in a simulation.
    public init(wakeup: Wakeup?) { self.wakeup = wakeup }

    var latest: Order {
        guard let order = Order(rawValue: order.load(ordering: .acquiring)) else {
            preconditionFailure("an order nobody gave")
        }
        return order
    }

    /// A later order overrides an earlier one.
    public func give(_ newOrder: Order) {
        order.store(newOrder.rawValue, ordering: .releasing)
        wakeup?.wake()
    }

    /// Another number for each order about listening; even if listeners are to have their addresses, odd if another process may want
    /// them for a while.
    var listeningOrder: Int { listening.load(ordering: .relaxed) }

    /// Called by one thread only.
    public func setListening(_ listens: Bool) {
        let count = listening.load(ordering: .relaxed) / 2 + 1
        listening.store(count * 2 + (listens ? 0 : 1), ordering: .relaxed)
        wakeup?.wake()
    }

    /// The worker is to go on with another plan. No other may be told of before the worker has acknowledged this one.
    public func switchTo(_ order: PlanSwitch) {
        planSwitch.withLock { pending in
            precondition(pending == nil, "a worker would pass over a plan")
            pending = order
        }
        hasSwitch.store(true, ordering: .releasing)
        wakeup?.wake()
    }

    func takeSwitch() -> PlanSwitch? {
        guard hasSwitch.load(ordering: .relaxed), hasSwitch.exchange(false, ordering: .acquiring) else { return nil }
        return planSwitch.withLock { $0.take() }
    }

    /// The generation of the plan that the worker has gone over to last; 0 before the first switch.
    public var acknowledged: UInt32 { lastGeneration.load(ordering: .acquiring) }

    func acknowledge(_ generation: UInt32) { lastGeneration.store(generation, ordering: .releasing) }

    /// Asks for memory that is kept for speed alone.
    public func trim() {
        trimWanted.store(true, ordering: .releasing)
        wakeup?.wake()
    }

    /// Asks the worker to give back memory that it has not needed since the last time.
    public func trimUnused() {
        unusedTrimWanted.store(true, ordering: .releasing)
        wakeup?.wake()
    }

    func takeUnusedTrim() -> Bool {
        unusedTrimWanted.load(ordering: .relaxed) && unusedTrimWanted.exchange(false, ordering: .acquiring)
    }

    func takeTrim() -> Bool {
        trimWanted.load(ordering: .relaxed) && trimWanted.exchange(false, ordering: .acquiring)
    }

    /// A connection has ended somewhere: listeners that pause at a limit may accept again.
    func resumeListeners() {
        resumeWanted.store(true, ordering: .releasing)
        wakeup?.wake()
    }

    func takeResume() -> Bool {
        resumeWanted.load(ordering: .relaxed) && resumeWanted.exchange(false, ordering: .acquiring)
    }

    /// One of the worker's requests that waited has a place on a server.
    func deliver(_ grant: SlotGrant, wakes: Bool) {
        grants.withLock { $0.append(grant) }
        hasGrants.store(true, ordering: .releasing)
        if wakes { wakeup?.wake() }
    }

    /// What has been delivered since the last time.
    func takeGrants() -> [SlotGrant] {
        guard hasGrants.load(ordering: .relaxed), hasGrants.exchange(false, ordering: .acquiring) else { return [] }
        return grants.withLock { grants in
            defer { grants.removeAll() }
            return grants
        }
    }

    /// The worker's sessions on the server are to end.
    func endSessions(on server: Server, _ end: SessionEnd) {
        sessionEnds.withLock { $0.append((server, end)) }
        hasSessionEnds.store(true, ordering: .releasing)
        wakeup?.wake()
    }

    /// What has been ordered since the last time.
    func takeSessionEnds() -> [(server: Server, end: SessionEnd)] {
        guard hasSessionEnds.load(ordering: .relaxed), hasSessionEnds.exchange(false, ordering: .acquiring) else {
            return []
        }
        return sessionEnds.withLock { ends in
            defer { ends.removeAll() }
            return ends
        }
    }

    /// A name that one of the worker's exchanges waits for was looked up.
    public func deliver(_ answer: NameAnswer) {
        answers.withLock { $0.append(answer) }
        hasAnswers.store(true, ordering: .releasing)
        wakeup?.wake()
    }

    /// What has been delivered since the last time.
    func takeAnswers() -> [NameAnswer] {
        guard hasAnswers.load(ordering: .relaxed), hasAnswers.exchange(false, ordering: .acquiring) else { return [] }
        return answers.withLock { answers in
            defer { answers.removeAll() }
            return answers
        }
    }
}

/// What came of the look-up of a name that a stream waits for.
public struct NameAnswer: Sendable {
    let waiter: NameWaiter
    /// Nil if there is none.
    let address: IPAddress?

    public init(for waiter: NameWaiter, _ address: IPAddress?) {
        self.waiter = waiter
        self.address = address
    }
}

/// The mailboxes of all workers. Whatever is for a worker goes through it, so that what delivers may be there before the workers are.
public final class WorkerSet: Sendable {
    private let known = Lock<[WorkerMailbox]>([])

    init() {}

    /// One for each worker, by the worker's index.
    public var mailboxes: [WorkerMailbox] { known.withLock { $0 } }

    /// Makes the workers known. Called before the first of them runs.
    public func set(_ mailboxes: [WorkerMailbox]) { known.withLock { $0 = mailboxes } }

    subscript(worker: Int) -> WorkerMailbox { known.withLock { $0[worker] } }

    /// Tells the worker that asked.
    public func deliver(_ answer: NameAnswer) { self[answer.waiter.worker].deliver(answer) }
}
