// A worker goes from one plan to the next, at the end of a turn, when nothing of it is in the middle of a step.
//
// What is under way ends under the plan that it began with: streams refer to the address that their client came to, and so to its plan.
// Connections go over to the new plan between two streams: those of clients if the new plan has their frontend and address, those to
// servers if it has their backend. A client's connection that has no place in the new plan departs: its stream ends, and no other
// follows. All that a worker keeps for speed alone is made anew.

public import Balancing
internal import Basics
internal import Expressions
public import Reactor
internal import StaticFiles

/// What a worker needs in order to go on with another plan.
public struct PlanSwitch: Sendable {
    let plan: Plan
    /// All the sockets on which the worker listens from then on; those that it has already are not touched.
    let listeners: [(socket: Socket, bind: BindPlan)]
    /// Servers that no backend has any more.
    let removedServers: [Server]
    /// The numbers of sockets that are not closed although nothing listens there any more: the process was started with them.
    let keepsOpen: Set<Int32>

    public init(
        plan: Plan, listeners: [(socket: Socket, bind: BindPlan)], removedServers: [Server], keepsOpen: Set<Int32> = []
    ) {
        self.plan = plan
        self.listeners = listeners
        self.removedServers = removedServers
        self.keepsOpen = keepsOpen
    }
}

/// The plan that a worker has, and where the parts of an older one are in it.
struct PlanInUse {
    let plan: Plan
    /// What rules may ask of all that runs.
    let runtimeState: LiveRuntimeState
    // By what lives: made for a switch, and empty before the first.
    private let addresses: [ObjectIdentifier: BindPlan]
    private let backends: [ObjectIdentifier: BackendPlan]

    init(first plan: Plan, _ runtimeState: LiveRuntimeState) {
        self.plan = plan
        self.runtimeState = runtimeState
        (addresses, backends) = ([:], [:])
    }

    init(next plan: Plan, _ runtimeState: LiveRuntimeState) {
        self.plan = plan
        self.runtimeState = runtimeState
        addresses = Dictionary(
            plan.binds.map { (ObjectIdentifier($0.live), $0) }, uniquingKeysWith: { first, _ in first })
        backends = Dictionary(
            plan.backends.map { (ObjectIdentifier($0.backend), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The same address of the same frontend; nil if there is none, or if connections there begin otherwise.
    func address(_ old: BindPlan) -> BindPlan? {
        guard let new = addresses[ObjectIdentifier(old.live)], new.frontend.live === old.frontend.live,
            new.frontend.mode == old.frontend.mode, (new.tls == nil) == (old.tls == nil)
        else { return nil }
        return new
    }

    func backend(_ old: BackendPlan) -> BackendPlan? {
        guard let new = backends[ObjectIdentifier(old.backend)], new.mode == old.mode else { return nil }
        return new
    }
}

extension Worker {
    /// How many entries of the table are looked at in one turn.
    private static let entriesPerTurn = 2_048

    func obey(_ order: PlanSwitch) {
        guard !isStopping else { return refuse(order) }
        closeListeners(order)
        use(order.plan)
        follow(order.listeners)
        for server in order.removedServers { serverPools.forget(server, self) }
        serverPools.forgetRemoved(self)
        serversLeftAlone.forgetRemoved()
        for backend in order.plan.backends { backend.backend.seeRoster(by: index) }
        nextEntryToMove = 0
        orders.acknowledge(order.plan.generation)
    }

    /// A worker that stops has no use for sockets that were opened for it.
    private func refuse(_ order: PlanSwitch) {
        // Those that it had are closed already, and their numbers may be those of other sockets by now.
        for (socket, _) in order.listeners
        where !order.keepsOpen.contains(socket.number) && !socketsStoppedOn.contains(socket.number) {
            kernel.close(socket, reset: false)
        }
        orders.acknowledge(order.plan.generation)
    }

    /// Under the plan before: what is in the system's queues was meant for it.
    private func closeListeners(_ order: PlanSwitch) {
        let kept = Set(order.listeners.map(\.socket.number))
        for listener in listeners where !kept.contains(listener.socket.number) {
            listener.close(self, leavesOpen: order.keepsOpen.contains(listener.socket.number))
        }
        listeners.removeAll { !kept.contains($0.socket.number) }
    }

    /// Goes by the plan from here on. What was kept for streams of the plan before is given up.
    private func use(_ plan: Plan) {
        inUse = PlanInUse(next: plan, makeRuntimeState(of: plan.scope))
        generation = plan.generation
        connectionContext = makeContext()
        pipes.lentMost = plan.settings.splices ? Limits.pipes : 0
        _ = files.removeAll()
        files = FileCache(plan.fileCacheLimits)
        dropSpares()
    }

    func makeRuntimeState(of scope: PlanScope) -> LiveRuntimeState { LiveRuntimeState(scope, kernel, log) }

    /// For rules about a connection to that address that has just come in.
    func connectionContext(of bind: BindPlan) -> ExchangeContext {
        if bind.generation == generation { return connectionContext }
        let context = makeContext()
        context.site = makeRuntimeState(of: bind.scope)
        return context
    }

    private func follow(_ sockets: [(socket: Socket, bind: BindPlan)]) {
        let known = Dictionary(listeners.map { ($0.socket.number, $0) }, uniquingKeysWith: { first, _ in first })
        for (socket, bind) in sockets {
            if let listener = known[socket.number] {
                listener.bind = bind
                listener.resume(self)
            } else {
                listen(on: socket, bind)
            }
        }
    }

    /// Moves the connections that wait to the plan, some in each turn: a million at once would hold up all others.
    func moveEntries() {
        guard let first = nextEntryToMove else { return }
        let end = min(slots.capacity, first + Self.entriesPerTurn)
        nextEntryToMove = end < slots.capacity ? end : nil
        for position in first..<end {
            switch slots.element(at: position) {
            case let client as ClientConnection where client.parent == nil: client.followPlanWhenIdle(self)
            case let connection as ServerConnection where connection.parent == nil:
                connection.followPlanWhenIdle(self)
            default: break
            }
        }
    }
}

extension ClientConnection {
    /// Goes over to the worker's plan before the next stream. Call it between streams.
    @inline(__always)
    func followPlan(_ worker: Worker) {
        if bind.generation != worker.generation { changePlan(worker) }
    }

    @inline(never)
    private func changePlan(_ worker: Worker) {
        guard let new = worker.inUse.address(bind) else { return }
        if let fixed = fixedBackend {
            guard let backend = worker.inUse.backend(fixed) else { return }
            fixedBackend = backend
        }
        bind = new
    }

    /// Whether the worker's plan has no place for the connection: no other request is read on it.
    func isDeparting(_ worker: Worker) -> Bool {
        let connection = base
        guard connection.bind.generation != worker.generation else { return false }
        guard worker.inUse.address(connection.bind) != nil else { return true }
        return connection.fixedBackend.map { worker.inUse.backend($0) == nil } ?? false
    }

    /// Whether the present exchange is the last one.
    func isLastStream(_ worker: Worker) -> Bool { worker.isStopping || isDeparting(worker) }

    /// The worker has changed its plan: a connection that waits for a request goes over to it, or ends as if the worker stopped.
    func followPlanWhenIdle(_ worker: Worker) {
        guard stream == nil, phase != .closed, phase != .lingering else { return }
        followPlan(worker)
        if isDeparting(worker) { stopWhenIdle(worker) }
    }

    /// Lets a stream that begins know what its rules may ask: of the plan that they belong to.
    @inline(__always)
    func lendRuntimeState(to stream: ProxyStream, _ worker: Worker) {
        if bind.generation != worker.generation { stream.context.site = worker.makeRuntimeState(of: bind.scope) }
    }
}

extension ServerConnection {
    /// The worker has changed its plan: a connection that no stream uses goes by what the plan says of its backend, or is closed.
    func followPlanWhenIdle(_ worker: Worker) {
        guard phase == .idle || phase == .multiplexing, backend.generation != worker.generation else { return }
        if followPlan(worker) { return }
        if phase == .idle { closeIdle(worker) } else if multiplexer?.memberCount == 0 { multiplexer?.leave() }
    }

    /// False if the plan has no such backend.
    func followPlan(_ worker: Worker) -> Bool {
        if backend.generation == worker.generation { return true }
        guard let new = worker.inUse.backend(backend) else { return false }
        backend = new
        return true
    }
}
