// Bytes both ways, unread: a connection in TCP mode from its first byte, or an exchange of HTTP after a switch of protocols or a
// CONNECT.
//
//   inspecting ─▶ (backend) ─▶ inspecting ─▶ connecting ─▶ tunnelling ─▶ ended
//
// Choosing backend and server, waiting and connecting are shared with exchanges, in Stream/.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Logging
internal import Reactor
internal import Rules
internal import Transport

final class Tunnel: ProxyStream {
    /// `mode tcp`: rules on what the server sends, while they have not come to their end.
    private var responseInspection: Inspection?
    @safe @exclusivity(unchecked) private var forth = TunnelDirection()
    @safe @exclusivity(unchecked) private var back = TunnelDirection()

    /// Whose encrypted stream has ended without the word that it is whole; nil for none.
    private var cutBy: Termination.Cause?

    override func forget() {
        super.forget()
        responseInspection = nil
        cutBy = nil
        forth = TunnelDirection()
        back = TunnelDirection()
    }

    override func releaseResources(_ worker: Worker) {
        if let pipe = forth.pipe { worker.pipes.giveBack(pipe) }
        if let pipe = back.pipe { worker.pipes.giveBack(pipe) }
    }

    override func recycle(_ worker: Worker) { worker.recycle(self) }

    // MARK: Beginning

    /// `mode tcp`: there is no head; the whole connection is one tunnel to a server.
    func beginSession(_ worker: Worker) {
        context.timers.requestDone = worker.now
        context.requestProbe = RequestProbe(limits: frontend.settings.headLimits(acceptInvalid: true))
        if frontend.keepsCaptures { frontend.log.captureRequest(context) }
        log(at: .accept, worker)
        beginInspection(for: .frontend, worker)
    }

    /// Goes on with an exchange whose response's head has gone to the client. The exchange's object is not used again.
    func takeOver(_ exchange: Exchange, _ worker: Worker) {
        client = exchange.client
        backend = exchange.backend
        attempt = exchange.attempt
        isLogged = exchange.isLogged
        attempt.connection?.user = self
        client.replaceStream(by: self)
        // The tunnel has a deadline of its own.
        client.setDeadline(.never, worker)
        worker.retire(exchange)
        enter(.tunnelling, worker)
        advance(worker)
    }

    // MARK: Choosing

    override func contentPassed(_ step: Step, _ worker: Worker) {
        switch step {
        case .frontend: chooseBackend(worker)
        case .backend:
            attempt.retriesLeft = context.directives.retries ?? backend?.retries ?? 0
            chooseServer(worker)
        }
    }

    override func serverReady(_ worker: Worker) {
        enter(.tunnelling, worker)
        context.timers.responseHeadDone = worker.now
        if let rules = backend?.rules, !rules.responseContent.isEmpty {
            responseInspection = Inspection(step: .backend, rules: rules.responseContent, end: .never)
        }
        if frontend.log.logsEarly { log(worker) }
        advance(worker)
    }

    // MARK: Events

    override func handle(_ event: StreamEvent, _ worker: Worker) {
        worker.transitions?.note(phase: phase.number, event: event.number)
        switch (phase, event) {
        case (.inspecting(let inspection), .progress), (.inspecting(let inspection), .timeUp):
            inspect(inspection, worker)
        case (.resolving, .progress): watchClient(worker)
        case (.resolving(let wait), .nameAnswered(let answer)): resolved(wait, to: answer.address, worker)
        case (.resolving(let wait), .timeUp): resolved(wait, to: nil, worker)

        case (.queued, .progress), (.connecting, .progress), (.retrying, .progress): watchClient(worker)
        case (.queued, .slotGranted(let grant)): slotGranted(grant, worker)
        case (.queued(let ticket), .timeUp): queueTimedOut(ticket, worker)
        case (.connecting, .connected): connected(worker)
        case (.connecting, .connectFailed(let reason)): connectFailed(reason, worker)
        case (.connecting, .connectTimedOut): connectTimedOut(worker)
        case (.retrying, .timeUp): retryPauseOver(worker)

        case (.tunnelling, .progress): advance(worker)
        case (.tunnelling, .timeUp): timeUp(worker)
        case (.draining, .progress): drain(worker)
        case (.draining, .clientTimedOut):
            countOnServer(.clientAborts, worker)
            abort(.clientTimeout, .data, worker)

        case (_, .stopped): abort(.killed, .data, worker)
        // The rest is impossible, and written out in `StreamTransitions`.
        default: preconditionFailure("tunnel \(context.requestCounter): \(event) while \(phase)")
        }
    }

    /// A client that speaks no HTTP can be told nothing: its connection closes.
    override func fail(
        status: Int, detail: String? = nil, _ cause: Termination.Cause, _ at: Termination.Phase, _ worker: Worker
    ) {
        dropConnection(worker)
        abort(cause, at, worker)
    }

    override func clientAborted(_ worker: Worker) {
        if endedForShortage(worker) { return }
        countOnServer(.clientAborts, worker)
        switch phase {
        case .inspecting, .resolving: abort(.client, .request, worker)
        case .queued: abort(.client, .queue, worker)
        case .connecting, .retrying: abort(.client, .connect, worker)
        default: abort(.client, .data, worker)
        }
    }

    // MARK: Bytes

    /// Moves whatever can move, in both directions.
    private func advance(_ worker: Worker) {
        guard let connection else { preconditionFailure("a tunnel has two ends") }
        for _ in 0..<Limits.movesPerTurn {
            let mayPassBack = mayPassResponse(worker)
            guard case .tunnelling = phase else { return }
            let forth = pass(&self.forth, from: client, to: connection, worker)
            let back = mayPassBack ? pass(&self.back, from: connection, to: client, worker) : .waiting
            if forth == .sourceFailed || back == .targetFailed { return lost(.client, worker) }
            if back == .sourceFailed || forth == .targetFailed { return lost(.server, worker) }
            if forth == .finished && back == .finished { return bothFinished(worker) }
            if back == .progressed { server?.traffic.row(worker.index).noteAnswer(at: worker.now) }
            let progressed = forth == .progressed || back == .progressed
            keepTime(progressed: progressed, worker)
            if !progressed { return }
        }
        worker.resumeLater(self)
    }

    /// A side is gone; if another's stream was cut off before, that is why.
    private func lost(_ side: Termination.Cause, _ worker: Worker) {
        let cause = cutBy ?? side
        countOnServer(cause == .client ? .clientAborts : .serverAborts, worker)
        if cause == .server { countOnServer(.badResponses, worker) }
        abort(cause, .data, worker)
    }

    private func bothFinished(_ worker: Worker) {
        if let cutBy {
            countOnServer(cutBy == .client ? .clientAborts : .serverAborts, worker)
            context.outcome.termination = Termination(cutBy, .data)
        }
        client.endAfterResponse()
        end(requestIsComplete: true, worker)
    }

    /// Silence ends a tunnel; rules on what the server sends may wait for less.
    private func keepTime(progressed: Bool, _ worker: Worker) {
        if progressed || deadline == .never { setDeadline(after: timeout.span, worker) }
        if !progressed, let responseInspection { setDeadline(min(deadline, responseInspection.end), worker) }
    }

    /// Silence for this long ends a tunnel, and this side is to blame. Where one side has finished, only the other can be.
    private var timeout: (span: TimeSpan, cause: Termination.Cause) {
        guard let backend, let connection else { preconditionFailure("a tunnel leads to a backend") }
        let tunnel = context.directives.tunnelTimeout ?? backend.timeouts.tunnel
        if client.hasEnded && !connection.hasEnded {
            return (backend.timeouts.serverFin ?? tunnel ?? serverTimeout, .serverTimeout)
        }
        if connection.hasEnded && !client.hasEnded {
            return (frontend.timeouts.clientFin ?? tunnel ?? clientTimeout, .clientTimeout)
        }
        if let tunnel { return (tunnel, .clientTimeout) }
        return clientTimeout <= serverTimeout ? (clientTimeout, .clientTimeout) : (serverTimeout, .serverTimeout)
    }

    private func timeUp(_ worker: Worker) {
        if let responseInspection, worker.now >= responseInspection.end { return advance(worker) }
        let cause = timeout.cause
        countOnServer(cause == .clientTimeout ? .clientAborts : .serverAborts, worker)
        abort(cause, .data, worker)
    }

    /// One direction: what was read goes out as it is, block by block.
    private func pass(
        _ direction: inout TunnelDirection, from source: Connection, to target: Connection, _ worker: Worker
    ) -> Passed {
        if let pipe = direction.pipe, target.output.isEmpty {
            return splice(&direction, through: pipe, from: source, to: target, worker)
        }
        var progressed = false
        if !source.input.isEmpty && target.output.isEmpty {
            count(source.input.count, from: source)
            ByteBuffer.swap(&source.input, &target.output)
            progressed = true
        }
        let waiting = target.output.count
        switch target.flush(worker, more: source.mayHaveInput) {
        case .all: break
        case .blocked: return progressed || target.output.count < waiting ? .progressed : .waiting
        case .failed: return .targetFailed
        }
        // What came in one piece with the head that opened the tunnel waited behind it.
        if !source.input.isEmpty { return .progressed }
        if beginsSplicing(&direction, from: source, to: target, worker) { return .progressed }
        let read = source.fill(worker)
        if read == .progressed { direction.note(isFull: source.input.isFull) }
        let result = passed(read, from: source, to: target, worker)
        return progressed && result == .waiting ? .progressed : result
    }

    /// Counts bytes on their way from one end to the other.
    func count(_ bytes: Int, from source: Connection) {
        if source === client { client.codec.countReceived(bytes) } else { client.codec.countSent(bytes) }
    }

    /// What follows from an attempt to read.
    func passed(_ read: ReadResult, from source: Connection, to target: Connection, _ worker: Worker) -> Passed {
        switch read {
        case .progressed, .full: return .progressed
        case .blocked:
            target.push(worker)
            return .waiting
        case .failed: return .sourceFailed
        case .ended:
            if !source.input.isEmpty { return .progressed }
            // The other direction may go on: half of the tunnel is closed.
            guard !target.transport.isFinishedSending else { return .finished }
            // An end without TLS's last word may be forged (RFC 8446 section 6.1): it is passed on as such, but not as an answer to ours.
            let isCut = source.transport.isTruncated && !source.transport.isFinishedSending
            if isCut { cutBy = source === client ? .client : .server }
            target.transport.finishSending(worker.kernel, saysGoodbye: !isCut)
            // Another time-out counts from here on.
            return .progressed
        }
    }

    // MARK: Rules on what the server sends

    /// `mode tcp`: whether what the server has sent so far may go on to the client. False too if the tunnel has ended.
    ///
    /// Nothing is looked at, and no time passes, before the server has sent something.
    private func mayPassResponse(_ worker: Worker) -> Bool {
        guard var inspection = responseInspection else { return true }
        guard let connection else { preconditionFailure("a tunnel has two ends") }
        if !connection.hasUnreadInput && !connection.hasEnded {
            switch connection.fill(worker) {
            case .progressed, .full, .ended: break
            case .blocked: return false
            // For the tunnel to find out.
            case .failed: return true
            }
        }
        if inspection.end == .never {
            inspection.end = worker.now + (backend?.rules.responseInspectDelay ?? .zero)
        }
        while true {
            context.responsePayload.removeAll(keepingCapacity: true)
            connection.copyInput(to: &context.responsePayload)
            context.mayGrow = worker.now < inspection.end && connection.mayReceiveMore
            let outcome = run(inspection.rules, from: inspection.position, worker)
            context.mayGrow = false
            switch outcome {
            case .proceed:
                responseInspection = nil
                return true
            case .closeServer: giveServerUp(worker)
            case .reject: rejectResponse(worker)
            case .silentDrop: rejectRequest(silently: true, worker)
            case .wait(.more, let position):
                inspection.position = position
                responseInspection = inspection
                switch connection.fill(worker) {
                case .progressed, .full, .ended: continue
                case .blocked: return false
                case .failed:
                    // What was not judged does not pass.
                    connection.dropInput(worker)
                    return true
                }
            default: preconditionFailure("rules on content do not answer")
            }
            return false
        }
    }

    /// A rule wants nothing more of the server. What it has sent goes to the client, and then the end.
    private func giveServerUp(_ worker: Worker) {
        guard let connection else { preconditionFailure("a tunnel has two ends") }
        responseInspection = nil
        client.codec.countSent(connection.input.count)
        ByteBuffer.swap(&connection.input, &client.output)
        dropConnection(worker, reset: true)
        client.endAfterResponse()
        enter(.draining, worker)
        drain(worker)
    }

    private func drain(_ worker: Worker) {
        let waiting = client.bytesToSend
        switch client.flush(worker) {
        case .all: end(requestIsComplete: true, worker)
        case .blocked: awaitClient(progressed: client.bytesToSend < waiting, worker)
        case .failed: clientAborted(worker)
        }
    }
}
