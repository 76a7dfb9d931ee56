// A request for the stats page: who may see it, and the answer.

internal import Admin
internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Rules

extension Exchange {
    /// Answers if the request is for the section's stats page.
    func answerStatistics(_ page: StatsPageSettings, of step: Step, _ worker: Worker) -> Bool {
        guard let request = Self.request(for: page, in: context.request) else { return false }
        context.serverName = "<STATS>"
        let rules = step == .frontend ? frontend.rules.statsRequest : backend?.rules.statsRequest
        if let rules, !rules.isEmpty, refuseStatistics(by: rules, of: step, worker) { return true }
        backend?.backend.traffic.row(worker.index).noteSession(at: worker.now)
        count(.intercepted, worker)
        let section = step == .frontend ? frontend.name : backend?.name ?? frontend.name
        let response = Self.statistics(request, page, section, context.request, worker)
        if let body = response.body {
            answer(response.head, body, .local, .request, worker)
        } else {
            answer(response.head, .local, .request, worker)
        }
        return true
    }

    /// Runs the `stats http-request` rules; true if the visitor has been refused, or asked for a password.
    private func refuseStatistics(by rules: RuleSet, of step: Step, _ worker: Worker) -> Bool {
        let outcome = run(rules, worker)
        switch outcome {
        case .proceed: return false
        case .challenge, .deny, .denyStatus: obeyRequestRules(outcome, of: step, worker)
        default: preconditionFailure("rules about the stats page allow, deny or ask for a password")
        }
        return true
    }

    private static func request(for page: StatsPageSettings, in head: borrowing RequestHead) -> StatsRequest? {
        StatsRequest.parse(head.pathAndQuery, settings: page)
    }

    private static func statistics(
        _ request: StatsRequest, _ page: StatsPageSettings, _ section: String, _ head: borrowing RequestHead,
        _ worker: Worker
    ) -> StatsResponse {
        StatsService.respond(
            to: request, method: head.method, authorization: head.fields.firstValue(.authorization), settings: page,
            section: section, source: { PlanStatistics(worker.plan) })
    }
}

extension HeaderFields {
    /// The value of the first field of that name, if there is one.
    @_lifetime(borrow self)
    fileprivate func firstValue(_ field: KnownField) -> RawSpan? {
        if let index = first(field) { return value(index) }
        return nil
    }
}
