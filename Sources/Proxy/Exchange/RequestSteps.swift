// From a complete request head to where it goes: content, rules, the stats page, files, or a server.

internal import Admin
internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Logging
internal import Rules

extension Exchange {
    func requestHeadComplete(_ worker: Worker) {
        context.timers.requestDone = worker.now
        if frontend.keepsCaptures {
            context.captureRequestLine()
            frontend.log.captureRequest(context)
        }
        log(at: .accept, worker)
        log(at: .request, worker)
        frontend.countRequest(worker)
        switch client.requestBegins(context.request, worker) {
        case .failure(let fault): return refuse(fault, worker)
        case .success(let content): request.content = content
        }
        request.clientMethod = context.request.method
        request.wantsUpgrade = context.request.upgradeRequested
        request.transfer = BodyTransfer(
            request.content, from: client.codec.bodyReader, to: ServerCodec.bodyWriter(for: request.content))
        // From here on the client's Connection list has no effect on fields that rules and options write.
        context.request.fields.setApartHopByHop()

        context.receivedFields = context.request.fields.mark
        if frontend.forwarding.headers != nil { setForwardedHeaders(frontend.forwarding, worker) }
        // A frontend in TCP mode has run its rules on the connection as a whole.
        if let backend = client.fixedBackend {
            route(to: backend, worker)
        } else {
            beginInspection(for: .frontend, worker)
        }
    }

    /// The frontend's rules on content have let the request pass.
    func awaitFrontend(_ worker: Worker) {
        if let monitor = frontend.monitor, answerMonitor(monitor, worker) { return }
        frontend.uniqueID?.name(context)
        if frontend.buffersRequests && !request.transfer.isComplete {
            beginAwaitingBody(before: .frontend, worker)
        } else {
            followRequestRules(of: .frontend, worker)
        }
    }

    /// The frontend's rules have let the request pass: on to a backend.
    func frontendPassed(_ worker: Worker) {
        if let page = frontend.statsPage, answerStatistics(page, of: .frontend, worker) { return }
        guard let index = frontend.routing.choose(for: context) else {
            return fail(status: 503, .server, .connect, worker)
        }
        route(to: client.bind.scope.backends[index], worker)
    }

    private func route(to backend: BackendPlan, _ worker: Worker) {
        choose(backend, worker)
        // Set in both sections, it is done once.
        if frontend.forwarding.headers == nil, backend.forwarding.headers != nil {
            setForwardedHeaders(backend.forwarding, worker)
        }
        beginInspection(for: .backend, worker)
    }

    /// The backend's rules on content have let the request pass.
    func awaitBackend(_ worker: Worker) {
        if backend?.buffersRequests == true && !frontend.buffersRequests && !request.transfer.isComplete {
            beginAwaitingBody(before: .backend, worker)
        } else {
            followRequestRules(of: .backend, worker)
        }
    }

    /// So have the backend's: on to a server.
    func backendPassed(_ worker: Worker) {
        guard let backend else { preconditionFailure("a backend's rules have run, and there is no backend") }
        if keepAliveMode == .close { client.endAfterResponse() }
        if let page = backend.statsPage, answerStatistics(page, of: .backend, worker) { return }
        if let files = backend.files, answerFromFiles(files, worker) { return }
        if let persistence = backend.persistence { readPersistenceCookie(persistence, of: backend, worker) }
        rewriteRequest(for: backend, worker)
        attempt.retriesLeft = context.directives.retries ?? backend.retries
        if let buffering = backend.requestBuffer, !request.transfer.isComplete {
            beginTakingBody(buffering, worker)
        } else {
            keepBodyForRetries(worker)
            chooseServer(worker)
        }
    }

    // MARK: What the server sees

    /// The head as it goes to the server: without what concerns only the client's connection, with what Portico adds.
    private func rewriteRequest(for backend: BackendPlan, _ worker: Worker) {
        if backend.dropsRequestTrailers { request.transfer.dropTrailers() }
        request.options = keepAliveMode == .keepAlive ? [] : .close
        let carriesTrailers =
            request.content == .unknown && backend.requestBuffer == nil && !backend.dropsRequestTrailers
        // The head is handed over once: each access of it through the exchange would be checked.
        Self.rewrite(
            &context.request, &request, keepsTrailer: carriesTrailers, asksForTrailers: !frontend.dropsResponseTrailers)
        // HTTP/1.0 knows no Host, in HTTP/2 it may be missing, and servers refuse the HTTP/1.1 that Portico speaks to them without one.
        if request.wantsHost { context.request.fields.append(.host, context.local.description) }
        addForwardingFields(for: backend, worker)
    }

    /// Removes what concerns only the client's connection, and finds out what the server is to be told of its own, by the
    /// configuration, the client and rules.
    private static func rewrite(
        _ head: inout RequestHead, _ request: inout RequestState, keepsTrailer: Bool, asksForTrailers: Bool
    ) {
        // A rule may have removed Upgrade, or Connection.
        request.wantsUpgrade = request.wantsUpgrade && head.upgradeRequested
        // What a server sends behind its body goes to the client: the client's word on that goes to the server.
        let acceptsTrailers = asksForTrailers && head.acceptsTrailers
        head.fields.removeSetApart(keepingUpgrade: request.wantsUpgrade, keepingTrailer: keepsTrailer)
        if acceptsTrailers, !head.fields.contains(.te) { head.fields.append(.te, "trailers") }
        if head.fields.takeConnectionOptions().contains(.close) { request.options.insert(.close) }
        // An Upgrade that a rule has written is passed on, but a switch that the client has not asked for is refused.
        if head.fields.contains(.upgrade) { request.options.insert(.upgrade) }
        if head.fields.contains(.te) { request.options.insert(.te) }
        // Where the target says whom it is for, that is the Host (RFC 9112 section 3.2.2), and nothing else may be.
        let namesItsHost = head.targetForm == .absolute || head.targetForm == .authority
        request.wantsHost = head.version != .http11 && !head.fields.contains(.host) && !namesItsHost
    }

    // MARK: A head that is no request

    /// Refuses the client's message; the connection closes, since where the next message would begin is not known.
    func refuse(_ fault: MessageFault, _ worker: Worker) {
        request.wasRefused = true
        keepRefusedRequest(fault.description, worker)
        frontend.traffic.add(.badRequests, worker: worker.index)
        client.codec.refuseHead(context.request)
        fail(status: fault.status, .proxy, .request, worker)
    }

    /// The client closed, or sent no more, before its request was whole. One that only sends no more can still be told.
    func clientLeftDuringHead(canBeTold: Bool, _ worker: Worker) {
        headEnded(worker)
        if canBeTold { return fail(status: 400, .client, .request, worker) }
        // The status is for the log, as HAProxy has it: no answer can be read.
        context.outcome.status = 400
        countResponse(400, worker)
        abort(.client, .request, worker)
    }

    func headTimedOut(_ worker: Worker) {
        headEnded(worker)
        fail(status: 408, .clientTimeout, .request, worker)
    }

    /// There will be no whole head. The beginning of a line was received too; without a single byte no request has begun.
    private func headEnded(_ worker: Worker) {
        frontend.countRequest(worker)
        client.countUnreadInput()
        if client.codec.bytesReceived == 0 { context.timers.requestBegun = nil }
        request.wasRefused = true
        client.codec.refuseHead(context.request)
        frontend.traffic.add(.badRequests, worker: worker.index)
    }
}
