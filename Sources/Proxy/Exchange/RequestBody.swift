// A request's head and body on their way to the server, and bodies that have to be here first: before rules run (`option
// http-buffer-request`, `wait-for-body`) or before a server is chosen (`request-buffer`), so that a client that sends slowly
// occupies Portico alone.
//
// Back-pressure is by not reading: the client is read only while the buffer towards the server has room.
//
// For rules the body stays in the client's buffer, in its framing, and is passed on from there as any other. For a server it goes
// into a store, out of its framing: what is sent has a Content-Length, and can be sent again.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Logging
internal import Reactor
internal import Rules
internal import SystemPackage
internal import Transport

extension Exchange {
    // MARK: To the server

    func sendRequestHead(_ worker: Worker) {
        guard let connection else { preconditionFailure("a head is sent without a connection") }
        enter(.awaitingResponse, worker)
        context.response.clear()
        request.store?.rewind()
        request.isSent = false
        if let name = connection.backend.serverNameField { tellServerName(in: name, connection.server) }
        if request.store == nil, !request.wasTouched, !request.transfer.isComplete {
            // Only now it is known what the server speaks.
            request.transfer.write(
                with: connection.codec.bodyWriter ?? ServerCodec.bodyWriter(for: request.content))
        }
        connection.codec.expectTrailers(client.codec.hasTrailersApart && !request.transfer.isComplete)
        let sent = connection.send(
            context.request, content: request.content, options: request.options, isSecure: context.isTLS, worker)
        guard sent else {
            // Rules and options have made the head longer than a buffer.
            countOnServer(.internalErrors, worker)
            frontend.traffic.add(.internalErrors, worker: worker.index)
            return fail(status: 500, .proxy, .headers, worker)
        }
        move(worker)
    }

    /// `http-send-name-header`: each attempt names the server that it is for.
    private func tellServerName(in field: [UInt8], _ server: Server) {
        context.request.fields.remove(named: field)
        let name = Array(server.name.utf8)
        unsafe context.request.fields.append(name: field.span.bytes, value: name.span.bytes)
    }

    /// Moves whatever can move, in both directions.
    func move(_ worker: Worker) {
        sendRequestBody(worker)
        switch phase {
        case .awaitingResponse, .relaying: receiveResponse(worker)
        default: break
        }
    }

    /// Sends what there is of the request, and reads more of it while the server takes it.
    func sendRequestBody(_ worker: Worker) {
        guard !request.isSent, let connection else { return }
        // What did not fit waits in the client's buffer, also while what is stored is sent, and when a server that fails is followed by
        // another.
        var needsRoom = client.hasUnreadInput
        for _ in 0..<Limits.movesPerTurn {
            // What is in the pipe goes first; then what was read into the buffer while rules made the exchange wait; then the rest.
            if let pipe = request.pipe, connection.bytesToSend == 0, pipe.count > 0 || !client.hasUnreadInput {
                guard spliceRequest(through: pipe, to: connection, worker) else { return }
                continue
            }
            if let store = request.store, !store.isDrained {
                guard connection.sendStored(store, worker) else { return storeFailed(worker) }
            } else if !request.transfer.isComplete {
                switch moveRequestBody(to: connection, worker) {
                case .failed(let fault): return refuseBody(fault, worker)
                case .needsRoom: needsRoom = true
                case .needsInput, .complete: needsRoom = false
                }
            }
            let isStored = request.store?.isDrained == false
            guard flushRequest(to: connection, more: isStored || client.mayHaveMoreOf(request.transfer), worker) else {
                return
            }
            if isStored { continue }
            if request.transfer.isComplete { return requestSent(worker) }
            // There is room again: what is left in the buffer goes first.
            if needsRoom || beginsSplicingRequest(to: connection, worker) { continue }
            guard readMoreOfRequest(worker) else { return }
        }
        // The response's rules may make the exchange wait before its next turn.
        connection.push(worker)
        worker.resumeLater(self)
    }

    /// Moves what is here of the body, through the copy that is kept for another attempt as long as that may grow.
    private func moveRequestBody(to connection: ServerConnection, _ worker: Worker) -> TransferResult {
        if let store = storeForRetries(worker) { return client.moveContent(&request.transfer, into: store) }
        let before = client.codec.bytesReceived
        let moved = client.moveContent(&request.transfer, to: connection, worker)
        if client.codec.bytesReceived > before { request.wasTouched = true }
        return moved
    }

    /// Sends what the server's connection holds; false if there is nothing more to do now.
    private func flushRequest(to connection: ServerConnection, more: Bool, _ worker: Worker) -> Bool {
        let waiting = connection.bytesToSend
        let result = connection.flush(worker, more: more)
        return requestIsFlushed(result, progressed: connection.bytesToSend < waiting, to: connection, worker)
    }

    /// Does what follows from an attempt to send; false if there is nothing more to do now.
    func requestIsFlushed(
        _ result: WriteResult, progressed: Bool, to connection: ServerConnection, _ worker: Worker
    ) -> Bool {
        switch result {
        case .all:
            connection.setDeadline(.never, worker)
            return true
        case .blocked:
            // The server does not read; waiting for it is bounded like waiting for its answer, and the client is not to blame.
            if connection.deadline == .never || progressed {
                connection.setDeadline(after: serverTimeout, worker)
            }
            client.setDeadline(.never, worker)
            client.releaseEmptyInput(worker)
        case .failed:
            // It reads no more, but may have said why: its answer is read before it is given up.
            if connection.peerStoppedReading { stopSendingRequest(worker) } else { serverFailed(worker) }
        }
        return false
    }

    /// Reads more of the body; false if there is none now.
    private func readMoreOfRequest(_ worker: Worker) -> Bool {
        client.releaseEmptyInput(worker)
        return requestIsRead(client.fill(worker), worker)
    }

    /// Does what follows from an attempt to read more of the body; false if there is none now.
    func requestIsRead(_ result: ReadResult, _ worker: Worker) -> Bool {
        switch result {
        case .progressed:
            client.setDeadline(after: clientTimeout, worker)
            return true
        case .blocked:
            attempt.connection?.push(worker)
            if client.deadline == .never { client.setDeadline(after: clientTimeout, worker) }
        case .full: preconditionFailure("all but the beginning of a chunk's line was moved on")
        case .ended, .failed: clientAborted(worker)
        }
        return false
    }

    /// All of the request is with the server.
    func requestSent(_ worker: Worker) {
        request.isSent = true
        connection?.codec.finishRequest(trailers: request.transfer.trailers)
        if case .relaying = phase { releaseRequestStore() }
        // The response may take long, and nothing of the request is left in the client's buffer.
        client.releaseEmptyInput(worker)
        client.setDeadline(.never, worker)
        connection?.setDeadline(after: serverTimeout, worker)
    }

    /// The server reads no more, or is not to.
    func stopSendingRequest(_ worker: Worker) {
        guard let connection else { return }
        connection.dropOutput(worker)
        request.isSent = true
        if !request.transfer.isComplete { client.endAfterResponse() }
        client.setDeadline(.never, worker)
        connection.setDeadline(after: serverTimeout, worker)
    }

    // MARK: Before rules

    /// Waits with the rules of a section (`option http-buffer-request`).
    func beginAwaitingBody(before step: Step, _ worker: Worker) {
        beginAwaitingBody(
            RuleBookmark(step: step, position: .start), atLeast: nil,
            for: frontend.timeouts.httpRequest ?? clientTimeout, worker)
    }

    /// Waits until the body is whole, or `bytes` of it are here, or the buffer is full; for `time` at most.
    func beginAwaitingBody(_ bookmark: RuleBookmark, atLeast bytes: Int?, for time: TimeSpan, _ worker: Worker) {
        requestIsIncomplete()
        let wait = BodyWait(rules: bookmark, probe: client.codec.bodyProbe, enough: bytes)
        enter(.awaitingBody(wait), until: worker.now + time, worker)
        awaitBody(wait, worker)
    }

    /// Reads on.
    func awaitBody(_ wait: BodyWait, _ worker: Worker) {
        var wait = wait
        guard flushInterim(worker) else { return }
        while true {
            switch client.look(for: &wait.probe, isAll: client.codec.contentHasEnded) {
            case .whole: return bodyArrived(wait, worker)
            case .needsMore: break
            case .failed(let fault): return refuseBody(fault, worker)
            }
            if let enough = wait.enough, wait.probe.contentBytes >= enough { return bodyArrived(wait, worker) }
            guard askForBody(worker) else { return }
            switch client.fill(worker) {
            case .progressed: break
            case .blocked:
                phase = .awaitingBody(wait)
                return
            case .full: return bodyArrived(wait, worker)
            case .ended, .failed: return clientAborted(worker)
            }
        }
    }

    private func bodyArrived(_ wait: BodyWait, _ worker: Worker) {
        requestArrived(worker)
        requestRulesGoOn(wait.rules, worker)
    }

    func bodyTimedOut(_ worker: Worker) {
        frontend.traffic.add(.badRequests, worker: worker.index)
        fail(status: 408, .clientTimeout, .request, worker)
    }

    /// Nothing is waited for that a server or a rule has to have first.
    var isRequestWhole: Bool {
        switch phase {
        case .readingHead, .inspecting, .awaitingBody, .pausing, .resolving, .takingBody: false
        default: true
        }
    }

    /// What is waited for is part of the request, in its timers too.
    func requestIsIncomplete() { context.timers.requestDone = nil }

    func requestArrived(_ worker: Worker) {
        context.timers.requestDone = worker.now
        client.setDeadline(.never, worker)
    }

    // MARK: Before a server is chosen

    func beginTakingBody(_ buffering: BodyBuffering, _ worker: Worker) {
        enter(.takingBody, worker)
        if case .known(let length) = request.content, length > UInt64(buffering.bytesMax) {
            return refuseTooLarge("It has \(length) bytes, and \(buffering.bytesMax) are allowed.", worker)
        }
        request.transfer.write(with: .unframed)
        request.store = BodyStore(buffering, keeps: true, pool: worker.buffers)
        requestIsIncomplete()
        client.setDeadline(after: clientTimeout, worker)
        takeBody(worker)
    }

    /// Takes what there is of the body; when it is whole, on to a server.
    func takeBody(_ worker: Worker) {
        guard let store = request.store else { preconditionFailure("a body is taken and nowhere kept") }
        guard flushInterim(worker) else { return }
        for _ in 0..<Limits.movesPerTurn {
            let moved = client.moveContent(&request.transfer, into: store)
            if case .failed(let fault) = moved { return refuseBody(fault, worker) }
            if store.spillFailure != nil { return storeFailed(worker) }
            let bytesMax = store.limits.bytesMax
            if store.stored > bytesMax {
                return refuseTooLarge("It has more than the \(bytesMax) bytes that are allowed.", worker)
            }
            if request.transfer.isComplete { return bodyTaken(store, worker) }
            if moved == .needsRoom { continue }
            guard askForBody(worker) else { return }
            client.releaseEmptyInput(worker)
            switch client.fill(worker) {
            case .progressed: client.setDeadline(after: clientTimeout, worker)
            case .blocked: return
            case .full: preconditionFailure("the input was just moved on, it cannot be full")
            case .ended, .failed: return clientAborted(worker)
            }
        }
        worker.resumeLater(self)
    }

    private func bodyTaken(_ store: BodyStore, _ worker: Worker) {
        requestArrived(worker)
        client.releaseEmptyInput(worker)
        request.content = .known(UInt64(store.stored))
        // It is all here: the server need not ask for it.
        if context.request.expectsContinue { context.request.fields.remove(.expect) }
        chooseServer(worker)
    }

    private func refuseTooLarge(_ detail: String, _ worker: Worker) {
        frontend.traffic.add(.badRequests, worker: worker.index)
        client.endAfterResponse()
        fail(status: 413, detail: detail, .proxy, .request, worker)
    }

    /// The body that the client sends is malformed.
    func refuseBody(_ fault: MessageFault, _ worker: Worker) {
        keepRefusedRequest(fault.description, worker)
        frontend.traffic.add(.badRequests, worker: worker.index)
        client.endAfterResponse()
        fail(status: fault.status, .proxy, isRequestWhole ? .data : .request, worker)
    }

    /// The disk is full, or fails.
    private func storeFailed(_ worker: Worker) {
        reportSpillFailure(of: request.store, worker)
        count(.internalErrors, worker)
        fail(status: 500, .resource, isRequestWhole ? .data : .request, worker)
    }

    func reportSpillFailure(of store: BodyStore?, _ worker: Worker) {
        guard let backend, let store, let spill = store.limits.spill, let reason = store.spillFailure else { return }
        worker.log.event(
            .alert, to: backend.logTargets,
            "Cannot keep bodies of backend \(backend.name) in \(spill.directory): \(reason).")
    }

    /// The body will not be needed again.
    func releaseRequestStore() {
        request.store?.release()
        request.store = nil
    }

    // MARK: Expect: 100-continue

    /// Lets a client begin that waits for a word before it sends its body; the server then is not asked any more.
    /// False if the client is gone.
    private func askForBody(_ worker: Worker) -> Bool {
        guard context.request.expectsContinue else { return true }
        context.request.fields.remove(.expect)
        client.sendContinue(worker)
        return flushInterim(worker)
    }

    /// False if the client is gone. One that does not read now has what is left before the response.
    private func flushInterim(_ worker: Worker) -> Bool {
        guard client.flush(worker) == .failed else { return true }
        clientAborted(worker)
        return false
    }
}
