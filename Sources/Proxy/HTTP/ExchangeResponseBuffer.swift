// `response-buffer`: the response comes at the server's speed, whatever the client's is. What the client does not take
// at once waits in a store, behind what is in its connection's buffer; bytes never wait that could be sent. When the
// body is here the server is free, and the client has all the time that `timeout client` gives it.
//
// A full store is no fault: the server waits then, as it does without one.

internal import Balancing
internal import Basics
internal import HTTP
internal import Reactor
internal import Rules
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
    func relayHeldBody(from connection: ServerConnection, _ worker: Worker) -> Bool {
        guard absorb(from: connection, worker) else { return false }
        if responseBody.isComplete {
            finishWithServer(worker)
            return true
        }
        let wasFull = responseStore?.isFull == true
        let fed = feedClient(worker)
        if fed == .failed { return false }
        if responseStore?.isFull == true {
            connection.setDeadline(.never, worker)
            connection.input.releaseIfEmpty(to: worker.buffers)
            return fed == .some
        }
        // There is room again: what is left in the buffer goes first. The server may have closed behind it.
        if wasFull { return true }
        connection.input.releaseIfEmpty(to: worker.buffers)
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
            guard connection.transport.readFailure == nil, putForClient(worker, { responseBody.inputEnded(to: &$0) })
            else {
                truncated(worker)
                return false
            }
            return true
        }
    }

    /// Takes what the server has said, as long as there is room for it; false if it was cut short.
    private func absorb(from connection: ServerConnection, _ worker: Worker) -> Bool {
        while !responseBody.isComplete && !connection.input.isEmpty && responseStore?.isFull != true {
            switch putForClient(worker, { responseBody.move(from: &connection.input, to: &$0) }) {
            case .needsInput, .complete: return true
            case .needsRoom: break
            case .failed(let fault):
                badResponseBody(fault, worker)
                return false
            }
        }
        return true
    }

    /// Lends `write` the place behind the last byte for the client: its connection's buffer, or the store.
    private func putForClient<R>(_ worker: Worker, _ write: (inout ByteBuffer) -> R) -> R {
        if responseStore?.isDrained ?? true {
            client.output.acquire(from: worker.buffers)
            if client.output.room < BodyStore.roomMin { client.output.compact() }
            if client.output.room >= BodyStore.roomMin {
                let before = client.output.count
                defer { facts.bytesToClient += UInt64(client.output.count - before) }
                return write(&client.output)
            }
        }
        guard let buffering = backend?.responseBuffer else { preconditionFailure("a response is held without a word") }
        let store = responseStore ?? BodyStore(buffering, keeps: false, pool: worker.buffers)
        responseStore = store
        let couldSpill = store.spillFailure == nil
        let result = store.put(write)
        if couldSpill && store.spillFailure != nil { reportSpillFailure(of: store, worker) }
        return result
    }

    // MARK: To the client

    private enum Fed {
        /// It has everything.
        case all
        /// It took what was given, and there is more.
        case some
        case blocked
        /// The exchange is over.
        case failed
    }

    /// Sends what waits in the client's buffer, refilled once from the store.
    private func feedClient(_ worker: Worker) -> Fed {
        if client.output.isEmpty, let store = responseStore, !store.isDrained {
            client.output.acquire(from: worker.buffers)
            guard store.take(into: &client.output) else {
                reportSpillFailure(of: store, worker)
                abort(.resource, .data, worker)
                return .failed
            }
            facts.bytesToClient += UInt64(client.output.count)
        }
        let waiting = client.output.count
        let hasMore = responseStore?.isDrained == false
        switch client.flush(worker, more: hasMore) {
        case .all:
            if !hasMore && requestSent {
                client.setDeadline(.never, worker)
            } else if waiting > 0 {
                client.setDeadline(after: clientTimeout, worker)
            }
            return hasMore ? .some : .all
        case .blocked:
            awaitClient(progressed: client.output.count < waiting, worker)
            return .blocked
        case .failed:
            clientAborted(worker)
            return .failed
        }
    }

    /// The server is done with: only what the client has not yet taken is left.
    func sendRest(_ worker: Worker) {
        for _ in 0..<Limits.movesPerTurn {
            switch feedClient(worker) {
            case .all: return end(worker)
            case .some: break
            case .blocked, .failed: return
            }
        }
        worker.resumeLater(client)
    }

    // MARK: End

    /// The request's body will not be needed again.
    func releaseRequestStore() {
        requestStore?.release()
        requestStore = nil
    }

    /// Whatever way the exchange has ended.
    func releaseStores() {
        releaseRequestStore()
        responseStore?.release()
        responseStore = nil
    }
}
