// Says in the logs what health checks and nameservers have changed, in HAProxy's words.

public import Balancing
internal import Basics
public import Logging

/// Logs state changes of servers, and of backends that lose or regain their last server.
public final class HealthLog: HealthObserver {
    private let plan: Plan
    private let log: LogChannel
    /// Prints what has no log to go to.
    private let print: (String) -> Void
    /// What was found last, for backends that log every change of it.
    private var found: [ObjectIdentifier: (code: CheckResult.Code, health: Int)] = [:]

    public init(plan: Plan, log: LogChannel, print: @escaping (String) -> Void) {
        self.plan = plan
        self.log = log
        self.print = print
    }

    public func checked(
        _ server: Server, of backend: Backend, _ result: CheckResult, transition: HealthRecord.Transition?
    ) {
        guard let backendPlan = plan.backends.first(where: { $0.backend === backend }) else { return }
        if backendPlan.logsHealthChecks { logChange(server, of: backendPlan, result) }
        guard let transition else { return }
        let usable = backend.usableCounts
        let name = "\(backend.name)/\(server.name)"
        switch transition {
        case .wentDown:
            say(
                .alert,
                "Server \(name) is DOWN, reason: \(Self.reason(result)). \(usable.active) active and \(usable.backup) backup "
                    + "servers left. \(server.active.current) sessions active, \(server.requestsMoved) requeued, "
                    + "\(server.queued.current) remaining in queue.",
                backendPlan)
            if usable.active + usable.backup == 0 {
                say(.emerg, "backend \(backend.name) has no server available!", backendPlan)
            }
        case .wentUp:
            say(
                .notice,
                "Server \(name) is UP, reason: \(Self.reason(result)). \(usable.active) active and \(usable.backup) backup "
                    + "servers online. \(server.requestsMoved) sessions requeued, \(server.queued.current) total in queue.",
                backendPlan)
        }
    }

    /// `option log-health-checks`: a line wherever the finding or the server's credit is another than before.
    private func logChange(_ server: Server, of backend: BackendPlan, _ result: CheckResult) {
        let record = server.record
        let key = ObjectIdentifier(server)
        defer { found[key] = (result.code, record.health) }
        if let last = found[key], last == (result.code, record.health) { return }
        let rise = record.thresholds.rise
        let credit =
            record.isUp
            ? "\(record.health - rise + 1)/\(record.thresholds.fall) UP" : "\(record.health)/\(rise) DOWN"
        say(
            .notice,
            "Health check for server \(backend.name)/\(server.name) \(result.outcome == .passed ? "succeeded" : "failed"), "
                + "reason: \(Self.reason(result)), status: \(credit).", backend)
    }

    /// `Layer4 connection problem, info: "Connection refused", check duration: 0ms`
    private static func reason(_ result: CheckResult) -> String {
        var text = result.code.phrase
        if let status = result.status { text += ", code: \(status)" }
        if !result.info.isEmpty { text += ", info: \"\(result.info)\"" }
        return text + ", check duration: \(result.duration.wholeMilliseconds)ms"
    }

    /// A server's name has led elsewhere, or to a first address.
    func moved(_ server: Server, of backend: BackendPlan, from old: IPAddress?, to new: IPAddress, by resolvers: String)
    {
        let name = "\(backend.name)/\(server.name)"
        say(.notice, "\(name) changed its IP from \(old?.description ?? "(none)") to \(new) by \(resolvers).", backend)
        if old == nil {
            say(.notice, "Server \(name) ('\(server.hostName ?? "")') is UP/READY (resolves again).", backend)
        }
    }

    /// A server's name leads nowhere any more; `why` says so in a few words.
    func lost(_ server: Server, of backend: BackendPlan, _ why: String) {
        let usable = backend.backend.usableCounts
        say(
            .alert,
            "Server \(backend.name)/\(server.name) is going DOWN for maintenance (\(why)). \(usable.active) active and "
                + "\(usable.backup) backup servers left. \(server.active.current) sessions active, "
                + "\(server.requestsMoved) requeued, \(server.queued.current) remaining in queue.", backend)
        if usable.active + usable.backup == 0 {
            say(.emerg, "backend \(backend.name) has no server available!", backend)
        }
    }

    private func say(_ level: LogLevel, _ message: String, _ backend: BackendPlan) {
        if backend.logTargets.isEmpty {
            print(message)
        } else {
            log.event(level, to: backend.logTargets, message)
        }
    }
}
