// `tcp-request content` and `tcp-response content`: rules that look at what a side has sent, before anybody else does, and
// may wait for more of it (`inspect-delay`).
//
// In TCP mode these are the bytes in a connection's buffer, which go on to the other side afterwards; a request's head is
// looked for in them if rules ask for one. In HTTP mode the head is there by then, and nothing is waited for.

internal import Balancing
internal import Basics
internal import HTTP
internal import Reactor
internal import Rules
internal import Transport

extension Exchange {
    // MARK: What the client sends

    /// Runs the rules on content of the frontend or, later, of the backend, and then goes on.
    func beginInspection(for step: Step, _ worker: Worker) {
        // Asked first, so that where there are none nothing is retained.
        let isEmpty =
            step == .frontend ? frontend.rules.requestContent.isEmpty : backend?.rules.requestContent.isEmpty ?? true
        if isEmpty { return inspected(for: step, worker) }
        guard let rules = step == .frontend ? frontend.rules : backend?.rules else { return }
        phase = .inspecting(before: step)
        inspection = Inspection(rules.requestContent, until: worker.now + rules.requestInspectDelay)
        inspect(before: step, worker)
    }

    /// Runs on where the rules had stopped. Called when something has come, and when the time is over.
    func inspect(before step: Step, _ worker: Worker) {
        guard let rules = inspection.rules else { preconditionFailure("nothing inspects") }
        while true {
            if client.mode == .tcp {
                facts.requestPayload.removeAll(keepingCapacity: true)
                Self.copy(client.input, into: &facts.requestPayload)
                if looksForRequest(before: step) {
                    facts.requestProbe?.look(at: facts.requestPayload, into: &facts.request)
                }
                facts.mayGrow = worker.now < inspection.end && !client.transport.hasEnded && !client.input.isFull
            }
            let outcome = run(rules, from: inspection.position, worker)
            facts.mayGrow = false
            switch outcome {
            case .proceed:
                if client.mode == .tcp { client.setDeadline(.never, worker) }
                return inspected(for: step, worker)
            case .reject: return rejectRequest(silently: false, worker)
            case .silentDrop: return rejectRequest(silently: true, worker)
            case .wait(.more, let position):
                inspection.position = position
                client.setDeadline(inspection.end, worker)
            case .wait(.address, let position):
                inspection.position = position
                return beginResolving(before: step, .content, worker)
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

    private func looksForRequest(before step: Step) -> Bool {
        (step == .frontend ? frontend.rules : backend?.rules)?.looksAtRequestHeads == true
    }

    private func inspected(for step: Step, _ worker: Worker) {
        inspection.rules = nil
        switch (step, client.mode) {
        case (.frontend, .tcp): routeTunnel(worker)
        case (.backend, .tcp):
            retriesLeft = facts.directives.retries ?? backend?.retries ?? 0
            chooseServer(worker)
        case (.frontend, .http): awaitFrontend(worker)
        case (.backend, .http): awaitBackend(worker)
        }
    }

    private static func copy(_ buffer: borrowing ByteBuffer, into bytes: inout [UInt8]) {
        bytes.append(buffer.readable)
    }

    /// Ends the exchange and its connection without an answer.
    func rejectRequest(silently: Bool, _ worker: Worker) {
        count(.deniedRequests, worker)
        keepsClient = false
        abort(.proxy, .request, silently: silently, worker)
    }

    // MARK: What the server sends

    /// `mode tcp`: whether what the server has sent so far may go on to the client. False too if the exchange has ended.
    ///
    /// Nothing is looked at, and no time passes, before the server has said something.
    func mayPassResponse(_ worker: Worker) -> Bool {
        guard let rules = inspection.rules else { return true }
        guard let connection else { preconditionFailure("a tunnel has two ends") }
        if connection.input.isEmpty && !connection.transport.hasEnded {
            switch connection.fill(worker) {
            case .progressed, .full, .ended: break
            case .blocked: return false
            // For the tunnel to find out.
            case .failed: return true
            }
        }
        if inspection.end == .never {
            inspection.end = worker.now + (backend?.rules.responseInspectDelay ?? .zero)
        }
        while true {
            facts.responsePayload.removeAll(keepingCapacity: true)
            Self.copy(connection.input, into: &facts.responsePayload)
            facts.mayGrow = worker.now < inspection.end && !connection.transport.hasEnded && !connection.input.isFull
            let outcome = run(rules, from: inspection.position, worker)
            facts.mayGrow = false
            switch outcome {
            case .proceed:
                inspection.rules = nil
                return true
            case .closeServer:
                endTunnelWithServer(worker)
                return false
            case .reject:
                rejectResponse(worker)
                return false
            case .silentDrop:
                rejectRequest(silently: true, worker)
                return false
            case .wait(.more, let position): inspection.position = position
            default: preconditionFailure("rules on content do not answer")
            }
            switch connection.fill(worker) {
            case .progressed, .full, .ended: break
            case .blocked: return false
            case .failed:
                // What was not judged does not pass.
                connection.input.release(to: worker.buffers)
                return true
            }
        }
    }

    /// In HTTP mode, when the response's head is there; false if the rules have ended the exchange.
    func followResponseContentRules(_ worker: Worker) -> Bool {
        guard let rules = backend?.rules.responseContent, !rules.isEmpty else { return true }
        switch run(rules, worker) {
        case .proceed: return true
        // As if it had closed before it answered: a rule that closes is to let nothing through.
        case .closeServer: fail(status: 502, .server, .headers, worker)
        case .reject: rejectResponse(worker)
        case .silentDrop: rejectRequest(silently: true, worker)
        case .wait, .answer, .answerStatus, .deny, .denyStatus, .tarpit, .tarpitStatus, .rewriteFailed, .refused,
            .challenge:
            preconditionFailure("rules on content do not answer")
        }
        return false
    }

    private func rejectResponse(_ worker: Worker) {
        count(.deniedResponses, worker)
        keepsClient = false
        abort(.proxy, .data, worker)
    }
}

/// Rules on content that have not come to their end.
struct Inspection {
    var rules: RuleSet?
    var position = RulePosition.start
    /// When what has not come is taken as not coming.
    var end: Instant

    static let none = Inspection(nil, until: .never)

    init(_ rules: RuleSet?, until end: Instant) {
        self.rules = rules
        self.end = end
    }
}
