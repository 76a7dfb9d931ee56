// From a frontend to a backend, and the rules on content of both sections (`tcp-request content`): they look at what the client
// has sent, before anything else does, and may wait for more of it (`inspect-delay`).
//
// In TCP mode these are the bytes in a connection's buffer, which go on to the other side afterwards; a request's head is
// looked for in them if rules ask for one. In HTTP mode the head is there by then, and nothing is waited for.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor
internal import Rules
internal import Transport

extension ProxyStream {
    /// Rules of a section; nil for those of a backend before there is one.
    final func rules(of step: Step) -> SectionRules? { step == .frontend ? frontend.rules : backend?.rules }

    /// Goes to a backend, and on with its rules on content.
    final func choose(_ backend: BackendPlan, _ worker: Worker) {
        self.backend = backend
        context.backendName = backend.name
        context.backendIndex = backend.index
        context.outcome.counts.backend = backend.backend.active.increment()
        backend.backend.countSession(worker: worker.index, at: worker.now)
        // What a listen section says with `set-retries` and `set-timeout connect|queue|server|tunnel` concerns its own
        // servers only.
        if !(backend.isListen && backend.name == frontend.name) { context.directives.forgetServerSide() }
        guard !backend.persistenceRules.isEmpty else { return }
        context.directives.persistence = backend.persistenceRules.choose(for: context)
    }

    /// Counts on the frontend, and on the backend if there is one yet.
    final func count(_ counter: TrafficCounter, _ worker: Worker) {
        frontend.traffic.add(counter, worker: worker.index)
        backend?.backend.traffic.add(counter, worker: worker.index)
    }

    // MARK: Rules on content

    /// Runs rules and does at once what they want of the client's packets.
    final func run(_ rules: RuleSet, from position: RulePosition = .start, _ worker: Worker) -> RuleOutcome {
        noteByteCounts()
        let outcome = rules.run(on: context, from: position)
        if let marks = context.directives.consumePacketMarks() { client.mark(marks, worker) }
        return outcome
    }

    /// Runs the rules on content of the frontend or, later, of the backend, and then goes on.
    final func beginInspection(for step: Step, _ worker: Worker) {
        // Asked first, so that where there are none nothing is retained.
        let isEmpty =
            step == .frontend ? frontend.rules.requestContent.isEmpty : backend?.rules.requestContent.isEmpty ?? true
        if isEmpty { return contentPassed(step, worker) }
        guard let section = rules(of: step) else { return }
        let end = worker.now + section.requestInspectDelay
        inspect(Inspection(step: step, rules: section.requestContent, end: end), worker)
    }

    /// Runs on where the rules had stopped. Called when something has come, and when the time is over.
    final func inspect(_ inspection: Inspection, _ worker: Worker) {
        var inspection = inspection
        enter(.inspecting(inspection), worker)
        while true {
            if !client.codec.speaksHTTP { showPayload(to: inspection, worker) }
            let outcome = run(inspection.rules, from: inspection.position, worker)
            context.mayGrow = false
            switch outcome {
            case .proceed: return contentPassed(inspection.step, worker)
            case .reject: return rejectRequest(silently: false, worker)
            case .silentDrop: return rejectRequest(silently: true, worker)
            case .wait(.more, let position):
                inspection.position = position
                enter(.inspecting(inspection), until: inspection.end, worker)
            case .wait(.address, let position):
                inspection.position = position
                return beginResolving(.content(inspection), worker)
            case .wait, .answer, .answerStatus, .deny, .denyStatus, .tarpit, .tarpitStatus, .rewriteFailed, .refused,
                .challenge, .closeServer:
                preconditionFailure("rules on content do not answer")
            }
            switch client.fill(worker) {
            case .progressed, .full, .ended: break
            case .blocked: return
            case .failed: return clientAborted(worker)
            }
        }
    }

    /// Lets rules see what the client has sent.
    private func showPayload(to inspection: Inspection, _ worker: Worker) {
        context.requestPayload.removeAll(keepingCapacity: true)
        client.copyInput(to: &context.requestPayload)
        if rules(of: inspection.step)?.looksAtRequestHeads == true {
            context.requestProbe?.look(at: context.requestPayload, into: &context.request)
        }
        context.mayGrow = worker.now < inspection.end && client.mayReceiveMore
    }

    /// Ends without an answer.
    final func rejectRequest(silently: Bool, _ worker: Worker) {
        count(.deniedRequests, worker)
        client.endAfterResponse()
        abort(.proxy, .request, silently: silently, worker)
    }

    /// Ends in the middle of the server's response.
    final func rejectResponse(_ worker: Worker) {
        count(.deniedResponses, worker)
        client.endAfterResponse()
        abort(.proxy, .data, worker)
    }
}
