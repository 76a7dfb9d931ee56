// What one section's rule lines say, compiled as they are read.

public import Basics
public import Configuration
internal import Expressions

public struct RulesSettings: SectionSettings {
    /// What the lines below refer to.
    var table = RuleTable()
    var names = AccessListNames()
    var rules: [RuleFamily: [Rule]] = [:]
    /// How long `tcp-request content` and `tcp-response content` rules may wait for bytes; zero, the default, means not at all.
    public internal(set) var requestInspectDelay = TimeSpan.zero
    public internal(set) var responseInspectDelay = TimeSpan.zero
    /// `set-var` lines of the global section.
    var startActions: [StartAction] = []
    /// `redirect` lines.
    var redirects: [Rule] = []
    /// What `capture … id` lines name.
    var captureNumbers: [CaptureNumber] = []
    /// `monitor-uri`, and the conditions of `monitor fail` lines.
    var monitorTarget: String?
    var monitorFailures: [Condition] = []
    /// `use_backend` lines, in file order.
    var backendRules: [BackendRule] = []
    /// `use-server` lines, likewise.
    var serverRules: [ServerRule] = []
    /// `force-persist` and `ignore-persist` lines, likewise.
    var persistenceRules: [PersistenceRule] = []
    /// `sni` of `server` lines, by the server's index.
    var requestedNames: [Int: Expression] = [:]
    /// `pool-conn-name` of `server` lines, likewise.
    var poolNames: [Int: Expression] = [:]
    /// `usesrc hdr_ip` of `server` lines, likewise.
    var sources: [Int: Expression] = [:]
    /// `set-proxy-v2-tlv-fmt` of `server` lines, likewise.
    var headerValues: [Int: [HeaderValueFormat]] = [:]
    /// What the `balance` line has hashed; nil if that is no expression.
    var balanceExpression: Expression?
    /// `option forwarded`
    var forwardedParts: ForwardedParts?
    /// The name behind `default_backend`.
    public internal(set) var defaultBackend: Word?
    /// The conditions of `force-be-switch` lines.
    var forcedSwitches: [Condition] = []
    /// Whether a condition may lead to disabled backends: they are kept then.
    public var reachesDisabledBackends: Bool { !forcedSwitches.isEmpty }

    public init() {}

    /// The rules of one family; those for requests with the `redirect` lines behind them.
    public func ruleSet(_ family: RuleFamily) -> RuleSet {
        RuleSet(
            rules[family] ?? [], redirects: family == .httpRequest ? redirects : [], table, side: family.side)
    }

    /// Every backend that a line names outright: each must exist.
    public var backendNames: [Word] {
        backendRules.compactMap {
            if case .named(let word) = $0.target { return word }
            return nil
        } + (defaultBackend.map { [$0] } ?? [])
    }

    /// Whether a `use_backend` line makes the name while Portico runs: any backend may be meant.
    public var computesBackends: Bool {
        backendRules.contains { if case .computed = $0.target { true } else { false } }
    }

    /// Whether a `use_backend` line has a condition.
    public var choosesBackends: Bool { backendRules.contains { $0.condition != nil } }

    /// Whether some rules on requests or connections answer, refuse, or send elsewhere.
    public var answersRequests: Bool {
        !redirects.isEmpty
            || [RuleFamily.connection, .session, .requestContent, .httpRequest].contains { family in
                rules[family]?.contains { $0.action.answers } ?? false
            }
    }

    /// Whether rules change where a connection goes that follows its client's destination.
    public var changesDestinations: Bool {
        rules.values.contains { list in
            list.contains { if case .end(let action) = $0.action { action.changesDestination } else { false } }
        }
    }

    /// How backends are chosen.
    /// - Parameters:
    ///   - own: the index of a `listen` section's own servers, which take what no line sends elsewhere.
    ///   - indices: each backend's index by its name.
    ///   - disabled: the names of disabled backends: lines that lead there are passed over, unless one of the conditions of
    ///     `force-be-switch` holds and `indices` has them.
    public func routing(
        orElse own: Int? = nil, indices: [String: Int], disabled: Set<String> = []
    ) -> RoutingRules {
        RoutingRules(self, own, indices, disabled)
    }
}
