// Which backend an exchange goes to: `use_backend` lines in order, then `default_backend`.

internal import Basics
internal import Configuration
public import Expressions
internal import LogFormat

/// One `use_backend` line.
struct BackendRule: Sendable {
    enum Target: Sendable {
        case named(Word)
        /// A log-format string that makes the name.
        case computed(Format)
    }
    let target: Target
    let condition: Condition?
    let origin: RuleOrigin
}

/// The lines with their names resolved.
public struct RoutingRules: Sendable {
    private struct Rule: Sendable {
        enum Target: Sendable {
            /// nil for a name that no backend has: the file is refused for it anyway.
            case index(Int?)
            case computed(Format)
        }
        let target: Target
        let condition: Condition?
        let origin: RuleOrigin
    }
    private let rules: [Rule]
    @usableFromInline let hasRules: Bool
    /// The backend that takes what no line sends elsewhere; nil if there is none.
    public let fallback: Int?
    private let program: RuleProgram
    /// For computed names, by their bytes, so that looking one up makes no string.
    private let indices: [[UInt8]: Int]
    /// Names of disabled backends that a computed name may make, and the indices of those that can be reached at all.
    private let disabledNames: Set<[UInt8]>
    private let disabledIndices: Set<Int>
    private let forcedSwitches: [Condition]
    /// The disabled backend that `default_backend` names.
    private let disabledFallback: Int?

    init(_ settings: RulesSettings, _ own: Int?, _ backends: [String: Int], _ disabled: Set<String>) {
        var hasComputed = false
        rules = settings.backendRules.compactMap { rule in
            switch rule.target {
            case .named(let name):
                // Nothing could ever come of it.
                if disabled.contains(name.text), backends[name.text] == nil { return nil }
                return Rule(target: .index(backends[name.text]), condition: rule.condition, origin: rule.origin)
            case .computed(let format):
                hasComputed = true
                return Rule(target: .computed(format), condition: rule.condition, origin: rule.origin)
            }
        }
        let last = settings.defaultBackend
        let isLastDisabled = last.map { disabled.contains($0.text) } ?? false
        disabledFallback = isLastDisabled ? last.flatMap { backends[$0.text] } : nil
        fallback = isLastDisabled ? own : last.map { backends[$0.text] } ?? own
        hasRules = !rules.isEmpty || disabledFallback != nil
        program = RuleProgram(settings.table)
        indices = hasComputed ? Dictionary(uniqueKeysWithValues: backends.map { (Array($0.key.utf8), $0.value) }) : [:]
        disabledNames = hasComputed ? Set(disabled.map { Array($0.utf8) }) : []
        disabledIndices = Set(disabled.compactMap { backends[$0] })
        forcedSwitches = settings.forcedSwitches
    }

    /// The backend's index; nil if there is none: the answer is 503.
    @inlinable
    public func choose(for context: ExchangeContext) -> Int? { hasRules ? search(for: context) : fallback }

    @usableFromInline
    func search(for context: ExchangeContext) -> Int? {
        context.side = .request
        for rule in rules {
            if let condition = rule.condition {
                let holds = condition.holds(context, program)
                context.reportUndecidedMatches(rule.origin, program)
                guard holds else { continue }
            }
            switch rule.target {
            case .index(let index):
                if let index, disabledIndices.contains(index), !forces(context) { continue }
                return index
            case .computed(let format):
                format.render(context, program)
                context.reportUndecidedMatches(rule.origin, program)
                let index = indices[context.rendered]
                if disabledNames.contains(context.rendered) {
                    guard let index, forces(context) else { continue }
                    return index
                }
                // A name that no backend has ends the search (manual, `use_backend`).
                return index ?? lastResort(context)
            }
        }
        return lastResort(context)
    }

    private func lastResort(_ context: ExchangeContext) -> Int? {
        if let disabledFallback, forces(context) { return disabledFallback }
        return fallback
    }

    /// Whether a `force-be-switch` line lets this exchange go to disabled backends.
    private func forces(_ context: ExchangeContext) -> Bool { forcedSwitches.contains { $0.holds(context, program) } }
}
