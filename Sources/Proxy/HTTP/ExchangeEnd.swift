// How an exchange ends, and what is counted and logged then. Every path leads through `conclude`, once.

internal import Balancing
internal import Basics
internal import HTTP
internal import Logging
internal import Reactor
internal import Rules
internal import Transport

extension Exchange {
    // MARK: Good ends

    /// Everything the client is to get is sent.
    func end(_ worker: Worker) {
        let client = client
        let keepsClient = keepsClient
        let isClientDone = requestBody.isComplete && !headWasRefused && !clientExpectsMore
        dropConnection(worker)
        conclude(worker)
        client?.exchangeEnded(keepAlive: keepsClient, isClientDone: isClientDone, worker)
    }

    // MARK: The client's faults

    /// It closed, or sent no more, before its request was whole. One that only sends no more can still be told.
    func clientLeftDuringHead(mayRead: Bool, _ worker: Worker) {
        frontend.countRequest(worker)
        countUnfinishedHead()
        headWasRefused = true
        keepsClient = false
        frontend.traffic.add(.badRequests, worker: worker.index)
        if mayRead {
            fail(status: 400, .client, .request, worker)
        } else {
            // Nobody is there to read an answer; the status is for the log, as HAProxy has it.
            facts.status = 400
            countResponse(400, worker)
            abort(.client, .request, worker)
        }
    }

    /// Its request's head took too long.
    func headTimedOut(_ worker: Worker) {
        frontend.countRequest(worker)
        countUnfinishedHead()
        headWasRefused = true
        keepsClient = false
        frontend.traffic.add(.badRequests, worker: worker.index)
        fail(status: 408, .clientTimeout, .request, worker)
    }

    /// The beginning of a line was received too; without a single byte no request has begun.
    private func countUnfinishedHead() {
        facts.bytesFromClient += UInt64(client.input.count)
        if facts.bytesFromClient == 0 { facts.timers.requestBegun = nil }
    }

    /// It left while its request's body or the server's answer was awaited: as in HAProxy, the log and the counters have the
    /// status of a bad request, though no answer is sent.
    private func noteUnanswered(_ worker: Worker) {
        guard frontend.mode == .http else { return }
        facts.status = 400
        countResponse(400, worker)
    }

    /// It closed while its request was still to come, or while it was to read the answer.
    func clientAborted(_ worker: Worker) {
        // It has not: our own system could not read from it or send to it.
        if client.transport.failedForShortage {
            let hasBegun = phase == .answering || phase == .relaying || phase == .tunnelling
            return abort(.resource, hasBegun ? .data : .request, worker)
        }
        countOnServer(.clientAborts, worker)
        switch phase {
        case .awaitingBody, .takingBody:
            noteUnanswered(worker)
            abort(.client, .request, worker)
        case .inspecting, .pausing, .resolving: abort(.client, .request, worker)
        case .holding: abort(.client, .headers, worker)
        case .queued: abort(.client, .queue, worker)
        case .tarpitted:
            // As in HAProxy, the log has what it would have been told.
            facts.timers.queueLeft = worker.now
            facts.status = tarpitAnswer.status
            countResponse(facts.status, worker)
            abort(.client, .tarpit, worker)
        case .connecting: abort(.client, .connect, worker)
        case .awaitingResponse:
            noteUnanswered(worker)
            abort(.client, requestSent ? .headers : .data, worker)
        default: abort(.client, .data, worker)
        }
    }

    /// The deadline of the client's connection has passed.
    func clientTimedOut(_ worker: Worker) {
        switch phase {
        case .connecting: retryPauseOver(worker)
        case .queued: queueTimedOut(worker)
        case .tarpitted: tarpitOver(worker)
        case .pausing(let step): requestPauseOver(step, worker)
        case .holding(let step): holdingTimeOver(before: step, worker)
        case .resolving: resolved(nil, worker)
        case .awaitingBody, .takingBody: bodyTimedOut(worker)
        case .awaitingResponse:
            countOnServer(.clientAborts, worker)
            fail(status: 408, .clientTimeout, .headers, worker)
        case .inspecting(let step): inspect(before: step, worker)
        case .tunnelling where inspection.rules != nil && worker.now >= inspection.end: advanceTunnel(worker)
        case .tunnelling: tunnelTimedOut(worker)
        default:
            countOnServer(.clientAborts, worker)
            abort(.clientTimeout, .data, worker)
        }
    }

    private func bodyTimedOut(_ worker: Worker) {
        frontend.traffic.add(.badRequests, worker: worker.index)
        fail(status: 408, .clientTimeout, .request, worker)
    }

    /// The body it sends is not well-formed.
    func refuseBody(_ fault: MessageFault, _ worker: Worker) {
        keepRefusedRequest(fault.description, worker)
        frontend.traffic.add(.badRequests, worker: worker.index)
        keepsClient = false
        fail(status: fault.status, .proxy, isRequestWhole ? .data : .request, worker)
    }

    // MARK: The server's faults

    /// It closed or reset the connection before its response had begun.
    func serverFailed(_ worker: Worker) {
        if awaitsHalfClosed { return endHalfClosed(worker) }
        if retryOnFreshConnection(worker) { return }
        if retryMessage(after: responseParser.hasBegun ? .junkResponse : .emptyResponse, worker) { return }
        countOnServer(.badResponses, worker)
        fail(status: 502, .server, .headers, worker)
    }

    /// What it said is not a response.
    func badResponse(_ reason: String, _ worker: Worker) {
        keepRefusedResponse(reason, worker)
        if retryMessage(after: .junkResponse, worker) { return }
        countOnServer(.badResponses, worker)
        fail(status: 502, .proxy, .headers, worker)
    }

    func serverTimedOut(_ worker: Worker) {
        if case .holding(let step) = phase { return holdingTimeOver(before: step, worker) }
        if awaitsHalfClosed { return endHalfClosed(worker) }
        if retryMessage(after: .responseTimeout, worker) { return }
        if phase == .awaitingResponse {
            countOnServer(.badResponses, worker)
            fail(status: 504, .serverTimeout, .headers, worker)
        } else {
            countOnServer(.serverAborts, worker)
            abort(.serverTimeout, .data, worker)
        }
    }

    /// Its body is not well-formed, and the head has gone to the client: it must not take what it got for whole.
    func badResponseBody(_ fault: MessageFault, _ worker: Worker) {
        keepRefusedResponse(fault.description, worker)
        countOnServer(.badResponses, worker)
        // What was good of it is not lost: the head may not have been sent yet.
        _ = client.flush(worker)
        abort(.proxy, .data, worker)
    }

    /// Its body ended before its end: the client must not take it for whole.
    func truncated(_ worker: Worker) {
        countOnServer(.serverAborts, worker)
        countOnServer(.badResponses, worker)
        _ = client.flush(worker)
        abort(.server, .data, worker)
    }

    /// Counts on the server, if there is one, and on the backend.
    func countOnServer(_ counter: TrafficCounter, _ worker: Worker) {
        server?.traffic.add(counter, worker: worker.index)
        backend?.backend.traffic.add(counter, worker: worker.index)
    }

    // MARK: Cutting off

    /// Ends in the middle: the client's connection is closed so that it notices.
    func abort(_ cause: Termination.Cause, _ at: Termination.Phase, silently: Bool = false, _ worker: Worker) {
        facts.termination.cause = cause
        facts.termination.phase = at
        let client = client
        let mode: CloseMode =
            switch cause {
            case .client, .killed: .close
            default: silently ? .silent : phase == .relaying && endsByClosing ? .reset : .linger
            }
        // A server that is cut off in the middle of something must not take it for the end.
        dropConnection(worker, reset: phase != .tunnelling || cause != .client)
        conclude(worker)
        client?.exchangeAborted(mode, worker)
    }

    /// The worker stops at once.
    func abandon(_ worker: Worker) { abort(.killed, .data, worker) }

    // MARK: Counting and logging

    /// A response goes to the client: a server's or Portico's own.
    func countResponse(_ status: Int, _ worker: Worker) {
        count(.responses(status: status), worker)
        backend?.backend.traffic.add(.requests, worker: worker.index)
    }

    /// The head of a response has come from the server: interim ones count too, as in HAProxy.
    func countServerResponse(_ status: Int, _ worker: Worker) {
        guard let row = server?.traffic.row(worker.index) else { return }
        row.add(.responses(status: status))
        row.add(.requests)
    }

    private func conclude(_ worker: Worker) {
        precondition(phase != .ended, "an exchange ends twice")
        facts.timers.ended = worker.now
        leaveQueue(worker)
        // As in HAProxy, the connections in the log are those that are left.
        releaseServer(worker)
        backend?.backend.active.decrement()
        releaseStores()
        // Nothing was said to the client: the logged status is -1, and what is counted is another than all others.
        if facts.status < 0, client.mode == .http { countResponse(facts.status, worker) }
        countTraffic(worker)
        if facts.failedRewrites > 0 { countFailedRewrites(worker) }
        log(worker)
        phase = .ended
        letGo()
        worker.giveBack(self)
    }

    private func countTraffic(_ worker: Worker) {
        let index = worker.index
        countBytes(on: frontend.traffic.row(index))
        guard let onBackend = backend?.backend.traffic.row(index) else { return }
        countBytes(on: onBackend)
        guard let onServer = server?.traffic.row(index) else { return }
        countBytes(on: onServer)
        countTimes(worker)
    }

    private func countTimes(_ worker: Worker) {
        guard let times = ExchangeTimes(facts.timers) else { return }
        backend?.backend.count(times, worker: worker.index)
        server?.count(times, worker: worker.index)
    }

    private func countBytes(on row: TrafficRow) {
        row.add(.bytesIn, facts.bytesFromClient)
        row.add(.bytesOut, facts.bytesToClient)
    }

    private func countFailedRewrites(_ worker: Worker) {
        let failures = UInt64(facts.failedRewrites)
        frontend.traffic.add(.failedRewrites, failures, worker: worker.index)
        backend?.backend.traffic.add(.failedRewrites, failures, worker: worker.index)
        server?.traffic.add(.failedRewrites, failures, worker: worker.index)
    }

    /// Writes a line at a step before the end, where `log-steps` asks for one.
    func log(at step: LogStep, _ worker: Worker) {
        guard frontend.logsSteps, frontend.log.writes(at: step) else { return }
        facts.logStep = step
        frontend.writeLog(facts, .info, backend: backend, server: server, worker)
        facts.logStep = nil
    }

    /// Writes the exchange's line, if it is not written yet.
    func log(_ worker: Worker) {
        guard !frontend.logTargets.isEmpty, !isLogged else { return }
        isLogged = true
        var level: LogLevel
        switch frontend.log.verdict(facts) {
        case .skip: return
        case .info: level = .info
        case .error: level = .err
        }
        if let severity = facts.directives.logSeverity {
            // Silent.
            guard let said = UInt8(exactly: severity).flatMap(LogLevel.init(rawValue:)) else { return }
            level = said
        }
        frontend.writeLog(facts, level, backend: backend, server: server, worker)
    }
}

extension ExchangeTimes {
    /// Nil if no server has answered: such an exchange says nothing about how long one takes.
    fileprivate init?(_ timers: borrowing ExchangeTimers) {
        guard let connected = timers.connected, let head = timers.responseHeadDone, let ended = timers.ended else {
            return nil
        }
        self.init()
        let chosen = timers.queueLeft ?? connected
        if let done = timers.requestDone { queue = chosen.since(done).wholeMilliseconds }
        connect = connected.since(chosen).wholeMilliseconds
        response = head.since(connected).wholeMilliseconds
        total = ended.since(timers.accepted).wholeMilliseconds
    }
}
