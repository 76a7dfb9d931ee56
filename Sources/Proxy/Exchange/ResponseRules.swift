// The rules on responses: `tcp-response content`, `http-response` of the backend and then of the frontend, `http-after-response`.
// They run when a response's head is there, and may hold the response back for a time, or for its body.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Rules
internal import Transport

extension Exchange {
    /// Runs the rules on a response from the backend's on, and passes it on. False if there is nothing more to do now.
    func followResponseRules(before kind: ResponseKind, _ worker: Worker) -> Bool {
        response.kind = kind
        showResponseBody()
        guard followResponseContentRules(worker) else { return false }
        return followResponseRules(of: .backend, from: .start, worker)
    }

    /// In HTTP mode, when the response's head is there; false if the rules have ended the exchange.
    private func followResponseContentRules(_ worker: Worker) -> Bool {
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

    private func followResponseRules(of step: Step, from position: RulePosition, _ worker: Worker) -> Bool {
        let isEmpty = step == .frontend ? frontend.rules.response.isEmpty : backend?.rules.response.isEmpty ?? false
        if !isEmpty {
            guard let rules = rules(of: step)?.response else {
                preconditionFailure("a response has come, and there is no backend")
            }
            let outcome = run(rules, from: position, worker)
            if case .proceed = outcome {} else { return obeyResponseRules(outcome, of: step, worker) }
        }
        if step == .backend { return followResponseRules(of: .frontend, from: .start, worker) }
        return passHead(worker)
    }

    private func obeyResponseRules(_ outcome: RuleOutcome, of step: Step, _ worker: Worker) -> Bool {
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
        case .wait(let wait, let position):
            return hold(for: wait, RuleBookmark(step: step, position: position), worker)
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
        if case .file(let file) = response.kind {
            // What Portico says itself passes the rules on all responses there.
            beginAnswer(file.answer, as: file.status, for: file.pageStatus, worker)
            return false
        }
        if let persistence = backend?.persistence { writePersistenceCookie(persistence, worker) }
        let status = context.response.status
        // A rule that makes 101 of a server's response lies: the server goes on in HTTP.
        guard followAfterResponseRules(), context.response.status != 101 || response.kind.isUpgrade else {
            response.afterRulesFailed = true
            count(.internalErrors, worker)
            server?.traffic.add(.internalErrors, worker: worker.index)
            fail(status: 500, .proxy, .headers, worker)
            return false
        }
        switch response.kind {
        case .content(let content):
            sendResponseHead(content, worker)
            if case .relaying = phase { return true }
        case .upgrade:
            // Both sides speak another protocol by now, whatever a rule says.
            context.response.setStatus(101)
            becomeTunnel(isUpgrade: true, worker)
        case .tunnel:
            if context.response.status >= 300 { context.response.setStatus(status < 300 ? status : 200) }
            becomeTunnel(isUpgrade: false, worker)
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
        noteByteCounts()
        switch rules.run(on: context) {
        case .proceed: return true
        case .rewriteFailed: return false
        default: preconditionFailure("rules on all responses do not answer and do not wait")
        }
    }

    // MARK: Holding a response back

    /// Waits with a response's head; false if there is nothing more to do now.
    private func hold(for wait: RuleWait, _ bookmark: RuleBookmark, _ worker: Worker) -> Bool {
        switch wait {
        case .pause(let time):
            hold(ResponseHold(rules: bookmark), for: time, worker)
            return false
        case .body(let time, let bytes):
            // A file is whole, and nothing of it is read before it is sent.
            guard case .content(let content) = response.kind, content != .none, let connection else {
                return followResponseRules(of: bookmark.step, from: bookmark.position, worker)
            }
            let hold = ResponseHold(rules: bookmark, probe: connection.codec.bodyProbe, enough: bytes)
            self.hold(hold, for: time, worker)
            return holdUntilThere(hold, worker)
        case .more: preconditionFailure("a response's head is whole, no more of it can come")
        case .handshake: preconditionFailure("only rules on requests wait for a handshake")
        case .address: preconditionFailure("rules on responses look no names up")
        }
    }

    private func hold(_ hold: ResponseHold, for time: TimeSpan, _ worker: Worker) {
        enter(.holding(hold), until: worker.now + time, worker)
        client.setDeadline(.never, worker)
        connection?.setDeadline(.never, worker)
    }

    /// Something has come while a response is held. The server may want the rest of the request before it sends on: that goes on
    /// meanwhile, and the hold's own time bounds both.
    func keepHolding(_ hold: ResponseHold, _ worker: Worker) {
        if request.isSent { watchClient(worker) } else { sendRequestBody(worker) }
        guard case .holding = phase else { return }
        client.setDeadline(.never, worker)
        connection?.setDeadline(.never, worker)
        guard hold.probe != nil, holdUntilThere(hold, worker) else { return }
        // Both directions: a server that answers early waits for the rest of the request, of which no event tells any more.
        move(worker)
    }

    /// Reads until the body is whole, or as much of it is there as is wanted, or fits.
    private func holdUntilThere(_ hold: ResponseHold, _ worker: Worker) -> Bool {
        guard let connection, var probe = hold.probe else { preconditionFailure("no server's body is waited for") }
        while true {
            switch connection.look(for: &probe, isAll: connection.codec.contentHasEnded) {
            case .whole, .failed: return holdingGoesOn(hold, worker)
            case .needsMore: break
            }
            if let enough = hold.enough, probe.contentBytes >= enough { return holdingGoesOn(hold, worker) }
            switch connection.fill(worker) {
            case .progressed: break
            case .blocked:
                var rest = hold
                rest.probe = probe
                phase = .holding(rest)
                return false
            case .full, .ended, .failed: return holdingGoesOn(hold, worker)
            }
        }
    }

    /// The time is over.
    func holdingTimeOver(_ hold: ResponseHold, _ worker: Worker) {
        if hold.probe != nil {
            fail(status: 504, .serverTimeout, .headers, worker)
        } else if holdingGoesOn(hold, worker) {
            move(worker)
        }
    }

    private func holdingGoesOn(_ hold: ResponseHold, _ worker: Worker) -> Bool {
        enter(.awaitingResponse, worker)
        connection?.setDeadline(after: serverTimeout, worker)
        showResponseBody()
        return followResponseRules(of: hold.rules.step, from: hold.rules.position, worker)
    }

    // MARK: Bodies for rules that look into them

    /// Lets the rules of a section see what is in the client's buffer of the request's body. It stays there, and goes on from
    /// there. Where no rule asks, nothing is copied.
    func showRequestBody(to rules: SectionRules) {
        guard rules.looksIntoBodies else { return }
        context.requestBody.removeAll(keepingCapacity: true)
        guard !request.transfer.isComplete else { return }
        client.copyContent(to: &context.requestBody)
    }

    private var looksIntoResponseBodies: Bool {
        frontend.rules.looksIntoResponseBodies || backend?.rules.looksIntoResponseBodies == true
    }

    /// Likewise what is here of the response's body.
    private func showResponseBody() {
        guard looksIntoResponseBodies else { return }
        switch response.kind {
        case .file(let file): show(file.answer)
        case .content:
            context.responseBody.removeAll(keepingCapacity: true)
            connection?.copyContent(to: &context.responseBody)
        case .upgrade, .tunnel: context.responseBody.removeAll(keepingCapacity: true)
        }
    }

    /// Likewise the body of an answer of Portico's own; a file's they do not see.
    func show(_ answer: LocalAnswer) {
        guard looksIntoResponseBodies else { return }
        if case .bytes(let bytes, _) = answer { context.responseBody = bytes } else { context.responseBody = [] }
    }
}
