// One thread of the data path: wait, take the clock, dispatch what is ready, expire what is due, look into
// the mailbox. It holds no policy; that is in what it calls. Workers share nothing but atomics.

internal import Balancing
public import Basics
internal import Expressions
internal import HTTP
public import Logging
public import Reactor
internal import Resolvers
internal import StaticFiles
internal import SystemPackage

/// The loop and what belongs to its thread alone.
public final class Worker {
    let index: Int
    /// The plan that it goes by; streams that began before may have another.
    @safe @exclusivity(unchecked) var inUse: PlanInUse
    var plan: Plan { inUse.plan }
    /// That of the plan in use.
    @safe @exclusivity(unchecked) var generation: UInt32
    /// Where to go on with moving connections to the plan; nil when all have been looked at.
    @safe @exclusivity(unchecked) var nextEntryToMove: Int?
    /// What lives beside the plan. On the path of a request it is reached here: `plan` would have to be retained.
    let shared: Site
    /// The size of a buffer.
    let bufferBytes: Int
    let kernel: any Kernel
    let log: LogChannel
    let buffers: BufferPool
    let orders: WorkerMailbox
    private var site: LiveRuntimeState { inUse.runtimeState }
    /// For rules about connections that have just come in.
    lazy var connectionContext = makeContext()
    @safe @exclusivity(unchecked) var slots = Slab<EventSource>()
    @safe @exclusivity(unchecked) private var timers = TimerQueue()
    @safe @exclusivity(unchecked) private var events: [Event] = []
    /// Connections that have more to do than was fair in one turn.
    @safe @exclusivity(unchecked) private var unfinished: [SlotHandle] = []
    var listeners: [Listener] = []
    @safe @exclusivity(unchecked) var pipes: PipePool
    /// Server connections that can carry another request.
    let serverPools: ServerPools
    @safe @exclusivity(unchecked) var serversLeftAlone = ServersLeftAlone()
    @safe @exclusivity(unchecked) var spareExchanges = SpareStreams<Exchange>(keeping: Limits.spareExchanges)
    @safe @exclusivity(unchecked) var spareTunnels = SpareStreams<Tunnel>(keeping: Limits.spareTunnels)
    @safe @exclusivity(unchecked) private(set) var streamsUnderWay = 0
    @safe @exclusivity(unchecked) private var exchangesBegun: UInt64 = 0
    @safe @exclusivity(unchecked) private var tickets: UInt64 = 0
    /// Connections of HTTP/2 in which something waits to be sent at the end of the turn.
    @safe @exclusivity(unchecked) var unflushed: [Multiplexer] = []
    @safe @exclusivity(unchecked) var spareClientStreams: [ClientConnection] = []
    /// Sent in this turn, by all connections.
    @safe @exclusivity(unchecked) var bytesSent: UInt64 = 0
    @safe @exclusivity(unchecked) private var buffersNoted = (lent: 0, kept: 0)
    @safe @exclusivity(unchecked) var files: FileCache
    /// For names that are asked for.
    @safe @exclusivity(unchecked) var nameKey = NameTable.Key()
    /// For lines and values in the making.
    @safe @exclusivity(unchecked) var scratch: [UInt8] = []
    /// For answers that say when they were made.
    @safe @exclusivity(unchecked) var dateField = HTTPDateValue()
    /// What the exchanges' transition function is called with; nil but in a simulation.
    @safe @exclusivity(unchecked) public var transitions: TransitionCoverage?
    @safe @exclusivity(unchecked) private(set) var isStopping = false
    @safe @exclusivity(unchecked) private var listeningOrder = 0
    /// The numbers of the sockets that it listened on when it was told to stop.
    private(set) var socketsStoppedOn: Set<Int32> = []

    /// - Parameter listeners: sockets that listen, with the frontend each belongs to.
    public init(
        index: Int, plan: Plan, kernel: any Kernel, log: LogChannel, orders: WorkerMailbox,
        listeners: [(socket: Socket, bind: BindPlan)]
    ) {
        self.index = index
        inUse = PlanInUse(first: plan, LiveRuntimeState(plan.scope, kernel, log))
        generation = plan.generation
        shared = plan.site
        bufferBytes = shared.bufferBytes
        self.kernel = kernel
        now = kernel.now
        self.log = log
        self.orders = orders
        buffers = BufferPool(blockBytes: bufferBytes)
        pipes = PipePool(lentMost: plan.settings.splices ? Limits.pipes : 0)
        serverPools = ServerPools(shared.idleConnections, worker: index)
        files = FileCache(plan.fileCacheLimits)
        scratch.reserveCapacity(4_096)
        for (socket, bind) in listeners {
            listen(on: socket, bind)
        }
    }

    /// Takes connections in that come to a socket.
    func listen(on socket: Socket, _ bind: BindPlan) {
        let listener = Listener(socket, bind, ofWorker: index)
        listener.entered(as: slots.insert(listener))
        listener.resume(self)
        if !listeningOrder.isMultiple(of: 2) { listener.stopListening(self) }
        listeners.append(listener)
    }

    /// The kernel's, as of the beginning of this turn.
    @safe @exclusivity(unchecked) public private(set) var now: Instant

    /// Runs until told to stop and everything has ended.
    public func run() {
        while !isFinished { turn(until: .never) }
    }

    /// One round: waits at most until `limit`, then does everything that is to be done now.
    public func turn(until limit: Instant) {
        let isIdle = unfinished.isEmpty && unflushed.isEmpty && nextEntryToMove == nil
        let wake = isIdle ? min(timers.next, serversLeftAlone.next(for: index), limit) : now
        kernel.wait(until: wake, into: &events)
        now = kernel.now
        for event in events {
            slots[SlotHandle(packed: event.token)]?.ready(event.readiness, self)
        }
        while let (handle, due) = timers.popDue(by: now) {
            slots[handle]?.timerFired(due: due, self)
        }
        serversLeftAlone.offer(self)
        resumeUnfinished()
        obeyOrders()
        moveEntries()
        handOutAnswers()
        handOutSlots()
        if !unflushed.isEmpty { flushMultiplexers() }
        noteProgress()
    }

    /// Makes known what this turn has sent, and how many buffers it left in use.
    private func noteProgress() {
        let held = (lent: buffers.lent, kept: buffers.kept)
        guard bytesSent > 0 || held != buffersNoted else { return }
        shared.counters.note(
            bytesSent: bytesSent, buffersLent: held.lent, buffersKept: held.kept, worker: index, at: now)
        bytesSent = 0
        buffersNoted = held
    }

    /// Whether the worker was told to stop and nothing is left to do.
    public var isFinished: Bool { isStopping && sourcesInUse == 0 }

    /// Occupied slots but for those that spare streams keep.
    private var sourcesInUse: Int { slots.count - spareExchanges.count - spareTunnels.count }

    private func resumeUnfinished() {
        guard !unfinished.isEmpty else { return }
        let handles = unfinished
        unfinished.removeAll(keepingCapacity: true)
        for handle in handles {
            // A stream that has ended since then wants its turn no more.
            guard let source = slots[handle], source.awaitsTurn else { continue }
            source.awaitsTurn = false
            source.ready([], self)
        }
    }

    /// Calls `ready` of the source in the next turn, although no event will tell.
    func resumeLater(_ source: EventSource) {
        guard !source.awaitsTurn else { return }
        source.awaitsTurn = true
        unfinished.append(source.handle)
    }

    func schedule(_ handle: SlotHandle, at due: Instant) { timers.schedule(handle, at: due) }

    /// Has the connection send what it has at the end of this turn.
    func flushLater(_ multiplexer: Multiplexer) { unflushed.append(multiplexer) }

    /// What is sent may let streams go on, which then send on other connections: those follow in this turn too, as far as that is fair.
    private func flushMultiplexers() {
        for _ in 0..<Limits.movesPerTurn where !unflushed.isEmpty {
            let multiplexers = unflushed
            unflushed.removeAll(keepingCapacity: true)
            for multiplexer in multiplexers { multiplexer.flushNow() }
        }
    }

    /// Takes the connection of one stream of HTTP/2 into the table: nothing of it is watched.
    func enterStream(_ connection: Connection) { connection.entered(as: slots.insert(connection)) }

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

    /// The server refuses connections of this worker.
    func leaveAlone(_ server: Server, of backend: BackendPlan) { serversLeftAlone.add(server, of: backend) }

    /// A request waits that the server has just failed: it may try it again in a moment.
    func offerLater(_ server: Server, of backend: BackendPlan) {
        serversLeftAlone.offerLater(server, of: backend, at: now + Server.timeLeftAlone)
    }

    /// The server takes connections again.
    func leaveAloneNoMore(_ server: Server) { serversLeftAlone.remove(server) }

    /// Forgets it; events still on their way to it miss.
    func leave(_ source: EventSource) { slots.remove(source.handle) }

    // MARK: Streams

    func takeExchange() -> Exchange {
        guard let spare = spareExchanges.take() else { return makeExchange(with: makeContext()) }
        streamsUnderWay += 1
        return spare
    }

    func makeExchange(with context: ExchangeContext) -> Exchange {
        let exchange = Exchange(context)
        enterFresh(exchange)
        return exchange
    }

    func takeTunnel() -> Tunnel {
        guard let spare = spareTunnels.take() else { return makeTunnel(with: makeContext()) }
        streamsUnderWay += 1
        return spare
    }

    func makeTunnel(with context: ExchangeContext) -> Tunnel {
        let tunnel = Tunnel(context)
        enterFresh(tunnel)
        return tunnel
    }

    private func enterFresh(_ stream: ProxyStream) {
        streamsUnderWay += 1
        stream.entered(as: slots.insert(stream))
    }

    /// Another stream goes on in its place, with its context.
    func retire(_ stream: ProxyStream) {
        reset(stream)
        leave(stream)
    }

    /// The exchange has ended: its object may serve again.
    func recycle(_ exchange: Exchange) {
        reset(exchange)
        exchange.context.forgetConnection()
        if exchange.context.site !== site || !spareExchanges.keep(exchange) { leave(exchange) }
    }

    func recycle(_ tunnel: Tunnel) {
        reset(tunnel)
        tunnel.context.forgetConnection()
        if tunnel.context.site !== site || !spareTunnels.keep(tunnel) { leave(tunnel) }
    }

    private func reset(_ stream: ProxyStream) {
        streamsUnderWay -= 1
        stream.forget()
        stream.awaitsTurn = false
        if stream.deadline != .never { stream.setDeadline(.never, self) }
    }

    /// A context that knows what is the same for all exchanges of this worker.
    func makeContext() -> ExchangeContext {
        let context = ExchangeContext()
        context.site = site
        context.threadIndex = index
        context.headBytesMax = bufferBytes - Limits.headBytesReserved
        context.regularStepsMax = plan.settings.regularStepsMax
        context.processVariables = shared.variables
        return context
    }

    /// A number that no other exchange of the process has (%rt).
    func nextExchangeNumber() -> UInt64 {
        exchangesBegun += 1
        return (exchangesBegun - 1) * UInt64(shared.process.threads) + UInt64(index)
    }

    /// A number that no other question of this worker has.
    func nextTicket() -> UInt64 {
        tickets += 1
        return tickets
    }

    /// Connections and listeners, streams, and buffers in the worker's hands: all zero when it is at rest after stopping.
    public var holdings: (watched: Int, exchanges: Int, buffers: Int) {
        (sourcesInUse - streamsUnderWay, streamsUnderWay, buffers.lent + buffers.parked)
    }

    // MARK: Orders from the control thread

    private func obeyOrders() {
        let order = orders.latest
        if let plan = orders.takeSwitch() { obey(plan) }
        if orders.takeResume() {
            for listener in listeners { listener.resume(self) }
        }
        if orders.listeningOrder != listeningOrder { obeyListeningOrder() }
        if orders.takeTrim() { trim() }
        if orders.takeUnusedTrim() { trimUnused() }
        endSessions()
        guard order != .run else { return }
        if !isStopping { stopSoftly() }
        if order == .stopNow {
            for source in slots.elements { (source as? ClientConnection)?.abandon(self) }
            serverPools.closeAll(self)
            flushMultiplexers()
        }
    }

    /// Gives addresses up for a while, or takes them back.
    private func obeyListeningOrder() {
        listeningOrder = orders.listeningOrder
        for listener in listeners {
            if listeningOrder.isMultiple(of: 2) { listener.listenAgain(self) } else { listener.stopListening(self) }
        }
    }

    /// Listeners close; idle connections close; exchanges finish.
    private func stopSoftly() {
        isStopping = true
        site.isStopping = true
        socketsStoppedOn = Set(listeners.map(\.socket.number))
        for listener in listeners { listener.close(self) }
        listeners.removeAll()
        for source in slots.elements { (source as? ClientConnection)?.stopWhenIdle(self) }
        serverPools.closeAll(self)
    }
}
