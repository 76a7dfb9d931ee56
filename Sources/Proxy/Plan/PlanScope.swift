// What the streams of a plan may need of it beside their own frontend: where its rules lead, and what they may ask of other sections.
//
// An index that a rule has is one of the plan's own arrays, so array and index are always taken from the same plan: that of the address
// that the client came to (`BindPlan.scope`). References go one way, from an address to the scope, and from there to frontends and
// backends: as soon as nothing uses the plan, all of it is freed.

public import Logging
public import Resolvers

/// The sections of one plan, for all that runs under it.
public final class PlanScope: Sendable {
    /// What lives, which other plans of the process refer to as well.
    public let site: Site
    public let frontends: [FrontendPlan]
    public let backends: [BackendPlan]
    /// The nameservers to ask for addresses.
    public let resolvers: [ResolversPlan]
    /// Where events that concern the whole process are logged.
    public let logTargets: LogTargets
    let limits: ProcessLimits
    /// What the sections share.
    let settings: PlanSettings
    private let listenIDs: Set<Int>

    init(
        site: Site, frontends: [FrontendPlan], backends: [BackendPlan], resolvers: [ResolversPlan],
        logTargets: LogTargets, limits: ProcessLimits, settings: PlanSettings
    ) {
        self.site = site
        self.frontends = frontends
        self.backends = backends
        self.resolvers = resolvers
        self.logTargets = logTargets
        self.limits = limits
        self.settings = settings
        listenIDs = Set(backends.filter(\.isListen).map(\.id))
        site.planBegins()
    }

    deinit { site.planEnds(PlanParts(frontends: frontends, backends: backends)) }

    /// Whether the frontend is the front half of a listen section.
    func isListen(_ frontend: FrontendPlan) -> Bool { listenIDs.contains(frontend.id) }

    /// Where events of a section are logged.
    func logTargets(ofProxyWithID id: Int) -> LogTargets {
        frontends.first { $0.id == id }?.logTargets ?? backends.first { $0.id == id }?.logTargets ?? logTargets
    }
}

/// The sections of a plan that nothing uses any more.
struct PlanParts {
    let frontends: [FrontendPlan]
    let backends: [BackendPlan]
}
