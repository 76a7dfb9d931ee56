// Waiting for a place on a server, because each has as many requests as it may have (`maxconn` of `server`).

internal import Balancing
internal import Basics
internal import Rules

extension Exchange {
    /// Joins the backend's queue, or that of one server.
    func enterQueue(of backend: BackendPlan, for server: Server?, avoiding: Server?, _ worker: Worker) {
        phase = .queued
        self.server = server
        facts.serverName = server?.name ?? ExchangeFacts.noServer
        facts.serverIndex = server?.index
        client.setDeadline(after: facts.directives.queueTimeout ?? backend.timeouts.queue, worker)
        let priority = facts.directives.priority
        queueTicket = backend.backend.join(
            for: server, worker: worker.index, owner: client.handle.packed,
            priority: QueuePriority(class: priority.level, offset: priority.offset, now: worker.now),
            avoiding: avoiding)
        if let avoiding { worker.offerLater(avoiding, of: backend) }
        watchClient(worker)
    }

    /// A place on a server was given to this client's connection; false if it is not for this exchange.
    func placeGranted(_ grant: PlaceGrant, _ worker: Worker) -> Bool {
        guard phase == .queued, queueTicket == grant.ticket, let backend else { return false }
        queueTicket = nil
        noteWait(grant.wait)
        client.setDeadline(.never, worker)
        hold(grant.server, of: backend, worker)
        go(to: grant.server, of: backend, worker)
        return true
    }

    /// `timeout queue` has passed.
    func queueTimedOut(_ worker: Worker) {
        guard let backend, let ticket = queueTicket else { preconditionFailure("a wait in no queue is over") }
        // If it is in the queue no more, a place was found at the last moment, and word of it comes in this turn.
        guard let wait = backend.backend.leave(ticket) else { return }
        queueTicket = nil
        noteWait(wait)
        facts.timers.queueLeft = worker.now
        server?.traffic.add(.connectionErrors, worker: worker.index)
        backend.backend.traffic.add(.connectionErrors, worker: worker.index)
        fail(status: 503, .serverTimeout, .queue, worker)
    }

    /// The exchange ends. A place that was found meanwhile comes to a ticket that nobody has, and goes on to the next.
    func leaveQueue(_ worker: Worker) {
        guard let backend, let ticket = queueTicket else { return }
        queueTicket = nil
        facts.timers.queueLeft = worker.now
        if let wait = backend.backend.leave(ticket) { noteWait(wait) }
    }

    /// Of a request that waited twice the log has the sum.
    private func noteWait(_ wait: QueueWait) {
        if wait.wasForServer {
            facts.counts.serverQueue += wait.position
        } else {
            facts.counts.backendQueue += wait.position
        }
    }
}
