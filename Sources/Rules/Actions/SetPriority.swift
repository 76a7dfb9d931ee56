// `set-priority-class`, `set-priority-offset`: the exchange's priority among those that wait for a server (manual,
// `http-request set-priority-class`), and the samples that tell it. The queue obeys (room Balancing).

internal import Configuration
internal import Expressions

struct PriorityAction: Sendable {
    enum Part: Sendable {
        case level, offset

        /// Numbers beyond are taken for the nearest within.
        var most: Int {
            switch self {
            case .level: 2_047
            case .offset: 524_287
            }
        }
    }

    private let part: Part
    private let expression: Expression

    /// What yields no number changes nothing.
    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        let number = context.withScratch { expression.evaluate(context, program)?.integer(context) }
        guard let number else { return .next }
        let value = min(max(number, -part.most), part.most)
        switch part {
        case .level: context.directives.priority.level = value
        case .offset: context.directives.priority.offset = value
        }
        return .next
    }

    static let rows = [
        row(
            "set-priority-class", .level,
            "Sets the class in which the exchange waits for a server: a lower one is served before all higher ones."),
        row(
            "set-priority-offset", .offset,
            "Lets the exchange wait for a server as if it had come so many milliseconds later, or earlier below zero."),
    ]

    private static func row(_ name: String, _ part: Part, _ summary: String) -> ActionRow {
        ActionRow(name, in: [.requestContent, .httpRequest], "<expression>", summary: summary) {
            (arguments, family, table) throws(ConfigProblem) in
            let word = try arguments.next("an expression that yields a number")
            let expression = try Expression(word, in: family.hook, &table.expressions)
            guard expression.type.converts(to: .integer) else {
                throw arguments.problem(
                    "'\(word.text)' yields no number", at: word, expected: "\(-part.most) to \(part.most)")
            }
            return .priority(PriorityAction(part: part, expression: expression))
        }
    }
}
