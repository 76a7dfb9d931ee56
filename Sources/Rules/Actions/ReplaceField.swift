// `replace-header`, `replace-value`: fields rewritten by a regular expression (manual, `http-request replace-header`).
//
// A value that matches is replaced whole by what the format makes, in which `\1` and so on stand for groups. A
// result that would end its line is not taken over. Where matching came to no result, the action has failed.

internal import Basics
internal import Configuration
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Patterns

struct ReplaceFieldAction: Sendable {
    private let name: FieldName
    /// The expression's index in the table.
    private let expression: Int
    private let format: Format
    /// Whether the elements of a list are looked at one by one, rather than whole lines.
    private let takesElements: Bool

    func run(on context: ExchangeContext, _ side: MessageSide, _ program: RuleProgram) -> ActionResult {
        format.render(context, program)
        let matcher = context.regularMatcher
        let room = context.headRoom
        let undecided = context.undecidedMatches.count
        let isDone =
            switch side {
            case .request: change(&context.request.fields, context.rendered, matcher, program, room)
            case .response: change(&context.response.fields, context.rendered, matcher, program, room)
            }
        return isDone && context.undecidedMatches.count == undecided ? .next : .failed
    }

    /// Returns false when a value was not replaced: the message would grow by more than `room`.
    private func change(
        _ fields: inout HeaderFields, _ template: [UInt8], _ matcher: RegularMatcher, _ program: RuleProgram,
        _ room: Int
    ) -> Bool {
        var room = room
        var isDone = true
        for i in 0..<fields.count where fields.isField(i, name, program) {
            if takesElements {
                if let line = rewritten(fields.value(i), template, matcher, program) {
                    isDone = fields.replace(i, line, &room) && isDone
                }
            } else if matcher.finds(program.patterns.regularExpressions[expression], in: fields.value(i)) {
                unsafe matcher.expand(template.span.bytes, of: fields.value(i))
                isDone = fields.replace(i, matcher.output, &room) && isDone
            }
        }
        return isDone
    }

    /// A list with the elements that match replaced; nil if none does. What parts the elements stays as it is.
    private func rewritten(
        _ value: RawSpan, _ template: [UInt8], _ matcher: RegularMatcher, _ program: RuleProgram
    ) -> [UInt8]? {
        var line: [UInt8] = []
        var isChanged = false
        var start = 0
        while start <= value.byteCount {
            var end = start
            var isQuoted = false
            while end < value.byteCount, isQuoted || value[end] != 0x2C {
                if isQuoted, value[end] == 0x5C, end + 1 < value.byteCount {
                    end += 1
                } else if value[end] == 0x22 {
                    isQuoted.toggle()
                }
                end += 1
            }
            var element = start..<end
            while let first = element.first, value[first] == 0x20 || value[first] == 0x09 { element.removeFirst() }
            while let last = element.last, value[last] == 0x20 || value[last] == 0x09 { element.removeLast() }
            line.append(value.extracting(start..<element.lowerBound))
            let text = value.extracting(element)
            if !element.isEmpty, matcher.finds(program.patterns.regularExpressions[expression], in: text) {
                unsafe matcher.expand(template.span.bytes, of: text)
                line += matcher.output
                isChanged = true
            } else {
                line.append(text)
            }
            line.append(value.extracting(element.upperBound..<end))
            if end < value.byteCount { line.append(0x2C) }
            start = end + 1
        }
        return isChanged ? line : nil
    }

    static let rows = [
        row("replace-header", takesElements: false, "Rewrites the values of a field that match, each line as a whole."),
        row("replace-value", takesElements: true, "Rewrites the elements of a field's list that match."),
    ]

    private static func row(_ action: String, takesElements: Bool, _ summary: String) -> ActionRow {
        ActionRow(
            action, in: RuleFamily.http, "<name> <regex> <format>", summary: summary
        ) { (arguments, family, table) throws(ConfigProblem) in
            let (word, name) = try arguments.fieldName(&table)
            let pattern = try arguments.next("a regular expression")
            let expression = try table.expressions.patterns.keep(regularExpression: pattern, ignoringCase: false)
            let format = try arguments.fieldFormat("what to write instead", in: family.hook, &table)
            if name.framesMessages {
                arguments.warn("'\(word.text)' is Portico's to write: this line does nothing", at: word)
                return nil
            }
            return .replaceField(
                ReplaceFieldAction(name: name, expression: expression, format: format, takesElements: takesElements))
        }
    }
}

extension HeaderFields {
    fileprivate func isField(_ i: Int, _ wanted: FieldName, _ program: RuleProgram) -> Bool {
        guard known(i) == wanted.known else { return false }
        if wanted.known != .other { return true }
        let name = name(i)
        let text = program.text(wanted.text)
        guard name.byteCount == text.byteCount else { return false }
        for k in 0..<name.byteCount where name[k] != text[k] { return false }
        return true
    }

    /// Another value, unless it is not valid or too long.
    fileprivate mutating func replace(_ i: Int, _ value: [UInt8], _ room: inout Int) -> Bool {
        let growth = value.count - self.value(i).byteCount
        guard growth <= room, unsafe replaceValue(i, with: value.span.bytes) else { return false }
        room -= growth
        return true
    }
}
