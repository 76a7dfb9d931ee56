// `deny`: refuses the message (manual, `http-request deny`).

internal import Configuration
internal import HTTP

struct DenyAction: Sendable {
    private let content: AnswerContent
    private let fixed: LocalResponse?

    init(_ content: AnswerContent) {
        self.content = content
        fixed = content.isConstant ? content.response(ExchangeFacts()) : nil
    }

    func outcome(_ facts: ExchangeFacts) -> RuleOutcome {
        // With nothing but a status it is the section's page for that, as with `default-errorfiles`.
        content.usesPage || !content.isCustom
            ? .denyStatus(content.status) : .deny(fixed ?? content.response(facts))
    }

    static let row = ActionRow(
        "deny", in: [.httpRequest, .httpResponse], "[deny_status <code>] " + AnswerContent.usage,
        summary: "Refuses the message: a request with status 403, a response with 502, unless another is said."
    ) { (arguments, family) throws(ConfigProblem) in
        .deny(
            DenyAction(
                try AnswerContent(
                    &arguments, status: family.denyStatus, statusWords: ["status", "deny_status"], in: family.place)))
    }
}
