// The health checks of all servers: which servers are checked, from when on, and with what in common.

internal import Balancing
internal import Basics
internal import Expressions
internal import Logging
internal import Proxy
internal import Reactor

/// Checks the servers of the plan in force. A server that stays keeps its checker, and so the pause that it is in.
final class HealthChecks {
    private struct Key: Hashable {
        /// Of the server.
        let number: Int
        let subject: CheckSubject
    }

    private struct Checked {
        let server: Server
        let backend: Backend
        let interval: TimeSpan
    }

    private let inForce: PlanInForce
    private let log: HealthLog
    private let channel: LogChannel
    private let surroundings: CheckSurroundings
    private let observed: ObservedFailures
    private let loop: TaskLoop
    private var checkers = KeptTasks<Key, HealthChecker>()

    /// - Parameters:
    ///   - log: gets the results.
    ///   - channel: where rules of checks log.
    ///   - wakeup: ends the loop's wait when a worker has seen a server fail.
    init(
        _ inForce: PlanInForce, log: HealthLog, channel: LogChannel, pool: BufferPool, wakeup: Wakeup?,
        in loop: TaskLoop
    ) {
        self.inForce = inForce
        self.log = log
        self.channel = channel
        self.loop = loop
        surroundings = CheckSurroundings(pool: pool, observer: log)
        observed = ObservedFailures(wakeup: wakeup)
    }

    /// Checks the servers that the plan in force has, and no others. First checks are spread over each server's interval, so that a
    /// thousand servers are not all asked at once.
    func follow() {
        surroundings.timing = inForce.plan.checkTiming
        surroundings.makeContext = makeContexts()
        for section in inForce.plan.backends { observed.observe(section.backend) }
        var checked: [Key: Checked] = [:]
        var keys: [Key] = []
        for backend in inForce.plan.backends.map(\.backend) {
            for server in backend.servers {
                for subject in [CheckSubject.server, .agent] {
                    guard let plan = subject.plan(of: server) else { continue }
                    let key = Key(number: server.number, subject: subject)
                    keys.append(key)
                    checked[key] = Checked(server: server, backend: backend, interval: plan.interval)
                }
            }
        }
        for checker in checkers.all { checker.planChanged(in: loop) }
        checkers.follow(keys, end: stop) { missing in
            checked[missing.key].flatMap { start($0, missing) }
        }
    }

    private func start(_ checked: Checked, _ missing: KeptTasks<Key, HealthChecker>.Missing) -> HealthChecker? {
        let delay = surroundings.timing.firstDelay(
            at: missing.position, of: missing.count, interval: checked.interval)
        return HealthChecker.start(
            missing.key.subject, checked.server, of: checked.backend, after: delay, surroundings, in: loop)
    }

    private func stop(_ checker: HealthChecker) {
        checker.stop(in: loop)
        log.forget(checker.server, checker.subject)
    }

    /// What formats and variables of the plan's checks live in. Most plans have no check that needs it, so it is made late.
    private func makeContexts() -> (Backend) -> ExchangeContext {
        var site: (any RuntimeState)?
        return { [plan = inForce.plan, loop, channel] backend in
            let known = site ?? plan.makeRuntimeState(loop.kernel, channel)
            site = known
            return CheckRun.makeContext(
                plan.site.variables, site: known, backendIndex: plan.backends.firstIndex { $0.backend === backend })
        }
    }

    /// Counts what workers have seen of servers since the last turn.
    func collect() {
        for failure in observed.take() {
            checkers[Key(number: failure.server.number, subject: .server)]?.trafficFailed(failure.words, in: loop)
        }
    }

    /// Ends all checks.
    func stop() { checkers.endAll(stop) }
}
