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

/// Everything that one reading of the files came to. What runs refers to parts of it, and keeps those alive: an address, its frontend, the
/// scope.
public final class Plan: Sendable {
    /// The sections.
    public let scope: PlanScope
    /// Every address to listen on.
    public let binds: [BindPlan]
    /// The pattern sets that rules look values up in, and may change.
    let patterns: PatternSets
    /// What sections beside the proxies came to, by its type.
    let sections: SettingsByType
    /// What operators may look at and change of its TLS.
    public let encryption: EncryptionState
    /// How checks are spread over time.
    public let checkTiming: CheckTiming

    init(
        _ scope: PlanScope, binds: [BindPlan], patterns: PatternSets, sections: SettingsByType,
        encryption: EncryptionState, checkTiming: CheckTiming
    ) {
        self.scope = scope
        self.binds = binds
        self.patterns = patterns
        self.sections = sections
        self.encryption = encryption
        self.checkTiming = checkTiming
    }

    /// The number of the plan among those of the process: later ones have higher numbers.
    public var generation: UInt32 { scope.settings.generation }
    public var site: Site { scope.site }
    public var frontends: [FrontendPlan] { scope.frontends }
    public var backends: [BackendPlan] { scope.backends }
    public var resolvers: [ResolversPlan] { scope.resolvers }
    /// Where events that concern the whole process are logged.
    public var logTargets: LogTargets { scope.logTargets }
    var settings: PlanSettings { scope.settings }

    /// Where events of a section are logged.
    public func logTargets(ofProxyWithID id: Int) -> LogTargets { scope.logTargets(ofProxyWithID: id) }

    /// Whether the frontend is the front half of a listen section.
    public func isListen(_ frontend: FrontendPlan) -> Bool { scope.isListen(frontend) }

    /// Whether a line asks the system to encrypt (`ktls on`).
    public var asksForSystemEncryption: Bool {
        encryption.listeners.contains { $0.listener.asksForSystemEncryption }
            || backends.contains { backend in
                backend.backend.servers.contains { $0.configuration.tls?.asksForSystemEncryption == true }
            }
    }
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
