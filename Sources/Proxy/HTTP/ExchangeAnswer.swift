// What Portico answers itself: error pages, answers of rules, the stats page. Files are in ExchangeFiles.

internal import Admin
internal import Balancing
internal import Basics
internal import HTTP
internal import Reactor
internal import Rules
internal import StaticFiles
internal import Transport

/// What is still to be sent of an answer of our own, behind its head.
enum LocalAnswer {
    case none
    case bytes([UInt8], sent: Int)
    case file(OpenFile, sent: Int)

    /// Bytes, sent or not.
    var length: Int {
        switch self {
        case .none: 0
        case .bytes(let bytes, _): bytes.count
        case .file(let file, _): file.size
        }
    }

    var isDone: Bool {
        switch self {
        case .none: true
        case .bytes(let bytes, let sent): sent == bytes.count
        case .file(let file, let sent): sent == file.size
        }
    }
}

extension Exchange {
    /// Answers with a status: its page in the backend's section, or else in the frontend's, or else a short one that says what
    /// the status means, and `detail`. If the response has begun already, all that is left is to cut it off.
    func fail(
        status: Int, detail: String? = nil, _ cause: Termination.Cause, _ at: Termination.Phase, _ worker: Worker
    ) {
        guard let page = page(for: status, detail: detail) else {
            keepSilent(about: status, cause, at, worker)
            return
        }
        answer(page, as: status, cause, at, worker)
    }

    /// The page that stands for a status; nil if the sections want the connection closed without an answer.
    func page(for status: Int, detail: String? = nil) -> LocalResponse? {
        switch backend?.errorPages[status] ?? frontend.errorPages[status] {
        case nil: return .error(status, detail: detail)
        case .response(var page, let closes)?:
            if closes { page.closes = true }
            return page
        case .computed(let answer)?: return answer.response(to: facts)
        case .silence?: return nil
        }
    }

    /// Asks for a name and a password (`http-request auth`), in the page for 401.
    func challenge(_ realm: String, _ worker: Worker) {
        var page = page(for: 401) ?? .error(401)
        page.fields.removeAll { $0.name == "www-authenticate" }
        page.fields.append(("www-authenticate", "Basic realm=\"\(realm)\""))
        answer(page, as: 401, .local, .request, worker)
    }

    /// Refuses the client's message; the connection closes, since where the next message would begin is not known.
    func refuse(_ fault: MessageFault, _ worker: Worker) {
        headWasRefused = true
        keepRefusedRequest(fault.description, worker)
        frontend.traffic.add(.badRequests, worker: worker.index)
        keepsClient = false
        fail(status: fault.status, .proxy, .request, worker)
    }

    /// Answers with a response of our own, and says in the log why; `status` is what the log and the counters have, if that is not
    /// the response's own.
    func answer(
        _ response: LocalResponse, as status: Int? = nil, _ cause: Termination.Cause, _ at: Termination.Phase,
        _ worker: Worker
    ) {
        if response.isSilent { return keepSilent(about: status ?? response.status, cause, at, worker) }
        guard canAnswer(cause, at, worker) else { return }
        if response.closes { keepsClient = false }
        response.apply(to: &facts.response)
        answer = .bytes(response.body, sent: 0)
        beginAnswer(as: status ?? response.status, for: response.status, worker)
    }

    /// Closes the connection without a word.
    func keepSilent(
        about status: Int, _ cause: Termination.Cause, _ at: Termination.Phase, _ worker: Worker
    ) {
        guard canAnswer(cause, at, worker) else { return }
        phase = .answering
        facts.status = status
        countResponse(status, worker)
        keepsClient = false
        answer = .none
        sendAnswer(worker)
    }

    /// Gives the server up. False if a response has begun already: then the exchange has been cut off.
    private func canAnswer(_ cause: Termination.Cause, _ at: Termination.Phase, _ worker: Worker) -> Bool {
        dropConnection(worker)
        // Nothing of ours belongs into a stream of unknown bytes.
        guard phase != .relaying, phase != .answering, client.mode == .http else {
            abort(cause, client.mode == .http ? .data : at, worker)
            return false
        }
        facts.termination.cause = cause
        facts.termination.phase = at
        return true
    }

    /// Sends `facts.response` and then what `answer` holds.
    ///
    /// The log and the counters have `status` as long as the response still has the status `own`, and otherwise the one
    /// that a rule gave it.
    func beginAnswer(as status: Int, for own: Int, _ worker: Worker) {
        showAnswerBody()
        if !headWasRefused, !afterRulesFailed, !followAfterResponseRules() {
            let page = LocalResponse.error(500)
            page.apply(to: &facts.response)
            answer = .bytes(page.body, sent: 0)
        }
        let length = answer.length
        let said = facts.response.status
        let status = said == own ? status : said
        phase = .answering
        facts.status = status
        countResponse(status, worker)
        // A body nobody reads would be taken for the next request.
        if !skipRequestBody() || worker.isStopping { keepsClient = false }
        let hasLength = said != 304 && said != 204 && said >= 200
        // What has no length has no body either.
        if !hasLength || clientMethod == .head { answer = .none }
        writeHead(framing: hasLength ? .length(UInt64(length)) : .none, worker)
        guard phase == .answering else { return }
        if case .file = answer, frontend.log.logsEarly { log(worker) }
        sendAnswer(worker)
    }

    /// Throws away a body that is here already, so that the connection can stay; false if more of it is to come.
    private func skipRequestBody() -> Bool {
        // Behind a head or body that was not understood nothing is known to be a body.
        guard keepsClient, !requestBody.isComplete else { return requestBody.isComplete }
        let before = client.input.count
        let isWhole = requestBody.discard(from: &client.input)
        facts.bytesFromClient += UInt64(before - client.input.count)
        return isWhole
    }

    func sendAnswer(_ worker: Worker) {
        for _ in 0..<Limits.movesPerTurn {
            moveAnswer(worker)
            let waiting = client.output.count
            switch client.flush(worker, more: !answer.isDone) {
            case .all: break
            case .blocked:
                awaitClient(progressed: client.output.count < waiting, worker)
                return
            case .failed:
                clientAborted(worker)
                return
            }
            if answer.isDone {
                end(worker)
                return
            }
            if case .file(let file, let sent) = answer {
                guard sendFile(file, sent, worker) else { return }
            }
        }
        worker.resumeLater(client)
    }

    /// Bytes of the answer into the output buffer, as many as fit.
    private func moveAnswer(_ worker: Worker) {
        guard case .bytes(let bytes, let sent) = answer, sent < bytes.count else { return }
        client.output.acquire(from: worker.buffers)
        let count = min(client.output.room, bytes.count - sent)
        let fits = client.output.append(unsafe bytes.span.bytes.extracting(sent..<sent + count))
        precondition(fits, "\(count) bytes did not fit")
        facts.bytesToClient += UInt64(count)
        answer = .bytes(bytes, sent: sent + count)
    }

    /// One stretch of the file; false if there is nothing more to do now.
    private func sendFile(_ file: OpenFile, _ sent: Int, _ worker: Worker) -> Bool {
        // As much as a move of buffers would be, so that files and bodies get the same share.
        let count = min(file.size - sent, worker.plan.bufferBytes * 4)
        switch client.sendFile(file.descriptor, offset: sent, count: count, worker) {
        case .bytes(0):
            // The file has become shorter than was promised.
            abort(.`internal`, .data, worker)
            return false
        case .bytes(let n):
            answer = .file(file, sent: sent + n)
            facts.bytesToClient += UInt64(n)
            client.setDeadline(after: clientTimeout, worker)
            return true
        case .wouldBlock:
            awaitClient(progressed: false, worker)
            return false
        case .failed:
            clientAborted(worker)
            return false
        }
    }

    // MARK: Pages

    /// Answers if the request is for the monitor, and keeps that out of the log.
    func answerMonitor(_ monitor: Monitor, _ worker: Worker) -> Bool {
        guard let status = monitor.status(for: facts) else { return false }
        isLogged = true
        count(.intercepted, worker)
        fail(status: status, .local, .request, worker)
        return true
    }
}
