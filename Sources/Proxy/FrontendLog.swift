// A line of a frontend's log: numbered, with the connections of the moment, to each target in its form.

internal import Balancing
internal import Basics
internal import Logging
internal import Rules
internal import Synchronization

extension FrontendPlan {
    /// Writes a line about what `facts` say.
    func writeLog(
        _ facts: ExchangeFacts, _ level: LogLevel, backend: BackendPlan? = nil, server: Server? = nil, _ worker: Worker
    ) {
        facts.counts.process = worker.plan.admission.connections.current
        facts.counts.frontend = sessions.current
        facts.counts.backend = backend?.backend.active.current ?? 0
        facts.counts.server = server?.active.current ?? 0
        if log.numbersLines { facts.logCounter = logLines.wrappingAdd(1, ordering: .relaxed).oldValue }
        write(facts, level, to: lineTargets.plain, profile: nil, worker)
        for profile in lineTargets.profiled.indices where !log.drops(facts, profile: profile) {
            write(facts, level, to: lineTargets.profiled[profile], profile: profile, worker)
        }
    }

    private func write(
        _ facts: ExchangeFacts, _ level: LogLevel, to targets: LogTargets, profile: Int?, _ worker: Worker
    ) {
        if targets.wantsText(level) { writeText(facts, level, to: targets, profile: profile, worker) }
        if targets.wantsJSON(level) {
            worker.scratch.removeAll(keepingCapacity: true)
            log.renderJSON(facts, into: &worker.scratch)
            worker.log.json(level, to: targets, worker.scratch)
        }
    }

    private func writeText(
        _ facts: ExchangeFacts, _ level: LogLevel, to targets: LogTargets, profile: Int?, _ worker: Worker
    ) {
        worker.scratch.removeAll(keepingCapacity: true)
        let hasData = log.hasStructuredData
        if hasData {
            worker.scratch.append(0)
            worker.scratch.append(0)
            log.renderStructuredData(facts, profile: profile, into: &worker.scratch)
            let count = min(worker.scratch.count - 2, Int(UInt16.max))
            worker.scratch.removeLast(worker.scratch.count - 2 - count)
            worker.scratch[0] = UInt8(count >> 8)
            worker.scratch[1] = UInt8(count & 255)
        }
        if let profile {
            log.render(facts, profile: profile, into: &worker.scratch)
        } else {
            log.render(facts, into: &worker.scratch)
        }
        if hasData {
            worker.log.structured(level, to: targets, worker.scratch)
        } else {
            worker.log.line(level, to: targets, worker.scratch)
        }
    }
}

/// Where the lines of a frontend's exchanges go.
struct LineTargets: Sendable {
    /// Targets without a profile.
    let plain: LogTargets
    /// Targets with each of the frontend's profiles, in the order of `ExchangeLogSettings.profiles`.
    let profiled: [LogTargets]
}
