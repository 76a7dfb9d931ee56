// `set-header`, `add-header`, `del-header` (manual, `http-request set-header` and so on).
//
// Whatever a value is made of, it cannot end its line: a control character is written as %XX, as HAProxy does.
// Content-Length and Transfer-Encoding are each hop's own; lines about them are warned of when the file is read, and do
// nothing. Connection, Upgrade and their like can be written: what a peer's Connection list names was removed before.

internal import Basics
internal import Configuration
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Patterns

struct FieldAction: Sendable {
    let operation: FieldChange
    let name: FieldName
    let value: Format

    func run(on context: ExchangeContext, _ side: MessageSide, _ program: RuleProgram) -> ActionResult {
        value.render(context, program)
        switch side {
        case .request: context.request.fields.change(operation, name, context.rendered, program)
        case .response: context.response.fields.change(operation, name, context.rendered, program)
        }
        if context.headFits { return .next }
        switch side {
        case .request: context.request.fields.removeLast()
        case .response: context.response.fields.removeLast()
        }
        return .failed
    }

    static let rows = [
        row(.set, "Makes this the message's only field of that name."),
        row(.add, "Adds a field behind those that are there."),
    ]

    private static func row(_ operation: FieldChange, _ summary: String) -> ActionRow {
        ActionRow(
            operation.rawValue, in: RuleFamily.http, "<name> <format>", summary: summary
        ) { (arguments, family, table) throws(ConfigProblem) in
            let (word, name) = try arguments.fieldName(&table)
            let value = try arguments.fieldFormat("a value for the field", in: family.hook, &table)
            if name.framesMessages {
                arguments.warn("'\(word.text)' is Portico's to write: this line does nothing", at: word)
                return nil
            }
            return .field(FieldAction(operation: operation, name: name, value: value))
        }
    }
}

extension Arguments {
    mutating func fieldName(_ table: inout RuleTable) throws(ConfigProblem) -> (Word, FieldName) {
        let word = try nextFieldName()
        guard let name = FieldName(word.text, &table.expressions) else {
            throw problem("'\(word.text)' cannot be a field name", at: word)
        }
        return (word, name)
    }

}

extension HeaderFields {
    fileprivate mutating func removeLast() { if count > 0 { remove(at: count - 1) } }
}
