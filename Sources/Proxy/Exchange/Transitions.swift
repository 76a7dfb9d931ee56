// The one table of what an exchange does, by what it is at and what happens to it.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor
internal import Transport

extension Exchange {
    /// What follows from `event` in the present phase. The events that come with each request are looked at first.
    func transition(on event: StreamEvent, _ worker: Worker) {
        switch event {
        case .progress: return advance(worker)
        case .headComplete: if case .readingHead = phase { return requestHeadComplete(worker) }
        case .timeUp: return timeIsUp(worker)
        case .stopped: return abort(.killed, .data, worker)
        default: break
        }
        switch (phase, event) {
        // The client's connection reads the head.
        case (.readingHead, .headMalformed(let fault)): refuse(fault, worker)
        case (.readingHead, .headTimedOut): headTimedOut(worker)
        case (.readingHead, .clientLeft(let canBeTold)): clientLeftDuringHead(canBeTold: canBeTold, worker)
        case (.takingBody, .clientTimedOut): bodyTimedOut(worker)

        // What was waited for is there.
        case (.resolving(let wait), .nameAnswered(let answer)): resolved(wait, to: answer.address, worker)
        case (.queued, .slotGranted(let grant)): slotGranted(grant, worker)

        // The server's connection.
        case (.connecting, .connected): connected(worker)
        case (.connecting, .connectFailed(let reason)): connectFailed(reason, worker)
        case (.connecting, .connectTimedOut): connectTimedOut(worker)
        case (.awaitingResponse, .serverTimedOut), (.relaying, .serverTimedOut): serverTimedOut(worker)

        // The client's.
        case (.awaitingResponse, .clientTimedOut): requestTimedOut(worker)
        case (.relaying, .clientTimedOut), (.answering, .clientTimedOut): clientTookTooLong(worker)

        // The rest is impossible, and written out in `StreamTransitions`.
        default: impossible(event)
        }
    }

    /// `progress`: either connection may move on.
    private func advance(_ worker: Worker) {
        switch phase {
        case .awaitingResponse, .relaying: move(worker)
        case .answering: sendAnswer(worker)
        case .inspecting(let inspection): inspect(inspection, worker)
        case .awaitingBody(let wait): awaitBody(wait, worker)
        case .takingBody: takeBody(worker)
        case .holding(let hold): keepHolding(hold, worker)
        case .pausing(let bookmark): keepPausing(bookmark, worker)
        case .resolving, .queued, .connecting, .retrying: watchClient(worker)
        case .tarpitted: watchTarpitted(worker)
        case .readingHead, .tunnelling, .draining, .ended: impossible(.progress)
        }
    }

    /// `timeUp`: the phase's own deadline has passed.
    private func timeIsUp(_ worker: Worker) {
        switch phase {
        case .inspecting(let inspection): inspect(inspection, worker)
        case .pausing(let bookmark): requestPauseOver(bookmark, worker)
        case .resolving(let wait): resolved(wait, to: nil, worker)
        case .awaitingBody: bodyTimedOut(worker)
        case .queued(let ticket): queueTimedOut(ticket, worker)
        case .tarpitted(let answer): tarpitOver(answer, worker)
        case .retrying: retryPauseOver(worker)
        case .holding(let hold): holdingTimeOver(hold, worker)
        case .readingHead, .takingBody, .connecting, .awaitingResponse, .relaying, .tunnelling, .answering, .draining,
            .ended:
            impossible(.timeUp)
        }
    }

    private func impossible(_ event: StreamEvent) -> Never {
        preconditionFailure("exchange \(context.requestCounter): \(event) while \(phase)")
    }
}
