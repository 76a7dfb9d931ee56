// Ends a worker's sessions on a server that went down, or on backups when a server is up again (`on-marked-down`, `on-marked-up`).

internal import Balancing
internal import Basics
internal import Expressions

extension Worker {
    /// Ends the sessions that the control thread wants to end.
    func endSessions() {
        for (server, end) in orders.takeSessionEnds() {
            for source in slots.elements { (source as? ProxyStream)?.endSession(on: server, end, self) }
        }
    }
}

extension ProxyStream {
    /// Ends if the stream has a slot on the server: what the client got of a response is cut off.
    fileprivate final func endSession(on server: Server, _ end: SessionEnd, _ worker: Worker) {
        guard attempt.holdsSlot, attempt.server === server else { return }
        let phase: Termination.Phase =
            switch self.phase {
            case .connecting, .retrying: .connect
            case .awaitingResponse, .holding: .headers
            default: .data
            }
        let client = client
        abort(end == .serverDown ? .serverDown : .serverUp, phase, worker)
        client?.resume(worker)
    }
}
