// Bodies that the system moves from one connection to the other by itself (splice(2)), through a pipe: long ones with a length,
// of which nothing has to be seen, kept or changed. The beginning, which comes with the head, goes through the buffers as any
// other; a body that is held (`response-buffer`), kept for another attempt, or in chunks, goes there from end to end. A pipe that is empty
// when its source pauses goes back: pipes are for bodies that move.

internal import Balancing
internal import Basics
internal import Reactor
internal import Transport

/// `option splice-request`, `splice-response`, `splice-auto`: which bodies of one direction the system moves by itself.
enum Splicing: Sendable {
    case never
    /// Those of which so much is still to come that a pipe pays.
    case automatic
    /// All that can be.
    case always

    /// Bytes still to come from which on a pipe costs less than copying.
    static let bytesMin = 65_536

    func concerns(_ bytes: Int) -> Bool {
        switch self {
        case .never: false
        case .automatic: bytes >= Self.bytesMin
        case .always: bytes > 0
        }
    }
}

extension Exchange {
    // MARK: Responses

    /// The rest of the response goes through a pipe from here on, if it may and there is one.
    func beginsSplicingResponse(from connection: ServerConnection, _ worker: Worker) -> Bool {
        guard connection.backend.responseSplicing.concerns(response.transfer.plainBytes),
            connection.canSplice(to: client)
        else { return false }
        response.pipe = worker.pipes.lend(worker.kernel)
        return response.pipe != nil
    }

    /// Moves the response on through its pipe; false if there is nothing more to do now.
    func spliceResponse(through pipe: any Pipe, from connection: ServerConnection, _ worker: Worker) -> Bool {
        if pipe.count == 0, !response.transfer.isComplete, !fillResponsePipe(pipe, from: connection, worker) {
            return false
        }
        let isComplete = response.transfer.isComplete
        if isComplete { finishWithServer(worker) }
        let waiting = pipe.count
        switch client.flush(pipe, worker, more: !isComplete && connection.mayHaveInput) {
        case .all: break
        case .blocked:
            awaitClient(progressed: pipe.count < waiting, worker)
            attempt.connection?.waitForClient(worker)
            return false
        case .failed:
            clientAborted(worker)
            return false
        }
        if isComplete { end(requestIsComplete: request.transfer.isComplete, worker) }
        return !isComplete
    }

    /// Reads more of the response into its empty pipe; false if there is none now.
    private func fillResponsePipe(_ pipe: any Pipe, from connection: ServerConnection, _ worker: Worker) -> Bool {
        // A client that still sends its request is not idle while it takes the response.
        if request.isSent { client.setDeadline(.never, worker) }
        var received = 0
        switch connection.fill(pipe, atMost: response.transfer.plainBytes, received: &received, worker) {
        case .progressed:
            response.transfer.pass(received)
            client.codec.countSent(received)
            connection.setDeadline(after: serverTimeout, worker)
            if !request.isSent { client.setDeadline(after: clientTimeout, worker) }
            return true
        case .blocked, .full:
            worker.pipes.giveBack(pipe)
            response.pipe = nil
            client.push(worker)
            if connection.deadline == .never { connection.setDeadline(after: serverTimeout, worker) }
            watchClientWhileWaiting(worker)
        case .ended, .failed: truncated(worker)
        }
        return false
    }

    /// The server's connection was given back: what is left in the pipe goes to the client.
    func sendRest(of pipe: any Pipe, _ worker: Worker) {
        let waiting = pipe.count
        switch client.flush(pipe, worker, more: false) {
        case .all: end(requestIsComplete: request.transfer.isComplete, worker)
        case .blocked: awaitClient(progressed: pipe.count < waiting, worker)
        case .failed: clientAborted(worker)
        }
    }

    // MARK: Requests

    /// The rest of the request goes through a pipe from here on, if it may and there is one; it may have one already.
    func beginsSplicingRequest(to connection: ServerConnection, _ worker: Worker) -> Bool {
        if request.pipe != nil { return true }
        guard request.store == nil, connection.backend.requestSplicing.concerns(request.transfer.plainBytes),
            client.canSplice(to: connection)
        else { return false }
        request.pipe = worker.pipes.lend(worker.kernel)
        return request.pipe != nil
    }

    /// Moves the request on through its pipe; false if there is nothing more to do now.
    func spliceRequest(through pipe: any Pipe, to connection: ServerConnection, _ worker: Worker) -> Bool {
        if pipe.count == 0, !fillRequestPipe(pipe, worker) { return false }
        let isComplete = request.transfer.isComplete
        let waiting = pipe.count
        let result = connection.flush(pipe, worker, more: !isComplete && client.mayHaveInput)
        guard requestIsFlushed(result, progressed: pipe.count < waiting, to: connection, worker) else { return false }
        if isComplete { requestSent(worker) }
        return !isComplete
    }

    /// Reads more of the request into its empty pipe; false if there is none now.
    private func fillRequestPipe(_ pipe: any Pipe, _ worker: Worker) -> Bool {
        var received = 0
        let result = client.fill(pipe, atMost: request.transfer.plainBytes, received: &received, worker)
        request.transfer.pass(received)
        client.codec.countReceived(received)
        if received > 0 {
            request.wasTouched = true
        } else {
            worker.pipes.giveBack(pipe)
            request.pipe = nil
        }
        return requestIsRead(result, worker)
    }

    /// What is in the pipes has no recipient any more, or there is nothing in them.
    func releasePipes(_ worker: Worker) {
        if let pipe = request.pipe { worker.pipes.giveBack(pipe) }
        if let pipe = response.pipe { worker.pipes.giveBack(pipe) }
        request.pipe = nil
        response.pipe = nil
    }
}

extension Connection {
    /// Whether the system can move bytes from here to `target`, which has got all that was here before.
    final func canSplice(to target: Connection) -> Bool {
        !hasUnreadInput && target.bytesToSend == 0 && transport.canSplice && target.transport.canSplice
    }
}
