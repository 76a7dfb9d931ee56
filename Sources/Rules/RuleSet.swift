// The rules of one section for one message, compiled, and what comes of running them.

public import HTTP

/// What the rules decided.
public enum RuleOutcome: Sendable {
    /// The message goes on, as the rules have changed it.
    case proceed
    /// This is the answer (`return`, `redirect`); logged with `L`.
    case answer(LocalResponse)
    /// The section's page for this status is the answer.
    case answerStatus(Int)
    /// The message is refused with this answer (`deny`); logged with `P`.
    case deny(LocalResponse)
    /// The message is refused with the section's page for this status.
    case denyStatus(Int)
}

/// The `http-request` and `redirect` lines of a section, or its `http-response` lines.
public struct RuleSet: Sendable {
    private let rules: [Rule]
    /// The `redirect` lines, which come behind all others and which `allow` does not skip.
    private let redirects: [Rule]
    private let program: RuleProgram
    private let side: MessageSide

    init(_ rules: [Rule], redirects: [Rule] = [], _ table: RuleTable, side: MessageSide) {
        self.rules = rules
        self.redirects = redirects
        program = RuleProgram(table)
        self.side = side
    }

    public var isEmpty: Bool { rules.isEmpty && redirects.isEmpty }

    /// Runs the rules in file order; they change `facts.request` or `facts.response` in place.
    public func run(on facts: ExchangeFacts) -> RuleOutcome {
        if isEmpty { return .proceed }
        facts.side = side
        if case .decided(let outcome) = run(rules, facts) { return outcome }
        if case .decided(let outcome) = run(redirects, facts) { return outcome }
        return .proceed
    }

    private func run(_ rules: [Rule], _ facts: ExchangeFacts) -> ActionResult {
        for rule in rules {
            if let condition = rule.condition, !condition.holds(facts, program) { continue }
            let result = rule.action.run(on: facts, side, program)
            guard case .next = result else { return result }
        }
        return .next
    }
}

/// An action and when it is done.
struct Rule: Sendable {
    let action: Action
    let condition: Condition?
}

/// What comes after an action.
enum ActionResult {
    case next
    /// No more rules of this list.
    case stop
    case decided(RuleOutcome)
}
