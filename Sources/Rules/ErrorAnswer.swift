// `http-error`: the response for an error that Portico reports; rendered for each exchange if it contains variables (manual,
// `http-error`). The Proxy decides when to send it.

internal import Basics
public import Configuration
public import Expressions
public import HTTP

/// The answer for one status.
public struct ErrorAnswer: Sendable {
    private let content: AnswerContent
    private let program: RuleProgram

    fileprivate init(_ content: AnswerContent, _ program: RuleProgram) {
        self.content = content
        self.program = program
    }

    public func response(to context: ExchangeContext) -> LocalResponse { content.response(context, program) }
}

extension RulesSettings {
    /// What stands behind `http-error`, for its help.
    public static let errorAnswerUsage = AnswerContent.usage

    /// Reads what stands behind `http-error`: the status, and the index of its answer; nil for the usual page.
    public mutating func readErrorAnswer(
        _ arguments: inout Arguments
    ) throws(ConfigProblem) -> (status: Int, place: Int?) {
        guard arguments.peek?.text == "status" else {
            throw arguments.problem("'http-error' lacks a status", expected: "http-error status <code> …")
        }
        let content = try AnswerContent(
            &arguments, status: 200, statusWords: ["status"], in: .afterResponseRules, &table)
        if content.usesPage { return (content.status, nil) }
        table.answers.append(content)
        return (content.status, table.answers.count - 1)
    }

    /// The answer at an index; nil if it is the usual page after all.
    public func errorAnswer(_ place: Int) -> ErrorAnswer? {
        table.answers[place].usesPage ? nil : ErrorAnswer(table.answers[place], RuleProgram(table))
    }
}
