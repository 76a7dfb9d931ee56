// A connection to a server, speaking HTTP/1: in use by one exchange, or idle in the worker's pool.

internal import Balancing
internal import Basics
internal import Reactor
internal import Transport

final class ServerConnection: Connection {
    enum Phase {
        case connecting
        case inUse
        case idle
        case closed
    }

    let server: Server
    let backend: BackendPlan
    /// Where it goes, and from where once it stands.
    let address: SocketAddress
    private(set) var local: SocketAddress?
    /// The PROXY protocol header that it began with; empty where the server wants none.
    private(set) var header: [UInt8] = []
    private(set) var phase = Phase.connecting
    /// Who uses it.
    private(set) var exchange: Exchange?
    /// While it is idle: the client whose next request may go over it, where clients do not share connections.
    private var owner: ClientConnection?
    /// The response that came last lets the connection be used again.
    var allowsReuse = false
    /// Exchanges it has carried to their end.
    private(set) var useCount = 0
    var wasUsed: Bool { useCount > 0 }

    init(
        _ socket: Socket, to server: Server, at address: SocketAddress, of backend: BackendPlan, for exchange: Exchange
    ) {
        self.server = server
        self.address = address
        self.backend = backend
        self.exchange = exchange
        super.init(socket)
    }

    override func ready(_ readiness: Readiness, _ worker: Worker) {
        transport.note(readiness)
        switch phase {
        case .connecting: connected(worker)
        case .inUse:
            guard let client = exchange?.client else {
                preconditionFailure("a connection in use belongs to an exchange, and that to a client")
            }
            client.advanceExchange(worker)
        // That it can be written to is no news. What can be read is an end, or bytes that nobody asked for.
        case .idle: if transport.mayHaveInput { closeIdle(worker) }
        case .closed: break
        }
    }

    override func expired(_ worker: Worker) {
        switch phase {
        case .connecting, .inUse:
            guard let exchange else { preconditionFailure("a connection in use belongs to an exchange") }
            let client = exchange.client
            if phase == .connecting { exchange.connectTimedOut(worker) } else { exchange.serverTimedOut(worker) }
            client?.resume(worker)
        case .idle: closeIdle(worker)
        case .closed: preconditionFailure("a closed connection has no deadline")
        }
    }

    private func connected(_ worker: Worker) {
        guard let exchange, let outcome = transport.connectOutcome(worker.kernel) else { return }
        let client = exchange.client
        if let reason = outcome {
            exchange.connectFailed(reason, worker)
        } else {
            phase = .inUse
            local = worker.kernel.localAddress(socket)
            setDeadline(.never, worker)
            exchange.serverConnected(worker)
        }
        client?.resume(worker)
    }

    /// Puts a header before everything else.
    func begin(with header: [UInt8], _ worker: Worker) {
        precondition(useCount == 0 && output.isEmpty, "a header comes first")
        self.header = header
        output.acquire(from: worker.buffers)
        let fits = output.append(header)
        precondition(fits, "a header of \(header.count) bytes does not fit into an empty buffer")
    }

    // MARK: The pool

    /// The exchange is done with it, and it can carry another.
    func becomeIdle(_ worker: Worker) {
        precondition(
            phase == .inUse && input.isEmpty && output.isEmpty, "a connection with bytes in it cannot be shared")
        let client = exchange?.client
        exchange = nil
        useCount += 1
        guard !worker.isStopping, !server.hasLeft(address), !isSpent(worker), keep(for: client, worker) else {
            shut(worker)
            return
        }
        input.release(to: worker.buffers)
        output.release(to: worker.buffers)
        phase = .idle
        server.idle.increment()
        if useCount > 1 { server.idleReused.increment() }
        setDeadline(after: server.pool.idleTime, worker)
    }

    /// Puts it where the next exchange finds it: among all that are idle, or at its client. False if it is not worth keeping.
    private func keep(for client: ClientConnection?, _ worker: Worker) -> Bool {
        guard backend.reuse == .never else { return worker.idleConnections.add(self) }
        guard let client else { return false }
        client.keep(self, worker)
        owner = client
        return true
    }

    /// The server has closed its side, or the connection broke.
    private func isSpent(_ worker: Worker) -> Bool {
        if transport.peerFinished || transport.hasEnded || transport.hasFailed { return true }
        // The last read filled the buffer: more may lie behind it, which would be taken for the next answer.
        guard transport.mayHaveInput else { return false }
        return fill(worker) != .blocked
    }

    /// Takes it out of the pool for an exchange.
    func use(for exchange: Exchange, _ worker: Worker) {
        precondition(phase == .idle, "only an idle connection can be taken, this one is \(phase)")
        phase = .inUse
        owner = nil
        leaveIdle()
        self.exchange = exchange
        setDeadline(.never, worker)
    }

    /// An idle connection on which something happens has been closed by the server, or is confused.
    private func closeIdle(_ worker: Worker) {
        if let owner { owner.forgetOwnConnection() } else { worker.idleConnections.remove(self) }
        leaveIdle()
        shut(worker)
    }

    /// Closes a connection that is in the pool no more.
    func closeFromPool(_ worker: Worker) {
        leaveIdle()
        shut(worker)
    }

    private func leaveIdle() {
        server.idle.decrement()
        if useCount > 1 { server.idleReused.decrement() }
    }

    /// Closes it, whatever it is at, except in the pool.
    func shut(_ worker: Worker, reset: Bool = false) {
        exchange = nil
        owner = nil
        phase = .closed
        close(worker, reset ? .reset : .close)
    }
}

/// The idle server connections of one worker. The one used last is taken first: the others may time out.
struct IdleConnections {
    /// Those to one server.
    fileprivate struct Pool {
        var connections: [ServerConnection] = []
        /// The most exchanges that the server had at a time, in this span of time and in the one before.
        var need = 0
        var needBefore = 0
        var spanEnd = Instant(nanoseconds: 0)
    }

    private var pools: [[Pool]]
    /// The need of this long ago is forgotten.
    fileprivate static let needSpan = TimeSpan.seconds(5)

    init(plan: Plan) {
        pools = plan.backends.map { backend in backend.backend.servers.map { _ in Pool() } }
    }

    /// Takes note of how many exchanges a server has: so many connections to it are worth keeping.
    mutating func note(need: Int, of server: Server, of backend: BackendPlan, now: Instant) {
        pools[backend.index][server.index].note(need, now)
    }

    /// False if there are enough already: more than there were exchanges at a time will hardly be needed again. Requests that
    /// may not go over a used connection would otherwise leave one each.
    mutating func add(_ connection: ServerConnection) -> Bool {
        // In place: a copy of the pool would make the append copy its connections.
        pools[connection.backend.index][connection.server.index].add(connection)
    }

    mutating func take(_ server: Server, of backend: BackendPlan) -> ServerConnection? {
        pools[backend.index][server.index].connections.popLast()
    }

    /// The one used last of those that satisfy `condition`.
    mutating func take(
        _ server: Server, of backend: BackendPlan, where condition: (ServerConnection) -> Bool
    ) -> ServerConnection? {
        guard let at = pools[backend.index][server.index].connections.lastIndex(where: condition) else { return nil }
        return pools[backend.index][server.index].connections.remove(at: at)
    }

    mutating func remove(_ connection: ServerConnection) {
        let backend = connection.backend.index
        let server = connection.server.index
        if let at = pools[backend][server].connections.lastIndex(where: { $0 === connection }) {
            pools[backend][server].connections.remove(at: at)
        }
    }

    /// The one that has been idle for longest where most are, taken out; nil if there is none at all.
    mutating func takeLeastUseful() -> ServerConnection? {
        var place: (backend: Int, server: Int)?
        var most = 0
        for backend in pools.indices {
            for server in pools[backend].indices where pools[backend][server].connections.count > most {
                most = pools[backend][server].connections.count
                place = (backend, server)
            }
        }
        return place.map { pools[$0.backend][$0.server].connections.removeFirst() }
    }

    mutating func closeAll(_ worker: Worker) {
        let all = pools.flatMap { $0.flatMap(\.connections) }
        for backend in pools.indices {
            for server in pools[backend].indices { pools[backend][server].connections.removeAll() }
        }
        for connection in all { connection.closeFromPool(worker) }
    }
}

extension IdleConnections.Pool {
    fileprivate mutating func add(_ connection: ServerConnection) -> Bool {
        let server = connection.server
        guard connections.count < Limits.idleConnectionsPerServer,
            server.idle.current + server.active.current < max(need, needBefore)
        else { return false }
        connections.append(connection)
        return true
    }

    fileprivate mutating func note(_ count: Int, _ now: Instant) {
        if now >= spanEnd {
            needBefore = need
            need = 0
            spanEnd = now + IdleConnections.needSpan
        }
        if count > need { need = count }
    }
}
