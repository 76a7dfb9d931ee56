// A request's body that is here before rules run (`option http-buffer-request`) or before a server is chosen
// (`request-buffer`): a client that sends slowly occupies nobody but Portico.
//
// For rules the body stays in the client's buffer, in its framing, and is relayed from there as any other. For a
// server it goes into a store, out of its framing: what is sent has a Content-Length, and can be sent again.

internal import Balancing
internal import Basics
internal import HTTP
internal import Logging
internal import Rules
internal import SystemPackage
internal import Transport

/// Looks for the end of a body that stays where it is.
struct BodyProbe {
    private var decoder: BodyDecoder
    /// Bytes looked at before.
    private var seen = 0
    /// Bytes of the body among them, without its framing.
    private(set) var bytes = 0

    enum Found { case whole, needsMore, failed(MessageFault) }

    init(_ framing: BodyFraming, lenient isLenient: Bool = false) {
        decoder = BodyDecoder(framing, lenient: isLenient)
    }

    /// `input` begins with the body each time.
    mutating func look(at input: borrowing ByteBuffer) -> Found {
        while !decoder.isComplete {
            switch decoder.next(input.readable.extracting(seen..<input.count)) {
            case .data(let skip, let count):
                seen += skip + count
                bytes += count
            case .trailers(let skip, let count): seen += skip + count
            case .needMore(let skip):
                seen += skip
                return .needsMore
            case .end: return .whole
            case .failed(let fault): return .failed(fault)
            }
        }
        return .whole
    }
}

extension Exchange {
    // MARK: option http-buffer-request

    /// Waits with the rules of a section.
    func beginAwaitingBody(before step: Step, _ worker: Worker) {
        rulePosition = .start
        beginAwaitingBody(before: step, atLeast: nil, for: frontend.timeouts.httpRequest ?? clientTimeout, worker)
    }

    /// Waits at `rulePosition` in them, `wait-for-body`.
    func beginAwaitingBody(before step: Step, atLeast bytes: Int?, for time: TimeSpan, _ worker: Worker) {
        phase = .awaitingBody(before: step)
        heldBytes = bytes
        bodyProbe = BodyProbe(requestFraming)
        requestIsIncomplete(for: time, worker)
        awaitBody(before: step, worker)
    }

    /// Reads until the body is whole, or enough of it is here, or the buffer is full; then goes on with `step`.
    func awaitBody(before step: Step, _ worker: Worker) {
        guard sendInterim(worker) else { return }
        while true {
            switch bodyProbe.look(at: client.input) {
            case .whole: return bodyArrived(before: step, worker)
            case .needsMore: break
            case .failed(let fault): return refuseBody(fault, worker)
            }
            if let heldBytes, bodyProbe.bytes >= heldBytes { return bodyArrived(before: step, worker) }
            guard askForBody(worker) else { return }
            switch client.fill(worker) {
            case .progressed: break
            case .blocked: return
            case .full: return bodyArrived(before: step, worker)
            case .ended, .failed: return clientAborted(worker)
            }
        }
    }

    private func bodyArrived(before step: Step, _ worker: Worker) {
        requestArrived(worker)
        followRequestRules(of: step, from: rulePosition, worker)
    }

    /// Nothing is waited for that a server or a rule has to have first.
    var isRequestWhole: Bool {
        switch phase {
        case .readingHead, .inspecting, .awaitingBody, .pausing, .resolving, .takingBody: false
        case .queued, .tarpitted, .connecting, .awaitingResponse, .holding, .relaying, .answering, .tunnelling, .ended:
            true
        }
    }

    /// What is waited for is part of the request, in its timers too.
    func requestIsIncomplete(for time: TimeSpan, _ worker: Worker) {
        facts.timers.requestDone = nil
        client.setDeadline(after: time, worker)
    }

    func requestArrived(_ worker: Worker) {
        facts.timers.requestDone = worker.now
        client.setDeadline(.never, worker)
    }

    // MARK: request-buffer

    func beginTakingBody(_ buffering: BodyBuffering, _ worker: Worker) {
        phase = .takingBody
        if case .length(let length) = requestFraming, length > UInt64(buffering.bytesMax) {
            refuseTooLarge("It has \(length) bytes, and \(buffering.bytesMax) are allowed.", worker)
            return
        }
        requestBody = BodyRelay(from: requestFraming, to: .untilClose)
        requestStore = BodyStore(buffering, keeps: true, pool: worker.buffers)
        requestIsIncomplete(for: clientTimeout, worker)
        takeBody(worker)
    }

    /// Takes what there is of the body; when it is whole, on to a server.
    func takeBody(_ worker: Worker) {
        guard let store = requestStore else { preconditionFailure("a body is taken and nowhere kept") }
        guard sendInterim(worker) else { return }
        for _ in 0..<Limits.movesPerTurn {
            let before = client.input.count
            let moved = store.put { requestBody.move(from: &client.input, to: &$0) }
            facts.bytesFromClient += UInt64(before - client.input.count)
            if case .failed(let fault) = moved { return refuseBody(fault, worker) }
            if store.spillFailure != nil { return storeFailed(worker) }
            let bytesMax = store.limits.bytesMax
            if store.stored > bytesMax {
                return refuseTooLarge("It has more than the \(bytesMax) bytes that are allowed.", worker)
            }
            if requestBody.isComplete { return bodyTaken(store, worker) }
            if moved == .needsRoom { continue }
            guard askForBody(worker) else { return }
            client.input.releaseIfEmpty(to: worker.buffers)
            switch client.fill(worker) {
            case .progressed: client.setDeadline(after: clientTimeout, worker)
            case .blocked: return
            case .full: preconditionFailure("the input was just moved on, it cannot be full")
            case .ended, .failed: return clientAborted(worker)
            }
        }
        worker.resumeLater(client)
    }

    private func bodyTaken(_ store: BodyStore, _ worker: Worker) {
        requestArrived(worker)
        client.input.releaseIfEmpty(to: worker.buffers)
        requestFraming = .length(UInt64(store.stored))
        // It is all here: nobody has to be asked for it any more.
        if facts.request.expectsContinue { facts.request.fields.remove(.expect) }
        chooseServer(worker)
    }

    private func refuseTooLarge(_ detail: String, _ worker: Worker) {
        frontend.traffic.add(.badRequests, worker: worker.index)
        keepsClient = false
        fail(status: 413, detail: detail, .proxy, .request, worker)
    }

    /// The disk is full, or fails.
    func storeFailed(_ worker: Worker) {
        reportSpillFailure(of: requestStore, worker)
        count(.internalErrors, worker)
        fail(status: 500, .resource, isRequestWhole ? .data : .request, worker)
    }

    func reportSpillFailure(of store: BodyStore?, _ worker: Worker) {
        guard let backend, let store, let spill = store.limits.spill, let reason = store.spillFailure else { return }
        worker.log.event(
            .alert, to: backend.logTargets,
            "Cannot keep bodies of backend \(backend.name) in \(spill.directory): \(reason).")
    }

    // MARK: Expect: 100-continue

    /// Lets a client begin that waits for a word before it sends its body; the server then is not asked any more.
    /// False if the client is gone.
    private func askForBody(_ worker: Worker) -> Bool {
        guard facts.request.expectsContinue else { return true }
        facts.request.fields.remove(.expect)
        client.output.acquire(from: worker.buffers)
        let before = client.output.count
        let fits = client.output.append("HTTP/1.1 100 Continue\r\n\r\n")
        precondition(fits, "an interim response does not fit into an empty buffer")
        facts.bytesToClient += UInt64(client.output.count - before)
        return sendInterim(worker)
    }

    /// False if the client is gone. One that does not read now has what is left before the response.
    private func sendInterim(_ worker: Worker) -> Bool {
        guard client.flush(worker) == .failed else { return true }
        clientAborted(worker)
        return false
    }
}
