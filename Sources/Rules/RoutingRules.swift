// Which backend an exchange goes to: `use_backend` lines in order, then `default_backend`.

internal import Basics
internal import Configuration

/// One `use_backend` line.
struct BackendRule: Sendable {
    enum Target: Sendable {
        case named(Word)
        /// A log-format string that makes the name.
        case computed(Format)
    }
    let target: Target
    let condition: Condition?
}

/// The lines with their names resolved.
public struct RoutingRules: Sendable {
    private struct Rule: Sendable {
        enum Target: Sendable {
            /// nil for a name that nobody has: the file is refused for it anyway.
            case index(Int?)
            case computed(Format)
        }
        let target: Target
        let condition: Condition?
    }
    private let rules: [Rule]
    @usableFromInline let hasRules: Bool
    /// The backend that takes what no line sends elsewhere; nil if there is none.
    public let fallback: Int?
    private let program: RuleProgram
    /// For computed names, by their bytes, so that looking one up makes no string.
    private let indices: [[UInt8]: Int]

    init(_ settings: RulesSettings, _ own: Int?, _ backends: [String: Int]) {
        var hasComputed = false
        rules = settings.backendRules.map { rule in
            switch rule.target {
            case .named(let name): return Rule(target: .index(backends[name.text]), condition: rule.condition)
            case .computed(let format):
                hasComputed = true
                return Rule(target: .computed(format), condition: rule.condition)
            }
        }
        hasRules = !rules.isEmpty
        fallback = settings.defaultBackend.map { backends[$0.text] } ?? own
        program = RuleProgram(settings.table)
        indices = hasComputed ? Dictionary(uniqueKeysWithValues: backends.map { (Array($0.key.utf8), $0.value) }) : [:]
    }

    /// The backend's index; nil if there is none: the answer is 503.
    @inlinable
    public func choose(for facts: ExchangeFacts) -> Int? { hasRules ? search(for: facts) : fallback }

    @usableFromInline
    func search(for facts: ExchangeFacts) -> Int? {
        facts.side = .request
        for rule in rules {
            if let condition = rule.condition, !condition.holds(facts, program) { continue }
            switch rule.target {
            case .index(let index): return index
            case .computed(let format):
                format.render(facts, program)
                // A name that nobody has ends the search (manual, `use_backend`).
                return indices[facts.rendered] ?? fallback
            }
        }
        return fallback
    }
}
