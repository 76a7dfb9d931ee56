// The head of a server's response: read, judged, and passed on to the client.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Logging
internal import Reactor
internal import Transport

extension Exchange {
    /// Takes in the response as far as the client takes it off.
    func receiveResponse(_ worker: Worker) {
        // The rest of an interim response that the client did not take at once.
        if isAwaitingResponse, client.hasOutput { _ = client.flush(worker) }
        for _ in 0..<Limits.movesPerTurn {
            guard let connection else { return sendRest(worker) }
            let goesOn =
                isAwaitingResponse
                ? readResponseHead(from: connection, worker)
                : response.isHeld ? relayHeldBody(from: connection, worker) : relayBody(from: connection, worker)
            guard goesOn else { return }
        }
        worker.resumeLater(self)
    }

    /// Reads on in the response's head; false if there is nothing more to do now.
    private func readResponseHead(from connection: ServerConnection, _ worker: Worker) -> Bool {
        if connection.needsMoreForHead {
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
        switch connection.readHead(into: &context.response) {
        case .needMore: return true
        case .complete:
            if let tolerated = connection.codec.toleratedFault {
                keepToleratedResponse(tolerated.fault.description, at: tolerated.offset, worker)
            }
            return responseHeadComplete(from: connection, worker)
        case .failed(let fault):
            badResponse(fault.description, worker)
            return false
        }
    }

    /// While the server thinks, a client that resets its connection ends the exchange.
    func watchClientWhileWaiting(_ worker: Worker) {
        guard request.isSent, client.mayReadAhead else { return }
        switch client.fill(worker) {
        case .failed: clientAborted(worker)
        case .ended: passHalfClose(worker)
        // The next request, sent ahead, waits in the buffer.
        case .progressed, .blocked, .full: break
        }
    }

    private func responseHeadComplete(from connection: ServerConnection, _ worker: Worker) -> Bool {
        let status = context.response.status
        context.outcome.serverStatus = status
        countServerResponse(status, worker)
        if server?.isObserved == true { observe(TrafficSign(status: status)) }
        if status == 101 {
            guard request.wantsUpgrade, request.isSent else {
                badResponse("protocol switched unasked, or before the request was read", worker)
                return false
            }
            guard client.codec.isConsent(context.response, to: context.request) else {
                badResponse("protocol switched to another than was asked for, or without consent", worker)
                return false
            }
            context.response.fields.setApartHopByHop()
            return followResponseRules(before: .upgrade, worker)
        }
        if status < 200 {
            // 100, 102, 103: to the client at once, and on to the next head.
            connection.codec.interimComplete()
            response.interimWasPassed = true
            return sendInterimHead(worker)
        }
        if retryMessage(after: .status(status), worker) { return false }
        guard client.codec.takes(status, insteadOfUpgrade: request.wantsUpgrade) else {
            badResponse("protocol not switched, as the client expects where the status is \(status)", worker)
            return false
        }
        if context.request.method == .connect && status < 300 {
            // RFC 9110 section 9.3.6: a tunnel begins behind the head, and a length means nothing.
            context.response.fields.remove(.contentLength)
            context.response.fields.setApartHopByHop()
            return followResponseRules(before: .tunnel, worker)
        }
        switch connection.readContentLength(context.response, requestMethod: context.request.method) {
        case .failure(let fault):
            badResponse(fault.description, worker)
            return false
        case .success(let content):
            context.timers.responseHeadDone = worker.now
            if frontend.keepsCaptures { frontend.log.captureResponse(context) }
            if !context.directives.serverMarks.isEmpty { connection.codec.forbidReuse() }
            // From here on the server's Connection list has no effect on fields that rules write.
            context.response.fields.setApartHopByHop()
            return followResponseRules(before: .content(content), worker)
        }
    }

    /// The head of a response has come from the server: interim ones count too, as in HAProxy.
    private func countServerResponse(_ status: Int, _ worker: Worker) {
        guard let row = server?.traffic.row(worker.index) else { return }
        row.add(.responses(status: status))
        row.add(.requests)
        row.noteAnswer(at: worker.now)
    }

    /// `context.response` as an interim response to the client, if it knows such. False if the client is gone.
    func sendInterimHead(_ worker: Worker) -> Bool {
        defer { context.response.clear() }
        guard client.codec.takesInterim else { return true }
        context.response.fields.removeHopByHop()
        client.sendInterim(context.response, worker)
        guard client.flush(worker) == .failed else { return true }
        clientAborted(worker)
        return false
    }

    /// The response passed all rules: its head goes to the client.
    func sendResponseHead(_ content: ContentLength, _ worker: Worker) {
        guard let connection else { preconditionFailure("a response's head is passed on, and there is no server") }
        context.outcome.status = context.response.status
        countResponse(context.outcome.status, worker)
        connection.setDeadline(after: serverTimeout, worker)
        var received = content
        var announced = content
        var isDiscarded = false
        let mayHaveContent =
            context.outcome.status != 204 && context.outcome.status != 304 && request.clientMethod != .head
        if content != .none && !mayHaveContent {
            // A rule has changed the method or the status, and what the server sends is not passed on.
            isDiscarded = connection.codec.allowsReuse && content.isAtMost(Limits.discardedBytes)
            announced = .none
            if !isDiscarded {
                received = .none
                connection.codec.forbidReuse()
            }
        } else if content == .none && mayHaveContent {
            announced = .known(0)
        }
        let isPassedOn = received != .none && !isDiscarded
        let passesTrailers =
            isPassedOn && connection.codec.mayHaveTrailers && client.codec.marksEnds
            && !frontend.dropsResponseTrailers
        // A 426 has to name the protocols to change to (RFC 9110 section 15.5.22).
        context.response.fields.removeSetApart(
            keepingUpgrade: context.outcome.status == 426, keepingTrailer: passesTrailers)
        // Until the request is read to its end, the next one cannot begin.
        if !request.transfer.isComplete || client.isLastStream(worker) { client.endAfterResponse() }
        response.isHeld = isPassedOn && backend?.responseBuffer != nil && context.response.mayBeHeld
        // No other server is asked any more.
        if request.isSent { releaseRequestStore() }
        client.codec.expectTrailers(isPassedOn && connection.codec.trailersMayFollow)
        guard let writer = writeHead(announced, worker) else { return }
        let reader = received == .none ? BodyReader(.none) : connection.codec.bodyReader(keepsTrailers: passesTrailers)
        response.transfer =
            isDiscarded
            ? BodyTransfer(discarding: received, from: reader, atMost: Limits.discardedBytes)
            : BodyTransfer(received, from: reader, to: writer)
        enter(.relaying, worker)
        if frontend.log.logsEarly { log(worker) }
        log(at: .response, worker)
    }

    /// Writes `context.response` for the client. Nil if the exchange has ended, because rules have made the head longer than a buffer.
    func writeHead(_ content: ContentLength, _ worker: Worker) -> BodyWriter? {
        if let writer = client.send(&context.response, content: content, worker) { return writer }
        abort(.proxy, .headers, worker)
        return nil
    }

    /// The server agreed to another protocol, or to a tunnel: its head goes to the client, and then whatever either side sends.
    func becomeTunnel(isUpgrade: Bool, _ worker: Worker) {
        context.timers.responseHeadDone = worker.now
        context.outcome.status = context.response.status
        countResponse(context.outcome.status, worker)
        context.response.fields.removeSetApart(keepingUpgrade: isUpgrade)
        guard client.sendTunnelHead(&context.response, isUpgrade: isUpgrade, worker) else {
            return abort(.proxy, .headers, worker)
        }
        if frontend.log.logsEarly { log(worker) }
        log(at: .response, worker)
        releaseRequestStore()
        // From here on the tunnel has the one deadline.
        connection?.setDeadline(.never, worker)
        worker.makeTunnel(with: context).takeOver(self, worker)
    }
}
