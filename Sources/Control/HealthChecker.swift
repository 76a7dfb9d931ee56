// Runs one server's checks on the control thread: connects, sends, waits, judges and reports.

internal import Balancing
internal import Basics
internal import Expressions
internal import ProxyProtocol
internal import Reactor
internal import SystemPackage
internal import TLS
internal import Transport

/// The checks of one server, or the questions to its agent, one at a time, for as long as the loop runs.
final class HealthChecker: LoopTask {
    enum Phase {
        case pausing
        case connecting(since: Instant)
        /// The connection stands with a SOCKS proxy, of whose answer this has come.
        case asking(SOCKSAnswer, since: Instant)
        /// The connection stands, and TLS is being agreed on, behind the PROXY protocol header.
        case handshaking(since: Instant)
        case talking(since: Instant)
        /// A program runs that finds out.
        case running(since: Instant)
    }

    let subject: CheckSubject
    let server: Server
    let backend: Backend
    /// The server's plan when the last check began.
    var plan: HealthCheckPlan
    let surroundings: CheckSurroundings
    var phase = Phase.pausing
    /// The connection of the check that is under way; nil in a pause.
    var stream: ByteStream?
    /// The check that is under way, and the connection that it is at.
    var run: CheckRun?
    var route: CheckRoute
    /// What formats and variables of a check live in; made for the first check that needs it.
    private var context: ExchangeContext?
    /// The program that was started last, until it has ended.
    private var child: ChildProgram?
    var handle = SlotHandle(index: 0, generation: 0)
    private var isStopped = false
    /// When the pause ends.
    private var due = Instant.never

    /// Starts checking `server`, for the first time after `delay`. Each check follows the plan that the server has when it begins.
    /// While the server is in maintenance its checks pause; its agent, which may take it out of there, is asked. Returns nil for a server
    /// without a plan, which has nothing to check.
    @discardableResult
    static func start(
        _ subject: CheckSubject = .server, _ server: Server, of backend: Backend, after delay: TimeSpan,
        _ surroundings: CheckSurroundings, in loop: TaskLoop
    ) -> HealthChecker? {
        guard let plan = subject.plan(of: server) else { return nil }
        if subject == .server { server.adopt(plan) }
        let checker = HealthChecker(subject, server, backend, plan, surroundings)
        checker.handle = loop.add(checker)
        checker.pause(until: loop.now + delay, in: loop)
        return checker
    }

    /// Another plan is in force. What was made for the one before is let go, and a shorter interval counts at once.
    func planChanged(in loop: TaskLoop) {
        context = nil
        guard case .pausing = phase, let latest = subject.plan(of: server), latest.interval < plan.interval else {
            return
        }
        pause(until: min(due, loop.now + latest.interval), in: loop)
    }

    /// Live traffic has failed as often in a row as `error-limit` says: that counts as its `on-error` says, and the next check comes sooner.
    func trafficFailed(_ words: String, in loop: TaskLoop) {
        guard !isStopped, server.state.administrative != .maintenance else { return }
        let failure = backend.recordFailures(words, of: server, at: loop.now)
        if let result = failure.result {
            surroundings.observer.checked(
                server, of: backend, by: .server, result, transition: failure.transition)
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
        child?.end()
        _ = collectProgram(in: loop)
        closeStream(loop.kernel)
        loop.remove(handle)
    }

    private init(
        _ subject: CheckSubject, _ server: Server, _ backend: Backend, _ plan: HealthCheckPlan,
        _ surroundings: CheckSurroundings
    ) {
        self.subject = subject
        self.server = server
        self.backend = backend
        self.plan = plan
        self.surroundings = surroundings
        route = plan.routes[0]
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
        case .asking(_, let start): finish(broken(.layer4Timeout, "of the SOCKS proxy"), start, in: loop)
        case .handshaking(let start): finish(broken(.layer6Timeout, "during the TLS handshake"), start, in: loop)
        case .talking(let start): finish(run?.timedOut ?? broken(.layer7Timeout), start, in: loop)
        case .running(let start):
            child?.end()
            finish(CheckResult(.failed, .programTimeout), start, in: loop)
        }
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {
        stream?.note(readiness)
        switch phase {
        case .pausing: _ = collectProgram(in: loop)  // or an event of the connection that was just closed
        case .connecting(let start): connected(start, in: loop)
        case .asking(let answer, let start): hearProxy(answer, start, in: loop)
        case .handshaking(let start): shakeHands(start, in: loop)
        case .talking(let start): talk(start, in: loop)
        case .running(let start):
            if let result = collectProgram(in: loop) { finish(result, start, in: loop) }
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
        if let command = plan.command { return run(command, in: loop) }
        if plan.script.needsContext, context == nil { context = surroundings.makeContext(backend) }
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

    func talk(_ start: Instant, in loop: TaskLoop) {
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

    // MARK: Programs

    private func run(_ command: ExternalCommand, in loop: TaskLoop) {
        let start = loop.now
        // One that does not end although it was killed has had its verdict.
        if child != nil {
            loop.setDeadline(start + plan.interval, of: handle)
            return
        }
        do throws(Errno) {
            let child = try command.start(for: server, in: backend)
            self.child = child
            if let reason = loop.watch(child.socket, for: .accepting, as: handle) { throw reason }
        } catch {
            child?.end()
            finish(CheckResult(.failed, .programError, info: error.description), start, in: loop)
            return
        }
        phase = .running(since: start)
        loop.setDeadline(start + (plan.responseTimeout ?? plan.interval), of: handle)
    }

    /// The verdict of a program that has ended; nil while it runs.
    private func collectProgram(in loop: TaskLoop) -> CheckResult? {
        guard let child, let end = child.collect() else { return nil }
        self.child = nil
        loop.kernel.close(child.socket, reset: false)
        return end.verdict
    }

    func finish(_ result: CheckResult, _ start: Instant, in loop: TaskLoop) {
        closeStream(loop.kernel)
        let report = run?.report
        run = nil
        phase = .pausing
        var result = result
        loop.kernel.refreshClock()
        result.duration = loop.now.since(start)
        result = plan.weigh(result, of: server, at: loop.now)
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
        let pause = subject == .server ? plan.pause(after: server.record) : plan.interval
        self.pause(until: start + surroundings.timing.spread(pause, loop.kernel.randomNumber()), in: loop)
        surroundings.observer.checked(server, of: backend, by: subject, result, transition: transition)
    }

    /// Closes with a reset, which leaves no socket in TIME_WAIT on either side, unless a line says otherwise; the check needs nothing
    /// more from the server.
    func closeStream(_ kernel: any Kernel) {
        if stream?.hasUnsent == false, stream?.failure == nil, run?.leave() == true {
            // Told to a server of HTTP/2 as far as the system takes it at once.
            stream?.append { run?.write(to: &$0) }
            _ = stream?.send(kernel)
        }
        stream?.close(route.lingers ? .close : .reset, kernel)
        stream = nil
    }

    var socketError: CheckResult { broken(.socketError, stream?.failure?.description ?? "") }

    func broken(_ code: CheckResult.Code, _ info: String = "") -> CheckResult {
        run?.broken(code, info) ?? CheckResult(.failed, code, info: info)
    }

    func unreachable(_ reason: Errno, _ start: Instant, in loop: TaskLoop) {
        let name = reason == .connectionRefused ? "ECONNREFUSED" : nil
        let result = run?.broken(.layer4Connection, reason.description, named: name)
        finish(result ?? broken(.layer4Connection, reason.description), start, in: loop)
    }
}
