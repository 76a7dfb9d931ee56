// A connection to a server: connecting, shaking hands (`ServerHandshake`), in use by one exchange, or idle.
//
// While it is idle it belongs to the pool, where another worker may take it (`IdleList`), or to one client (`isPrivate`).

internal import Balancing
internal import Basics
internal import HTTP
internal import ProxyProtocol
internal import Reactor
internal import SystemPackage
internal import TLS
internal import Transport

final class ServerConnection: Connection {
    enum Phase {
        case connecting
        /// The connection stands, and TLS is being agreed on.
        case handshaking
        case inUse
        /// HTTP/2: `multiplexer` has its streams, each of which has a connection object of its own.
        case multiplexing
        case idle
        case closed
    }

    // All that a connection knows from its beginning on is set by `begin`: objects are made before they are needed, in rows
    // (`ServerPools.makeConnection`).
    @safe @exclusivity(unchecked) var server: Server!
    @safe @exclusivity(unchecked) var backend: BackendPlan!
    /// Where it leads, and from where once it is connected.
    @safe @exclusivity(unchecked) var address = SocketAddress.ip(.anyV4, port: 0)
    @safe @exclusivity(unchecked) var local: SocketAddress?
    /// The name that the server is asked for in TLS; empty for none.
    @safe @exclusivity(unchecked) private(set) var requestedName: [UInt8] = []
    /// What it is told apart by from others; empty for none.
    @safe @exclusivity(unchecked) private var poolName: [UInt8] = []
    /// The client's address that the server is shown; nil for this machine's.
    @safe @exclusivity(unchecked) private var presented: SocketAddress?
    /// What has come of the answer of the SOCKS proxy that is to connect to the server; nil where none is awaited.
    @safe @exclusivity(unchecked) var proxyAnswer: SOCKSAnswer?
    /// What a request must have in common with it to go over it.
    @safe @exclusivity(unchecked) var key = ConnectionKey.plain(0)
    /// What it was begun with; nil once it stands, and for one that another worker has opened.
    @safe @exclusivity(unchecked) private(set) var endpoint: ServerEndpoint?
    @safe @exclusivity(unchecked) var phase = Phase.closed
    /// The stream that it carries.
    @safe @exclusivity(unchecked) var user: ProxyStream?
    /// Writes requests and reads responses.
    @safe @exclusivity(unchecked) var codec = ServerCodec(.tcp)
    /// What it is to speak; `negotiated` for what ALPN chooses.
    @safe @exclusivity(unchecked) var protocolChoice = ProtocolChoice.http1
    /// Only requests of the client's connection that it was opened for may go over it.
    @safe @exclusivity(unchecked) var isPrivate = false
    /// While it is private and idle: that client's connection.
    @safe @exclusivity(unchecked) private var owner: ClientConnection?
    /// While it is idle and not private: where its entry is.
    @safe @exclusivity(unchecked) var position: IdlePosition?
    /// Exchanges it has carried to their end.
    @safe @exclusivity(unchecked) var useCount = 0
    var wasUsed: Bool { useCount > 0 }

    // MARK: Streams of HTTP/2

    /// The connection whose stream this is; nil for a connection with a descriptor.
    @safe @exclusivity(unchecked) var parent: ServerConnection?
    /// The connection with the descriptor.
    var base: ServerConnection { parent ?? self }
    /// Its streams.
    @safe @exclusivity(unchecked) var multiplexer: ServerMultiplexer?
    /// Connections of streams to come: for requests that wait for this one, rather than each making its own.
    @safe @exclusivity(unchecked) var waiters: [ServerConnection] = []
    /// No connection comes about.
    @safe @exclusivity(unchecked) var hasFailed = false

    /// An object for a connection to come.
    init() { super.init(Socket(-1)) }

    /// An object for streams of HTTP/2.
    init(over stream: HTTP2Stream) { super.init(over: stream) }

    /// It is a new connection, whose first stream is for `user`.
    func begin(
        _ socket: Socket, to server: Server, by endpoint: ServerEndpoint, at address: SocketAddress,
        of backend: BackendPlan, for user: ProxyStream?, asking name: [UInt8] = [], named poolName: [UInt8] = [],
        presenting presented: SocketAddress? = nil, speaking protocolChoice: ProtocolChoice = .http1
    ) {
        precondition(self.server == nil, "a connection begins twice")
        transport = Transport(socket)
        self.server = server
        self.address = address
        self.backend = backend
        codec = ServerCodec(backend.mode)
        self.user = user
        requestedName = name
        self.protocolChoice = protocolChoice
        self.poolName = poolName
        self.presented = presented
        self.endpoint = endpoint
        key = ConnectionKey(of: server, endpoint.epoch, at: address, header: [], name: poolName, source: presented)
        isPrivate = backend.reuse == .never
        phase = .connecting
    }

    /// It is an idle connection that another worker has opened, and from which this worker has just taken it.
    func begin(
        _ entry: IdleEntry, to server: Server, at address: SocketAddress, from local: SocketAddress,
        of backend: BackendPlan
    ) {
        precondition(self.server == nil, "a connection begins twice")
        transport = Transport(entry.socket)
        self.server = server
        self.address = address
        self.backend = backend
        codec = ServerCodec(backend.mode)
        self.local = local
        key = entry.key
        useCount = entry.useCount
        phase = .idle
        if let tls = entry.tls { transport.secure(with: tls) }
        // What was sent over it has arrived, since it was answered.
        transport.note(.writable)
    }

    /// What all workers may know of it while it is idle.
    var idleEntry: IdleEntry {
        IdleEntry(socket: socket, handle: handle, key: key, useCount: useCount, tls: transport.engine)
    }

    override func ready(_ readiness: Readiness, _ worker: Worker) {
        transport.note(readiness)
        switch phase {
        case .multiplexing: multiplexer?.ready()
        case .connecting where parent != nil:
            // The connection broke before the server's settings came.
            if readiness.contains(.broken) { user?.deliver(.connectFailed(.system(.connectionReset)), worker) }
        case .connecting: connected(worker)
        case .handshaking: shakeHands(worker)
        case .inUse:
            guard let user else { preconditionFailure("a connection in use carries a stream") }
            user.deliver(.progress, worker)
        // Room to write says nothing. Whatever can be read is an end, or bytes that no request has asked for.
        case .idle: if transport.mayHaveInput { readIdle(worker) }
        case .closed: break
        }
    }

    override func expired(_ worker: Worker) {
        switch phase {
        case .connecting, .handshaking, .inUse:
            guard let user else { preconditionFailure("a connection in use carries a stream") }
            if phase == .inUse { parent?.multiplexer?.answerTimedOut() }
            user.deliver(phase == .inUse ? .serverTimedOut : .connectTimedOut, worker)
        case .multiplexing: multiplexer?.expired()
        case .idle: closeIdle(worker)
        case .closed: preconditionFailure("a closed connection has no deadline")
        }
    }

    private func connected(_ worker: Worker) {
        guard user != nil, let outcome = transport.connectOutcome(worker.kernel) else { return }
        if let reason = outcome { return fail(.system(reason), worker) }
        local = worker.kernel.localAddress(socket)
        guard endpoint?.way?.proxy != nil else { return reached(worker) }
        phase = .handshaking
        askProxy(worker)
        shakeHands(worker)
    }

    /// The connection leads to the server.
    private func reached(_ worker: Worker) {
        guard let endpoint else { preconditionFailure("a connection reaches its server without an endpoint") }
        if let header = user?.proxyHeader(for: server, by: endpoint), !begin(with: header, worker) {
            return fail(.system(.messageTooLong), worker)
        }
        // The header is before the first byte of TLS.
        guard endpoint.tls != nil || output.count > Limits.headerBytesBesideRequest else { return established(worker) }
        phase = .handshaking
        shakeHands(worker)
    }

    /// Goes on with what comes between connecting and the first byte of a request.
    private func shakeHands(_ worker: Worker) {
        if proxyAnswer != nil {
            switch proxyProgress(worker) {
            case .pending: return
            case .complete:
                proxyAnswer = nil
                return reached(worker)
            case .failed(let failure): return fail(failure, worker)
            }
        }
        switch handshakeProgress(worker) {
        case .pending: break
        case .complete: established(worker)
        case .failed(let failure): fail(failure, worker)
        }
    }

    private func established(_ worker: Worker) {
        setDeadline(.never, worker)
        endpoint = nil
        let speaksHTTP2 = speaksHTTP2
        if protocolChoice == .negotiated { worker.serverPools[server].note(speaksHTTP2: speaksHTTP2) }
        if speaksHTTP2 { return beginMultiplexing(worker) }
        phase = .inUse
        let waiting = waiters
        waiters = []
        user?.deliver(.connected, worker)
        connectAnew(waiting, worker)
    }

    /// Sends a PROXY protocol header before everything else; false if it does not fit into a buffer.
    func begin(with header: [UInt8], _ worker: Worker) -> Bool {
        precondition(useCount == 0 && output.isEmpty, "a header comes first")
        key = ConnectionKey(
            of: server, key.epoch, at: address, header: header, name: poolName, source: presented)
        output.acquire(from: worker.buffers)
        return output.append(header)
    }

    // MARK: Idle

    /// The exchange of `client` is done with it, and it can carry another. Closes it if it is not worth keeping.
    func becomeIdle(after client: ClientConnection, _ worker: Worker) {
        precondition(
            phase == .inUse && input.isEmpty && output.isEmpty, "a connection with bytes in it cannot be shared")
        user = nil
        useCount += 1
        guard !worker.isStopping, !leadsElsewhere, followPlan(worker), !isSpent(worker) else { return shut(worker) }
        input.release(to: worker.buffers)
        output.release(to: worker.buffers)
        phase = .idle
        if isPrivate {
            owner = client.base
            setDeadline(.never, worker)
            client.base.ownConnections.keep(self, worker)
        } else {
            setDeadline(after: server.poolIdleTime, worker)
            if !worker.serverPools[server].release(self, worker) { shut(worker) }
        }
    }

    /// The server has another address by now, or its connections begin otherwise.
    var leadsElsewhere: Bool { key.epoch != server.epoch }

    /// The server has closed its side, or the connection broke.
    private func isSpent(_ worker: Worker) -> Bool {
        if transport.peerFinished || transport.hasEnded || transport.hasFailed { return true }
        // The last read filled the buffer: more may lie behind it, which would be taken for the next answer.
        guard transport.mayHaveInput else { return false }
        return fill(worker) != .blocked
    }

    /// Gives it to a stream, which has reserved its place on it.
    func use(for user: ProxyStream, _ worker: Worker) {
        precondition(phase == .idle, "only an idle connection can be taken, this one is \(phase)")
        phase = .inUse
        owner = nil
        position = nil
        self.user = user
        if let backend = user.backend, backend !== self.backend { self.backend = backend }
        setDeadline(.never, worker)
    }

    /// Something has come over an idle connection: an end, bytes that no request has asked for, or, in TLS, a ticket for sessions to
    /// come.
    private func readIdle(_ worker: Worker) {
        guard isSecure else { return closeIdle(worker) }
        guard owner == nil else { return isSpent(worker) ? closeIdle(worker) : () }
        let pool = worker.serverPools[server]
        // Another worker may take it while the entry is in its list.
        guard pool.reclaim(self) else { return forget(worker) }
        if isSpent(worker) || !pool.restore(self, worker) { shut(worker) }
    }

    /// The server has closed an idle connection, or sent what no request has asked for, or it was idle for too long.
    func closeIdle(_ worker: Worker) {
        if let owner {
            owner.ownConnections.forget(self)
            shut(worker)
        } else if worker.serverPools[server].reclaim(self) {
            shut(worker)
        } else {
            forget(worker)
        }
    }

    /// Closes an idle connection that was taken out of where it was kept.
    func closeFromPool(_ worker: Worker) { shut(worker) }

    /// Another worker has taken it: the slot is free, and the descriptor is not touched.
    func forget(_ worker: Worker) {
        precondition(phase == .idle, "a connection is taken away while \(phase)")
        phase = .closed
        worker.leave(self)
    }

    /// Closes a connection that is kept nowhere.
    func shut(_ worker: Worker, reset: Bool = false) {
        user = nil
        if !waiters.isEmpty, isLeftToWaiters(worker) { return }
        owner = nil
        phase = .closed
        uncountTLS(worker)
        close(worker, reset ? .reset : .close)
        leaveParent(worker)
    }
}
