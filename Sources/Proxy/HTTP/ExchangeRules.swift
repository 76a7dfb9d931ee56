// The rules about whole messages: they run when a head is there, section by section, and what they decide is done here.
//
// A rule may want the exchange to wait (`pause`, `wait-for-body`, `do-resolve`); then the rules go on behind it.
// Rules on requests wait on the client's deadline, those on responses on the server's, where there is one.

internal import Balancing
internal import Basics
internal import HTTP
internal import Rules
internal import Transport

/// What follows the head of a response.
enum ResponseKind: Equatable {
    case body(BodyFraming)
    /// After 101, whatever both sides agreed on.
    case upgrade
    /// After a CONNECT.
    case tunnel
    /// The answer comes from a directory: `answer` has what is behind the head.
    case file
}

extension Exchange {
    /// Runs rules and does at once what they want of the client's packets.
    func run(_ rules: RuleSet, from position: RulePosition = .start, _ worker: Worker) -> RuleOutcome {
        let outcome = rules.run(on: facts, from: position)
        if let marks = facts.directives.takePacketMarks() { client.mark(marks, worker) }
        return outcome
    }

    // MARK: The request's

    /// Runs the `http-request` rules of the frontend or, later, of the backend, from where they had stopped, and goes on.
    func followRequestRules(of step: Step, from position: RulePosition = .start, _ worker: Worker) {
        // Asked first, so that where nothing is to be done nothing is retained.
        let isIdle = step == .frontend ? frontend.rules.ignoresRequests : backend?.rules.ignoresRequests ?? false
        if isIdle { return requestPassed(step, worker) }
        guard let section = step == .frontend ? frontend.rules : backend?.rules else {
            preconditionFailure("a backend's rules run, and there is no backend")
        }
        showBody(to: section)
        let rules = section.request
        if rules.isEmpty { return requestPassed(step, worker) }
        let outcome = run(rules, from: position, worker)
        guard sendEarlyHints(worker) else { return }
        switch outcome {
        case .proceed: requestPassed(step, worker)
        case .answer(let response):
            count(.intercepted, worker)
            answer(response, .local, .request, worker)
        case .answerStatus(let status):
            count(.intercepted, worker)
            fail(status: status, .local, .request, worker)
        case .challenge(let realm):
            count(.intercepted, worker)
            challenge(realm, worker)
        case .deny(let response):
            count(.deniedRequests, worker)
            answer(response, .proxy, .request, worker)
        case .denyStatus(let status):
            count(.deniedRequests, worker)
            fail(status: status, .proxy, .request, worker)
        case .tarpit(let response): tarpit(.response(response), worker)
        case .tarpitStatus(let status): tarpit(.status(status), worker)
        case .reject: rejectRequest(silently: false, worker)
        case .silentDrop: rejectRequest(silently: true, worker)
        case .closeServer: preconditionFailure("a request has no server yet")
        case .refused:
            frontend.traffic.add(.badRequests, worker: worker.index)
            keepsClient = false
            fail(status: 400, .proxy, .request, worker)
        case .rewriteFailed:
            count(.internalErrors, worker)
            fail(status: 500, .proxy, .request, worker)
        case .wait(.pause(let time), let position):
            rulePosition = position
            phase = .pausing(before: step)
            requestIsIncomplete(for: time, worker)
            watchClient(worker)
        case .wait(.body(let time, let bytes), let position):
            if requestBody.isComplete { return followRequestRules(of: step, from: position, worker) }
            rulePosition = position
            beginAwaitingBody(before: step, atLeast: bytes, for: time, worker)
        case .wait(.address, let position):
            rulePosition = position
            beginResolving(before: step, .request, worker)
        case .wait(.more, _): preconditionFailure("a request's head is whole, no more of it can come")
        }
    }

    /// The time that a rule on the request wanted has passed.
    func requestPauseOver(_ step: Step, _ worker: Worker) {
        requestArrived(worker)
        followRequestRules(of: step, from: rulePosition, worker)
    }

    private func requestPassed(_ step: Step, _ worker: Worker) {
        guard restrictNames(step == .frontend ? frontend.unusualNames : backend?.unusualNames ?? .preserve, worker)
        else { return }
        switch step {
        case .frontend: frontendPassed(worker)
        case .backend: backendPassed(worker)
        }
    }

    /// `option http-restrict-req-hdr-names` of a section whose rules have been run; false if it has refused the request.
    private func restrictNames(_ policy: UnusualNames, _ worker: Worker) -> Bool {
        switch policy {
        case .preserve: break
        case .delete: facts.request.fields.removeUnusualNames()
        case .reject:
            guard facts.request.fields.hasUnusualNames else { return true }
            count(.deniedRequests, worker)
            fail(status: 403, .proxy, .request, worker)
            return false
        }
        return true
    }

    /// `early-hint`: fields in a 103 before the response. False if the client is gone.
    private func sendEarlyHints(_ worker: Worker) -> Bool {
        if facts.directives.earlyHints.isEmpty { return true }
        facts.response.clear()
        facts.response.setStatus(103)
        for hint in facts.directives.earlyHints { facts.response.add(hint.name, hint.value) }
        facts.directives.earlyHints.removeAll()
        return sendInterimHead(worker)
    }

    // MARK: The response's

    /// Runs the rules on a server's response from the backend's on, and passes it on. False if there is nothing more to do now.
    func followResponseRules(before kind: ResponseKind, _ worker: Worker) -> Bool {
        responseKind = kind
        showResponseBody()
        guard followResponseContentRules(worker) else { return false }
        return followResponseRules(of: .backend, from: .start, worker)
    }

    private func followResponseRules(of step: Step, from position: RulePosition, _ worker: Worker) -> Bool {
        let isEmpty = step == .frontend ? frontend.rules.response.isEmpty : backend?.rules.response.isEmpty ?? false
        if !isEmpty {
            guard let rules = step == .frontend ? frontend.rules.response : backend?.rules.response else {
                preconditionFailure("a response has come, and there is no backend")
            }
            let outcome = run(rules, from: position, worker)
            if case .proceed = outcome {} else { return obey(outcome, of: step, worker) }
        }
        if step == .backend { return followResponseRules(of: .frontend, from: .start, worker) }
        return passHead(worker)
    }

    private func obey(_ outcome: RuleOutcome, of step: Step, _ worker: Worker) -> Bool {
        switch outcome {
        case .proceed: preconditionFailure("nothing is to be obeyed")
        case .answer(let response): answer(response, .local, .headers, worker)
        case .answerStatus(let status): fail(status: status, .local, .headers, worker)
        case .deny(let response):
            countDeniedResponse(worker)
            answer(response, .proxy, .headers, worker)
        case .denyStatus(let status):
            countDeniedResponse(worker)
            fail(status: status, .proxy, .headers, worker)
        case .silentDrop: rejectRequest(silently: true, worker)
        case .rewriteFailed:
            count(.internalErrors, worker)
            server?.traffic.add(.internalErrors, worker: worker.index)
            fail(status: 500, .proxy, .headers, worker)
        case .wait(let wait, let position): return hold(for: wait, of: step, from: position, worker)
        case .challenge, .tarpit, .tarpitStatus, .reject, .refused, .closeServer:
            preconditionFailure("rules on responses do not do that")
        }
        return false
    }

    private func countDeniedResponse(_ worker: Worker) {
        count(.deniedResponses, worker)
        server?.traffic.add(.deniedResponses, worker: worker.index)
    }

    /// Every rule has been asked: the response goes to the client.
    private func passHead(_ worker: Worker) -> Bool {
        let status = facts.response.status
        if responseKind == .file {
            // What Portico says itself passes the rules on all responses there.
            beginAnswer(as: fileStatus, for: pageStatus, worker)
            return false
        }
        guard followAfterResponseRules() else {
            afterRulesFailed = true
            count(.internalErrors, worker)
            server?.traffic.add(.internalErrors, worker: worker.index)
            fail(status: 500, .proxy, .headers, worker)
            return false
        }
        switch responseKind {
        case .body(let framing):
            sendResponseHead(framing, worker)
            return phase == .relaying
        case .upgrade:
            // Both sides speak another protocol by now, whatever a rule says.
            facts.response.setStatus(101)
            switchProtocols(worker)
        case .tunnel:
            if facts.response.status >= 300 { facts.response.setStatus(status < 300 ? status : 200) }
            becomeTunnel(.none, worker)
        case .file: preconditionFailure("an answer from a directory has no server")
        }
        return false
    }

    /// The rules on every response, Portico's own too; false if one has failed.
    func followAfterResponseRules() -> Bool {
        if let rules = backend?.rules.afterResponse, !rules.isEmpty, !proceeds(rules) { return false }
        return frontend.rules.afterResponse.isEmpty || proceeds(frontend.rules.afterResponse)
    }

    private func proceeds(_ rules: RuleSet) -> Bool {
        switch rules.run(on: facts) {
        case .proceed: return true
        case .rewriteFailed: return false
        default: preconditionFailure("rules on all responses do not answer and do not wait")
        }
    }

    // MARK: Holding a response

    /// Waits with a response's head; false if there is nothing more to do now.
    private func hold(for wait: RuleWait, of step: Step, from position: RulePosition, _ worker: Worker) -> Bool {
        rulePosition = position
        heldBytes = nil
        phase = .holding(before: step)
        client.setDeadline(.never, worker)
        switch wait {
        case .pause(let time):
            holdsForBody = false
            if let connection {
                connection.setDeadline(after: time, worker)
            } else {
                client.setDeadline(after: time, worker)
            }
        case .body(let time, let bytes):
            // A file is whole, and nothing of it is read before it is sent.
            guard case .body(let framing) = responseKind, framing != .none else {
                phase = .awaitingResponse
                return followResponseRules(of: step, from: position, worker)
            }
            holdsForBody = true
            heldBytes = bytes
            bodyProbe = BodyProbe(framing, lenient: true)
            connection?.setDeadline(after: time, worker)
            return holdUntilThere(step, worker)
        case .more: preconditionFailure("a response's head is whole, no more of it can come")
        case .address: preconditionFailure("rules on responses look no names up")
        }
        return false
    }

    /// Something has come while a response is held.
    func keepHolding(before step: Step, _ worker: Worker) {
        watchClient(worker)
        guard phase == .holding(before: step), holdsForBody, holdUntilThere(step, worker) else { return }
        receiveResponse(worker)
    }

    /// Reads until the body is whole, or as much of it is there as is wanted, or fits.
    private func holdUntilThere(_ step: Step, _ worker: Worker) -> Bool {
        guard let connection else { preconditionFailure("a response is held without its server") }
        while true {
            switch bodyProbe.look(at: connection.input) {
            case .whole, .failed: return goOn(with: step, worker)
            case .needsMore: break
            }
            if let heldBytes, bodyProbe.bytes >= heldBytes { return goOn(with: step, worker) }
            switch connection.fill(worker) {
            case .progressed: break
            case .blocked: return false
            case .full, .ended, .failed: return goOn(with: step, worker)
            }
        }
    }

    /// The time is over.
    func holdingTimeOver(before step: Step, _ worker: Worker) {
        if holdsForBody {
            fail(status: 504, .serverTimeout, .headers, worker)
        } else if goOn(with: step, worker) {
            receiveResponse(worker)
        }
    }

    private func goOn(with step: Step, _ worker: Worker) -> Bool {
        phase = .awaitingResponse
        if let connection {
            connection.setDeadline(after: serverTimeout, worker)
        } else {
            client.setDeadline(.never, worker)
        }
        showResponseBody()
        return followResponseRules(of: step, from: rulePosition, worker)
    }
}

extension ResponseHead {
    fileprivate mutating func add(_ name: [UInt8], _ value: [UInt8]) {
        unsafe fields.append(name: name.span.bytes, value: value.span.bytes)
    }
}
