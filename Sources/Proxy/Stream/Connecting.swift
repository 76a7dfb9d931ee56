// Getting a connection to the chosen server, and trying again when that fails.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Logging
internal import Reactor
internal import Rules
internal import SystemPackage
internal import TLS
internal import Transport

extension ProxyStream {
    /// Uses an idle connection to the chosen server, or begins a new one.
    final func connect(_ worker: Worker) {
        guard let server, let backend else { preconditionFailure("a connection is wanted before a server is chosen") }
        if server.hasNamedConnections || !poolName.isEmpty || !requestedName.isEmpty {
            makeNames(for: server, of: backend)
        }
        guard let idle = idleConnection(to: server, of: backend, worker) else {
            return connectAnew(worker)
        }
        idle.use(for: self, worker)
        use(idle)
        server.traffic.add(.reuses, worker: worker.index)
        backend.backend.traffic.add(.reuses, worker: worker.index)
        context.timers.connected = worker.now
        noteEnds(of: idle)
        log(at: .connect, worker)
        serverReady(worker)
    }

    /// Begins a new connection to the chosen server.
    final func connectAnew(_ worker: Worker) {
        guard let server, let backend else { preconditionFailure("a connection is wanted before a server is chosen") }
        enter(.connecting, worker)
        forgetEnds()
        client.setDeadline(.never, worker)
        let endpoint = server.endpoint
        guard let address = server.target(forClientOf: context.local, by: endpoint) else {
            return connectFailed(.system(.noSuchAddressOrDevice), worker)
        }
        if let waiter = connectionUnderWay(to: server, at: address, worker) { return use(waiter) }
        countOnServer(.connections, worker)
        if server.countsIdleConnections { worker.serverPools[server].keepWithinLimit(worker) }
        var outcome = open(server, by: endpoint, at: address, worker)
        while case .failed(let reason) = outcome, worker.makeRoom(for: reason) {
            outcome = open(server, by: endpoint, at: address, worker)
        }
        switch outcome {
        case .failed(let reason): connectFailed(.system(reason), worker)
        case .started(let socket):
            if backend.probesServers { worker.kernel.probe(socket) }
            let connection = worker.serverPools.makeConnection()
            connection.begin(
                socket, to: server, by: endpoint, at: address, of: backend, for: self, asking: requestedName,
                named: poolName, presenting: presentedAddress(to: server, by: endpoint),
                speaking: protocolChoice(for: server))
            if let reason = worker.enter(connection) {
                worker.kernel.close(socket, reset: false)
                return connectFailed(.system(reason), worker)
            }
            use(connection)
            connection.setDeadline(after: connectTimeout, worker)
            client.releaseEmptyInput(worker)
            let pool = worker.serverPools[server]
            pool.closeIdle(before: endpoint.epoch, worker)
            pool.noteUnderWay(connection)
        }
    }

    /// Whether the request may go with the first message of TLS: if the client sent it so, which then knows what 425 means, or if it
    /// would be sent again. Not a second time, for the server would refuse again.
    final var maySendEarly: Bool {
        guard let backend, client.codec.speaksHTTP, context.outcome.retries == 0 else { return false }
        return context.connection.clientTLS?.hadEarlyData == true || backend.retryOn.contains(.earlyDataRejected)
    }

    /// Evaluates `sni` and `pool-conn-name`.
    private func makeNames(for server: Server, of backend: BackendPlan) {
        guard server.hasNamedConnections, let place = backend.servers.place(of: server) else {
            requestedName.removeAll(keepingCapacity: true)
            return poolName.removeAll(keepingCapacity: true)
        }
        _ = backend.requestedNames.make(&requestedName, for: place, context)
        backend.requestedNames.makePoolName(&poolName, orElse: requestedName, for: place, context)
    }

    private func use(_ connection: ServerConnection) {
        attempt.connection = connection
        context.serverSocket = connection.base.socket.number
    }

    /// The connection that was begun carries several streams: this one goes over one of them.
    final func replaceConnection(by stream: ServerConnection) { use(stream) }

    /// For logs and rules.
    private func noteEnds(of connection: ServerConnection) {
        context.serverAddress = connection.address
        context.sourceAddress = connection.local
        context.serverConnectionWasUsed = connection.wasUsed
        context.serverTLS = connection.base.transport.engine
        guard connection.parent != nil else { return }
        context.destination.sharedConnection = connection.base.multiplexer?.facts
        context.destination.streamID = connection.codec.streamID
    }

    /// What is known of an earlier attempt is no more about the connection that comes.
    private func forgetEnds() {
        context.serverAddress = nil
        context.sourceAddress = nil
        context.serverTLS = nil
        guard context.destination.sharedConnection != nil else { return }
        context.destination.sharedConnection = nil
        context.destination.streamID = 0
    }

    /// The connection stands.
    final func connected(_ worker: Worker) {
        guard let connection else { preconditionFailure("no connection was begun") }
        context.timers.connected = worker.now
        noteConnectionSuccess(worker)
        noteEnds(of: connection)
        log(at: .connect, worker)
        serverReady(worker)
    }

    /// Closes the server's connection.
    final func dropConnection(_ worker: Worker, reset: Bool = false) {
        guard let connection else { return }
        releaseConnection()
        connection.shut(worker, reset: reset)
    }

    /// The connection belongs to the stream no more.
    final func releaseConnection() {
        attempt.connection = nil
        context.serverSocket = nil
    }

    // MARK: Failing and trying again

    final func connectFailed(_ reason: ConnectionFailure, _ worker: Worker) {
        // Of a server that was reached the log can tell what it did not agree on.
        if case .tls = reason, let connection { noteEnds(of: connection) }
        dropConnection(worker)
        noteConnectionFailure(reason, worker)
        if endsWithClient(worker) { return }
        tryAgain(or: .server, pauses: true, worker)
    }

    final func connectTimedOut(_ worker: Worker) {
        dropConnection(worker, reset: true)
        noteConnectionFailure(nil, worker)
        if endsWithClient(worker) { return }
        // The time-out was pause enough.
        tryAgain(or: .serverTimeout, pauses: false, worker)
    }

    /// No connection came about, and the client may have gone meanwhile: then no other is tried. True if the stream has ended.
    private func endsWithClient(_ worker: Worker) -> Bool {
        guard backend?.abortsOnClose == true, client.hasEnded else { return false }
        clientAborted(worker)
        return true
    }

    private func tryAgain(or cause: Termination.Cause, pauses: Bool, _ worker: Worker) {
        guard let backend, let server else { preconditionFailure("a retry without a first attempt") }
        guard attempt.retriesLeft > 0, backend.retryOn.contains(.connectionFailure) else {
            releaseSlot(worker)
            countOnServer(.connectionErrors, worker)
            return fail(status: 503, cause, .connect, worker)
        }
        attempt.retriesLeft -= 1
        context.outcome.retries += 1
        if goesElsewhere(from: server, of: backend, worker) { return redispatch(from: server, of: backend, worker) }
        countOnServer(.retries, worker)
        guard pauses else { return retryPauseOver(worker) }
        // The same server at once would most likely refuse again.
        enter(.retrying, until: worker.now + min(Limits.retryPause, connectTimeout), worker)
        watchClient(worker)
    }

    /// Whether the attempt that comes now is for another server.
    final func goesElsewhere(from server: Server, of backend: BackendPlan, _ worker: Worker) -> Bool {
        context.directives.persistence != .forced
            && (backend.redispatches(attempt: context.outcome.retries) || isToBePassedOver(server, of: backend, worker))
    }

    /// The server is down, or refuses connections while there is another.
    private func isToBePassedOver(_ server: Server, of backend: BackendPlan, _ worker: Worker) -> Bool {
        context.directives.persistence != .forced
            && (!server.state.isUsable || backend.backend.isLeftAlone(server, by: worker.index, now: worker.now))
    }

    final func redispatch(from failed: Server, of backend: BackendPlan, _ worker: Worker) {
        releaseSlot(worker)
        failed.traffic.add(.redispatches, worker: worker.index)
        backend.backend.traffic.add(.redispatches, worker: worker.index)
        context.outcome.isRedispatched = true
        chooseServer(worker, avoiding: failed)
    }

    /// The pause before another attempt at the same server is over. The slot on it was kept.
    final func retryPauseOver(_ worker: Worker) {
        guard let backend, let server else { preconditionFailure("a retry without a first attempt") }
        if isToBePassedOver(server, of: backend, worker) { return redispatch(from: server, of: backend, worker) }
        countSession(on: server, of: backend, worker)
        connect(worker)
    }
}
