// Runs one server's checks on the control thread: connects, sends, waits, judges and reports.

internal import Balancing
internal import Basics
internal import HTTP
internal import ProxyProtocol
internal import Reactor
internal import SystemPackage
internal import TLS
internal import Transport

/// Gets the results of checks.
protocol HealthObserver: AnyObject {
    /// A check has ended. `transition` is not nil if it changed the server between up and down, which the backend has published.
    func checked(_ server: Server, of backend: Backend, _ result: CheckResult, transition: HealthRecord.Transition?)
}

/// The checks of one server, one at a time, for as long as the loop runs.
final class HealthChecker: LoopTask {
    private enum Phase {
        case pausing
        case connecting(since: Instant)
        /// The connection stands, and TLS is being agreed on, behind the PROXY protocol header.
        case handshaking(since: Instant)
        case talking(since: Instant)
    }

    private let server: Server
    private let backend: Backend
    /// The server's plan when the last check began.
    private var plan: HealthCheckPlan
    private unowned let observer: any HealthObserver
    private var phase = Phase.pausing
    /// The connection of the check that is under way; nil in a pause.
    private var stream: ByteStream?
    /// The reader of the answer to the check that is under way.
    private var answer: HTTPCheckAnswer?
    /// The other side of the check that is under way, where that speaks HTTP/2.
    private var http2: HTTP2Check?
    private let pool: BufferPool
    private var handle = SlotHandle(index: 0, generation: 0)
    private var isStopped = false

    /// Starts checking `server`, for the first time after `delay`. Each check follows the plan that the server has when it
    /// begins. While the server is in maintenance its checks pause. Returns nil for a server without a plan, which has nothing
    /// to check.
    @discardableResult
    static func start(
        _ server: Server, of backend: Backend, after delay: TimeSpan, pool: BufferPool,
        observer: any HealthObserver, in loop: TaskLoop
    ) -> HealthChecker? {
        guard let plan = server.check else { return nil }
        server.adopt(plan)
        let checker = HealthChecker(server, backend, plan, pool, observer)
        checker.handle = loop.add(checker)
        loop.setDeadline(loop.now + delay, of: checker.handle)
        return checker
    }

    /// Ends the checks for good. One that is under way ends without a verdict.
    func stop(in loop: TaskLoop) {
        guard !isStopped else { return }
        isStopped = true
        closeStream(loop.kernel)
        loop.remove(handle)
    }

    private init(
        _ server: Server, _ backend: Backend, _ plan: HealthCheckPlan, _ pool: BufferPool,
        _ observer: any HealthObserver
    ) {
        self.server = server
        self.backend = backend
        self.plan = plan
        self.pool = pool
        self.observer = observer
    }

    deinit { stream?.releaseBuffers() }

    func expired(in loop: TaskLoop) {
        switch phase {
        case .pausing where server.state.administrative == .maintenance:
            loop.setDeadline(loop.now + plan.interval, of: handle)
        case .pausing:
            takePlan()
            connect(in: loop)
        case .connecting(let start): finish(CheckResult(.failed, .layer4Timeout), start, in: loop)
        case .handshaking(let start):
            finish(CheckResult(.failed, .layer6Timeout, info: "during the TLS handshake"), start, in: loop)
        case .talking(let start):
            let code = plan.check == .tcpConnect ? CheckResult.Code.layer4Timeout : .layer7Timeout
            finish(CheckResult(.failed, code), start, in: loop)
        }
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {
        stream?.note(readiness)
        switch phase {
        case .pausing: break  // an event of the connection that was just closed
        case .connecting(let start): connected(start, in: loop)
        case .handshaking(let start): shakeHands(start, in: loop)
        case .talking(let start): talk(start, in: loop)
        }
    }

    /// The server may have been reconfigured. One whose new configuration has no check is checked by its old plan.
    private func takePlan() {
        guard let latest = server.check else { return }
        plan = latest
        server.adopt(latest)
    }

    private func connect(in loop: TaskLoop) {
        let start = loop.now
        guard let target = plan.target(for: server.address) else {
            // No address yet: try again later, without a verdict.
            loop.setDeadline(loop.now + plan.interval, of: handle)
            return
        }
        do throws(ByteStream.Refusal) {
            stream = try ByteStream(connectingTo: target, pool: pool, as: handle, in: loop)
        } catch {
            switch error {
            case .unreachable(let reason): finish(Self.unreachable(reason), start, in: loop)
            case .unwatched(let reason): finish(Self.socketError(reason), start, in: loop)
            }
            return
        }
        phase = .connecting(since: start)
        loop.setDeadline(start + plan.connectTimeout, of: handle)
    }

    private func connected(_ start: Instant, in loop: TaskLoop) {
        switch stream?.connectProgress(loop.kernel) {
        case .connected?: break
        case .failed(let reason)?: return finish(Self.unreachable(reason), start, in: loop)
        case .pending?, nil: return
        }
        let header = header(in: loop)
        guard plan.tls != nil else { return speak(behind: header, start, in: loop) }
        phase = .handshaking(since: start)
        stream?.queue(header)
        shakeHands(start, in: loop)
    }

    /// Goes on with the PROXY protocol header, which is not encrypted, and then with TLS.
    private func shakeHands(_ start: Instant, in loop: TaskLoop) {
        if stream?.engine == nil {
            switch stream?.send(loop.kernel) {
            case .all?: break
            case .failed?: return finish(Self.socketError(stream?.failure), start, in: loop)
            case .blocked?, nil: return
            }
            guard let socket = stream?.socket, let tls = plan.tls else { return }
            stream?.secure(with: tls.makeEngine(socket))
        }
        switch stream?.handshake(loop.kernel) {
        case .complete?: speak(behind: [], start, in: loop)
        case .failed?:
            finish(CheckResult(.failed, .layer6Response, info: stream?.engine?.fault?.words ?? ""), start, in: loop)
        case .pending?, nil: break
        }
    }

    /// Sends what the check has to say.
    private func speak(behind header: [UInt8], _ start: Instant, in loop: TaskLoop) {
        phase = .talking(since: start)
        var bytes = header
        if case .http(let check) = plan.check {
            if let limit = plan.responseTimeout { loop.setDeadline(loop.now + limit, of: handle) }
            if plan.protocolChoice.isHTTP2(over: stream?.engine) {
                http2 = HTTP2Check(check, to: hostField, isSecure: plan.tls != nil, limits: plan.headLimits)
            } else {
                bytes += check.request(to: hostField)
                answer = HTTPCheckAnswer(to: check, limits: plan.headLimits)
            }
        }
        stream?.queue(bytes)
        talk(start, in: loop)
    }

    /// The PROXY protocol header of a connection that no client caused. Version 1 cannot express that: there the checker is the client.
    private func header(in loop: TaskLoop) -> [UInt8] {
        switch plan.proxyHeader {
        case nil: []
        case .two: ProxyHeader.bytes(.two, nil)
        case .one: ProxyHeader.bytes(.one, ends(in: loop))
        }
    }

    private func ends(in loop: TaskLoop) -> ProxyHeader.Ends? {
        guard let target = plan.target(for: server.address), let socket = stream?.socket else { return nil }
        return ProxyHeader.Ends(source: loop.kernel.localAddress(socket), destination: target)
    }

    /// The value of the Host field. A server behind a socket file is on this machine.
    private var hostField: String {
        if let name = server.hostName { return "\(name):\(server.port)" }
        guard let address = server.address, address.ip != nil else { return "localhost" }
        return address.description
    }

    private func talk(_ start: Instant, in loop: TaskLoop) {
        switch stream?.send(loop.kernel) {
        case .all?: break
        case .failed?: return finish(Self.socketError(stream?.failure), start, in: loop)
        case .blocked?, nil: return
        }
        guard plan.check != .tcpConnect else {
            // The connection is established and has taken its header: that passes.
            return finish(CheckResult(.passed, plan.tls == nil ? .layer4OK : .layer6OK), start, in: loop)
        }
        let result = http2 == nil ? readAnswer(in: loop) : converse(in: loop)
        if let result { finish(result, start, in: loop) }
    }

    /// Goes on in HTTP/2, as long as there is something to read or to send. Nothing that waits to be sent is left from before. Returns
    /// nil while the answer is not complete.
    private func converse(in loop: TaskLoop) -> CheckResult? {
        while true {
            let result = stream?.takeInput { http2?.read(&$0, at: loop.now) }
            if let result = result ?? nil { return result }
            // What answers the server leaves before more is read.
            stream?.append { http2?.write(to: &$0) }
            let hadOutput = stream?.hasUnsent == true
            switch stream?.send(loop.kernel) {
            case .all?: if hadOutput { continue }
            case .failed?: return Self.socketError(stream?.failure)
            case .blocked?, nil: return nil
            }
            switch stream?.read(loop.kernel) {
            case .progressed?: break
            case .full?: return HTTPCheckAnswer.tooLarge
            case .ended?: return http2?.stopped
            case .failed?: return Self.socketError(stream?.failure)
            case .blocked?, nil: return nil
            }
        }
    }

    /// Reads what has arrived. Returns nil while the answer is not complete.
    private func readAnswer(in loop: TaskLoop) -> CheckResult? {
        while true {
            switch stream?.read(loop.kernel) {
            case .progressed?: break
            case .full?: return HTTPCheckAnswer.tooLarge
            case .ended?: return answer?.stopped
            case .failed?: return Self.socketError(stream?.failure)
            case .blocked?, nil: return nil
            }
            let result = stream?.consumeInput { bytes, consumed in answer?.read(bytes, consumed: &consumed) }
            if let result = result ?? nil { return result }
        }
    }

    private func finish(_ result: CheckResult, _ start: Instant, in loop: TaskLoop) {
        closeStream(loop.kernel)
        phase = .pausing
        var result = result
        loop.kernel.refreshClock()
        result.duration = loop.now.since(start)
        // A check that was begun before the server's maintenance has no verdict.
        guard server.state.administrative != .maintenance else {
            loop.setDeadline(start + plan.interval, of: handle)
            return
        }
        let transition = backend.record(result, of: server, at: loop.now)
        loop.setDeadline(start + plan.pause(after: server.record), of: handle)
        observer.checked(server, of: backend, result, transition: transition)
    }

    /// Closes with a reset, which leaves no socket in TIME_WAIT on either side; the check needs nothing more from the server.
    private func closeStream(_ kernel: any Kernel) {
        leave(kernel)
        stream?.close(.reset, kernel)
        stream = nil
        answer = nil
    }

    /// Tells a server of HTTP/2 that the check is over, as far as the system takes that at once.
    private func leave(_ kernel: any Kernel) {
        guard http2 != nil else { return }
        defer { http2 = nil }
        guard stream?.hasUnsent == false, stream?.failure == nil else { return }
        http2?.end()
        stream?.append { http2?.write(to: &$0) }
        _ = stream?.send(kernel)
    }

    private static func socketError(_ reason: Errno?) -> CheckResult {
        CheckResult(.failed, .socketError, info: reason?.description ?? "")
    }

    private static func unreachable(_ reason: Errno) -> CheckResult {
        CheckResult(.failed, .layer4Connection, info: reason.description)
    }
}
