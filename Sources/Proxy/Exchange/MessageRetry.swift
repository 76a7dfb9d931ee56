// Sending a request again that a server has had: to another server or on another connection (`retry-on`, `option safe-retry`), and on a
// fresh connection where one that was used before turned out to be dead.
//
// A request without a body can be sent again at any time. Of one with a body a copy is kept, in its framing, until it
// does not fit into a buffer (`tune.bufsize`) or a response goes to the client; then it cannot be sent again.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP

extension Exchange {
    /// A rule may forbid it, whatever `retry-on` says (`disable-l7-retry`).
    private var mayRetryMessage: Bool { context.directives.retriesMessages }

    var isAwaitingResponse: Bool {
        if case .awaitingResponse = phase { return true }
        return false
    }

    /// Begins to keep a copy of the body, if the backend may want to send it again.
    func keepBodyForRetries(_ worker: Worker) {
        guard let backend, mayRetryMessage, attempt.retriesLeft > 0, !request.transfer.isComplete,
            backend.retryOn.concernsMessages || backend.retriesSafely && context.request.method.isIdempotent
        else { return }
        if case .known(let length) = request.content, length > UInt64(worker.bufferBytes) { return }
        // It would be kept in a framing that not all servers of the backend understand.
        if request.content == .unknown, backend.backend.servers.contains(where: { $0.protocolChoice != .http1 }) {
            return
        }
        let limits = BodyBuffering(memoryBytesMax: worker.bufferBytes, spill: nil)
        request.store = BodyStore(limits, keeps: true, pool: worker.buffers)
    }

    /// Where what comes of the body is copied to, as long as that may grow. Nil if it is kept no more: from now on it goes
    /// straight to the server. Everything stored before has been sent.
    func storeForRetries(_ worker: Worker) -> BodyStore? {
        guard let store = request.store else { return nil }
        let fits = store.stored + client.unreadBytes <= store.limits.memoryBytesMax
        if fits, isAwaitingResponse, mayRetryMessage { return store }
        // What was sent of it is gone for good.
        if store.stored > 0 { request.wasTouched = true }
        releaseRequestStore()
        return nil
    }

    /// Sends the request again, if it is to be sent again after such a failure; false if not.
    func retryMessage(after failure: RetryConditions, _ worker: Worker) -> Bool {
        guard let backend, let server, isAwaitingResponse, !awaitsHalfClosed, !failure.isEmpty,
            backend.retryOn.isSuperset(of: failure), attempt.retriesLeft > 0, mayRetryMessage, !request.wasTouched
        else { return false }
        sendAgain(from: server, of: backend, worker)
        return true
    }

    /// The server has died under a request that can be repeated without harm (`option safe-retry`): sends it again; false if it cannot be.
    func retrySafely(_ worker: Worker) -> Bool {
        guard let backend, let server, backend.retriesSafely, isAwaitingResponse, !awaitsHalfClosed,
            context.request.method.isIdempotent, !response.interimWasPassed, attempt.retriesLeft > 0, mayRetryMessage,
            !request.wasTouched
        else { return false }
        sendAgain(from: server, of: backend, worker)
        return true
    }

    private func sendAgain(from server: Server, of backend: BackendPlan, _ worker: Worker) {
        attempt.retriesLeft -= 1
        context.outcome.retries += 1
        dropConnection(worker)
        context.response.clear()
        context.timers.connected = nil
        if goesElsewhere(from: server, of: backend, worker) {
            redispatch(from: server, of: backend, worker)
        } else {
            countOnServer(.retries, worker)
            connectAnew(worker)
        }
    }

    /// The server has not looked at the request (GOAWAY, REFUSED_STREAM): it is sent again, whatever its method, as long as nothing of its
    /// body is lost. Bounded as other retries are.
    func retryUnprocessed(_ worker: Worker) -> Bool {
        guard let connection, connection.codec.wasNotProcessed, isAwaitingResponse, !request.wasTouched,
            attempt.retriesLeft > 0
        else { return false }
        attempt.retriesLeft -= 1
        context.outcome.retries += 1
        countOnServer(.retries, worker)
        dropConnection(worker)
        connect(worker)
        return true
    }

    /// A reused connection died before the server said anything: the server may have closed it just as the request was sent.
    /// Sent again on a fresh connection where the request can be repeated without harm (RFC 9110 section 9.2.2).
    func retryOnFreshConnection(_ worker: Worker) -> Bool {
        guard let connection, connection.wasUsed, context.request.method.isIdempotent, !request.wasTouched,
            !connection.codec.responseHasBegun, !response.interimWasPassed, isAwaitingResponse
        else { return false }
        dropConnection(worker)
        connectAnew(worker)
        return true
    }

    /// Sending the request twice does no harm (RFC 9110 section 9.2.2), and its body, if it has one, is still there.
    var isRepeatable: Bool {
        context.request.method.isIdempotent
            && (request.content == .none || request.store != nil && request.transfer.isComplete)
    }
}
