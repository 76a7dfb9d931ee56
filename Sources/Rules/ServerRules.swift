// Which server an exchange goes to before any algorithm is asked: `use-server` lines in order.

internal import Basics
internal import Configuration
public import Expressions
internal import LogFormat
internal import Patterns

/// One `use-server` line.
struct ServerRule: Sendable {
    enum Target: Sendable {
        case named(Word)
        /// A log-format string that makes the name.
        case computed(Format)
    }
    let target: Target
    let condition: Condition
    let origin: RuleOrigin
}

/// The lines with their names resolved.
public struct ServerRules: Sendable {
    private struct Rule: Sendable {
        enum Target: Sendable {
            /// nil for a name that no server has: the file is refused for it anyway.
            case index(Int?)
            case computed(Format)
        }
        let target: Target
        let condition: Condition
        let origin: RuleOrigin
    }
    private let rules: [Rule]
    private let program: RuleProgram
    /// For computed names, by their bytes.
    private let indices: [[UInt8]: Int]

    init(_ settings: RulesSettings, _ servers: [String: Int]) {
        rules = settings.serverRules.map { rule in
            switch rule.target {
            case .named(let name):
                Rule(target: .index(servers[name.text]), condition: rule.condition, origin: rule.origin)
            case .computed(let format):
                Rule(target: .computed(format), condition: rule.condition, origin: rule.origin)
            }
        }
        program = RuleProgram(settings.table)
        indices = Dictionary(uniqueKeysWithValues: servers.map { (Array($0.key.utf8), $0.value) })
    }

    public var isEmpty: Bool { rules.isEmpty }

    /// Returns the index of the first server that a matching line names and that can be used; nil if there is none.
    public func choose(for context: ExchangeContext, where isUsable: (Int) -> Bool) -> Int? {
        if rules.isEmpty { return nil }
        context.side = .request
        for rule in rules {
            let index = rule.condition.holds(context, program) ? place(rule.target, context) : nil
            context.reportUndecidedMatches(rule.origin, program)
            if let index, isUsable(index) { return index }
        }
        return nil
    }

    private func place(_ target: Rule.Target, _ context: ExchangeContext) -> Int? {
        switch target {
        case .index(let index): return index
        case .computed(let format):
            format.render(context, program)
            return indices[context.rendered]
        }
    }
}

extension RulesSettings {
    /// The `use-server` lines; `servers` has each server's index by its name.
    public func serverRules(_ servers: [String: Int]) -> ServerRules { ServerRules(self, servers) }
}

enum ServerRuleKeywords {
    static let table = [
        Keyword(
            "use-server", in: [.backend, .listen], usage: "use-server <name or format> if|unless <condition>",
            summary:
                "Sends the request to this server, if it can be used, whatever the algorithm says. The first line that "
                + "holds and names a server that is up decides."
        ) { (arguments, draft) throws(ConfigProblem) in
            try draft[RulesSettings.self].readServerRule(&arguments)
        }
    ]
}

extension RulesSettings {
    fileprivate mutating func readServerRule(_ arguments: inout Arguments) throws(ConfigProblem) {
        let word = try arguments.next("a server's name")
        let target: ServerRule.Target
        if word.text.contains("%") {
            target = .computed(try Format(word, for: .message, in: .routing, &table.formats))
        } else {
            _ = table.expressions.refer(to: .server, word.text, at: word.range)
            target = .named(word)
        }
        guard let condition = try names.condition(&arguments, in: .routing, &table) else {
            throw arguments.problem("'use-server' lacks a condition", expected: "use-server <name> if <condition>")
        }
        let origin = table.expressions.origin(of: arguments.keyword.range)
        serverRules.append(ServerRule(target: target, condition: condition, origin: origin))
    }
}
