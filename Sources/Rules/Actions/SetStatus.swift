// `set-status`: another status, with its usual reason or one of one's own (manual, `http-response set-status`).
//
// Interim statuses are refused: the client would go on waiting for its response. 101 is final, and for answers of Portico's own that play
// a server of WebSocket. What a status says about the body, none with 204 and 304, is seen to by the Proxy when it writes the head.

internal import Basics
internal import Configuration
internal import Expressions
internal import HTTP
internal import Patterns

struct StatusAction: Sendable {
    private let status: Int
    private let reason: TableSlice?

    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        context.response.setStatus(status)
        if let reason { context.response.setReason(program.text(reason)) }
        return .next
    }

    static let row = ActionRow(
        "set-status", in: [.httpResponse, .httpAfterResponse], "<status> [reason <text>]",
        summary: "Gives the response another status, and the reason that is usual for it or another one."
    ) { (arguments, family, table) throws(ConfigProblem) in
        let status = try arguments.integer("a status", in: 100...999)
        guard status >= 200 || status == 101 && family == .httpAfterResponse else {
            throw arguments.problem(
                "\(status) is out of range", expected: "200 to 999, or 101 in http-after-response")
        }
        var reason: TableSlice?
        if arguments.skip("reason") {
            let word = try arguments.next("a reason")
            guard word.text.isFieldValue else {
                throw arguments.problem("a reason cannot hold a control character", at: word)
            }
            reason = table.keep(word.text)
        }
        return .status(StatusAction(status: status, reason: reason))
    }
}
