// `set-var`, `set-var-fmt`, `unset-var`, in rules and in the global section (manual, `http-request set-var`).
//
// A variable is left as it is where the expression yields nothing.

internal import Basics
internal import Configuration
public import Expressions
internal import LogFormat
internal import Patterns

struct VariableAction: Sendable {
    enum Source: Sendable {
        /// The variable gets the value's type too.
        case expression(Expression)
        case format(Format)
        case nothing
    }

    let name: VariableName
    let conditions: SetConditions
    let source: Source

    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        switch source {
        case .nothing: context.unset(name)
        case .expression(let expression):
            context.withScratch {
                if let value = expression.evaluate(context, program) { context.set(name, value, if: conditions) }
            }
        case .format(let format):
            format.render(context, program)
            context.withScratch {
                let text = context.make { $0 += context.rendered }
                context.set(name, .string(text), if: conditions)
            }
        }
        return .next
    }
}

extension VariableAction {
    static let rows = [
        ActionRow(
            "set-var", in: RuleFamily.tcp + RuleFamily.http, parentheses: "<name>[,<condition>]*", "<expression>",
            summary: "Sets a variable to what an expression yields, of its type, if all the conditions hold: ifexists, "
                + "ifnotexists, ifset, ifnotset (the variable), ifempty, ifnotempty (the value), ifgt, iflt (old against "
                + "new, if both are numbers)."
        ) { (arguments, family, table) throws(ConfigProblem) in
            let (name, conditions) = try arguments.variableTarget(in: family.hook)
            let expression = try Expression(arguments.next("an expression"), in: family.hook, &table.expressions)
            return keep(VariableAction(name: name, conditions: conditions, source: .expression(expression)), &table)
        },
        ActionRow(
            "set-var-fmt", in: RuleFamily.tcp + RuleFamily.http, parentheses: "<name>[,<condition>]*", "<format>",
            summary: "Sets a variable to a text, under the conditions of set-var."
        ) { (arguments, family, table) throws(ConfigProblem) in
            let (name, conditions) = try arguments.variableTarget(in: family.hook)
            let format = try Format(arguments.next("a log format"), for: .message, in: family.hook, &table.formats)
            return keep(VariableAction(name: name, conditions: conditions, source: .format(format)), &table)
        },
        ActionRow(
            "unset-var", in: RuleFamily.tcp + RuleFamily.http, parentheses: "<name>",
            summary: "Makes a variable be unset again."
        ) { (arguments, family, table) throws(ConfigProblem) in
            let word = try arguments.inParentheses("a variable")
            let name = try VariableName(word, in: family.hook)
            return keep(VariableAction(name: name, conditions: [], source: .nothing), &table)
        },
    ]

    private static func keep(_ action: VariableAction, _ table: inout RuleTable) -> Action {
        table.variableActions.append(action)
        return .variable(table.variableActions.count - 1)
    }
}

/// `set-var` and `set-var-fmt` of the global section: they run once, when everything has been read.
enum VariableKeywords {
    static let table: [Keyword] = [
        Keyword(
            "set-var", in: .global, usage: "set-var proc.<name> <expression>",
            summary: "Sets a variable of the process to what an expression yields at start."
        ) { (arguments, draft) throws(ConfigProblem) in
            let variable = try arguments.next("a variable, like proc.site")
            let name = try VariableName(variable, in: .global)
            let word = try arguments.next("an expression")
            let expression = try Expression(word, in: .global, &draft[RulesSettings.self].table.expressions)
            draft[RulesSettings.self].startActions.append(
                StartAction(line: "set-var \(variable.text) \(word.text)", name, .expression(expression)))
        },
        Keyword(
            "set-var-fmt", in: .global, usage: "set-var-fmt proc.<name> <format>",
            summary: "Sets a variable of the process to a text at start."
        ) { (arguments, draft) throws(ConfigProblem) in
            let variable = try arguments.next("a variable, like proc.site")
            let name = try VariableName(variable, in: .global)
            let word = try arguments.next("a log format")
            let format = try Format(word, for: .message, in: .global, &draft[RulesSettings.self].table.formats)
            draft[RulesSettings.self].startActions.append(
                StartAction(line: "set-var-fmt \(variable.text) \(word.text)", name, .format(format)))
        },
    ]
}

/// A `set-var` line of the global section.
struct StartAction: Sendable {
    /// What it says.
    let line: String
    let action: VariableAction

    init(line: String, _ name: VariableName, _ source: VariableAction.Source) {
        self.line = line
        action = VariableAction(name: name, conditions: [], source: source)
    }
}

extension RulesSettings {
    /// The `set-var` lines of the global section.
    public var variableLines: [String] { startActions.map(\.line) }

    /// Sets the variables of the process as the global section says, in file order.
    /// - Parameter known: lines that were obeyed before: what rules have set since then stays.
    public func setVariables(
        of process: ProcessVariables, environment: [String: String], except known: [String] = []
    ) {
        let actions = startActions.filter { !known.contains($0.line) }.map(\.action)
        if actions.isEmpty { return }
        let context = ExchangeContext()
        context.processVariables = process
        var table = table
        table.expressions.resolve(environment: environment)
        let program = RuleProgram(table)
        for action in actions { _ = action.run(on: context, program) }
    }
}
