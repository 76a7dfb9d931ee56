// Where a connection in TCP mode goes: to a backend that passes its bytes on, to one that reads them as HTTP, or nowhere.
//
// A frontend without a backend closes the connection, as HAProxy does (termination SC): there is no answer that bytes of an unknown
// protocol could get.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor
internal import Rules

extension Tunnel {
    /// The frontend's rules on content have let the connection pass, or it has none.
    func chooseBackend(_ worker: Worker) {
        guard let index = frontend.routing.choose(for: context) else {
            // Where no rules looked at content, the tunnel is in no phase yet.
            enter(.inspecting(Inspection(step: .frontend, rules: frontend.rules.requestContent, end: .never)), worker)
            return abort(.server, .connect, worker)
        }
        let backend = client.bind.scope.backends[index]
        if backend.mode == .http { return becomeExchange(for: backend, worker) }
        choose(backend, worker)
        beginInspection(for: .backend, worker)
    }

    /// The backend reads requests: an exchange goes on with the head of the first one. What rules on content have read of it is in the
    /// client's buffer still.
    private func becomeExchange(for backend: BackendPlan, _ worker: Worker) {
        context.requestProbe = nil
        context.request.clear()
        context.requestPayload.removeAll(keepingCapacity: true)
        context.timers.requestDone = nil
        let exchange = worker.makeExchange(with: context)
        exchange.client = client
        exchange.isLogged = isLogged
        exchange.enter(.readingHead, worker)
        let client = client
        worker.retire(self)
        client?.becomeHTTP(for: backend, exchange, worker)
    }
}
