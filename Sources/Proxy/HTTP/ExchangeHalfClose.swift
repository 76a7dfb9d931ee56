// A client that sends no more before its response has begun (`option abortonclose`). Most have gone; a few have finished sending and
// wait for their answer, which looks the same. So a request that only waits ends, and a server that has the request is told in the
// same way as Portico was: it decides whether to go on.

internal import Balancing
internal import Basics
internal import HTTP
internal import Reactor
internal import Rules
internal import Transport

extension Exchange {
    /// The client sends no more, and its request is not with a server yet. A connection that is under way may stand in this very
    /// turn: it has `Limits.halfClosedWait`. Everything else ends.
    func clientFinished(_ worker: Worker) {
        guard phase == .connecting, let connection else { return clientAborted(worker) }
        connection.setDeadline(min(connection.deadline, worker.now + Limits.halfClosedWait), worker)
    }

    /// No connection came about, and the client may have gone meanwhile: then no other is tried. True if the exchange has ended.
    func endsWithClient(_ worker: Worker) -> Bool {
        guard backend?.abortsOnClose == true, client.transport.hasEnded else { return false }
        clientAborted(worker)
        return true
    }

    /// The client sends no more, and the server has its whole request: the server is told, and has `Limits.halfClosedWait` to begin
    /// its response.
    func passHalfClose(_ worker: Worker) {
        guard phase == .awaitingResponse, backend?.abortsOnClose == true, let connection,
            !connection.transport.isFinishedSending
        else { return }
        connection.transport.finishSending(worker.kernel)
        connection.setDeadline(min(connection.deadline, worker.now + Limits.halfClosedWait), worker)
    }

    /// Whether the server knows that the client sends no more, and has not answered.
    var awaitsHalfClosed: Bool { phase == .awaitingResponse && connection?.transport.isFinishedSending == true }

    /// The server has closed too, or did not answer in time. Should the client still be there, it gets 400, as from HAProxy.
    func endHalfClosed(_ worker: Worker) {
        countOnServer(.clientAborts, worker)
        keepsClient = false
        dropConnection(worker, reset: true)
        fail(status: 400, .client, .headers, worker)
    }
}
