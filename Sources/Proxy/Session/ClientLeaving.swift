// Leaving a client so that it loses nothing: what was sent arrives before the end, and a request that crosses with the end is served
// where that is possible, and not reset where it is not.

internal import Basics
internal import Reactor
internal import Transport

extension ClientConnection {
    /// Everything is sent: says so, and listens for the client's close.
    func beginLinger(_ worker: Worker) {
        phase = .lingering
        input.release(to: worker.buffers)
        output.release(to: worker.buffers)
        transport.finishSending(worker.kernel)
        // A client that cannot be told yet takes what it was sent at its own speed.
        setDeadline(after: transport.awaitsGoodbye ? frontend.timeouts.client : Limits.linger, worker)
        linger(worker)
    }

    /// The client is done, and everything is sent: closes, once an encrypted client knows that nothing more follows.
    func leave(_ worker: Worker) {
        if transport.hasFailed || transport.sayGoodbye(worker.kernel) { finish(worker) } else { beginLinger(worker) }
    }

    /// Reads and forgets what the client still sends, until it closes or has had its time.
    func linger(_ worker: Worker) {
        let awaitedGoodbye = transport.awaitsGoodbye
        while true {
            let result = fill(worker)
            if awaitedGoodbye, !transport.awaitsGoodbye { setDeadline(after: Limits.linger, worker) }
            switch result {
            case .progressed:
                lingerBytesLeft -= input.count
                input.release(to: worker.buffers)
                if lingerBytesLeft > 0 { continue }
            case .blocked: return
            case .full: preconditionFailure("an empty buffer cannot be full")
            // It may still read.
            case .ended where transport.awaitsGoodbye && !transport.hasFailed: return
            case .ended, .failed: break
            }
            finish(worker)
            return
        }
    }

    /// No request has come in the time that an idle connection has. The system is asked once more before the connection
    /// closes, because readiness is only reported at the next wait: a request that arrived in this turn is served. One
    /// that is still on its way is read and dropped, so that the client sees an end, not a reset.
    func leaveIdle(_ worker: Worker) {
        guard input.isEmpty || holdsBeginning else { return resume(worker) }
        transport.expectInput()
        switch fill(worker) {
        case .progressed:
            setDeadline(after: headTimeout, worker)
            readHead(worker)
            resume(worker)
        case .blocked: beginLinger(worker)
        case .full: preconditionFailure("an empty buffer cannot be full")
        case .ended, .failed: finish(worker)
        }
    }

    /// The worker is stopping. A client that was answered a moment ago may be about to send its next request, which is answered
    /// with `Connection: close`; one that has been idle for longer than `Limits.lastRequestWait` is left at once. A connection
    /// that has not carried a request yet keeps the time that it has for the first one.
    func stopWhenIdle(_ worker: Worker) {
        if let multiplexer { return multiplexer.stop() }
        guard phase == .idle, !isFirstStream else { return }
        setDeadline(min(deadline, idleSince + Limits.lastRequestWait), worker)
    }

    /// The worker stops at once.
    func abandon(_ worker: Worker) {
        switch phase {
        case .closed: break
        case .multiplexing: multiplexer?.abandon()
        case .awaitingHeader, .awaitingClientAddress, .handshaking, .idle, .lingering: finish(worker)
        case .readingHead, .streaming: stream?.handle(.stopped, worker)
        }
    }

    func finish(_ worker: Worker, _ mode: CloseMode = .close) {
        precondition(stream == nil, "a connection is closed under its stream")
        ownConnections.closeAll(worker)
        phase = .closed
        close(worker, mode)
        // Counted when the handshake began.
        if countsAsTLS { worker.shared.counters.tls.end() }
        worker.shared.admission.release(for: bind)
    }
}
