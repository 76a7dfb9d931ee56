// `deny`: refuses the message; `tarpit`: holds the client for a time first (manual, `http-request deny`).

internal import Configuration
internal import Expressions

extension AnswerContent {
    /// What comes of `deny` with this content: with nothing but a status it is the section's page for that, as with
    /// `default-errorfiles`.
    func denial(_ facts: ExchangeFacts, _ program: RuleProgram) -> RuleOutcome {
        usesPage || !isCustom ? .denyStatus(status) : .deny(response(facts, program))
    }

    func tarpit(_ facts: ExchangeFacts, _ program: RuleProgram) -> RuleOutcome {
        usesPage || !isCustom ? .tarpitStatus(status) : .tarpit(response(facts, program))
    }

    static let denyRow = ActionRow(
        "deny", in: [.httpRequest, .httpResponse, .statsRequest], "[deny_status <code>] " + usage,
        summary: "Refuses the message: a request with status 403, a response with 502, unless another is said."
            + ActionRow.undecidedIsMatch
    ) { (arguments, family, table) throws(ConfigProblem) in
        table.answers.append(
            try AnswerContent(
                &arguments, status: family.denyStatus, statusWords: ["status", "deny_status"], in: family.hook, &table)
        )
        return .deny(table.answers.count - 1)
    }

    static let tarpitRow = ActionRow(
        "tarpit", in: [.httpRequest], "[deny_status <code>] " + usage,
        summary: "Refuses the request once timeout tarpit has passed: with status 500, unless another is said."
            + ActionRow.undecidedIsMatch
    ) { (arguments, family, table) throws(ConfigProblem) in
        table.answers.append(
            try AnswerContent(
                &arguments, status: 500, statusWords: ["status", "deny_status"], in: family.hook, &table))
        return .tarpit(table.answers.count - 1)
    }
}
