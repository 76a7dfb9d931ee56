// From a complete request head to where it goes: framing, rules, the stats page, files, or a server.

internal import Admin
internal import Balancing
internal import Basics
internal import HTTP
internal import Logging
internal import Rules

extension Exchange {
    func requestHeadComplete(_ worker: Worker) {
        facts.timers.requestDone = worker.now
        if frontend.keepsCaptures {
            facts.captureRequestLine()
            frontend.log.captureRequest(facts)
        }
        log(at: .accept, worker)
        log(at: .request, worker)
        frontend.countRequest(worker)
        switch facts.request.bodyFraming() {
        case .failure(let fault):
            refuse(fault, worker)
            return
        case .success(let framing): requestFraming = framing
        }
        clientExpectsMore = facts.request.wantsKeepAlive
        keepsClient = clientExpectsMore && !worker.isStopping && frontend.keepAlive != .close
        clientMethod = facts.request.method
        wantsUpgrade = facts.request.upgradeRequested
        requestBody = BodyRelay(from: requestFraming, to: requestFraming)
        // From here on the client's Connection list has no effect on fields that rules and options write.
        facts.request.fields.setApartHopByHop()

        facts.receivedFields = facts.request.fields.mark
        if let headers = frontend.forwarding.headers { setForwardedHeaders(headers, worker) }
        // A frontend in TCP mode has had its say about the connection as a whole.
        if let backend = client.fixedBackend {
            route(to: backend, worker)
        } else {
            beginInspection(for: .frontend, worker)
        }
    }

    /// The frontend's rules on content have let the request pass.
    func awaitFrontend(_ worker: Worker) {
        if let monitor = frontend.monitor, answerMonitor(monitor, worker) { return }
        frontend.uniqueID?.name(facts)
        if frontend.buffersRequests && !requestBody.isComplete {
            beginAwaitingBody(before: .frontend, worker)
        } else {
            followRequestRules(of: .frontend, worker)
        }
    }

    /// The frontend's rules have let the request pass: on to a backend.
    func frontendPassed(_ worker: Worker) {
        if let page = frontend.statsPage, answerStatistics(page, of: .frontend, worker) { return }
        guard let index = frontend.routing.choose(for: facts) else {
            fail(status: 503, .server, .connect, worker)
            return
        }
        route(to: worker.plan.backends[index], worker)
    }

    private func route(to backend: BackendPlan, _ worker: Worker) {
        self.backend = backend
        facts.backendName = backend.name
        facts.backendIndex = backend.index
        forgetServerDirectives(unlessOf: backend)
        facts.counts.backend = backend.backend.active.increment()
        backend.backend.countSession(worker: worker.index, at: worker.now)
        // Said in both sections, it is done once.
        if frontend.forwarding.headers == nil, let headers = backend.forwarding.headers {
            setForwardedHeaders(headers, worker)
        }
        beginInspection(for: .backend, worker)
    }

    /// What a listen section has said with `set-retries` and `set-timeout connect|queue|server|tunnel` concerns its own
    /// servers only.
    func forgetServerDirectives(unlessOf backend: BackendPlan) {
        if backend.isListen && backend.name == frontend.name { return }
        facts.directives.forgetServerSide()
    }

    /// The backend's rules on content have let the request pass.
    func awaitBackend(_ worker: Worker) {
        if backend?.buffersRequests == true && !frontend.buffersRequests && !requestBody.isComplete {
            beginAwaitingBody(before: .backend, worker)
        } else {
            followRequestRules(of: .backend, worker)
        }
    }

    /// So have the backend's: on to a server.
    func backendPassed(_ worker: Worker) {
        guard let backend else { preconditionFailure("a backend's rules have run, and there is no backend") }
        if keepAliveMode == .close { keepsClient = false }
        if let page = backend.statsPage, answerStatistics(page, of: .backend, worker) { return }
        if let files = backend.files, answerFromFiles(files, worker) { return }
        rewriteRequest(worker)
        retriesLeft = facts.directives.retries ?? backend.retries
        if let buffering = backend.requestBuffer, !requestBody.isComplete {
            beginTakingBody(buffering, worker)
        } else {
            keepBodyForRetries(worker)
            chooseServer(worker)
        }
    }

    /// Counts on the frontend, and on the backend if there is one yet.
    func count(_ counter: TrafficCounter, _ worker: Worker) {
        frontend.traffic.add(counter, worker: worker.index)
        backend?.backend.traffic.add(counter, worker: worker.index)
    }

    // MARK: What the server sees

    /// Finds out what the server is to be told of its connection, by the configuration, the client and rules.
    private func sayConnectionOptions() {
        requestConnection = keepAliveMode == .keepAlive ? .none : .close
        let ruled = facts.request.fields.takeConnectionOptions()
        if ruled.contains(.close) { requestConnection.insert(.close) }
        // An Upgrade that a rule has written is passed on, but a switch that the client has not asked for is refused.
        if facts.request.fields.contains(.upgrade) { requestConnection.insert(.upgrade) }
        if facts.request.fields.contains(.te) { requestConnection.insert(.te) }
    }

    /// The head as it goes to the server: without what concerns only the client's connection, with what Portico adds.
    private func rewriteRequest(_ worker: Worker) {
        // A rule may have removed Upgrade, or Connection.
        wantsUpgrade = wantsUpgrade && facts.request.upgradeRequested
        // What a server sends behind its body goes to the client: the client's word on that goes to the server.
        let acceptsTrailers = facts.request.acceptsTrailers && !frontend.dropsResponseTrailers
        let dropsTrailers = backend?.dropsRequestTrailers == true
        if dropsTrailers { requestBody.dropTrailers() }
        facts.request.fields.removeSetApart(
            keepingUpgrade: wantsUpgrade,
            keepingTrailer: requestFraming == .chunked && backend?.requestBuffer == nil && !dropsTrailers)
        if acceptsTrailers, !facts.request.fields.contains(.te) { facts.request.fields.append(.te, "trailers") }
        sayConnectionOptions()
        // HTTP/1.0 knows no Host, and servers refuse the HTTP/1.1 that we speak to them without one. Where the target says
        // whom it is for, that is the Host (RFC 9112 section 3.2.2), and nothing else may be.
        let namesItsHost = facts.request.targetForm == .absolute || facts.request.targetForm == .authority
        if facts.request.version == .http10, !facts.request.fields.contains(.host), !namesItsHost {
            facts.request.fields.append(.host, facts.local.description)
        }
        addForwardingFields(worker)
    }
}
