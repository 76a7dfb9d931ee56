// `return`: answers the request here and now (manual, `http-request return`).

internal import Configuration
internal import Expressions

extension AnswerContent {
    /// What comes of `return` with this content.
    func answer(_ facts: ExchangeFacts, _ program: RuleProgram) -> RuleOutcome {
        usesPage ? .answerStatus(status) : .answer(response(facts, program))
    }

    static let answerRow = ActionRow(
        "return", in: [.httpRequest, .httpResponse], usage,
        summary: "Answers with this status (200), content and fields, without asking a server."
    ) { (arguments, family, table) throws(ConfigProblem) in
        table.answers.append(
            try AnswerContent(&arguments, status: 200, statusWords: ["status"], in: family.hook, &table))
        return .answer(table.answers.count - 1)
    }
}
