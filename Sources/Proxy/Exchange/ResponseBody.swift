// The body of a response, from its server to the client. Passed on as the client takes it, or, with `response-buffer`, taken at
// the server's speed: what the client does not take at once waits in a store, behind what is in its connection's buffer; bytes
// never wait that could be sent. When the body is here the server is free, and the client has all the time that `timeout client`
// gives it. A full store is no fault: the server waits then, as it does without one.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor
internal import Transport

extension ResponseHead {
    /// Not the responses whose bytes are for now: events, and what says so with nginx's word, which applications know.
    var mayBeHeld: Bool {
        if let index = fields.first(.contentType) {
            let value = fields.value(index)
            let name = "text/event-stream"
            if value.byteCount >= name.utf8.count,
                value.extracting(first: name.utf8.count).equalsIgnoringCase("text/event-stream")
            {
                return false
            }
        }
        if let index = fields.first(named: Self.accelBuffering) {
            return !fields.value(index).equalsIgnoringCase("no")
        }
        return true
    }

    private static let accelBuffering = Array("x-accel-buffering".utf8)
}

extension Exchange {
    /// Moves the body on; false if there is nothing more to do now.
    func relayBody(from connection: ServerConnection, _ worker: Worker) -> Bool {
        if let pipe = response.pipe { return spliceResponse(through: pipe, from: connection, worker) }
        var needsRoom = false
        if !response.transfer.isComplete {
            let moved = connection.moveContent(&response.transfer, to: client, worker)
            if case .failed(let fault) = moved {
                badResponseBody(fault, worker)
                return false
            }
            needsRoom = moved == .needsRoom
        }
        let isComplete = response.transfer.isComplete
        if response.transfer.wasGivenUp { connection.codec.forbidReuse() }
        if isComplete { finishWithServer(worker) }
        let waiting = client.bytesToSend
        switch client.flush(worker, more: !isComplete && connection.mayHaveInput) {
        case .all: break
        case .blocked:
            awaitClient(progressed: client.bytesToSend < waiting, worker)
            attempt.connection?.waitForClient(worker)
            return false
        case .failed:
            clientAborted(worker)
            return false
        }
        if isComplete {
            end(requestIsComplete: request.transfer.isComplete, worker)
            return false
        }
        // There is room again: what is left in the buffer goes first.
        if needsRoom || beginsSplicingResponse(from: connection, worker) { return true }
        return readBody(from: connection, worker)
    }

    private func readBody(from connection: ServerConnection, _ worker: Worker) -> Bool {
        // A client that still sends its request is not idle while it takes the response.
        if request.isSent { client.setDeadline(.never, worker) }
        connection.releaseEmptyInput(worker)
        switch connection.fill(worker) {
        case .progressed:
            connection.setDeadline(after: serverTimeout, worker)
            if !request.isSent { client.setDeadline(after: clientTimeout, worker) }
            return true
        case .full: return true
        case .blocked:
            client.push(worker)
            if connection.deadline == .never { connection.setDeadline(after: serverTimeout, worker) }
            watchClientWhileWaiting(worker)
            return false
        case .ended, .failed:
            guard !connection.readFailed, client.endContent(&response.transfer, worker) else {
                truncated(worker)
                return false
            }
            return true
        }
    }

    /// The response is here in full: the server is free before the client has read it all.
    func finishWithServer(_ worker: Worker) {
        guard let connection else { return }
        client.codec.keep(trailers: response.transfer.trailers)
        releaseSlot(worker)
        releaseConnection()
        if request.isSent && request.transfer.isComplete && connection.codec.allowsReuse && connection.isQuiet
            && connection.mayWait(for: keepAliveMode, connection.backend.reuse)
        {
            leave(connection, worker)
        } else {
            connection.shut(worker)
        }
    }

    /// Gives a connection to others, at once or behind the log's line.
    private func leave(_ connection: ServerConnection, _ worker: Worker) {
        if connection.isSecure && frontend.settings.looksAtServerTLS {
            connection.setDeadline(.never, worker)
            attempt.keptForLog = connection
        } else {
            context.serverTLS = nil
            connection.becomeIdle(after: client, worker)
        }
    }

    // MARK: At the server's speed

    /// Moves the body on; false if there is nothing more to do now.
    func relayHeldBody(from connection: ServerConnection, _ worker: Worker) -> Bool {
        guard absorb(from: connection, worker) else { return false }
        if response.transfer.isComplete {
            finishWithServer(worker)
            return true
        }
        let wasFull = response.store?.isFull == true
        let fed = feedClient(worker)
        if fed == .ended { return false }
        if response.store?.isFull == true {
            connection.waitForClient(worker)
            return fed == .some
        }
        // There is room again: what is left in the buffer goes first. The server may have closed behind it.
        if wasFull { return true }
        connection.releaseEmptyInput(worker)
        switch connection.fill(worker) {
        case .progressed:
            connection.setDeadline(after: serverTimeout, worker)
            return true
        case .full: return true
        case .blocked:
            if connection.deadline == .never { connection.setDeadline(after: serverTimeout, worker) }
            if fed == .all { watchClientWhileWaiting(worker) }
            return fed == .some
        case .ended, .failed:
            guard !connection.readFailed, endHeldBody(worker) else {
                truncated(worker)
                return false
            }
            return true
        }
    }

    /// Takes what the server has sent, as long as there is room for it; false if it was cut short.
    private func absorb(from connection: ServerConnection, _ worker: Worker) -> Bool {
        while !response.transfer.isComplete && (connection.hasUnreadInput || connection.codec.contentHasEnded)
            && response.store?.isFull != true
        {
            let moved =
                if hasRoomAtClient(worker) {
                    connection.moveContent(&response.transfer, to: client, worker)
                } else {
                    putIntoStore(worker) { store in connection.moveContent(&response.transfer, into: store) }
                }
            switch moved {
            case .needsInput, .complete: return true
            case .needsRoom: break
            case .failed(let fault):
                badResponseBody(fault, worker)
                return false
            }
        }
        return true
    }

    private func endHeldBody(_ worker: Worker) -> Bool {
        if hasRoomAtClient(worker) { return client.endContent(&response.transfer, worker) }
        return putIntoStore(worker) { store in store.put { response.transfer.inputEnded(to: &$0) } }
    }

    /// Whether nothing waits in the store, so that the place behind the last byte for the client is its connection's buffer, and
    /// that has room.
    private func hasRoomAtClient(_ worker: Worker) -> Bool {
        (response.store?.isDrained ?? true) && client.hasRoom(for: BodyStore.roomMin, worker)
    }

    /// Lends the store to `body`, and reports when its file has begun to fail.
    private func putIntoStore<R>(_ worker: Worker, _ body: (BodyStore) -> R) -> R {
        guard let buffering = backend?.responseBuffer else {
            preconditionFailure("a response is held without `response-buffer`")
        }
        let store = response.store ?? BodyStore(buffering, keeps: false, pool: worker.buffers)
        response.store = store
        let couldSpill = store.spillFailure == nil
        let result = body(store)
        if couldSpill && store.spillFailure != nil { reportSpillFailure(of: store, worker) }
        return result
    }

    private enum Fed {
        /// The client has everything.
        case all
        /// It took what was given, and there is more.
        case some
        case blocked
        /// The exchange is over.
        case ended
    }

    /// Sends what waits in the client's buffer, refilled once from the store.
    private func feedClient(_ worker: Worker) -> Fed {
        if !client.hasOutput, let store = response.store, !store.isDrained {
            guard client.sendStored(store, worker) else {
                reportSpillFailure(of: store, worker)
                abort(.resource, .data, worker)
                return .ended
            }
        }
        let waiting = client.bytesToSend
        let hasMore = response.store?.isDrained == false
        switch client.flush(worker, more: hasMore) {
        case .all:
            if !hasMore && request.isSent {
                client.setDeadline(.never, worker)
            } else if waiting > 0 {
                client.setDeadline(after: clientTimeout, worker)
            }
            return hasMore ? .some : .all
        case .blocked:
            awaitClient(progressed: client.bytesToSend < waiting, worker)
            return .blocked
        case .failed:
            clientAborted(worker)
            return .ended
        }
    }

    /// The server's connection was given back: only what the client has not yet taken is left.
    func sendRest(_ worker: Worker) {
        if let pipe = response.pipe { return sendRest(of: pipe, worker) }
        for _ in 0..<Limits.movesPerTurn {
            switch feedClient(worker) {
            case .all: return end(requestIsComplete: request.transfer.isComplete, worker)
            case .some: break
            case .blocked, .ended: return
            }
        }
        worker.resumeLater(self)
    }
}
