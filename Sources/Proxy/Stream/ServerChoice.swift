// Finding a server for a stream, and taking and giving back the slot on it.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Rules

extension ProxyStream {
    /// Chooses a server and connects to it, or waits for a slot; `avoiding` is a server that has just failed.
    final func chooseServer(_ worker: Worker, avoiding: Server? = nil) {
        guard let backend else { preconditionFailure("a server is chosen before a backend") }
        let ruled = persistentChoice(backend, avoiding) ?? ruledChoice(backend, avoiding)
        let choice =
            ruled
            ?? backend.backend.take(
                for: BalancedExchange(context: context, key: backend.balanceKey), avoiding: avoiding, by: worker.index,
                now: worker.now)
        switch choice {
        case .server(let server):
            if ruled == nil { countChoice(of: server, of: backend, worker) }
            hold(server, of: backend, worker)
            connect(worker)
        case .full(let server): enterQueue(of: backend, for: server, avoiding: avoiding, worker)
        case .nobody:
            backend.backend.traffic.add(.connectionErrors, worker: worker.index)
            fail(status: 503, .server, .connect, worker)
        }
    }

    /// The server that the request's cookie names. When it has failed, any other will do, and the client is told.
    private func persistentChoice(_ backend: BackendPlan, _ avoiding: Server?) -> SlotChoice? {
        guard let place = placeOfPersistentServer else { return nil }
        let server = backend.servers[place]
        if avoiding != nil || server.state.isRemoved {
            losePersistence()
            return nil
        }
        return backend.backend.take(server)
    }

    /// The server that a `use-server` line names. Not when one has failed: then any other will do.
    private func ruledChoice(_ backend: BackendPlan, _ avoiding: Server?) -> SlotChoice? {
        guard avoiding == nil, !backend.serverRules.isEmpty else { return nil }
        let servers = backend.servers
        let insists = backend.insistsOnServers || context.directives.persistence == .forced
        let place = backend.serverRules.choose(for: context) { place in
            let state = servers[place].state
            return state.isUsable || insists && !state.isRemoved
        }
        return place.map { backend.backend.take(servers[$0]) }
    }

    /// A slot on the server is taken, and this stream has it.
    final func hold(_ server: Server, of backend: BackendPlan, _ worker: Worker) {
        precondition(!attempt.holdsSlot, "a second slot is taken before the first is given back")
        attempt.server = server
        attempt.holdsSlot = true
        context.serverName = server.name
        context.serverNumber = server.number
        context.outcome.counts.server = server.active.current
        context.timers.queueLeft = worker.now
        countSession(on: server, of: backend, worker)
    }

    final func countSession(on server: Server, of backend: BackendPlan, _ worker: Worker) {
        server.countSession(worker: worker.index, at: worker.now)
        backend.backend.traffic.row(worker.index).noteSession(at: worker.now)
    }

    /// Balancing has chosen the server: neither a `use-server` line nor a queue has.
    private func countChoice(of server: Server, of backend: BackendPlan, _ worker: Worker) {
        server.traffic.add(.selections, worker: worker.index)
        backend.backend.traffic.add(.selections, worker: worker.index)
    }

    /// Gives the slot on its server to others.
    final func releaseSlot(_ worker: Worker) {
        guard attempt.holdsSlot, let server, let backend else { return }
        attempt.holdsSlot = false
        backend.backend.release(server, by: worker.index, now: worker.now)
    }

    /// Lets what was seen of the server count for its health, where its line has `observe`.
    final func observe(_ sign: TrafficSign) {
        guard let server, let backend else { return }
        backend.backend.observe(sign, of: server)
    }

    /// Counts on the server, if there is one, and on the backend.
    final func countOnServer(_ counter: TrafficCounter, _ worker: Worker) {
        server?.traffic.add(counter, worker: worker.index)
        backend?.backend.traffic.add(counter, worker: worker.index)
    }
}

/// What balancing algorithms see of an exchange.
private struct BalancedExchange: BalancingRequest, ~Copyable {
    let context: ExchangeContext
    let key: BalanceKey?

    var client: SocketAddress { context.client }

    func withHead<Result>(_ body: (borrowing RequestHead) -> Result) -> Result { body(context.request) }
    func withBody<Result>(_ body: (RawSpan) -> Result) -> Result {
        let bytes = context.requestBody
        return unsafe body(bytes.span.bytes)
    }
    func withKey<Result>(_ body: (RawSpan) -> Result) -> Result? { key?.with(context, body) }
}
