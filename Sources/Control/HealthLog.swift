// Log lines about state changes of servers and backends, caused by health checks or by name resolution, in HAProxy's words.

internal import Balancing
internal import Basics
internal import Logging
internal import Proxy

/// Logs state changes of servers, and of backends that lose or regain their last server.
final class HealthLog: HealthObserver {
    private let inForce: PlanInForce
    private let log: LogChannel
    /// Called with the messages of backends that have no log.
    private let print: (String) -> Void
    private struct Checked: Hashable {
        /// Of the server.
        let number: Int
        let subject: CheckSubject
    }
    /// The previous result of each server and agent, for backends with `option log-health-checks`.
    private var found: [Checked: (code: CheckResult.Code, health: Int)] = [:]

    init(_ inForce: PlanInForce, log: LogChannel, print: @escaping (String) -> Void) {
        self.inForce = inForce
        self.log = log
        self.print = print
    }

    /// The server is not checked any more.
    func forget(_ server: Server, _ subject: CheckSubject) {
        found[Checked(number: server.number, subject: subject)] = nil
    }

    func checked(
        _ server: Server, of backend: Backend, by subject: CheckSubject, _ result: CheckResult,
        transition: HealthRecord.Transition?
    ) {
        guard let backendPlan = inForce.section(of: backend) else { return }
        if backendPlan.logsHealthChecks { logChange(server, of: backendPlan, by: subject, result) }
        guard let transition else { return }
        // With `option log-health-checks` the line before this one has the reason.
        let reason = backendPlan.logsHealthChecks ? "" : ", reason: \(Self.reason(result))"
        sayChange(server, of: backendPlan, transition, reason)
    }

    /// Logs that a server went up or down, and so did those that track it.
    private func sayChange(
        _ server: Server, of backendPlan: BackendPlan, _ transition: HealthRecord.Transition, _ reason: String
    ) {
        let backend = backendPlan.backend
        var text = "\(Self.title(server, of: backend)) is \(transition == .wentDown ? "DOWN" : "UP")\(reason)"
        switch transition {
        case .wentDown:
            text +=
                ". \(Self.servers(backend, "left")) \(server.active.current) sessions active, \(server.requestsMoved) requeued, "
                + "\(server.queued.current) remaining in queue."
            say(.alert, text, backendPlan)
            sayIfNoServer(backendPlan)
        case .wentUp:
            text +=
                ". \(Self.servers(backend, "online")) \(server.requestsMoved) sessions requeued, "
                + "\(server.queued.current) total in queue."
            say(.notice, text, backendPlan)
        }
        for (backend, tracker) in backend.trackers(of: server) {
            guard let plan = inForce.section(of: backend) else { continue }
            sayChange(tracker, of: plan, transition, " via \(backendPlan.name)/\(server.name)")
        }
    }

    private static func title(_ server: Server, of backend: Backend) -> String {
        "\(server.isBackup ? "Backup " : "")Server \(backend.name)/\(server.name)"
    }

    /// `2 active and 1 backup servers left.`
    private static func servers(_ backend: Backend, _ word: String) -> String {
        let usable = backend.usableCounts
        return "\(usable.active) active and \(usable.backup) backup servers \(word)."
            + (usable.active == 0 && usable.backup > 0 ? " Running on backup." : "")
    }

    private func sayIfNoServer(_ plan: BackendPlan) {
        let usable = plan.backend.usableCounts
        guard usable.active + usable.backup == 0 else { return }
        say(.emerg, "\(plan.isListen ? "proxy" : "backend") \(plan.backend.name) has no server available!", plan)
    }

    /// `option log-health-checks`: writes a line when the check's code or the server's health differs from the previous one.
    private func logChange(
        _ server: Server, of backend: BackendPlan, by subject: CheckSubject, _ result: CheckResult
    ) {
        let record = server.record
        let rise = record.thresholds.rise
        let upWord = server.weight > 0 ? "UP" : "DRAIN"
        let health: Int
        let credit: String
        let asked: String
        switch subject {
        case .server:
            asked = "Health"
            health = record.health
            credit =
                record.passesChecks
                ? "\(health - rise + 1)/\(record.thresholds.fall) \(upWord)" : "\(health)/\(rise) DOWN"
        case .agent:
            asked = "Agent"
            health = record.isDownByAgent ? 0 : 1
            credit = "\(health)/1 \(record.isDownByAgent ? "DOWN" : upWord)"
        }
        let key = Checked(number: server.number, subject: subject)
        defer { found[key] = (result.code, health) }
        if let last = found[key], last == (result.code, health) { return }
        say(
            .notice,
            "\(asked) check for \(server.isBackup ? "backup " : "")server \(backend.name)/\(server.name) "
                + "\(Self.outcome(result)), reason: \(Self.reason(result)), status: \(credit).", backend)
    }

    private static func outcome(_ result: CheckResult) -> String {
        switch result.outcome {
        case .passed: "succeeded"
        case .conditionallyPassed: "conditionally succeeded"
        case .unchanged where result.code == .noStatusChange: "succeeded"
        case .failed, .unchanged: "failed"
        }
    }

    /// `Layer4 connection problem, info: "Connection refused", check duration: 0ms`
    private static func reason(_ result: CheckResult) -> String {
        var text = result.code.phrase
        if let status = result.status { text += ", code: \(status)" }
        if !result.info.isEmpty { text += ", info: \"\(quotable(result.info))\"" }
        return text + ", check duration: \(result.duration.wholeMilliseconds)ms"
    }

    /// Replaces quotes and bytes that are not printable ASCII by their value (`<22>`): text from a server must not end the quotes
    /// around it.
    private static func quotable(_ text: String) -> String {
        text.utf8.map { byte in
            byte >= 0x20 && byte < 0x7F && byte != 0x22
                ? String(UnicodeScalar(byte))
                : "<" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) + ">"
        }.joined()
    }

    /// Logs that a server's name resolved to another address, or to its first one.
    func moved(_ server: Server, of backend: BackendPlan, from old: IPAddress?, to new: IPAddress, by resolvers: String)
    {
        let name = "\(backend.name)/\(server.name)"
        say(.notice, "\(name) changed its IP from \(old?.description ?? "(none)") to \(new) by \(resolvers).", backend)
        if old == nil {
            say(
                .notice,
                "\(Self.title(server, of: backend.backend)) ('\(server.hostName ?? "")') is UP/READY (resolves again).",
                backend)
        }
    }

    /// Logs that a server has lost its address. `why` is the reason in a few words.
    func lost(_ server: Server, of backend: BackendPlan, _ why: String) {
        say(
            .alert,
            "\(Self.title(server, of: backend.backend)) is going DOWN for maintenance (\(why)). "
                + "\(Self.servers(backend.backend, "left")) \(server.active.current) sessions active, "
                + "\(server.requestsMoved) requeued, \(server.queued.current) remaining in queue.", backend)
        sayIfNoServer(backend)
    }

    private func say(_ level: LogLevel, _ message: String, _ backend: BackendPlan) {
        if backend.logTargets.isEmpty {
            print(message)
        } else {
            log.event(level, to: backend.logTargets, message)
        }
    }
}
