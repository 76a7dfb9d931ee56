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
        if logTargets.wantsText(level) {
            worker.scratch.removeAll(keepingCapacity: true)
            log.render(facts, into: &worker.scratch)
            worker.log.line(level, to: logTargets, worker.scratch)
        }
        if logTargets.wantsJSON(level) {
            worker.scratch.removeAll(keepingCapacity: true)
            log.renderJSON(facts, into: &worker.scratch)
            worker.log.json(level, to: logTargets, worker.scratch)
        }
    }
}
