// The plan that counts now, as the control thread knows it. A reload replaces it, so what runs longer than one turn asks here each time
// and keeps no plan of its own. Workers have theirs, which may be an older one for a moment.

internal import Balancing
internal import Logging
internal import Proxy

/// The plan that the control thread goes by. One object for the whole process.
final class PlanInForce {
    private(set) var plan: Plan
    /// Of this plan. An answer under way keeps the statistics that it began with: positions in them do not change.
    private(set) var statistics: PlanStatistics
    private var sections: [ObjectIdentifier: BackendPlan]

    init(_ plan: Plan) {
        self.plan = plan
        statistics = PlanStatistics(plan)
        sections = Self.sections(of: plan)
    }

    /// What lives, whatever the plan is.
    var site: Site { plan.site }

    /// Where events that concern the whole process are logged.
    var logTargets: LogTargets { plan.logTargets }

    /// What the plan says of a backend; nil if it has that backend no more.
    func section(of backend: Backend) -> BackendPlan? { sections[ObjectIdentifier(backend)] }

    /// The plan counts from now on.
    func replace(by plan: Plan) {
        self.plan = plan
        statistics = PlanStatistics(plan)
        sections = Self.sections(of: plan)
    }

    /// The plan holds the backends, so none of these identities is that of another object.
    private static func sections(of plan: Plan) -> [ObjectIdentifier: BackendPlan] {
        Dictionary(
            plan.backends.map { (ObjectIdentifier($0.backend), $0) }, uniquingKeysWith: { first, _ in first })
    }
}
