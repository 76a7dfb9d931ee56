// The connection of a server's check: from its first packet to the moment in which it carries what the check has to say.

internal import Balancing
internal import Basics
internal import ProxyProtocol
internal import Reactor
internal import SystemPackage
internal import TLS
internal import Transport

extension HealthChecker {
    func connect(_ route: CheckRoute, _ start: Instant, in loop: TaskLoop) {
        closeStream(loop.kernel)
        self.route = route
        // The address may have been lost since the check began.
        guard let target = route.target(for: server.address) else { return unreachable(.hostIsDown, start, in: loop) }
        do throws(ByteStream.Refusal) {
            // Those of checks show the server no client's address.
            let way = server.way
            let target = route.proxy ?? target
            stream = try ByteStream(
                connectingTo: target, from: target.ip == nil ? nil : way?.source?.next(),
                options: way?.options(isClientFirst: false), pool: surroundings.pool, as: handle, in: loop)
        } catch {
            switch error {
            case .unreachable(.connectionRefused): unreachable(.connectionRefused, start, in: loop)
            // What the system says at once is in the words of HAProxy's logs, too.
            case .unreachable(let reason):
                finish(broken(.layer4Connection, "General socket error (\(reason.description))"), start, in: loop)
            case .unwatched(let reason): finish(broken(.socketError, reason.description), start, in: loop)
            }
            return
        }
        phase = .connecting(since: start)
        if plan.responseTimeout != nil { loop.setDeadline(loop.now + plan.connectTimeout, of: handle) }
    }

    func connected(_ start: Instant, in loop: TaskLoop) {
        switch stream?.connectProgress(loop.kernel) {
        case .connected?: break
        case .failed(let reason)?: return unreachable(reason, start, in: loop)
        case .pending?, nil: return
        }
        guard route.proxy != nil else { return reached(start, in: loop) }
        guard let request = route.target(for: server.address).flatMap(SOCKSProxy.request) else {
            return unreachable(.addressFamilyNotSupported, start, in: loop)
        }
        stream?.queue(request)
        hearProxy(SOCKSAnswer(), start, in: loop)
    }

    /// Goes on with the request to the SOCKS proxy and its answer. What follows the answer is the server's.
    func hearProxy(_ heard: SOCKSAnswer, _ start: Instant, in loop: TaskLoop) {
        var answer = heard
        while true {
            phase = .asking(answer, since: start)
            switch answer.verdict {
            case .granted?: return reached(start, in: loop)
            case .refused(let code)?:
                let words = "the SOCKS proxy refuses with code \(code)"
                return finish(broken(.layer4Connection, words), start, in: loop)
            case nil: break
            }
            switch stream?.send(loop.kernel) {
            case .all?: break
            case .failed?: return finish(socketError, start, in: loop)
            case .blocked?, nil: return
            }
            switch stream?.read(loop.kernel) {
            case .progressed?, .full?: break
            case .ended?:
                return finish(broken(.layer4Connection, "the SOCKS proxy closes the connection"), start, in: loop)
            case .failed?: return finish(socketError, start, in: loop)
            case .blocked?, nil: return
            }
            stream?.consumeInput { bytes, consumed in
                consumed = min(answer.missing, bytes.byteCount)
                answer.take((0..<consumed).map { bytes[$0] })
            }
        }
    }

    /// The connection leads to the server.
    private func reached(_ start: Instant, in loop: TaskLoop) {
        let header = route.header(to: server, over: stream?.socket, loop.kernel)
        guard route.tls != nil else { return speak(behind: header, start, in: loop) }
        phase = .handshaking(since: start)
        stream?.queue(header)
        shakeHands(start, in: loop)
    }

    /// Goes on with the PROXY protocol header, which is not encrypted, and then with TLS.
    func shakeHands(_ start: Instant, in loop: TaskLoop) {
        if stream?.engine == nil {
            switch stream?.send(loop.kernel) {
            case .all?: break
            case .failed?: return finish(socketError, start, in: loop)
            case .blocked?, nil: return
            }
            guard let socket = stream?.socket, let tls = route.tls else { return }
            // What came in clear is not what TLS protects.
            stream?.discardInput()
            stream?.secure(with: tls.makeEngine(socket))
        }
        switch stream?.handshake(loop.kernel) {
        case .complete?: speak(behind: [], start, in: loop)
        case .failed?:
            let fault = stream?.engine?.fault
            finish(
                broken(
                    .layer6Response,
                    fault?.kind == .closed ? "Connection closed during SSL handshake" : fault?.words ?? ""),
                start, in: loop)
        case .pending?, nil: break
        }
    }

    /// The connection carries what the check has to say.
    func speak(behind header: [UInt8], _ start: Instant, in loop: TaskLoop) {
        phase = .talking(since: start)
        if plan.script.expects, let limit = plan.responseTimeout { loop.setDeadline(loop.now + limit, of: handle) }
        run?.connected(
            isEncrypted: route.tls != nil, speaksHTTP2: route.protocolChoice.isHTTP2(over: stream?.engine))
        stream?.queue(header)
        talk(start, in: loop)
    }
}
