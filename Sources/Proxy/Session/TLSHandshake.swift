// TLS on a client's connection, from its first record (behind a PROXY protocol header, if there is one) to the session: only then
// do rules about the session run, which may ask about the handshake. `timeout client-hs` bounds it.

internal import Balancing
internal import Basics
internal import Expressions
internal import Reactor
internal import TLS
internal import Transport

extension ClientConnection {
    /// What is to come in clear has come: the rest is encrypted where the listener says so.
    func beginContent(_ worker: Worker) {
        guard let listener = bind.tls else { return beginSession(worker) }
        phase = .handshaking
        countsAsTLS = true
        worker.shared.counters.tls.begin(worker: worker.index, at: worker.now)
        let engine = listener.makeEngine(socket)
        if !input.isEmpty {
            // The client sends its first records right behind the header.
            Self.pass(input, to: engine)
            input.release(to: worker.buffers)
        }
        transport.secure(with: engine)
        setDeadline(after: handshakeTimeout, worker)
        shakeHands(worker)
    }

    // A span of a property of a class does not outlive the expression it stands in; one of a parameter does.
    private static func pass(_ bytes: borrowing ByteBuffer, to engine: TLSEngine) { engine.take(bytes.readable) }

    /// Goes on with the handshake, and with the session when it is complete.
    func shakeHands(_ worker: Worker) {
        switch transport.handshake(worker.kernel) {
        case .pending: break
        case .complete:
            countHandshake(worker)
            beginSession(worker)
            resume(worker)
        case .failed:
            guard let fault = transport.engine?.fault else {
                preconditionFailure("a handshake failed without a reason")
            }
            failTLS(fault, worker)
        }
    }

    var handshakeTimeout: TimeSpan { frontend.timeouts.clientHandshake ?? frontend.timeouts.client }

    /// False while content goes on before the end of the TLS handshake (early data).
    var isHandshakeComplete: Bool {
        guard bind.tls != nil else { return true }
        return transport.engine?.isHandshakeComplete != false
    }

    private func countHandshake(_ worker: Worker) {
        frontend.traffic.add(.tlsSessions, worker: worker.index)
        if transport.engine?.isResumed == true {
            frontend.traffic.add(.resumedTLSSessions, worker: worker.index)
        } else {
            worker.shared.counters.tls.clientKeys.count(worker: worker.index, at: worker.now)
        }
    }

    /// There will be no encrypted connection. The client has had its alert; one that speaks plain HTTP is told where it is.
    func failTLS(_ fault: TLSFault, _ worker: Worker) {
        frontend.traffic.add(.failedHandshakes, worker: worker.index)
        let context = beginFailure(HandshakeFault(fault), worker)
        logFailedHandshake(context, hasReceived: fault.kind != .closed, worker)
        switch fault.kind {
        case .closed, .broken: return turnAway(.close, worker)
        default: break
        }
        transport.dropEngine()
        if fault.kind == .plainHTTP { sayThatTLSIsSpoken(worker) }
        // Else what the client still sends would be answered with a reset, which could overtake the alert.
        beginLinger(worker)
    }

    private func sayThatTLSIsSpoken(_ worker: Worker) {
        let body =
            "<html><body><h1>400 Bad request</h1>\nThis port speaks HTTPS: use https:// in the address.\n</body></html>\n"
        let answer =
            "HTTP/1.1 400 Bad request\r\ncontent-length: \(body.utf8.count)\r\ncache-control: no-cache\r\n"
            + "content-type: text/html\r\nconnection: close\r\n\r\n" + body
        output.acquire(from: worker.buffers)
        let fits = output.append(Array(answer.utf8))
        precondition(fits, "an answer of \(answer.utf8.count) bytes does not fit into an empty buffer")
        // On a connection on which nothing was sent, the system takes a few hundred bytes at once.
        _ = flush(worker)
    }
}
