// How a stream ends, and what is counted and logged then. Every path leads through `conclude`, once.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Logging
internal import Reactor
internal import Transport

extension ProxyStream {
    /// Everything the client is to get is sent.
    /// - Parameter requestIsComplete: whether what the client sent was read to its end.
    final func end(requestIsComplete: Bool, _ worker: Worker) {
        let client = client
        dropConnection(worker)
        conclude(worker)
        client?.streamEnded(requestIsComplete: requestIsComplete, worker)
    }

    /// Ends in the middle: the client's connection is closed so that it notices.
    final func abort(_ cause: Termination.Cause, _ at: Termination.Phase, silently: Bool = false, _ worker: Worker) {
        context.outcome.termination.cause = cause
        context.outcome.termination.phase = at
        let client = client
        let mode: CloseMode =
            switch cause {
            case .client, .killed: .close
            default: silently ? .silent : isRelaying && client?.codec.endsByClosing == true ? .reset : .linger
            }
        // A server that is cut off in the middle of something must not take it for the end.
        var isTunnel = false
        if case .tunnelling = phase { isTunnel = true }
        dropConnection(worker, reset: !isTunnel || cause != .client)
        conclude(worker)
        client?.streamAborted(mode, worker)
    }

    private var isRelaying: Bool {
        if case .relaying = phase { return true }
        return false
    }

    /// This system, not the client, could not read from it or send to it: true if the stream was ended for that.
    final func endedForShortage(_ worker: Worker) -> Bool {
        guard client.failedForShortage else { return false }
        switch phase {
        case .answering, .relaying, .tunnelling, .draining: abort(.resource, .data, worker)
        default: abort(.resource, .request, worker)
        }
        return true
    }

    // MARK: Counting and logging

    /// A response goes to the client: a server's or Portico's own.
    final func countResponse(_ status: Int, _ worker: Worker) {
        count(.responses(status: status), worker)
        backend?.backend.traffic.add(.requests, worker: worker.index)
    }

    /// What rules and logs know of the bytes of both directions.
    final func noteByteCounts() {
        context.outcome.bytesFromClient = client.codec.bytesReceived
        context.outcome.bytesToClient = client.codec.bytesSent
    }

    private func conclude(_ worker: Worker) {
        if case .ended = phase { preconditionFailure("a stream ends twice") }
        context.timers.ended = worker.now
        leaveQueue(worker)
        // As in HAProxy, the connections in the log are those that are left.
        releaseSlot(worker)
        backend?.backend.active.decrement()
        releaseResources(worker)
        noteByteCounts()
        // The client got no response: the logged status is -1, and the counters have a class of their own for it.
        if context.outcome.status < 0, client.codec.speaksHTTP { countResponse(context.outcome.status, worker) }
        countTraffic(worker)
        if context.outcome.failedRewrites > 0 { countFailedRewrites(worker) }
        log(worker)
        giveBackKept(worker)
        recycle(worker)
    }

    /// Gives a connection to others that the log's line has looked at.
    private func giveBackKept(_ worker: Worker) {
        guard let kept = attempt.keptForLog else { return }
        attempt.keptForLog = nil
        context.serverTLS = nil
        kept.becomeIdle(after: client, worker)
    }

    private func countTraffic(_ worker: Worker) {
        let index = worker.index
        let received = client.codec.bytesReceived
        let sent = client.codec.bytesSent
        frontend.traffic.row(index).count(received: received, sent: sent)
        guard let backend else { return }
        backend.backend.traffic.row(index).count(received: received, sent: sent)
        guard let server else { return }
        server.traffic.row(index).count(received: received, sent: sent)
        if let begun = context.timers.queueLeft {
            let answered = context.timers.responseHeadDone
            backend.backend.learn(
                (answered ?? worker.now).since(begun), of: server, isWhole: answered != nil, at: worker.now)
        }
        guard let times = ExchangeTimes(context.timers) else { return }
        backend.backend.count(times, worker: index)
        server.count(times, worker: index)
    }

    private func countFailedRewrites(_ worker: Worker) {
        let failures = UInt64(context.outcome.failedRewrites)
        frontend.traffic.add(.failedRewrites, failures, worker: worker.index)
        backend?.backend.traffic.add(.failedRewrites, failures, worker: worker.index)
        server?.traffic.add(.failedRewrites, failures, worker: worker.index)
    }

    /// Writes a line at a step before the end, where `log-steps` asks for one.
    @inline(__always)
    final func log(at step: LogStep, _ worker: Worker) {
        if frontend.logsSteps { writeLog(at: step, worker) }
    }

    private func writeLog(at step: LogStep, _ worker: Worker) {
        guard frontend.log.writes(at: step) else { return }
        noteByteCounts()
        context.logStep = step
        frontend.writeLog(context, .info, backend: backend, server: server, worker)
        context.logStep = nil
    }

    /// Writes the stream's line, if it is not written yet.
    final func log(_ worker: Worker) {
        guard !frontend.logTargets.isEmpty, !isLogged else { return }
        isLogged = true
        noteByteCounts()
        var level: LogLevel
        switch frontend.log.verdict(context) {
        case .skip: return
        case .info: level = .info
        case .error: level = .err
        }
        if let severity = context.directives.logSeverity {
            // Silent.
            guard let ruled = UInt8(exactly: severity).flatMap(LogLevel.init(rawValue:)) else { return }
            level = ruled
        }
        frontend.writeLog(context, level, backend: backend, server: server, worker)
    }
}

extension TrafficRow {
    fileprivate func count(received: UInt64, sent: UInt64) {
        add(.bytesIn, received)
        add(.bytesOut, sent)
    }
}

extension ExchangeTimes {
    /// Nil if no server has answered: such an exchange says nothing about how long one takes.
    fileprivate init?(_ timers: borrowing ExchangeTimers) {
        guard let connected = timers.connected, let head = timers.responseHeadDone, let ended = timers.ended else {
            return nil
        }
        self.init()
        let chosen = timers.queueLeft ?? connected
        if let done = timers.requestDone { queue = chosen.since(done).wholeMilliseconds }
        connect = connected.since(chosen).wholeMilliseconds
        response = head.since(connected).wholeMilliseconds
        total = ended.since(timers.accepted).wholeMilliseconds
    }
}
