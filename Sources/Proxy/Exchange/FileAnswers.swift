// What a directory answers to a request. The answer then passes the steps of a server's response: captures, the
// `tcp-response content` and `http-response` rules, `http-after-response` rules, log and counters.
//
// The status of a refusal has the section's error page, which a server's own 404 has not: here it is Portico that
// writes the page.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Reactor
internal import StaticFiles

/// A directory's answer on its way through the rules.
struct FileResponse {
    let answer: LocalAnswer
    /// What the answer means, for the log and the counters.
    let status: Int
    /// The status of the page that says so; an operator's page may have another.
    let pageStatus: Int
}

extension Exchange {
    /// Answers from a directory; false if the request goes to the section's servers.
    func answerFromFiles(_ files: FileService, _ worker: Worker) -> Bool {
        let now = worker.kernel.wallTime()
        let found = Self.look(for: context.request, in: files, now: now, worker)
        if found.isMiss && files.missGoesToServers { return false }
        context.serverName = "<FILES>"
        backend?.backend.traffic.row(worker.index).noteSession(at: worker.now)
        count(.intercepted, worker)
        context.outcome.termination.cause = .local
        context.outcome.termination.phase = .request
        context.response.clear()
        let answer: LocalAnswer
        switch found {
        case .file(let file):
            context.response.setStatus(200)
            found.appendFields(to: &context.response.fields)
            context.response.fields.append(contentLength: file.size, with: &worker.scratch)
            answer = .file(file, sent: 0)
        case .notModified:
            context.response.setStatus(304)
            found.appendFields(to: &context.response.fields)
            answer = .none
        default:
            guard let page = page(for: found.status) else {
                keepSilent(about: found.status, .local, .request, worker)
                return true
            }
            if page.closes { client.endAfterResponse() }
            page.apply(to: &context.response)
            Self.appendFields(of: found, for: context.request, to: &context.response.fields)
            answer = .bytes(page.body, sent: 0)
        }
        // An origin server says when it answered (RFC 9110 section 6.6.1).
        if !context.response.fields.contains(.date) {
            context.response.fields.append(.date, worker.dateField.value(at: now))
        }
        pass(FileResponse(answer: answer, status: found.status, pageStatus: context.response.status), worker)
        return true
    }

    private func pass(_ file: FileResponse, _ worker: Worker) {
        context.outcome.status = file.status
        context.outcome.serverStatus = file.status
        context.timers.responseHeadDone = worker.now
        if frontend.keepsCaptures { frontend.log.captureResponse(context) }
        _ = followResponseRules(before: .file(file), worker)
    }

    private static func look(
        for request: borrowing RequestHead, in files: FileService, now: WallTime, _ worker: Worker
    ) -> FileAnswer {
        guard files.keepsFilesOpen else {
            return files.root.answer(
                method: request.method, path: request.path, fields: request.fields, now: now)
        }
        return files.root.answer(
            method: request.method, path: request.path, fields: request.fields, now: now, at: worker.now,
            keptIn: &worker.files)
    }

    /// The fields that say more of a refusal, which a section's page may lack.
    private static func appendFields(
        of found: FileAnswer, for request: borrowing RequestHead, to fields: inout HeaderFields
    ) {
        if case .methodNotAllowed = found, fields.contains(.allow) { return }
        found.appendFields(to: &fields, query: request.query)
    }
}

extension HeaderFields {
    fileprivate mutating func append(contentLength: Int, with scratch: inout [UInt8]) {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(decimal: contentLength)
        unsafe append(.contentLength, value: scratch.span.bytes)
    }
}
