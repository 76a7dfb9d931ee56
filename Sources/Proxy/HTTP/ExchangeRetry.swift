// `retry-on`: a request that a server has had is sent again, to it or to another one.
//
// A request without a body can be had again at any time. Of one with a body a copy is kept, in its framing, until it
// does not fit into a buffer (`tune.bufsize`) or a response goes to the client; then it cannot be sent again.

internal import Balancing
internal import Basics
internal import HTTP
internal import Rules

extension Exchange {
    /// A rule may forbid it, whatever `retry-on` says (`disable-l7-retry`).
    private var mayRetryMessage: Bool { facts.directives.retriesMessages }

    /// Begins to keep a copy of the body, if the backend may want to send it again.
    func keepBodyForRetries(_ worker: Worker) {
        guard let backend, backend.retryOn.concernsMessages, mayRetryMessage, retriesLeft > 0, !requestBody.isComplete
        else { return }
        if case .length(let length) = requestFraming, length > UInt64(worker.plan.bufferBytes) { return }
        let limits = BodyBuffering(memoryBytesMax: worker.plan.bufferBytes, spill: nil)
        requestStore = BodyStore(limits, keeps: true, pool: worker.buffers)
    }

    /// What came of the body goes through the copy, as long as that may grow. Nil if it is kept no more: from now on it goes
    /// straight to the server. Everything stored before has been sent.
    func moveBodyThroughCopy(_ worker: Worker) -> BodyRelay.Moved? {
        guard let store = requestStore else { return nil }
        let fits = store.stored + client.input.count <= store.limits.memoryBytesMax
        guard fits, phase == .awaitingResponse, mayRetryMessage else {
            // What was sent of it is gone for good.
            if store.stored > 0 { bodyWasTouched = true }
            releaseRequestStore()
            return nil
        }
        return store.put { requestBody.move(from: &client.input, to: &$0) }
    }

    /// Sends the request again, if it is to be sent again after such a failure; false if not.
    func retryMessage(after failure: RetryConditions, _ worker: Worker) -> Bool {
        guard let backend, let server, phase == .awaitingResponse, !awaitsHalfClosed, !failure.isEmpty,
            backend.retryOn.isSuperset(of: failure), retriesLeft > 0, mayRetryMessage, !bodyWasTouched
        else { return false }
        retriesLeft -= 1
        facts.retries += 1
        dropConnection(worker)
        facts.response.clear()
        facts.timers.connected = nil
        if goesElsewhere(from: server, of: backend, worker) {
            redispatch(from: server, of: backend, worker)
        } else {
            countRetry(worker)
            connect(to: server, of: backend, worker)
        }
        return true
    }
}
