// What Portico answers itself: error pages, answers of rules, the stats page. Files are in FileAnswers.

internal import Admin
internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Reactor
internal import Rules
internal import StaticFiles
internal import Transport

/// What is still to be sent of an answer of Portico's own, behind its head.
enum LocalAnswer {
    case none
    case bytes([UInt8], sent: Int)
    case file(OpenFile, sent: Int)
    /// Made while the client takes it; how it is framed is known once the head is written.
    indirect case pieces(PiecewiseAnswer, BodyWriter?)

    /// Bytes, sent or not.
    var length: ContentLength {
        switch self {
        case .none: .known(0)
        case .bytes(let bytes, _): .known(UInt64(bytes.count))
        case .file(let file, _): .known(UInt64(file.size))
        case .pieces: .unknown
        }
    }

    var isDone: Bool {
        switch self {
        case .none: true
        case .bytes(let bytes, let sent): sent == bytes.count
        case .file(let file, let sent): sent == file.size
        case .pieces: false
        }
    }
}

extension Exchange {
    /// Answers with a status: its page in the backend's section, or else in the frontend's, or else a short one that says what
    /// the status means, and `detail`. If the response has begun already, all that is left is to cut it off.
    func answerError(
        _ status: Int, detail: String? = nil, _ cause: Termination.Cause, _ at: Termination.Phase, _ worker: Worker
    ) {
        guard let page = page(for: status, detail: detail) else {
            return keepSilent(about: status, cause, at, worker)
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
        case .computed(let answer)?: return answer.response(to: context)
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

    /// Answers with a response of Portico's own, and says in the log why; `status` is what the log and the counters have, if that
    /// is not the response's own.
    func answer(
        _ response: LocalResponse, as status: Int? = nil, _ cause: Termination.Cause, _ at: Termination.Phase,
        _ worker: Worker
    ) {
        if response.isSilent { return keepSilent(about: status ?? response.status, cause, at, worker) }
        guard canAnswer(cause, at, worker) else { return }
        if response.closes { client.endAfterResponse() }
        response.apply(to: &context.response)
        beginAnswer(.bytes(response.body, sent: 0), as: status ?? response.status, for: response.status, worker)
    }

    /// Answers with a head, and a body that is made while the client takes it.
    func answer(
        _ head: LocalResponse, _ body: PiecewiseAnswer, _ cause: Termination.Cause, _ at: Termination.Phase,
        _ worker: Worker
    ) {
        guard canAnswer(cause, at, worker) else { return }
        head.apply(to: &context.response)
        context.response.fields.remove(.contentLength)
        beginAnswer(.pieces(body, nil), as: head.status, for: head.status, worker)
    }

    /// Closes the connection without a word.
    func keepSilent(
        about status: Int, _ cause: Termination.Cause, _ at: Termination.Phase, _ worker: Worker
    ) {
        guard canAnswer(cause, at, worker) else { return }
        enter(.answering(.none), worker)
        context.outcome.status = status
        countResponse(status, worker)
        client.endAfterResponse()
        sendAnswer(worker)
    }

    /// Gives the server up. False if a response has begun already: then the exchange has been cut off.
    private func canAnswer(_ cause: Termination.Cause, _ at: Termination.Phase, _ worker: Worker) -> Bool {
        dropConnection(worker)
        switch phase {
        case .relaying, .answering:
            abort(cause, .data, worker)
            return false
        default:
            context.outcome.termination.cause = cause
            context.outcome.termination.phase = at
            return true
        }
    }

    /// Sends `context.response` and then `answer`.
    ///
    /// The log and the counters have `status` as long as the response still has the status `own`, and otherwise the one
    /// that a rule gave it.
    func beginAnswer(_ answer: LocalAnswer, as status: Int, for own: Int, _ worker: Worker) {
        var answer = answer
        show(answer)
        if !request.wasRefused, !response.afterRulesFailed, !followAfterResponseRules() {
            answer = Self.error(500, in: &context.response)
        } else if !client.codec.takes(context.response.status, insteadOfUpgrade: request.wantsUpgrade) {
            // The client would take it for the other protocol.
            answer = Self.error(501, in: &context.response)
        } else if context.response.status == 101 {
            if isConsentToUpgrade { return answerUpgrade(worker) }
            answer = Self.error(500, in: &context.response)
        }
        let length = answer.length
        let announced = context.response.status
        context.outcome.status = announced == own ? status : announced
        countResponse(context.outcome.status, worker)
        // A body that is not read would be taken for the next request.
        if !client.skipContent(of: &request.transfer) || client.isLastStream(worker) { client.endAfterResponse() }
        let hasLength = announced != 304 && announced != 204 && announced >= 200
        // What has no length has no body either.
        if !hasLength || request.clientMethod == .head { answer = .none }
        enter(.answering(answer), worker)
        guard let writer = writeHead(hasLength ? length : .none, worker) else { return }
        if case .pieces(let pieces, nil) = answer { phase = .answering(.pieces(pieces, writer)) }
        if case .file = answer, frontend.log.logsEarly { log(worker) }
        sendAnswer(worker)
    }

    /// Whether the client has asked for what the response, one of Portico's own, agrees to.
    private var isConsentToUpgrade: Bool {
        request.wantsUpgrade && context.response.switches(toProtocolOf: context.request)
            && client.codec.isConsent(context.response, to: context.request)
    }

    /// Agrees to another protocol, as the server of a test does, and says nothing in it.
    private func answerUpgrade(_ worker: Worker) {
        context.outcome.status = 101
        countResponse(101, worker)
        client.endAfterResponse()
        enter(.answering(.none), worker)
        guard client.sendTunnelHead(&context.response, isUpgrade: true, worker) else {
            return abort(.proxy, .headers, worker)
        }
        sendAnswer(worker)
    }

    /// Makes another answer of it, without an operator's page.
    private static func error(_ status: Int, in head: inout ResponseHead) -> LocalAnswer {
        let page = LocalResponse.error(status)
        page.apply(to: &head)
        return .bytes(page.body, sent: 0)
    }

    func sendAnswer(_ worker: Worker) {
        var fileBytesLeft = Limits.fileBytesPerTurn
        guard case .answering(var answer) = phase else { preconditionFailure("an answer is sent while \(phase)") }
        for _ in 0..<Limits.movesPerTurn {
            client.send(&answer, worker)
            let waiting = client.bytesToSend
            switch client.flush(worker, more: !answer.isDone) {
            case .all: break
            case .blocked:
                phase = .answering(answer)
                return awaitClient(progressed: client.bytesToSend < waiting, worker)
            case .failed: return clientAborted(worker)
            }
            if answer.isDone { return end(requestIsComplete: request.transfer.isComplete, worker) }
            if case .file(let file, let sent) = answer, file.content == nil {
                guard let count = sendFile(file, sent, atMost: fileBytesLeft, worker) else { return }
                answer = .file(file, sent: sent + count)
                phase = .answering(answer)
                if answer.isDone { return end(requestIsComplete: request.transfer.isComplete, worker) }
                fileBytesLeft -= count
                if fileBytesLeft == 0 { break }
            }
        }
        phase = .answering(answer)
        worker.resumeLater(self)
    }

    /// Part of the file; nil if there is nothing more to do now.
    private func sendFile(_ file: OpenFile, _ sent: Int, atMost limit: Int, _ worker: Worker) -> Int? {
        let most = sent < Limits.fileBytesOfFirstCalls ? min(limit, Limits.fileBytesPerFirstCall) : limit
        let count = min(file.size - sent, most)
        switch client.sendFileContent(file.descriptor, offset: sent, count: count, worker) {
        case .bytes(0):
            // The file has become shorter than was promised.
            abort(.`internal`, .data, worker)
        case .bytes(let count):
            client.setDeadline(after: clientTimeout, worker)
            return count
        case .wouldBlock: awaitClient(progressed: false, worker)
        case .failed: clientAborted(worker)
        }
        return nil
    }

    /// Answers if the request is for the monitor, and keeps that out of the log.
    func answerMonitor(_ monitor: Monitor, _ worker: Worker) -> Bool {
        guard let status = monitor.status(for: context) else { return false }
        isLogged = true
        count(.intercepted, worker)
        fail(status: status, .local, .request, worker)
        return true
    }
}
