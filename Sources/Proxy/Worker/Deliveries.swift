// What other threads have for a worker's streams: addresses of names, slots on servers, and the end of sessions on a server that went
// down, or on backups when a server is up again (`on-marked-down`, `on-marked-up`).

internal import Balancing
internal import Basics
internal import Expressions
internal import Resolvers

extension Worker {
    /// Streams that waited for an address go on; an answer to one that waits for it no more is dropped.
    func handOutAnswers() {
        for answer in orders.takeAnswers() {
            guard let stream = slots[SlotHandle(packed: answer.waiter.owner)] as? ProxyStream,
                case .resolving(let wait) = stream.phase, wait.ticket == answer.waiter.ticket
            else { continue }
            stream.deliver(.nameAnswered(answer), self)
        }
    }

    /// Streams that waited for a slot on a server go on; the slot of one that waits for it no more is given back. What they do may
    /// free slots that other streams of this worker have waited for.
    func handOutSlots() {
        while true {
            let grants = orders.takeGrants()
            if grants.isEmpty { return }
            for grant in grants {
                guard let stream = slots[SlotHandle(packed: grant.owner)] as? ProxyStream,
                    case .queued(let ticket) = stream.phase, ticket == grant.ticket
                else {
                    grant.backend.release(grant.server, by: index, now: now)
                    continue
                }
                stream.deliver(.slotGranted(grant), self)
            }
        }
    }

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
