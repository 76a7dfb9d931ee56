// What either side does wrong, or does not do in time, and what the other is told of it.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Logging
internal import Transport

extension Exchange {
    // MARK: The client's

    /// The client closed while its request was still to come, or while it was to read the answer.
    func clientGone(_ worker: Worker) {
        if endedForShortage(worker) { return }
        countOnServer(.clientAborts, worker)
        switch phase {
        case .awaitingBody, .takingBody:
            noteUnanswered(worker)
            abort(.client, .request, worker)
        case .inspecting, .pausing, .resolving: abort(.client, .request, worker)
        case .holding: abort(.client, .headers, worker)
        case .queued: abort(.client, .queue, worker)
        case .tarpitted(let answer):
            // As in HAProxy, the log has what it would have been told.
            context.timers.queueLeft = worker.now
            context.outcome.status = answer.status
            countResponse(context.outcome.status, worker)
            abort(.client, .tarpit, worker)
        case .connecting, .retrying: abort(.client, .connect, worker)
        case .awaitingResponse:
            noteUnanswered(worker)
            abort(.client, request.isSent ? .headers : .data, worker)
        default: abort(.client, .data, worker)
        }
    }

    /// The client left while its request's body or the server's answer was awaited: as in HAProxy, the log and the counters have
    /// the status of a bad request, though no answer is sent.
    private func noteUnanswered(_ worker: Worker) {
        guard frontend.mode == .http else { return }
        context.outcome.status = 400
        countResponse(400, worker)
    }

    /// The rest of the request did not come in time.
    func requestTimedOut(_ worker: Worker) {
        countOnServer(.clientAborts, worker)
        fail(status: 408, .clientTimeout, .headers, worker)
    }

    /// The client did not read the response in time.
    func clientTookTooLong(_ worker: Worker) {
        countOnServer(.clientAborts, worker)
        abort(.clientTimeout, .data, worker)
    }

    // MARK: A client that sends no more (`option abortonclose`)

    // Most have gone; a few have finished sending and wait for their answer, which looks the same. So a request that only waits
    // ends, and a server that has the request is told in the same way as Portico was: it decides whether to go on.

    /// The client sends no more, and the server has its whole request: the server is told, and has `Limits.halfClosedWait` to begin
    /// its response.
    func passHalfClose(_ worker: Worker) {
        guard isAwaitingResponse, backend?.abortsOnClose == true, let connection, !connection.isFinishedSending
        else { return }
        connection.finishSending(worker)
        connection.setDeadline(min(connection.deadline, worker.now + Limits.halfClosedWait), worker)
    }

    /// Whether the server knows that the client sends no more, and has not answered.
    var awaitsHalfClosed: Bool { isAwaitingResponse && connection?.isFinishedSending == true }

    /// The server has closed too, or did not answer in time. Should the client still be there, it gets 400, as from HAProxy.
    private func endHalfClosed(_ worker: Worker) {
        countOnServer(.clientAborts, worker)
        client.endAfterResponse()
        dropConnection(worker, reset: true)
        fail(status: 400, .client, .headers, worker)
    }

    // MARK: The server's

    /// It closed or reset the connection before its response had begun.
    func serverFailed(_ worker: Worker) {
        if awaitsHalfClosed { return endHalfClosed(worker) }
        if connection?.hasRejectedEarlyData == true { return earlyDataRejected(worker) }
        if retryUnprocessed(worker) || retryOnFreshConnection(worker) { return }
        let hasBegun = connection?.codec.responseHasBegun == true
        if retryMessage(after: hasBegun ? .junkResponse : .emptyResponse, worker) || retrySafely(worker) { return }
        countOnServer(.badResponses, worker)
        observe(.closed)
        fail(status: 502, .server, .headers, worker)
    }

    /// It has not read the request, since that came before the end of the TLS handshake: the client may send it again behind its own
    /// (RFC 8470 section 5.2).
    private func earlyDataRejected(_ worker: Worker) {
        if retryMessage(after: .earlyDataRejected, worker) { return }
        countOnServer(.badResponses, worker)
        fail(status: 425, .server, .headers, worker)
    }

    /// What it said is not a response.
    func badResponse(_ reason: String, _ worker: Worker) {
        keepRefusedResponse(reason, worker)
        if retryMessage(after: .junkResponse, worker) { return }
        countOnServer(.badResponses, worker)
        observe(.malformed)
        fail(status: 502, .proxy, .headers, worker)
    }

    func serverTimedOut(_ worker: Worker) {
        if awaitsHalfClosed { return endHalfClosed(worker) }
        if retryMessage(after: .responseTimeout, worker) { return }
        if isAwaitingResponse {
            countOnServer(.badResponses, worker)
            observe(.timedOut)
            fail(status: 504, .serverTimeout, .headers, worker)
        } else {
            countOnServer(.serverAborts, worker)
            abort(.serverTimeout, .data, worker)
        }
    }

    /// Its body is malformed, and the head has gone to the client: the client must not take what it got for whole.
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
}
