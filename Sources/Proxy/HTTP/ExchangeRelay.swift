// The request's body to the server, the response's head and body to the client.
//
// Back-pressure is by not reading: a side is read only while the buffer towards the other side has room.

internal import Balancing
internal import Basics
internal import HTTP
internal import Logging
internal import Reactor
internal import Rules
internal import Transport

extension Exchange {
    // MARK: The request

    /// Sends what there is of the request, and reads more of it while the server takes it.
    func sendRequestBody(_ worker: Worker) {
        guard !requestSent, let connection else { return }
        // Still so after a round that only sent what was stored: what did not fit waits in the client's buffer.
        var needsRoom = false
        for _ in 0..<Limits.movesPerTurn {
            if let store = requestStore, !store.isDrained {
                guard sendStored(store, to: connection, worker) else { return }
            } else if !requestBody.isComplete {
                connection.output.acquire(from: worker.buffers)
                let before = client.input.count
                let copied = moveBodyThroughCopy(worker)
                let moved = copied ?? requestBody.move(from: &client.input, to: &connection.output)
                let taken = before - client.input.count
                if taken > 0 {
                    if copied == nil { bodyWasTouched = true }
                    facts.bytesFromClient += UInt64(taken)
                }
                if case .failed(let fault) = moved {
                    refuseBody(fault, worker)
                    return
                }
                needsRoom = moved == .needsRoom
            }
            let isStored = requestStore?.isDrained == false
            let waiting = connection.output.count
            switch connection.flush(worker, more: isStored || !requestBody.isComplete && !client.input.isEmpty) {
            case .all: connection.setDeadline(.never, worker)
            case .blocked:
                // The server does not read; waiting for it is bounded like waiting for its answer, and the client is not to blame.
                if connection.deadline == .never || connection.output.count < waiting {
                    connection.setDeadline(after: serverTimeout, worker)
                }
                client.setDeadline(.never, worker)
                client.input.releaseIfEmpty(to: worker.buffers)
                return
            case .failed:
                // It reads no more, but may have said why: its answer is read before it is given up.
                if connection.transport.peerStoppedReading { stopSendingRequest(worker) } else { serverFailed(worker) }
                return
            }
            if isStored { continue }
            if requestBody.isComplete {
                requestSent = true
                if phase == .relaying { releaseRequestStore() }
                client.setDeadline(.never, worker)
                connection.setDeadline(after: serverTimeout, worker)
                return
            }
            // There is room again: what is left in the buffer goes first.
            if needsRoom { continue }
            client.input.releaseIfEmpty(to: worker.buffers)
            switch client.fill(worker) {
            case .progressed: client.setDeadline(after: clientTimeout, worker)
            case .blocked:
                if client.deadline == .never { client.setDeadline(after: clientTimeout, worker) }
                return
            case .full: preconditionFailure("all but the beginning of a chunk's line was moved on")
            case .ended, .failed:
                clientAborted(worker)
                return
            }
        }
        worker.resumeLater(client)
    }

    /// A buffer of the body that was taken before; false if it cannot be read back.
    private func sendStored(_ store: BodyStore, to connection: ServerConnection, _ worker: Worker) -> Bool {
        connection.output.acquire(from: worker.buffers)
        if connection.output.room == 0 || store.take(into: &connection.output) { return true }
        storeFailed(worker)
        return false
    }

    /// The server reads no more, or is not to.
    func stopSendingRequest(_ worker: Worker) {
        guard let connection else { return }
        connection.output.release(to: worker.buffers)
        requestSent = true
        keepsClient = keepsClient && requestBody.isComplete
        client.setDeadline(.never, worker)
        connection.setDeadline(after: serverTimeout, worker)
    }

    /// The time-outs, which rules may have changed for this exchange (`set-timeout`).
    var serverTimeout: TimeSpan { facts.directives.serverTimeout ?? backend?.timeouts.server ?? .forever }
    var clientTimeout: TimeSpan { facts.directives.clientTimeout ?? frontend.timeouts.client }

    // MARK: The response

    /// Takes in the response as far as the client takes it off.
    func receiveResponse(_ worker: Worker) {
        // The rest of an interim response that the client did not take at once.
        if phase == .awaitingResponse && !client.output.isEmpty { _ = client.flush(worker) }
        for _ in 0..<Limits.movesPerTurn {
            guard let connection else { return sendRest(worker) }
            if phase == .awaitingResponse {
                guard readResponseHead(from: connection, worker) else { return }
            } else if holdsResponse {
                guard relayHeldBody(from: connection, worker) else { return }
            } else {
                guard relayBody(from: connection, worker) else { return }
            }
        }
        worker.resumeLater(client)
    }

    /// Reads on in the response's head; false if there is nothing more to do now.
    private func readResponseHead(from connection: ServerConnection, _ worker: Worker) -> Bool {
        if connection.input.isEmpty || responseParser.hasBegun {
            switch connection.fill(worker) {
            case .progressed: break
            case .blocked:
                watchClientWhileWaiting(worker)
                return false
            case .full: preconditionFailure("the parser bounds an unfinished line below a buffer's size")
            case .ended, .failed:
                serverFailed(worker)
                return false
            }
        }
        switch responseParser.parse(&connection.input, into: &facts.response) {
        case .needMore: return true
        case .complete:
            if let fault = responseParser.toleratedFault {
                keepToleratedResponse(fault.description, at: responseParser.toleratedOffset, worker)
            }
            return responseHeadComplete(from: connection, worker)
        case .failed(let fault):
            badResponse(fault.description, worker)
            return false
        }
    }

    /// While the server thinks, a client that resets its connection ends the exchange.
    func watchClientWhileWaiting(_ worker: Worker) {
        guard requestSent, client.transport.mayHaveInput || client.transport.hasEnded, client.input.isEmpty else {
            return
        }
        switch client.fill(worker) {
        case .failed: clientAborted(worker)
        case .ended: passHalfClose(worker)
        // The next request, sent ahead, waits in the buffer.
        case .progressed, .blocked, .full: break
        }
    }

    private func responseHeadComplete(from connection: ServerConnection, _ worker: Worker) -> Bool {
        let status = facts.response.status
        facts.serverStatus = status
        countServerResponse(status, worker)
        if status == 101 {
            guard wantsUpgrade, requestSent else {
                badResponse("protocol switched unasked, or before the request was read", worker)
                return false
            }
            facts.response.fields.setApartHopByHop()
            return followResponseRules(before: .upgrade, worker)
        }
        if status < 200 { return passInterim(worker) }
        if retryMessage(after: .status(status), worker) { return false }
        if facts.request.method == .connect && status < 300 {
            // RFC 9110 section 9.3.6: a tunnel begins behind the head, and a length means nothing.
            facts.response.fields.remove(.contentLength)
            facts.response.fields.setApartHopByHop()
            return followResponseRules(before: .tunnel, worker)
        }

        let framing: BodyFraming
        switch facts.response.bodyFraming(requestMethod: facts.request.method) {
        case .success(let found): framing = found
        case .failure(let fault):
            badResponse(fault.description, worker)
            return false
        }
        facts.timers.responseHeadDone = worker.now
        if frontend.keepsCaptures { frontend.log.captureResponse(facts) }
        connection.allowsReuse =
            facts.response.allowsReuse && framing != .untilClose && facts.directives.serverMarks.isEmpty
        if facts.response.authenticatesConnection { connection.isPrivate = true }
        // From here on the server's Connection list has no effect on fields that rules write.
        facts.response.fields.setApartHopByHop()
        return followResponseRules(before: .body(framing), worker)
    }

    /// 100, 102, 103: to the client at once, and on to the next head. HTTP/1.0 does not know them.
    private func passInterim(_ worker: Worker) -> Bool {
        responseParser.reset()
        interimWasPassed = true
        return sendInterimHead(worker)
    }

    /// `facts.response` as an interim response to the client. False if the client is gone.
    func sendInterimHead(_ worker: Worker) -> Bool {
        defer { facts.response.clear() }
        guard facts.request.version == .http11 else { return true }
        facts.response.fields.removeHopByHop()
        client.output.acquire(from: worker.buffers)
        let before = client.output.count
        // No room is no harm: an interim response is advice.
        _ = MessageWriter.write(facts.response, framing: .none, connection: .none, to: &client.output)
        if frontend.adjustsCase { worker.plan.caseAdjustments.apply(to: &client.output, from: before) }
        facts.bytesToClient += UInt64(client.output.count - before)
        if client.flush(worker) == .failed {
            clientAborted(worker)
            return false
        }
        return true
    }

    func sendResponseHead(_ framing: BodyFraming, _ worker: Worker) {
        facts.status = facts.response.status
        countResponse(facts.status, worker)
        connection?.setDeadline(after: serverTimeout, worker)
        var framing = framing
        var target = framing
        let mayHaveBody = facts.status != 204 && facts.status != 304 && clientMethod != .head
        if framing != .none && !mayHaveBody {
            // A rule has changed the method or the status, and what the server sends has no place any more.
            framing = .none
            target = .none
            connection?.allowsReuse = false
        } else if framing == .none && mayHaveBody {
            target = .length(0)
        } else if framing == .untilClose {
            // The end is marked for clients that know chunks, so that their connection can stay.
            if facts.request.version == .http11 { target = .chunked } else { keepsClient = false }
        } else if framing == .chunked && facts.request.version == .http10 {
            target = .untilClose
            keepsClient = false
        }
        // A 426 has to name the protocols to change to (RFC 9110 section 15.5.22).
        let passesTrailers = framing == .chunked && target == .chunked && !frontend.dropsResponseTrailers
        facts.response.fields.removeSetApart(keepingUpgrade: facts.status == 426, keepingTrailer: passesTrailers)
        // Until the request is read to its end, the next one cannot begin.
        if !requestBody.isComplete { keepsClient = false }
        if worker.isStopping { keepsClient = false }
        responseBody = BodyRelay(from: framing, to: target, lenient: true, dropsTrailers: !passesTrailers)
        endsByClosing = target == .untilClose
        holdsResponse = framing != .none && backend?.responseBuffer != nil && facts.response.mayBeHeld
        // No other server is asked any more.
        if requestSent { releaseRequestStore() }
        writeHead(framing: target, worker)
        guard phase != .ended else { return }
        phase = .relaying
        if frontend.log.logsEarly { log(worker) }
        log(at: .response, worker)
    }

    /// Writes `facts.response` for the client, with the fields that concern its connection.
    func writeHead(framing: BodyFraming, _ worker: Worker) {
        let ruled = facts.response.fields.takeConnectionOptions()
        if ruled.contains(.close) { keepsClient = false }
        var option: MessageWriter.ConnectionHeader =
            !keepsClient ? .close : facts.request.version == .http10 ? .keepAlive : .none
        if facts.response.fields.contains(.upgrade) { option.insert(.upgrade) }
        guard let client else { preconditionFailure("a head is written, and there is no client") }
        client.output.acquire(from: worker.buffers)
        if client.output.room < worker.plan.bufferBytes { client.output.compact() }
        let before = client.output.count
        let fits = MessageWriter.write(facts.response, framing: framing, connection: option, to: &client.output)
        if frontend.adjustsCase { worker.plan.caseAdjustments.apply(to: &client.output, from: before) }
        facts.bytesToClient += UInt64(client.output.count - before)
        // Rules have made the head longer than a buffer; nothing sensible can be said any more.
        if !fits { abort(.proxy, .headers, worker) }
    }

    /// Moves the body on; false if there is nothing more to do now.
    private func relayBody(from connection: ServerConnection, _ worker: Worker) -> Bool {
        guard let client else { preconditionFailure("a body is passed on, and there is no client") }
        var needsRoom = false
        if !responseBody.isComplete {
            client.output.acquire(from: worker.buffers)
            if !client.output.isEmpty { client.output.compact() }
            let before = client.output.count
            let moved = responseBody.move(from: &connection.input, to: &client.output)
            facts.bytesToClient += UInt64(client.output.count - before)
            if case .failed(let fault) = moved {
                badResponseBody(fault, worker)
                return false
            }
            needsRoom = moved == .needsRoom
        }
        if responseBody.isComplete { finishWithServer(worker) }
        let waiting = client.output.count
        switch client.flush(worker, more: !responseBody.isComplete && !connection.input.isEmpty) {
        case .all: break
        case .blocked:
            awaitClient(progressed: client.output.count < waiting, worker)
            self.connection?.setDeadline(.never, worker)
            self.connection?.input.releaseIfEmpty(to: worker.buffers)
            return false
        case .failed:
            clientAborted(worker)
            return false
        }
        if responseBody.isComplete {
            end(worker)
            return false
        }
        // There is room again: what is left in the buffer goes first.
        if needsRoom { return true }
        return readBody(from: connection, worker)
    }

    private func readBody(from connection: ServerConnection, _ worker: Worker) -> Bool {
        // A client that still sends its request is not idle while it takes the response.
        if requestSent { client.setDeadline(.never, worker) }
        connection.input.releaseIfEmpty(to: worker.buffers)
        switch connection.fill(worker) {
        case .progressed:
            connection.setDeadline(after: serverTimeout, worker)
            if !requestSent { client.setDeadline(after: clientTimeout, worker) }
            return true
        case .full: return true
        case .blocked:
            if connection.deadline == .never { connection.setDeadline(after: serverTimeout, worker) }
            watchClientWhileWaiting(worker)
            return false
        case .ended, .failed:
            client.output.acquire(from: worker.buffers)
            let before = client.output.count
            guard connection.transport.readFailure == nil, responseBody.inputEnded(to: &client.output) else {
                truncated(worker)
                return false
            }
            facts.bytesToClient += UInt64(client.output.count - before)
            return true
        }
    }

    /// The response is here in full: the server is free before the client has read it all.
    func finishWithServer(_ worker: Worker) {
        guard let connection else { return }
        releaseServer(worker)
        self.connection = nil
        if requestSent && requestBody.isComplete && connection.allowsReuse && connection.input.isEmpty
            && !connection.transport.hasFailed && !connection.transport.isFinishedSending
            && connection.mayWait(for: keepAliveMode, connection.backend.reuse)
        {
            connection.becomeIdle(worker)
        } else {
            connection.shut(worker)
        }
    }

    /// The client is to read on. Only what it takes moves its deadline: other signs of life do not free a buffer.
    func awaitClient(progressed: Bool, _ worker: Worker) {
        if progressed || client.deadline == .never { client.setDeadline(after: clientTimeout, worker) }
    }
}
