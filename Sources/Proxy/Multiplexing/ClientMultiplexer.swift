// A client's connection in HTTP/2: each stream is a request, led by a connection object and an exchange of its own, as in HTTP/1.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Logging
internal import Reactor
internal import Transport

final class ClientMultiplexer: Multiplexer {
    private let client: ClientConnection
    /// When the last stream ended, or the connection began.
    private var idleSince: Instant
    /// What is still here leaves, and then the connection is closed.
    private var isLeaving = false
    /// When a soft stop becomes final for it: the client has been told that no more requests are wanted.
    private var stopsAt = Instant.never

    init(_ client: ClientConnection, _ worker: Worker) {
        self.client = client
        idleSince = client.idleSince
        let frontend = client.frontend
        let settings = frontend.settings
        super.init(
            HTTP2Connection(
                .server, limits: settings.http2.frontend, headLimits: frontend.headLimits,
                announcesWebSockets: settings.http2.announcesWebSockets),
            settings.http2.frontend, settings, frontend.http2, on: client, worker)
    }

    private var frontend: FrontendPlan { client.frontend }

    // MARK: Streams

    override func headArrived(_ slot: StreamSlot) {
        if client.deadline != .never, !isBlocked { client.setDeadline(.never, worker) }
        let connection = worker.takeClientStream(of: client)
        guard let stream = connection.transport.stream as? HTTP2Stream else {
            preconditionFailure("a stream's connection is carried by something else")
        }
        stream.begin(self, slot, for: connection)
        add(stream, at: slot)
        connection.begin(stream, of: client, since: client.isFirstStream ? idleSince : worker.now, worker)
        let limit = limits.totalStreamsMax
        if limit > 0, http2.streamsBegun >= limit { http2.goAway("\(limit) streams were served") }
        connection.readRequest(from: stream, worker)
    }

    override func code(for stream: HTTP2Stream, _ mode: CloseMode) -> HTTP2ErrorCode {
        // The answer says what is wrong with it; the reset, that it was malformed (RFC 9113 section 8.1.1).
        if stream.wasRefused { return .protocolError }
        // All was answered: the rest of the request is not wanted (RFC 9113 section 8.1).
        if http2.hasEnded(stream.slot) { return .noError }
        return mode == .close ? .cancel : .internalError
    }

    override func streamLeft() {
        guard memberCount == 0, !isClosed else { return }
        idleSince = worker.now
        if http2.lastServedStream != nil || client.transport.hasEnded { return leave() }
        client.followPlan(worker)
        if client.isLastStream(worker) { stop() }
        keepTime(progressed: true)
    }

    override func noteReset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        (stream.owner as? ClientConnection)?.stream?.context.outcome.clientResetCode = code.rawValue
    }

    // MARK: Time

    override func keepTime(progressed: Bool) {
        guard !isClosed else { return }
        if isBlocked {
            if progressed || client.deadline == .never { client.setDeadline(after: frontend.timeouts.client, worker) }
        } else if memberCount == 0 {
            return client.setDeadline(
                min(idleEnd, stopsAt, pings.next(every: client.bind.idlePing, now: worker.now)), worker)
        }
        pings.forget()
        if isBlocked { return }
        if http2.lastServedStream == nil, stopsAt != .never {
            client.setDeadline(stopsAt, worker)
        } else if client.deadline != .never {
            client.setDeadline(.never, worker)
        }
    }

    /// When an idle connection is left. Answers to PING put `timeout client` off, and no other time-out.
    private var idleEnd: Instant {
        let timeouts = frontend.timeouts
        if client.isFirstStream { return idleSince + client.headTimeout }
        if client.bind.idlePing != nil, !timeouts.boundsIdleTime { return max(idleSince, heardAt) + timeouts.client }
        return idleSince + (timeouts.httpKeepAlive ?? timeouts.httpRequest ?? timeouts.client)
    }

    /// The connection's deadline has passed: nothing was asked for, or what is here was not taken.
    func expired() {
        if isBlocked || isLeaving {
            endMembers(.cancel)
            return finish(.reset)
        }
        if memberCount > 0 {
            // The streams that are here are served; no others are.
            http2.goAway("the proxy stops")
            return flushLater()
        }
        if worker.now < min(idleEnd, stopsAt), pings.ask(every: client.bind.idlePing, over: http2, now: worker.now) {
            flushLater()
            return keepTime(progressed: false)
        }
        leave()
    }

    // MARK: Ending

    /// No more requests are served: those that are here are, and then the connection closes.
    func stop() {
        if stopsAt == .never {
            http2.goAway("the proxy stops", isWarning: true)
            stopsAt = worker.now + Limits.lastRequestWait
        } else if worker.now >= stopsAt {
            http2.goAway("the proxy stops")
        }
        flushLater()
        keepTime(progressed: true)
    }

    /// Says that the connection ends, and closes it once that has left.
    private func leave() {
        guard !isLeaving else { return }
        isLeaving = true
        http2.goAway(client.isLastStream(worker) ? "the proxy stops" : "the connection was idle")
        endMembers(.cancel)
        client.setDeadline(after: frontend.timeouts.client, worker)
        flushLater()
    }

    override func flushed() {
        if isLeaving { finish(.linger) }
    }

    override func peerLeft() {
        // A client that has finished sending may still read its answers.
        if client.transport.hasEnded, !client.transport.hasFailed, memberCount > 0 { return }
        endMembers(.cancel)
        finish(.close)
    }

    override func failed(_ fault: HTTP2Fault) {
        if frontend.settings.http2.loggedErrors != .none {
            let who = "Client \(client.session.client) of frontend \(frontend.name)"
            worker.log.event(
                .info, to: frontend.logTargets,
                "\(who): HTTP/2 connection ended with \(fault.code.name): \(fault.words).")
        }
        isLeaving = true
        endMembers(.cancel)
        client.setDeadline(after: frontend.timeouts.client, worker)
        flushLater()
    }

    override func close(_ mode: CloseMode) { client.finishMultiplexing(mode, worker) }

    /// The worker stops at once.
    func abandon() {
        endMembers(.cancel)
        finish(.close)
    }
}
