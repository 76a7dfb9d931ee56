// The `http-request` rules: they run when a request's head is there, section by section, and what they decide is done here.
//
// A rule may want the exchange to wait (`pause`, `wait-for-body`, `do-resolve`); then the rules go on behind it.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Rules

extension Exchange {
    /// Runs the rules of the frontend or, later, of the backend, from where they had stopped, and goes on.
    func followRequestRules(of step: Step, from position: RulePosition = .start, _ worker: Worker) {
        // Asked first, so that where nothing is to be done nothing is retained.
        let isIdle = step == .frontend ? frontend.rules.ignoresRequests : backend?.rules.ignoresRequests ?? false
        if isIdle { return requestPassed(step, worker) }
        guard let section = rules(of: step) else {
            preconditionFailure("a backend's rules run, and there is no backend")
        }
        showRequestBody(to: section)
        if section.request.isEmpty { return requestPassed(step, worker) }
        let outcome = run(section.request, from: position, worker)
        guard sendEarlyHints(worker) else { return }
        obeyRequestRules(outcome, of: step, worker)
    }

    /// Does what rules on a request, or on the stats page, have decided.
    func obeyRequestRules(_ outcome: RuleOutcome, of step: Step, _ worker: Worker) {
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
            client.endAfterResponse()
            fail(status: 400, .proxy, .request, worker)
        case .rewriteFailed:
            count(.internalErrors, worker)
            fail(status: 500, .proxy, .request, worker)
        case .wait(let wait, let position):
            waitWithRequest(wait, RuleBookmark(step: step, position: position), worker)
        }
    }

    private func waitWithRequest(_ wait: RuleWait, _ bookmark: RuleBookmark, _ worker: Worker) {
        switch wait {
        case .pause(let time):
            requestIsIncomplete()
            enter(.pausing(bookmark), until: worker.now + time, worker)
            watchClient(worker)
        case .handshake: waitForHandshake(bookmark, worker)
        case .body(let time, let bytes):
            if request.transfer.isComplete { return requestRulesGoOn(bookmark, worker) }
            beginAwaitingBody(bookmark, atLeast: bytes, for: time, worker)
        case .address: beginResolving(.request(bookmark), worker)
        case .more: preconditionFailure("a request's head is whole, no more of it can come")
        }
    }

    private func waitForHandshake(_ bookmark: RuleBookmark, _ worker: Worker) {
        requestIsIncomplete()
        var bookmark = bookmark
        bookmark.waitsForHandshake = true
        enter(.pausing(bookmark), until: worker.now + client.handshakeTimeout, worker)
        keepPausing(bookmark, worker)
    }

    /// Something came, or left, while a rule lets the request wait.
    func keepPausing(_ bookmark: RuleBookmark, _ worker: Worker) {
        watchClient(worker)
        guard bookmark.waitsForHandshake, case .pausing = phase, client.isHandshakeComplete else { return }
        requestPauseOver(bookmark, worker)
    }

    /// The time that a rule on the request wanted has passed, or what it waited for has come.
    func requestPauseOver(_ bookmark: RuleBookmark, _ worker: Worker) {
        requestArrived(worker)
        if bookmark.waitsForHandshake, !client.isHandshakeComplete {
            return fail(status: 408, .clientTimeout, .request, worker)
        }
        requestRulesGoOn(bookmark, worker)
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
        case .delete: context.request.fields.removeUnusualNames()
        case .reject:
            guard context.request.fields.hasUnusualNames else { return true }
            count(.deniedRequests, worker)
            fail(status: 403, .proxy, .request, worker)
            return false
        }
        return true
    }

    /// `early-hint`: fields in a 103 before the response. False if the client is gone.
    private func sendEarlyHints(_ worker: Worker) -> Bool {
        if context.directives.earlyHints.isEmpty { return true }
        context.response.clear()
        context.response.setStatus(103)
        for hint in context.directives.earlyHints { context.response.add(hint.name, hint.value) }
        context.directives.earlyHints.removeAll()
        return sendInterimHead(worker)
    }

    // MARK: Holding the client

    /// Holds the client for `timeout tarpit`, from a rule about its request, before a server was chosen. Nothing is read from it.
    func tarpit(_ answer: TarpitAnswer, _ worker: Worker) {
        count(.deniedRequests, worker)
        client.endAfterResponse()
        client.dropInput(worker)
        let span = context.directives.tarpitTimeout ?? backend?.timeouts.tarpit ?? frontend.timeouts.tarpit
        enter(.tarpitted(answer), until: worker.now + span, worker)
        watchTarpitted(worker)
    }

    /// A tarpit ends when the client leaves. That is seen without reading.
    func watchTarpitted(_ worker: Worker) {
        if client.hasLeft { clientAborted(worker) }
    }

    /// The time is over. It is in the log as time in a queue.
    func tarpitOver(_ answer: TarpitAnswer, _ worker: Worker) {
        context.timers.queueLeft = worker.now
        switch answer {
        case .status(let status): fail(status: status, .proxy, .tarpit, worker)
        case .response(let response): self.answer(response, .proxy, .tarpit, worker)
        }
    }
}

/// What a tarpitted client is told in the end.
enum TarpitAnswer {
    /// The section's page for this status.
    case status(Int)
    case response(LocalResponse)

    var status: Int {
        switch self {
        case .status(let status): status
        case .response(let response): response.status
        }
    }
}

extension ResponseHead {
    fileprivate mutating func add(_ name: [UInt8], _ value: [UInt8]) {
        unsafe fields.append(name: name.span.bytes, value: value.span.bytes)
    }
}
