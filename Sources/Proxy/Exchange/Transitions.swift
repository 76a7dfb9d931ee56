// The one table of what an exchange does, by what it is at and what happens to it.

internal import Balancing
internal import Basics
internal import HTTP
internal import Reactor
internal import Rules
internal import Transport

extension Exchange {
    func transition(on event: StreamEvent, _ worker: Worker) {
        switch (phase, event) {
        // The client's connection reads the head.
        case (.readingHead, .headComplete): requestHeadComplete(worker)
        case (.readingHead, .headMalformed(let fault)): refuse(fault, worker)
        case (.readingHead, .headTimedOut): headTimedOut(worker)
        case (.readingHead, .clientLeft(let canBeTold)): clientLeftDuringHead(canBeTold: canBeTold, worker)

        // Rules wait.
        case (.inspecting(let inspection), .progress), (.inspecting(let inspection), .timeUp):
            inspect(inspection, worker)
        case (.pausing, .progress), (.resolving, .progress): watchClient(worker)
        case (.pausing(let bookmark), .timeUp): requestPauseOver(bookmark, worker)
        case (.resolving(let wait), .nameAnswered(let answer)): resolved(wait, to: answer.address, worker)
        case (.resolving(let wait), .timeUp): resolved(wait, to: nil, worker)
        case (.awaitingBody(let wait), .progress): awaitBody(wait, worker)
        case (.awaitingBody, .timeUp): bodyTimedOut(worker)
        case (.takingBody, .progress): takeBody(worker)
        case (.takingBody, .clientTimedOut): bodyTimedOut(worker)

        // A server is sought.
        case (.queued, .progress), (.connecting, .progress), (.retrying, .progress): watchClient(worker)
        case (.queued, .slotGranted(let grant)): slotGranted(grant, worker)
        case (.queued(let ticket), .timeUp): queueTimedOut(ticket, worker)
        case (.tarpitted, .progress): watchTarpitted(worker)
        case (.tarpitted(let answer), .timeUp): tarpitOver(answer, worker)
        case (.connecting, .connected): connected(worker)
        case (.connecting, .connectFailed(let reason)): connectFailed(reason, worker)
        case (.connecting, .connectTimedOut): connectTimedOut(worker)
        case (.retrying, .timeUp): retryPauseOver(worker)

        // With a server.
        case (.awaitingResponse, .progress), (.relaying, .progress): move(worker)
        case (.awaitingResponse, .clientTimedOut): requestTimedOut(worker)
        case (.awaitingResponse, .serverTimedOut), (.relaying, .serverTimedOut): serverTimedOut(worker)
        case (.holding(let hold), .progress): keepHolding(hold, worker)
        case (.holding(let hold), .timeUp): holdingTimeOver(hold, worker)

        // To the client.
        case (.answering, .progress): sendAnswer(worker)
        case (.relaying, .clientTimedOut), (.answering, .clientTimedOut): clientTookTooLong(worker)

        // Everywhere.
        case (_, .stopped): abort(.killed, .data, worker)
        // The rest is impossible, and written out in `StreamTransitions`.
        default: preconditionFailure("exchange \(facts.requestCounter): \(event) while \(phase)")
        }
    }
}
