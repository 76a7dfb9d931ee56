// `set-retries`: how often this exchange may try to reach a server again (manual, `http-request set-retries`).

internal import Configuration
internal import Expressions

struct RetriesAction: Sendable {
    enum Amount: Sendable {
        case constant(Int)
        case computed(Expression)
    }

    /// As HAProxy has it.
    private static let limits = 0...100

    private let amount: Amount

    /// What yields no such number changes nothing.
    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        switch amount {
        case .constant(let number): context.directives.retries = number
        case .computed(let expression):
            let number = context.withScratch { expression.evaluate(context, program)?.integer(context) }
            if let number, Self.limits.contains(number) { context.directives.retries = number }
        }
        return .next
    }

    static let row = ActionRow(
        "set-retries", in: [.requestContent, .httpRequest], sections: [.backend, .listen], "<number>|<expression>",
        summary:
            "How often a server is tried again for this exchange, 0 to 100, instead of what retries says. Lost where a listen "
            + "section hands the exchange to another backend."
    ) { (arguments, family, table) throws(ConfigProblem) in
        let word = try arguments.next("a number, or an expression that yields one")
        guard let first = word.text.utf8.first, !(0x30...0x39).contains(first), first != 0x2D else {
            return .retries(RetriesAction(amount: .constant(try word.integer("a number", in: limits))))
        }
        let expression = try Expression(word, in: family.hook, &table.expressions)
        guard expression.type.converts(to: .integer) else {
            throw arguments.problem("'\(word.text)' yields no number", at: word, expected: "0 to 100")
        }
        return .retries(RetriesAction(amount: .computed(expression)))
    }
}
