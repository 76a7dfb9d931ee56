// One thread of the data path: wait, take the clock, dispatch what is ready, expire what is due, look into
// the mailbox. It holds no policy; that is in what it calls. Workers share nothing but atomics.

internal import Balancing
public import Basics
internal import HTTP
public import Logging
public import Reactor
internal import Resolvers
internal import Rules
internal import SystemPackage

/// The loop and what belongs to its thread alone.
public final class Worker {
    let index: Int
    let plan: Plan
    let kernel: any Kernel
    let log: LogChannel
    let buffers: BufferPool
    let orders: WorkerOrders
    /// What rules may ask of all that runs.
    let site: LiveSite
    /// For rules about connections that have just come in.
    private(set) lazy var connectionFacts = makeFacts()

    private(set) var slots = Slab<EventSource>()
    private var timers = TimerQueue()
    private var events: [Event] = []
    /// Connections that have more to do than was fair in one turn.
    private var unfinished: [SlotHandle] = []

    private(set) var listeners: [Listener] = []
    /// Server connections that can carry another request.
    let serverPools: ServerPools
    /// What this worker last saw of each backend's eligible servers.
    var views: [Backend.View]
    private var serversLeftAlone = ServersLeftAlone()
    private var spareExchanges: [Exchange] = []
    /// The fewest spare exchanges there were since memory was last given back.
    private var leastSpareExchanges = 0
    private(set) var exchangesUnderWay = 0
    private var exchangesBegun: UInt64 = 0
    private var nameTickets: UInt64 = 0
    /// Sent in this turn, by all connections.
    var bytesSent: UInt64 = 0
    private var buffersNoted = (lent: 0, kept: 0)
    /// For names that are asked for.
    var nameKey = NameTable.Key()
    /// For lines and values in the making.
    var scratch: [UInt8] = []
    /// For answers that say when they were made.
    var dateField = HTTPDateValue()
    private(set) var isStopping = false
    private var listeningOrder = 0

    /// - Parameter listeners: sockets that listen, with the frontend each belongs to.
    public init(
        index: Int, plan: Plan, kernel: any Kernel, log: LogChannel, orders: WorkerOrders,
        listeners: [(socket: Socket, bind: BindPlan)]
    ) {
        self.index = index
        self.plan = plan
        self.kernel = kernel
        self.log = log
        self.orders = orders
        site = LiveSite(plan, kernel, log)
        buffers = BufferPool(blockBytes: plan.bufferBytes)
        serverPools = ServerPools(plan.idleConnections, worker: index)
        views = plan.backends.map { _ in Backend.View() }
        scratch.reserveCapacity(4_096)
        for (socket, bind) in listeners {
            let listener = Listener(socket, bind)
            listener.entered(as: slots.insert(listener))
            listener.resume(self)
            self.listeners.append(listener)
        }
    }

    public var now: Instant { kernel.now }

    /// Runs until told to stop and everything has ended.
    public func run() {
        while !isFinished { turn(until: .never) }
    }

    /// One round: waits at most until `limit`, then does everything that is to be done now.
    public func turn(until limit: Instant) {
        let wake = unfinished.isEmpty ? min(timers.next, serversLeftAlone.next(for: index), limit) : now
        kernel.wait(until: wake, into: &events)
        for event in events {
            slots[SlotHandle(packed: event.token)]?.ready(event.readiness, self)
        }
        while let (handle, due) = timers.popDue(by: now) {
            slots[handle]?.timerFired(due: due, self)
        }
        serversLeftAlone.offer(self)
        resumeUnfinished()
        obeyOrders()
        handOutAnswers()
        handOutPlaces()
        noteProgress()
    }

    /// Makes known what this turn has sent, and how many buffers it left in use.
    private func noteProgress() {
        let held = (lent: buffers.lent, kept: buffers.kept)
        guard bytesSent > 0 || held != buffersNoted else { return }
        plan.counters.note(
            bytesSent: bytesSent, buffersLent: held.lent, buffersKept: held.kept, worker: index, at: now)
        bytesSent = 0
        buffersNoted = held
    }

    /// Whether the worker was told to stop and nothing is left to do.
    public var isFinished: Bool { isStopping && slots.count == 0 }

    private func resumeUnfinished() {
        guard !unfinished.isEmpty else { return }
        let handles = unfinished
        unfinished.removeAll(keepingCapacity: true)
        for handle in handles {
            guard let watched = slots[handle] else { continue }
            watched.awaitsTurn = false
            watched.ready([], self)
        }
    }

    /// Comes back to a connection in the next turn, although no event will tell.
    func resumeLater(_ connection: Connection) {
        guard !connection.awaitsTurn else { return }
        connection.awaitsTurn = true
        unfinished.append(connection.handle)
    }

    func schedule(_ handle: SlotHandle, at due: Instant) { timers.schedule(handle, at: due) }

    /// Takes a connection into the table and watches it. Not nil if the system cannot watch it: then it is to be closed.
    func enter(_ connection: Connection) -> Errno? {
        connection.entered(as: slots.insert(connection))
        guard let reason = kernel.watch(connection.socket, for: .streaming, token: connection.handle.packed) else {
            return nil
        }
        leave(connection)
        return reason
    }

    /// The same for a connection that another worker has watched so far.
    func adopt(_ connection: Connection, from other: any WatchSet) -> Errno? {
        connection.entered(as: slots.insert(connection))
        let reason = kernel.adopt(connection.socket, from: other, token: connection.handle.packed)
        if reason != nil { leave(connection) }
        return reason
    }

    /// Closes an idle server connection where the system is short of what a new connection needs; false if that does not help.
    func makeRoom(for want: Errno) -> Bool {
        guard [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noSpace].contains(want) else { return false }
        return serverPools.makeRoom(self)
    }

    /// The server refuses connections of this worker.
    func leaveAlone(_ server: Server, of backend: BackendPlan) { serversLeftAlone.add(server, of: backend) }

    /// A request waits that the server has just failed: it may try it again in a moment.
    func offerLater(_ server: Server, of backend: BackendPlan) {
        serversLeftAlone.offerLater(server, of: backend, at: now + Server.timeLeftAlone)
    }

    /// The server takes connections again.
    func leaveAloneNoMore(_ server: Server) { serversLeftAlone.remove(server) }

    /// Forgets it; events still on their way to it miss.
    func leave(_ watched: EventSource) { slots.remove(watched.handle) }

    // MARK: Exchanges

    func takeExchange() -> Exchange {
        exchangesUnderWay += 1
        guard let spare = spareExchanges.popLast() else { return Exchange(makeFacts()) }
        if spareExchanges.count < leastSpareExchanges { leastSpareExchanges = spareExchanges.count }
        return spare
    }

    /// Facts that know what is the same for all exchanges of this worker.
    private func makeFacts() -> ExchangeFacts {
        let facts = ExchangeFacts()
        facts.site = site
        facts.threadIndex = index
        facts.headBytesMax = plan.bufferBytes - Limits.headBytesReserved
        facts.regularStepsMax = plan.regularStepsMax
        facts.processVariables = plan.variables
        return facts
    }

    /// A number that no other exchange of the process has (%rt).
    func nextExchangeNumber() -> UInt64 {
        exchangesBegun += 1
        return (exchangesBegun - 1) * UInt64(plan.process.threads) + UInt64(index)
    }

    /// A number that no other question of this worker has.
    func nextNameTicket() -> UInt64 {
        nameTickets += 1
        return nameTickets
    }

    func giveBack(_ exchange: Exchange) {
        exchangesUnderWay -= 1
        if spareExchanges.count < Limits.spareExchanges { spareExchanges.append(exchange) }
    }

    /// Connections, listeners and exchanges in the worker's hands: all zero when it is at rest after stopping.
    public var holdings: (watched: Int, exchanges: Int, buffers: Int) {
        (slots.count, exchangesUnderWay, buffers.lent)
    }

    // MARK: Orders from the control thread

    private func obeyOrders() {
        let order = orders.latest
        if orders.takeResume() {
            for listener in listeners { listener.resume(self) }
        }
        if orders.listeningOrder != listeningOrder { obeyListeningOrder() }
        if orders.takeTrim() { trim() }
        if orders.takeUnusedTrim() { trimUnused() }
        guard order != .run else { return }
        if !isStopping { stopSoftly() }
        if order == .stopNow { stopNow() }
    }

    /// Exchanges that waited for an address go on. Whoever has left in the meantime wants to know nothing any more.
    private func handOutAnswers() {
        for answer in orders.takeAnswers() {
            (slots[SlotHandle(packed: answer.waiter.owner)] as? ClientConnection)?.nameAnswered(answer, self)
        }
    }

    /// Requests that waited for a server go on. What they do may free places that others of this worker have waited for.
    private func handOutPlaces() {
        while true {
            let grants = orders.takeGrants()
            if grants.isEmpty { return }
            for grant in grants {
                let client = slots[SlotHandle(packed: grant.owner)] as? ClientConnection
                // Whoever waited may have left in the meantime.
                if client?.placeGranted(grant, self) != true {
                    grant.backend.release(grant.server, by: index, now: now)
                }
            }
        }
    }

    /// Gives addresses up for a while, or takes them back.
    private func obeyListeningOrder() {
        listeningOrder = orders.listeningOrder
        for listener in listeners {
            if listeningOrder.isMultiple(of: 2) { listener.listenAgain(self) } else { listener.stopListening(self) }
        }
    }

    /// Gives memory back that is only kept for speed.
    private func trim() {
        let blocks = buffers.trim()
        let exchanges = spareExchanges.count
        spareExchanges = []
        leastSpareExchanges = 0
        Heap.trim()
        log.event(
            .notice, to: plan.logTargets,
            "Worker \(index + 1) gave back \(blocks) buffers of \(buffers.blockBytes) bytes and \(exchanges) exchanges; "
                + "\(buffers.lent) buffers and \(exchangesUnderWay) exchanges are in use.")
    }

    /// Gives back buffers and exchanges that were not needed since the last call.
    private func trimUnused() {
        _ = buffers.trimUnused()
        spareExchanges.removeLast(leastSpareExchanges)
        leastSpareExchanges = spareExchanges.count
    }

    /// Listeners close; idle connections close; exchanges finish.
    private func stopSoftly() {
        isStopping = true
        site.isStopping = true
        for listener in listeners { listener.close(self) }
        listeners.removeAll()
        for watched in slots.elements { (watched as? ClientConnection)?.stopWhenIdle(self) }
        serverPools.closeAll(self)
    }

    private func stopNow() {
        for watched in slots.elements { (watched as? ClientConnection)?.abandon(self) }
        serverPools.closeAll(self)
    }
}
