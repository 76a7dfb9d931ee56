// Finding a server, getting a connection to it, and trying again when that fails.

internal import Balancing
internal import Basics
internal import HTTP
internal import ProxyProtocol
internal import Reactor
internal import Rules
internal import SystemPackage
internal import Transport

extension Exchange {
    /// Chooses a server and goes there, or waits for one; `avoiding` is one that has just failed.
    func chooseServer(_ worker: Worker, avoiding: Server? = nil) {
        guard let backend else { preconditionFailure("a server is chosen before a backend") }
        let ruled = ruledChoice(backend, avoiding)
        let choice =
            ruled
            ?? backend.backend.take(
                &worker.views[backend.index], avoiding: avoiding, by: worker.index, now: worker.now)
        switch choice {
        case .server(let server):
            if ruled == nil { countChoice(of: server, of: backend, worker) }
            hold(server, of: backend, worker)
            go(to: server, of: backend, worker)
        case .full(let server): enterQueue(of: backend, for: server, avoiding: avoiding, worker)
        case .nobody:
            backend.backend.traffic.add(.connectionErrors, worker: worker.index)
            fail(status: 503, .server, .connect, worker)
        }
    }

    /// The server that a `use-server` line names. Not when one has failed: then any other will do.
    private func ruledChoice(_ backend: BackendPlan, _ avoiding: Server?) -> PlaceChoice? {
        guard avoiding == nil, !backend.serverRules.isEmpty else { return nil }
        let servers = backend.backend.servers
        return backend.serverRules.choose(for: facts) { servers[$0].state.isUsable }.map {
            backend.backend.take(servers[$0])
        }
    }

    /// A place on the server is taken, and this exchange has it.
    func hold(_ server: Server, of backend: BackendPlan, _ worker: Worker) {
        precondition(!holdsServer, "a second server is taken before the first is given back")
        self.server = server
        holdsServer = true
        facts.serverName = server.name
        facts.serverIndex = server.index
        facts.counts.server = server.active.current
        facts.timers.queueLeft = worker.now
        countSession(on: server, of: backend, worker)
    }

    private func countSession(on server: Server, of backend: BackendPlan, _ worker: Worker) {
        server.countSession(worker: worker.index, at: worker.now)
        backend.backend.traffic.row(worker.index).noteSession(at: worker.now)
    }

    /// Balancing has chosen the server: neither a `use-server` line nor a queue has.
    private func countChoice(of server: Server, of backend: BackendPlan, _ worker: Worker) {
        server.traffic.add(.selections, worker: worker.index)
        backend.backend.traffic.add(.selections, worker: worker.index)
    }

    /// Gives its place on the server to others.
    func releaseServer(_ worker: Worker) {
        guard holdsServer, let server, let backend else { return }
        holdsServer = false
        backend.backend.release(server, by: worker.index, now: worker.now)
    }

    /// Takes an idle connection, or begins a new one.
    func go(to server: Server, of backend: BackendPlan, _ worker: Worker) {
        if let idle = takeIdleConnection(to: server, of: backend, worker) {
            idle.use(for: self, worker)
            connection = idle
            server.traffic.add(.reuses, worker: worker.index)
            backend.backend.traffic.add(.reuses, worker: worker.index)
            facts.timers.connected = worker.now
            take(endsOf: idle)
            log(at: .connect, worker)
            sendRequestHead(worker)
            return
        }
        connect(to: server, of: backend, worker)
    }

    func connect(to server: Server, of backend: BackendPlan, _ worker: Worker) {
        phase = .connecting
        // From here on a deadline of the client's connection would be taken for a retry's pause.
        client.setDeadline(.never, worker)
        guard let address = server.target(forClientOf: facts.local) else {
            connectFailed(.noSuchAddressOrDevice, worker)
            return
        }
        server.traffic.add(.connections, worker: worker.index)
        backend.backend.traffic.add(.connections, worker: worker.index)
        let wanted = facts.directives.serverMarks
        let marks = SocketMarks(typeOfService: wanted.typeOfService, mark: wanted.mark)
        var attempt = worker.kernel.connect(to: address, from: nil, marks: marks)
        while case .failed(let reason) = attempt, worker.makeRoom(for: reason) {
            attempt = worker.kernel.connect(to: address, from: nil, marks: marks)
        }
        switch attempt {
        case .failed(let reason): connectFailed(reason, worker)
        case .started(let socket):
            if backend.probesServers { worker.kernel.probe(socket) }
            let connection = ServerConnection(socket, to: server, at: address, of: backend, for: self)
            if let reason = worker.enter(connection) {
                worker.kernel.close(socket, reset: false)
                connectFailed(reason, worker)
                return
            }
            self.connection = connection
            connection.setDeadline(after: facts.directives.connectTimeout ?? backend.timeouts.connect, worker)
        }
    }

    /// For logs and rules.
    private func take(endsOf connection: ServerConnection) {
        facts.serverAddress = connection.address
        facts.sourceAddress = connection.local
        facts.serverConnectionWasUsed = connection.wasUsed
    }

    /// The connection stands.
    func serverConnected(_ worker: Worker) {
        facts.timers.connected = worker.now
        noteConnectionSuccess(worker)
        if let connection {
            take(endsOf: connection)
            if let header = proxyHeader(for: connection.server) { connection.begin(with: header, worker) }
        }
        log(at: .connect, worker)
        if client.mode == .tcp {
            startTunnel(worker)
        } else {
            // What is sent of a header makes room for the head, which comes at once.
            _ = connection?.flush(worker, more: true)
            sendRequestHead(worker)
        }
    }

    /// What a connection for this client begins with; nil if the server wants nothing of the kind.
    func proxyHeader(for server: Server) -> [UInt8]? {
        server.proxyHeader.map { version in
            ProxyHeader.bytes(
                version, ProxyHeader.Ends(source: facts.client, destination: facts.local),
                values: server.proxyOptions.isEmpty ? TypedValues() : values(for: server.proxyOptions),
                hasChecksum: server.proxyOptions.contains(.checksum))
        }
    }

    /// What such a header says beside the addresses.
    private func values(for options: ProxyHeaderOptions) -> TypedValues {
        var values = TypedValues()
        if options.contains(.authority), let name = facts.headerValues?.first(TypedValues.authority) {
            values.append(TypedValues.authority, name)
        }
        if options.contains(.uniqueID), !facts.uniqueID.isEmpty {
            values.append(TypedValues.uniqueID, facts.uniqueID)
        }
        return values
    }

    private func sendRequestHead(_ worker: Worker) {
        guard let connection else { preconditionFailure("a head is sent without a connection") }
        phase = .awaitingResponse
        responseParser = ResponseParser(
            limits: worker.plan.headLimits(acceptInvalid: connection.backend.acceptsInvalid))
        facts.response.clear()
        requestStore?.rewind()
        if let name = connection.backend.serverNameField { tellServerName(in: name, connection.server) }
        connection.output.acquire(from: worker.buffers)
        let before = connection.output.count
        let fits = MessageWriter.write(
            facts.request, framing: requestFraming, connection: requestConnection, to: &connection.output)
        if connection.backend.adjustsCase {
            worker.plan.caseAdjustments.apply(to: &connection.output, from: before)
        }
        guard fits else {
            // Rules and options have made the head longer than a buffer: ours to answer for.
            countOnServer(.internalErrors, worker)
            frontend.traffic.add(.internalErrors, worker: worker.index)
            fail(status: 500, .proxy, .headers, worker)
            return
        }
        requestSent = false
        advance(worker)
    }

    /// `http-send-name-header`: each attempt names the server that it is for.
    private func tellServerName(in field: [UInt8], _ server: Server) {
        facts.request.fields.remove(named: field)
        let name = Array(server.name.utf8)
        unsafe facts.request.fields.append(name: field.span.bytes, value: name.span.bytes)
    }

    // MARK: Failing and trying again

    func connectFailed(_ reason: Errno, _ worker: Worker) {
        dropConnection(worker)
        noteConnectionFailure(reason, worker)
        if endsWithClient(worker) { return }
        tryAgain(or: 503, .server, .connect, pauses: true, worker)
    }

    func connectTimedOut(_ worker: Worker) {
        dropConnection(worker, reset: true)
        noteConnectionFailure(nil, worker)
        if endsWithClient(worker) { return }
        // The time-out was pause enough.
        tryAgain(or: 503, .serverTimeout, .connect, pauses: false, worker)
    }

    private func tryAgain(
        or status: Int, _ cause: Termination.Cause, _ at: Termination.Phase, pauses: Bool, _ worker: Worker
    ) {
        guard let backend, let server else { preconditionFailure("a retry without a first attempt") }
        guard retriesLeft > 0, backend.retryOn.contains(.connectionFailure) else {
            releaseServer(worker)
            server.traffic.add(.connectionErrors, worker: worker.index)
            backend.backend.traffic.add(.connectionErrors, worker: worker.index)
            fail(status: status, cause, at, worker)
            return
        }
        retriesLeft -= 1
        facts.retries += 1
        phase = .connecting
        if goesElsewhere(from: server, of: backend, worker) {
            redispatch(from: server, of: backend, worker)
        } else {
            countRetry(worker)
            // The same server at once would most likely refuse again.
            if pauses {
                let most = facts.directives.connectTimeout ?? backend.timeouts.connect
                client.setDeadline(after: min(Limits.retryPause, most), worker)
                watchClient(worker)
            } else {
                retryPauseOver(worker)
            }
        }
    }

    /// Whether the attempt that comes now is for another server.
    func goesElsewhere(from server: Server, of backend: BackendPlan, _ worker: Worker) -> Bool {
        backend.redispatches(attempt: facts.retries) || isOfNoUse(server, of: backend, worker)
    }

    /// The server is down, or refuses connections while there is another.
    private func isOfNoUse(_ server: Server, of backend: BackendPlan, _ worker: Worker) -> Bool {
        !server.state.isUsable || backend.backend.isLeftAlone(server, by: worker.index, now: worker.now)
    }

    func countRetry(_ worker: Worker) {
        server?.traffic.add(.retries, worker: worker.index)
        backend?.backend.traffic.add(.retries, worker: worker.index)
    }

    func redispatch(from failed: Server, of backend: BackendPlan, _ worker: Worker) {
        releaseServer(worker)
        failed.traffic.add(.redispatches, worker: worker.index)
        backend.backend.traffic.add(.redispatches, worker: worker.index)
        facts.isRedispatched = true
        chooseServer(worker, avoiding: failed)
    }

    /// The pause before another attempt at the same server is over. The place on it was kept.
    func retryPauseOver(_ worker: Worker) {
        guard let backend, let server else { preconditionFailure("a retry without a first attempt") }
        guard !isOfNoUse(server, of: backend, worker) else {
            redispatch(from: server, of: backend, worker)
            return
        }
        countSession(on: server, of: backend, worker)
        go(to: server, of: backend, worker)
    }

    /// A reused connection died before the server said anything: the server may have closed it just as the request was sent.
    /// Sent again on a fresh connection where the request can be repeated without harm (RFC 9110 section 9.2.2).
    func retryOnFreshConnection(_ worker: Worker) -> Bool {
        guard let connection, let backend, let server, connection.wasUsed, facts.request.method.isIdempotent,
            !bodyWasTouched, !responseParser.hasBegun, !interimWasPassed, phase == .awaitingResponse
        else { return false }
        dropConnection(worker)
        connect(to: server, of: backend, worker)
        return true
    }

    /// Closes the server's connection.
    func dropConnection(_ worker: Worker, reset: Bool = false) {
        connection?.shut(worker, reset: reset)
        connection = nil
    }
}
