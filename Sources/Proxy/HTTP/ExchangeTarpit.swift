// A client that is to be slowed down is held for `timeout tarpit`; nothing is read from it, and then it gets its answer.

internal import Balancing
internal import Basics
internal import HTTP
internal import Rules
internal import Transport

/// What a tarpitted client is told in the end.
enum TarpitAnswer {
    /// The section's page for this status.
    case status(Int)
    case response(LocalResponse)

    var status: Int {
        switch self {
        case .status(let status): status
        case .response(let response): response.status
        }
    }
}

extension Exchange {
    /// Holds the client, from a rule about its request, before a server was chosen.
    func tarpit(_ answer: TarpitAnswer, _ worker: Worker) {
        count(.deniedRequests, worker)
        phase = .tarpitted
        tarpitAnswer = answer
        keepsClient = false
        // What it has sent beyond the head is of no use to anybody.
        client.input.release(to: worker.buffers)
        client.setDeadline(
            after: facts.directives.tarpitTimeout ?? backend?.timeouts.tarpit ?? frontend.timeouts.tarpit, worker)
        watchTarpitted(worker)
    }

    /// It ends when the client leaves. That is seen without reading.
    func watchTarpitted(_ worker: Worker) {
        guard client.transport.peerFinished || client.transport.hasFailed else { return }
        clientAborted(worker)
    }

    /// The time is over. It is in the log as time in a queue.
    func tarpitOver(_ worker: Worker) {
        facts.timers.queueLeft = worker.now
        switch tarpitAnswer {
        case .status(let status): fail(status: status, .proxy, .tarpit, worker)
        case .response(let response): answer(response, .proxy, .tarpit, worker)
        }
    }
}
