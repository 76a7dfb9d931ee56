// A line of a frontend's log: numbered, with the connections of the moment, to each target in its form.

internal import Balancing
internal import Basics
internal import Expressions
internal import LogFormat
internal import Logging
internal import Synchronization

extension FrontendPlan {
    /// Writes a line about the exchange of `context`.
    func writeLog(
        _ context: ExchangeContext, _ level: LogLevel, backend: BackendPlan? = nil, server: Server? = nil,
        _ worker: Worker
    ) {
        context.outcome.counts.process = worker.shared.admission.connections.current
        context.outcome.counts.frontend = sessions.current
        context.outcome.counts.backend = backend?.backend.active.current ?? 0
        context.outcome.counts.server = server?.active.current ?? 0
        if log.numbersLines { context.logCounter = live.logLines.wrappingAdd(1, ordering: .relaxed).oldValue }
        write(context, level, to: lineTargets.plain, profile: nil, worker)
        for profile in lineTargets.profiled.indices where !log.drops(context, profile: profile) {
            write(context, level, to: lineTargets.profiled[profile], profile: profile, worker)
        }
    }

    private func write(
        _ context: ExchangeContext, _ level: LogLevel, to targets: LogTargets, profile: Int?, _ worker: Worker
    ) {
        if targets.wantsText(level) { writeText(context, level, to: targets, profile: profile, worker) }
        if targets.wantsJSON(level) {
            worker.scratch.removeAll(keepingCapacity: true)
            log.renderJSON(context, into: &worker.scratch)
            worker.log.json(level, to: targets, worker.scratch)
        }
    }

    private func writeText(
        _ context: ExchangeContext, _ level: LogLevel, to targets: LogTargets, profile: Int?, _ worker: Worker
    ) {
        worker.scratch.removeAll(keepingCapacity: true)
        let hasData = log.hasStructuredData
        if hasData {
            worker.scratch.append(0)
            worker.scratch.append(0)
            log.renderStructuredData(context, profile: profile, into: &worker.scratch)
            let count = min(worker.scratch.count - 2, Int(UInt16.max))
            worker.scratch.removeLast(worker.scratch.count - 2 - count)
            worker.scratch[0] = UInt8(count >> 8)
            worker.scratch[1] = UInt8(count & 255)
        }
        if let profile {
            log.render(context, profile: profile, into: &worker.scratch)
        } else {
            log.render(context, into: &worker.scratch)
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
