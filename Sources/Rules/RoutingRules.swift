// Which backend an exchange goes to: `use_backend` lines in order, then `default_backend`.

internal import Basics
public import Configuration

/// One `use_backend` line.
public struct BackendRule: Sendable {
    public enum Target: Sendable {
        case named(Word)
        /// A log-format string that makes the name.
        case computed(LogFormat)
    }
    public let target: Target
    let condition: Condition?
}

/// The lines with their names resolved.
public struct RoutingRules: Sendable {
    private enum Target: Sendable {
        /// nil for a name that nobody has: the file is refused for it anyway.
        case index(Int?)
        case computed(LogFormat)
    }
    private let rules: [(target: Target, condition: Condition?)]
    private let lists: [AccessList]
    private let fallback: Int?
    /// For computed names, by their bytes, so that looking one up makes no string.
    private let indices: [[UInt8]: Int]

    init(_ settings: RulesSettings, _ own: Int?, _ backends: [String: Int]) {
        rules = settings.backendRules.map { rule in
            switch rule.target {
            case .named(let name): (.index(backends[name.text]), rule.condition)
            case .computed(let format): (.computed(format), rule.condition)
            }
        }
        fallback = settings.defaultBackend.map { backends[$0.text] } ?? own
        lists = settings.lists.lists
        let isComputed = rules.contains {
            if case .computed = $0.target { return true }
            return false
        }
        indices = isComputed ? Dictionary(uniqueKeysWithValues: backends.map { (Array($0.key.utf8), $0.value) }) : [:]
    }

    /// The backend's index; nil if there is none: the answer is 503.
    public func choose(for facts: ExchangeFacts) -> Int? {
        if rules.isEmpty { return fallback }
        facts.side = .request
        for rule in rules {
            if let condition = rule.condition, !condition.holds(facts, lists) { continue }
            switch rule.target {
            case .index(let index): return index
            case .computed(let format):
                facts.rendered.removeAll(keepingCapacity: true)
                format.render(facts, into: &facts.rendered)
                // A name that nobody has ends the search (manual, `use_backend`).
                return indices[facts.rendered] ?? fallback
            }
        }
        return fallback
    }
}
