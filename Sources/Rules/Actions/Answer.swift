// `return`: answers the request here and now (manual, `http-request return`).

internal import Configuration
internal import HTTP

struct AnswerAction: Sendable {
    private let content: AnswerContent
    /// The whole answer, if it is the same every time.
    private let fixed: LocalResponse?

    init(_ content: AnswerContent) {
        self.content = content
        fixed = content.isConstant ? content.response(ExchangeFacts()) : nil
    }

    func outcome(_ facts: ExchangeFacts) -> RuleOutcome {
        content.usesPage ? .answerStatus(content.status) : .answer(fixed ?? content.response(facts))
    }

    static let row = ActionRow(
        "return", in: [.httpRequest, .httpResponse], AnswerContent.usage,
        summary: "Answers with this status (200), content and fields, without asking a server."
    ) { (arguments, family) throws(ConfigProblem) in
        .answer(AnswerAction(try AnswerContent(&arguments, status: 200, statusWords: ["status"], in: family.place)))
    }
}

extension AnswerContent {
    var isConstant: Bool { body.isConstant && fields.allSatisfy(\.value.isConstant) }
}
