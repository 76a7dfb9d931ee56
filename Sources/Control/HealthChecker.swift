// Runs one server's checks on the control thread: connects, sends, waits, judges and reports.

internal import Balancing
internal import Basics
internal import Expressions
internal import ProxyProtocol
internal import Reactor
internal import SystemPackage
internal import TLS
internal import Transport

/// Who is asked.
enum CheckSubject {
    /// The server itself.
    case server
    /// Its agent.
    case agent

    func plan(of server: Server) -> HealthCheckPlan? {
        switch self {
        case .server: server.check
        case .agent: server.agentCheck
        }
    }
}

/// Gets the results of checks.
protocol HealthObserver: AnyObject {
    /// A check has ended. `transition` is not nil if it changed the server between up and down, which the backend has published.
    func checked(
        _ server: Server, of backend: Backend, by subject: CheckSubject, _ result: CheckResult,
        transition: HealthRecord.Transition?)
}

/// The checks of one server, or the questions to its agent, one at a time, for as long as the loop runs.
final class HealthChecker: LoopTask {
    private enum Phase {
        case pausing
        case connecting(since: Instant)
        /// The connection stands, and TLS is being agreed on, behind the PROXY protocol header.
        case handshaking(since: Instant)
        case talking(since: Instant)
    }

    private let subject: CheckSubject
    private let server: Server
    private let backend: Backend
    /// The server's plan when the last check began.
    private var plan: HealthCheckPlan
    private unowned let observer: any HealthObserver
    private var phase = Phase.pausing
    /// The connection of the check that is under way; nil in a pause.
    private var stream: ByteStream?
    /// The check that is under way, and the connection that it is at.
    private var run: CheckRun?
    private var route: CheckRoute
    /// What formats and variables of a check live in; made for the first check that needs it.
    private var context: ExchangeContext?
    private let makeContext: () -> ExchangeContext
    private let pool: BufferPool
    private var handle = SlotHandle(index: 0, generation: 0)
    private var isStopped = false
    /// When the pause ends.
    private var due = Instant.never

    /// Starts checking `server`, for the first time after `delay`. Each check follows the plan that the server has when it begins.
    /// While the server is in maintenance its checks pause; its agent, which may take it out of there, is asked. Returns nil for a server
    /// without a plan, which has nothing to check.
    @discardableResult
    static func start(
        _ subject: CheckSubject = .server, _ server: Server, of backend: Backend, after delay: TimeSpan,
        pool: BufferPool,
        makeContext: @escaping () -> ExchangeContext = { CheckRun.makeContext(nil) }, observer: any HealthObserver,
        in loop: TaskLoop
    ) -> HealthChecker? {
        guard let plan = subject.plan(of: server) else { return nil }
        if subject == .server { server.adopt(plan) }
        let checker = HealthChecker(subject, server, backend, plan, pool, makeContext, observer)
        checker.handle = loop.add(checker)
        checker.pause(until: loop.now + delay, in: loop)
        return checker
    }

    /// Whether this is the server.
    func checks(_ other: Server) -> Bool { server === other }

    /// Live traffic has failed as often in a row as `error-limit` says: that counts as its `on-error` says, and the next check comes sooner.
    func trafficFailed(_ words: String, in loop: TaskLoop) {
        guard !isStopped, server.state.administrative != .maintenance else { return }
        let failure = backend.recordFailures(words, of: server, at: loop.now)
        if let result = failure.result {
            observer.checked(server, of: backend, result, transition: failure.transition)
        }
        guard case .pausing = phase, let interval = plan.fastInterval, loop.now + interval < due else { return }
        pause(until: loop.now + interval, in: loop)
    }

    private func pause(until due: Instant, in loop: TaskLoop) {
        self.due = due
        loop.setDeadline(due, of: handle)
    }

    /// Ends the checks for good. One that is under way ends without a verdict.
    func stop(in loop: TaskLoop) {
        guard !isStopped else { return }
        isStopped = true
        closeStream(loop.kernel)
        loop.remove(handle)
    }

    private init(
        _ subject: CheckSubject, _ server: Server, _ backend: Backend, _ plan: HealthCheckPlan, _ pool: BufferPool,
        _ makeContext: @escaping () -> ExchangeContext, _ observer: any HealthObserver
    ) {
        self.subject = subject
        self.server = server
        self.backend = backend
        self.plan = plan
        self.pool = pool
        self.makeContext = makeContext
        route = plan.routes[0]
        self.observer = observer
    }

    deinit { stream?.releaseBuffers() }

    func expired(in loop: TaskLoop) {
        switch phase {
        case .pausing where isPaused:
            pause(until: loop.now + plan.interval, in: loop)
        case .pausing:
            takePlan()
            begin(in: loop)
        case .connecting(let start): finish(broken(.layer4Timeout), start, in: loop)
        case .handshaking(let start): finish(broken(.layer6Timeout, "during the TLS handshake"), start, in: loop)
        case .talking(let start): finish(run?.timedOut ?? broken(.layer7Timeout), start, in: loop)
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
        guard let latest = subject.plan(of: server) else { return }
        plan = latest
        if subject == .server { server.adopt(latest) }
    }

    private var isPaused: Bool { subject == .server && server.state.administrative == .maintenance }

    private func begin(in loop: TaskLoop) {
        guard plan.target(for: server.address) != nil else {
            // No address yet: try again later, without a verdict.
            pause(until: loop.now + plan.interval, in: loop)
            return
        }
        if plan.script.needsContext, context == nil { context = makeContext() }
        run = CheckRun(plan, of: server, in: backend, context: context)
        loop.setDeadline(loop.now + plan.connectTimeout, of: handle)
        play(from: loop.now, in: loop)
    }

    /// Goes on with the check, which has no connection that could carry anything.
    private func play(from start: Instant, in loop: TaskLoop) {
        var nothing = ByteBuffer()
        switch run?.advance(&nothing, .open, at: loop.now) {
        case .connect(let route)?: connect(route, start, in: loop)
        case .finished(let result)?: finish(result, start, in: loop)
        case .converse?, nil: preconditionFailure("a check talks without a connection")
        }
    }

    private func connect(_ route: CheckRoute, _ start: Instant, in loop: TaskLoop) {
        closeStream(loop.kernel)
        self.route = route
        // The address may have been lost since the check began.
        guard let target = route.target(for: server.address) else { return unreachable(.hostIsDown, start, in: loop) }
        do throws(ByteStream.Refusal) {
            stream = try ByteStream(connectingTo: target, pool: pool, as: handle, in: loop)
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

    private func connected(_ start: Instant, in loop: TaskLoop) {
        switch stream?.connectProgress(loop.kernel) {
        case .connected?: break
        case .failed(let reason)?: return unreachable(reason, start, in: loop)
        case .pending?, nil: return
        }
        let header = header(in: loop)
        guard route.tls != nil else { return speak(behind: header, start, in: loop) }
        phase = .handshaking(since: start)
        stream?.queue(header)
        shakeHands(start, in: loop)
    }

    /// Goes on with the PROXY protocol header, which is not encrypted, and then with TLS.
    private func shakeHands(_ start: Instant, in loop: TaskLoop) {
        if stream?.engine == nil {
            switch stream?.send(loop.kernel) {
            case .all?: break
            case .failed?: return finish(socketError, start, in: loop)
            case .blocked?, nil: return
            }
            guard let socket = stream?.socket, let tls = route.tls else { return }
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
    private func speak(behind header: [UInt8], _ start: Instant, in loop: TaskLoop) {
        phase = .talking(since: start)
        if plan.script.expects, let limit = plan.responseTimeout { loop.setDeadline(loop.now + limit, of: handle) }
        run?.connected(
            isEncrypted: route.tls != nil, speaksHTTP2: route.protocolChoice.isHTTP2(over: stream?.engine))
        stream?.queue(header)
        talk(start, in: loop)
    }

    /// The PROXY protocol header of a connection that no client caused. Version 1 cannot express that: there the checker is the client.
    private func header(in loop: TaskLoop) -> [UInt8] {
        switch route.proxyHeader {
        case nil: []
        case .two: ProxyHeader.bytes(.two, nil)
        case .one: ProxyHeader.bytes(.one, ends(in: loop))
        }
    }

    private func ends(in loop: TaskLoop) -> ProxyHeader.Ends? {
        guard let target = route.target(for: server.address), let socket = stream?.socket else { return nil }
        return ProxyHeader.Ends(source: loop.kernel.localAddress(socket), destination: target)
    }

    private func talk(_ start: Instant, in loop: TaskLoop) {
        // A header goes before all else.
        switch stream?.send(loop.kernel) {
        case .all?: break
        case .failed?: return finish(socketError, start, in: loop)
        case .blocked?, nil: return
        }
        var end = CheckRun.InputEnd.open
        while true {
            switch stream?.takeInput({ run?.advance(&$0, end, at: loop.now) }) ?? nil {
            case .connect(let route)?: return connect(route, start, in: loop)
            case .finished(let result)?: return finish(result, start, in: loop)
            case .converse?, nil: break
            }
            // What the check says leaves before more is read.
            stream?.append { run?.write(to: &$0) }
            let hadOutput = stream?.hasUnsent == true
            switch stream?.send(loop.kernel) {
            case .all?: if hadOutput { continue }
            case .failed?: return finish(socketError, start, in: loop)
            case .blocked?, nil: return
            }
            switch stream?.read(loop.kernel) {
            case .progressed?: end = .open
            case .full?: end = .full
            case .ended?: end = .ended
            case .failed?: return finish(socketError, start, in: loop)
            case .blocked?, nil: return
            }
        }
    }

    private func finish(_ result: CheckResult, _ start: Instant, in loop: TaskLoop) {
        closeStream(loop.kernel)
        let report = run?.report
        run = nil
        phase = .pausing
        var result = result
        loop.kernel.refreshClock()
        result.duration = loop.now.since(start)
        // A check that was begun before the server's maintenance has no verdict.
        guard !isPaused else {
            pause(until: start + plan.interval, in: loop)
            return
        }
        let transition =
            switch subject {
            case .server: backend.record(result, of: server, at: loop.now)
            case .agent: backend.record(result, reporting: report, of: server, at: loop.now)
            }
        pause(until: start + (subject == .server ? plan.pause(after: server.record) : plan.interval), in: loop)
        observer.checked(server, of: backend, by: subject, result, transition: transition)
    }

    /// Closes with a reset, which leaves no socket in TIME_WAIT on either side, unless a line says otherwise; the check needs nothing
    /// more from the server.
    private func closeStream(_ kernel: any Kernel) {
        if stream?.hasUnsent == false, stream?.failure == nil, run?.leave() == true {
            // Told to a server of HTTP/2 as far as the system takes it at once.
            stream?.append { run?.write(to: &$0) }
            _ = stream?.send(kernel)
        }
        stream?.close(route.lingers ? .close : .reset, kernel)
        stream = nil
    }

    private var socketError: CheckResult { broken(.socketError, stream?.failure?.description ?? "") }

    private func broken(_ code: CheckResult.Code, _ info: String = "") -> CheckResult {
        run?.broken(code, info) ?? CheckResult(.failed, code, info: info)
    }

    private func unreachable(_ reason: Errno, _ start: Instant, in loop: TaskLoop) {
        let name = reason == .connectionRefused ? "ECONNREFUSED" : nil
        let result = run?.broken(.layer4Connection, reason.description, named: name)
        finish(result ?? broken(.layer4Connection, reason.description), start, in: loop)
    }
}
