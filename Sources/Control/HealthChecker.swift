// Runs one server's checks on the control thread: connects, sends, waits, judges and reports.

internal import Balancing
internal import Basics
internal import HTTP
internal import ProxyProtocol
internal import Reactor
internal import SystemPackage

/// Gets the results of checks.
protocol HealthObserver: AnyObject {
    /// A check has ended. `transition` is not nil if it changed the server between up and down, which the backend has published.
    func checked(_ server: Server, of backend: Backend, _ result: CheckResult, transition: HealthRecord.Transition?)
}

/// The checks of one server, one at a time, for as long as the loop runs.
final class HealthChecker: LoopTask {
    private enum Phase {
        case pausing
        case connecting(Socket, since: Instant)
        case talking(Socket, since: Instant, unsent: [UInt8])
    }

    private let server: Server
    private let backend: Backend
    private let plan: HealthCheckPlan
    private unowned let observer: any HealthObserver
    private var phase = Phase.pausing
    private var received = ByteBuffer()
    /// The reader of the answer to the check that is under way.
    private var answer: HTTPCheckAnswer?
    private let pool: BufferPool
    private var handle = SlotHandle(index: 0, generation: 0)
    private var isStopped = false

    /// Starts checking `server`, for the first time after `delay`, with the plan that it has now. While the server is in maintenance
    /// its checks pause. Returns nil for a server without a plan, which has nothing to check.
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
        switch phase {
        case .pausing: break
        case .connecting(let socket, _), .talking(let socket, _, _): loop.kernel.close(socket, reset: true)
        }
        received.release(to: pool)
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

    deinit { received.release(to: pool) }

    func expired(in loop: TaskLoop) {
        switch phase {
        case .pausing where server.state.administrative == .maintenance:
            loop.setDeadline(loop.now + plan.interval, of: handle)
        case .pausing: connect(in: loop)
        case .connecting(let socket, let start):
            finish(CheckResult(.failed, .layer4Timeout), socket, start, in: loop)
        case .talking(let socket, let start, _):
            let code = plan.check == .tcpConnect ? CheckResult.Code.layer4Timeout : .layer7Timeout
            finish(CheckResult(.failed, code), socket, start, in: loop)
        }
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {
        switch phase {
        case .pausing: break  // an event of the connection that was just closed
        case .connecting(let socket, let start): connected(socket, start, in: loop)
        case .talking(let socket, let start, let unsent): talk(socket, start, unsent, in: loop)
        }
    }

    private func connect(in loop: TaskLoop) {
        let start = loop.now
        guard let target = plan.target(for: server.address) else {
            // No address yet: try again later, without a verdict.
            loop.setDeadline(loop.now + plan.interval, of: handle)
            return
        }
        switch loop.kernel.connect(to: target, from: nil) {
        case .failed(let reason): finish(Self.unreachable(reason), nil, start, in: loop)
        case .started(let socket):
            phase = .connecting(socket, since: start)
            if let reason = loop.watch(socket, for: .streaming, as: handle) {
                finish(CheckResult(.failed, .socketError, info: reason.description), socket, start, in: loop)
                return
            }
            loop.setDeadline(start + plan.connectTimeout, of: handle)
        }
    }

    private func connected(_ socket: Socket, _ start: Instant, in loop: TaskLoop) {
        if let reason = loop.kernel.connectError(socket) {
            finish(Self.unreachable(reason), socket, start, in: loop)
            return
        }
        switch plan.check {
        case .tcpConnect: talk(socket, start, header(on: socket, in: loop), in: loop)
        case .http(let check):
            if let limit = plan.responseTimeout { loop.setDeadline(loop.now + limit, of: handle) }
            talk(socket, start, header(on: socket, in: loop) + check.request(to: hostField), in: loop)
        }
    }

    /// The PROXY protocol header of a connection that no client caused. Version 1 cannot express that: there the checker is the client.
    private func header(on socket: Socket, in loop: TaskLoop) -> [UInt8] {
        switch plan.proxyHeader {
        case nil: []
        case .two: ProxyHeader.bytes(.two, nil)
        case .one:
            ProxyHeader.bytes(
                .one,
                plan.target(for: server.address).map {
                    ProxyHeader.Ends(source: loop.kernel.localAddress(socket), destination: $0)
                })
        }
    }

    /// The value of the Host field. A server that listens on a socket file has no other name than this machine's.
    private var hostField: String {
        if let name = server.hostName { return "\(name):\(server.port)" }
        guard let address = server.address, address.ip != nil else { return "localhost" }
        return address.description
    }

    private func talk(_ socket: Socket, _ start: Instant, _ unsent: [UInt8], in loop: TaskLoop) {
        var unsent = unsent
        while !unsent.isEmpty {
            switch unsafe loop.kernel.send(socket, unsent.span.bytes, more: false) {
            case .bytes(let n): unsent.removeFirst(n)
            case .wouldBlock:
                phase = .talking(socket, since: start, unsent: unsent)
                return
            case .failed(let reason):
                finish(CheckResult(.failed, .socketError, info: reason.description), socket, start, in: loop)
                return
            }
        }
        guard case .http(let check) = plan.check else {
            // The connection is established and has taken its header: that passes.
            finish(CheckResult(.passed, .layer4OK), socket, start, in: loop)
            return
        }
        phase = .talking(socket, since: start, unsent: [])
        if answer == nil { answer = HTTPCheckAnswer(to: check, limits: plan.headLimits) }
        if let result = readAnswer(socket, in: loop) { finish(result, socket, start, in: loop) }
    }

    /// Reads what has arrived. Returns nil while the answer is not complete.
    private func readAnswer(_ socket: Socket, in loop: TaskLoop) -> CheckResult? {
        received.acquire(from: pool)
        while true {
            received.compact()
            guard received.room > 0 else { return HTTPCheckAnswer.tooLarge }
            switch loop.kernel.receive(socket, into: &received) {
            case .wouldBlock: return nil
            case .bytes: break
            case .endOfStream: return answer?.stopped
            case .failed(let reason): return CheckResult(.failed, .socketError, info: reason.description)
            }
            var consumed = 0
            if let result = answer?.read(received.readable, consumed: &consumed) { return result }
            received.consume(consumed)
        }
    }

    private func finish(_ result: CheckResult, _ socket: Socket?, _ start: Instant, in loop: TaskLoop) {
        if let socket {
            // A reset leaves no socket in TIME_WAIT on either side; the check needs nothing more from the server.
            loop.kernel.close(socket, reset: true)
        }
        received.release(to: pool)
        answer = nil
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

    private static func unreachable(_ reason: Errno) -> CheckResult {
        CheckResult(.failed, .layer4Connection, info: reason.description)
    }
}
