// Bytes both ways, unread: `mode tcp` from the start, HTTP after a switch of protocols.

internal import Balancing
internal import Basics
internal import HTTP
internal import Logging
internal import Reactor
internal import Rules
internal import Transport

extension Exchange {
    /// `mode tcp`: there is no head; the whole connection is one exchange with a server.
    func beginTunnel(_ worker: Worker) {
        facts.timers.requestDone = worker.now
        headWasRefused = false
        facts.requestProbe = RequestProbe(limits: worker.plan.headLimits(acceptInvalid: true))
        if frontend.keepsCaptures { frontend.log.captureRequest(facts) }
        log(at: .accept, worker)
        beginInspection(for: .frontend, worker)
    }

    /// `mode tcp`: the frontend lets the connection pass.
    func routeTunnel(_ worker: Worker) {
        guard let index = frontend.routing.choose(for: facts) else {
            abort(.server, .connect, worker)
            return
        }
        let backend = worker.plan.backends[index]
        if backend.mode == .http { return becomeHTTP(for: backend, worker) }
        self.backend = backend
        facts.backendName = backend.name
        facts.backendIndex = backend.index
        facts.counts.backend = backend.backend.active.increment()
        backend.backend.countSession(worker: worker.index, at: worker.now)
        forgetServerDirectives(unlessOf: backend)
        beginInspection(for: .backend, worker)
    }

    /// The backend reads requests: the exchange begins again, with the head of the first one.
    private func becomeHTTP(for backend: BackendPlan, _ worker: Worker) {
        facts.requestProbe = nil
        facts.request.clear()
        facts.requestPayload.removeAll(keepingCapacity: true)
        facts.timers.requestDone = nil
        phase = .readingHead
        client.becomeHTTP(for: backend, worker)
    }

    /// `mode tcp`: the server is there.
    func startTunnel(_ worker: Worker) {
        phase = .tunnelling
        facts.timers.responseHeadDone = worker.now
        if let rules = backend?.rules, !rules.responseContent.isEmpty {
            inspection = Inspection(rules.responseContent, until: .never)
        }
        if frontend.log.logsEarly { log(worker) }
        advanceTunnel(worker)
    }

    /// The server agreed to another protocol: its answer goes to the client, and then whatever either side says.
    func switchProtocols(_ worker: Worker) { becomeTunnel(.upgrade, worker) }

    /// Passes the response's head on and then whatever either side says.
    func becomeTunnel(_ option: MessageWriter.ConnectionHeader, _ worker: Worker) {
        facts.timers.responseHeadDone = worker.now
        facts.status = facts.response.status
        countResponse(facts.status, worker)
        keepsClient = false
        facts.response.fields.removeSetApart(keepingUpgrade: option == .upgrade)
        _ = facts.response.fields.takeConnectionOptions()
        client.output.acquire(from: worker.buffers)
        let before = client.output.count
        let fits = MessageWriter.write(facts.response, framing: .none, connection: option, to: &client.output)
        facts.bytesToClient += UInt64(client.output.count - before)
        guard fits else {
            abort(.proxy, .headers, worker)
            return
        }
        phase = .tunnelling
        if frontend.log.logsEarly { log(worker) }
        log(at: .response, worker)
        releaseRequestStore()
        // From here on the client's connection has the one deadline.
        connection?.setDeadline(.never, worker)
        advanceTunnel(worker)
    }

    private enum Passed { case progressed, waiting, finished, sourceFailed, targetFailed }

    func advanceTunnel(_ worker: Worker) {
        guard let connection else { preconditionFailure("a tunnel has two ends") }
        for _ in 0..<Limits.movesPerTurn {
            let mayPassBack = mayPassResponse(worker)
            guard phase == .tunnelling else { return }
            let forth = pass(from: client, to: connection, &facts.bytesFromClient, worker)
            let back = mayPassBack ? pass(from: connection, to: client, &facts.bytesToClient, worker) : .waiting
            if forth == .sourceFailed || back == .targetFailed {
                countOnServer(.clientAborts, worker)
                abort(.client, .data, worker)
                return
            }
            if back == .sourceFailed || forth == .targetFailed {
                countOnServer(.serverAborts, worker)
                countOnServer(.badResponses, worker)
                abort(.server, .data, worker)
                return
            }
            if forth == .finished && back == .finished {
                endTunnel(worker)
                return
            }
            if forth == .progressed || back == .progressed {
                client.setDeadline(after: tunnelTimeout.span, worker)
                connection.setDeadline(.never, worker)
            } else {
                if client.deadline == .never { client.setDeadline(after: tunnelTimeout.span, worker) }
                if inspection.rules != nil {
                    client.setDeadline(min(client.deadline, inspection.end), worker)
                }
                return
            }
        }
        worker.resumeLater(client)
    }

    /// Silence for this long ends a tunnel, and this side is to blame. Where one side has finished, only the other can be.
    private var tunnelTimeout: (span: TimeSpan, cause: Termination.Cause) {
        guard let backend, let connection else { preconditionFailure("a tunnel leads to a backend") }
        let front = frontend.timeouts
        let back = backend.timeouts
        let tunnel = facts.directives.tunnelTimeout ?? back.tunnel
        if client.transport.hasEnded && !connection.transport.hasEnded {
            return (back.serverFin ?? tunnel ?? serverTimeout, .serverTimeout)
        }
        if connection.transport.hasEnded && !client.transport.hasEnded {
            return (front.clientFin ?? tunnel ?? clientTimeout, .clientTimeout)
        }
        if let tunnel { return (tunnel, .clientTimeout) }
        return clientTimeout <= serverTimeout ? (clientTimeout, .clientTimeout) : (serverTimeout, .serverTimeout)
    }

    func tunnelTimedOut(_ worker: Worker) {
        let cause = tunnelTimeout.cause
        countOnServer(cause == .clientTimeout ? .clientAborts : .serverAborts, worker)
        abort(cause, .data, worker)
    }

    /// One direction: what was read goes out as it is, block by block.
    private func pass(
        from source: Connection, to target: Connection, _ count: inout UInt64, _ worker: Worker
    ) -> Passed {
        var progressed = false
        if !source.input.isEmpty && target.output.isEmpty {
            count += UInt64(source.input.count)
            ByteBuffer.swap(&source.input, &target.output)
            progressed = true
        }
        let waiting = target.output.count
        switch target.flush(worker) {
        case .all: break
        case .blocked: return progressed || target.output.count < waiting ? .progressed : .waiting
        case .failed: return .targetFailed
        }
        // What came in one piece with the head that opened the tunnel waited behind it.
        if !source.input.isEmpty { return .progressed }
        switch source.fill(worker) {
        case .progressed: return .progressed
        case .blocked: return progressed ? .progressed : .waiting
        case .full: return .progressed
        case .failed: return .sourceFailed
        case .ended:
            if !source.input.isEmpty { return .progressed }
            // The other direction may go on: half of the tunnel is closed.
            if !target.transport.isFinishedSending {
                target.transport.finishSending(worker.kernel)
                // Another time-out counts from here on.
                return .progressed
            }
            return .finished
        }
    }

    /// `mode tcp`: a rule wants nothing more of the server. What it has said goes to the client, and then the end.
    func endTunnelWithServer(_ worker: Worker) {
        guard let connection else { preconditionFailure("a tunnel has two ends") }
        inspection.rules = nil
        facts.bytesToClient += UInt64(connection.input.count)
        ByteBuffer.swap(&connection.input, &client.output)
        dropConnection(worker, reset: true)
        keepsClient = false
        phase = .answering
        sendAnswer(worker)
    }

    private func endTunnel(_ worker: Worker) {
        dropConnection(worker)
        keepsClient = false
        end(worker)
    }
}
