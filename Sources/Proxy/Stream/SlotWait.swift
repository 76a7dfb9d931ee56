// Waiting for a slot on a server, because each has as many requests as it may have (`maxconn` of `server`).

internal import Balancing
internal import Basics
internal import Expressions

extension ProxyStream {
    /// Joins the backend's queue, or that of one server.
    final func enterQueue(of backend: BackendPlan, for server: Server?, avoiding: Server?, _ worker: Worker) {
        attempt.server = server
        context.serverName = server?.name ?? ExchangeContext.noServer
        context.serverNumber = server?.number
        let priority = context.directives.priority
        let ticket = backend.backend.join(
            for: server, worker: worker.index, owner: handle.packed,
            priority: QueuePriority(class: priority.level, offset: priority.offset, now: worker.now),
            avoiding: avoiding)
        let span = context.directives.queueTimeout ?? backend.timeouts.queue
        enter(.queued(ticket), until: worker.now + span, worker)
        if let avoiding { worker.offerLater(avoiding, of: backend) }
        watchClient(worker)
    }

    /// The slot that was waited for is there.
    final func slotGranted(_ grant: SlotGrant, _ worker: Worker) {
        guard let backend else { preconditionFailure("a slot is granted before a backend is chosen") }
        noteWait(grant.wait)
        hold(grant.server, of: backend, worker)
        connect(worker)
    }

    /// `timeout queue` has passed.
    final func queueTimedOut(_ ticket: QueueTicket, _ worker: Worker) {
        guard let backend else { preconditionFailure("a wait in no backend's queue is over") }
        // If it is in the queue no more, a slot was found at the last moment, and word of it comes in this turn.
        guard let wait = backend.backend.leave(ticket) else { return }
        noteWait(wait)
        context.timers.queueLeft = worker.now
        server?.traffic.add(.connectionErrors, worker: worker.index)
        backend.backend.traffic.add(.connectionErrors, worker: worker.index)
        // No ticket is left to be given up.
        enter(.connecting, worker)
        fail(status: 503, .serverTimeout, .queue, worker)
    }

    /// The stream ends while it waits. A slot that is granted to it later goes on to the next that waits.
    final func leaveQueue(_ worker: Worker) {
        guard case .queued(let ticket) = phase, let backend else { return }
        context.timers.queueLeft = worker.now
        if let wait = backend.backend.leave(ticket) { noteWait(wait) }
    }

    /// Of a request that waited twice the log has the sum.
    private func noteWait(_ wait: QueueWait) {
        if wait.wasForServer {
            context.outcome.counts.serverQueue += wait.position
        } else {
            context.outcome.counts.backendQueue += wait.position
        }
    }
}
