// The configuration, resolved: names have become references, words have become values. Immutable and shared by all workers. What
// changes at run time (health, load, counts) is in objects of its own, which the plan refers to.

public import Balancing
public import Basics
internal import Configuration
internal import Expressions
public import Logging
internal import Patterns
public import Resolvers
public import TLS

/// Everything the workers need to know.
public final class Plan: Sendable {
    public let frontends: [FrontendPlan]
    public let backends: [BackendPlan]
    /// Where events that concern the whole process are logged.
    public let logTargets: LogTargets
    /// What lives, which other plans of the process refer to as well.
    public let site: Site
    let limits: ProcessLimits
    /// What the sections share.
    let settings: PlanSettings
    /// The pattern sets that rules look values up in, and may change.
    let patterns: PatternSets
    /// What sections beside the proxies came to, by its type.
    let sections: SettingsByType
    /// What operators may look at and change of its TLS.
    public let encryption: EncryptionState
    /// How checks are spread over time.
    public let checkTiming: CheckTiming
    /// The nameservers to ask for addresses.
    public let resolvers: [ResolversPlan]
    private let listenIDs: Set<Int>

    init(
        frontends: [FrontendPlan], backends: [BackendPlan], site: Site, patterns: PatternSets,
        sections: SettingsByType, logTargets: LogTargets, limits: ProcessLimits, settings: PlanSettings,
        encryption: EncryptionState, checkTiming: CheckTiming
    ) {
        self.frontends = frontends
        self.backends = backends
        self.site = site
        self.limits = limits
        listenIDs = Set(backends.filter(\.isListen).map(\.id))
        self.encryption = encryption
        self.checkTiming = checkTiming
        self.patterns = patterns
        self.sections = sections
        resolvers = sections[ResolversPlans.self].plans
        self.logTargets = logTargets
        self.settings = settings
    }

    /// A frontend and its binds know each other: without this neither would ever be freed.
    deinit {
        for frontend in frontends { frontend.setBinds([]) }
    }

    /// Where events of a section are logged.
    public func logTargets(ofProxyWithID id: Int) -> LogTargets {
        frontends.first { $0.id == id }?.logTargets ?? backends.first { $0.id == id }?.logTargets ?? logTargets
    }

    /// Whether the frontend is the front half of a listen section.
    public func isListen(_ frontend: FrontendPlan) -> Bool { listenIDs.contains(frontend.id) }

    /// Whether a line asks the system to encrypt (`ktls on`).
    public var asksForSystemEncryption: Bool {
        encryption.listeners.contains { $0.listener.asksForSystemEncryption }
            || backends.contains { backend in
                backend.backend.servers.contains { $0.configuration.tls?.asksForSystemEncryption == true }
            }
    }

    /// Every address to listen on.
    public var binds: [BindPlan] { frontends.flatMap(\.binds) }
}

/// Facts about the process, for statistics.
public struct ProcessFacts: Sendable {
    public var version = ""
    /// `YYYY/MM/DD`.
    public var releaseDate = ""
    public var threads = 1
    public var startedAt = Instant(nanoseconds: 0)
    public var startDate = WallTime(seconds: 0)
    public var node = ""
    public var description = ""
    public var descriptorsLimit = 0
    /// How much memory the process holds. A simulation, whose process plays many at once, says what does not vary.
    public var residentBytes: @Sendable () -> UInt64 = { ResidentMemory.bytes }

    public init() {}
}

/// How a proxy treats what comes in.
public enum ProxyMode: String, Sendable { case tcp, http }
