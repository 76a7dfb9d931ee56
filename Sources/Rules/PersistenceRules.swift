// Which requests go to the server that something names even if it is down, and for which it does not count: `force-persist` and
// `ignore-persist` lines in order.

internal import Configuration
public import Expressions

/// One line.
struct PersistenceRule: Sendable {
    let choice: PersistenceChoice
    let condition: Condition
    let origin: RuleOrigin
}

/// The lines of one section.
public struct PersistenceRules: Sendable {
    private let rules: [PersistenceRule]
    private let program: RuleProgram

    init(_ settings: RulesSettings) {
        rules = settings.persistenceRules
        program = RuleProgram(settings.table)
    }

    public var isEmpty: Bool { rules.isEmpty }

    /// What the first line says whose condition holds.
    public func choose(for context: ExchangeContext) -> PersistenceChoice {
        context.side = .request
        for rule in rules {
            let holds = rule.condition.holds(context, program)
            context.reportUndecidedMatches(rule.origin, program)
            if holds { return rule.choice }
        }
        return .usual
    }
}

extension RulesSettings {
    /// The `force-persist` and `ignore-persist` lines.
    public var persistence: PersistenceRules { PersistenceRules(self) }
}

enum PersistenceRuleKeywords {
    static let table = [
        row(
            "force-persist", .forced,
            "Sends the request to the server that its cookie or a `use-server` line names even if that is down or in maintenance, "
                + "and nowhere else if it does not answer: to try a server before others see it."),
        row(
            "ignore-persist", .ignored,
            "Balances the request whatever its cookie names, and sets no cookie in the response: for files that any server has. "
                + "Of these lines and force-persist, the first whose condition holds counts."),
    ]

    private static func row(_ name: String, _ choice: PersistenceChoice, _ summary: String) -> Keyword {
        Keyword(name, in: [.backend, .listen], usage: "\(name) if|unless <condition>", summary: summary) {
            (arguments, draft) throws(ConfigProblem) in
            try draft[RulesSettings.self].readPersistenceRule(choice, name, &arguments)
        }
    }
}

extension RulesSettings {
    fileprivate mutating func readPersistenceRule(
        _ choice: PersistenceChoice, _ name: String, _ arguments: inout Arguments
    ) throws(ConfigProblem) {
        guard let condition = try names.condition(&arguments, in: .routing, &table) else {
            throw arguments.problem("'\(name)' lacks a condition", expected: "\(name) if <condition>")
        }
        let origin = table.expressions.origin(of: arguments.keyword.range)
        persistenceRules.append(PersistenceRule(choice: choice, condition: condition, origin: origin))
    }
}
