// `del-header`, for one name or for all that look alike (manual, `http-request del-header`).
//
// Content-Length and Transfer-Encoding are each hop's own: they are left alone.

internal import Basics
internal import Configuration
internal import Expressions
internal import HTTP
internal import Patterns

struct DeleteFieldsAction: Sendable {
    private enum Names: Sendable {
        case name(FieldName)
        // Texts in lower case, as names are.
        case beginning(TableSlice)
        case ending(TableSlice)
        case containing(TableSlice)
        /// The expression's index in the table.
        case matching(Int)
    }

    private let names: Names

    func run(on context: ExchangeContext, _ side: MessageSide, _ program: RuleProgram) -> ActionResult {
        if case .name(let name) = names {
            switch side {
            case .request: context.request.fields.remove(name, program)
            case .response: context.response.fields.remove(name, program)
            }
            return .next
        }
        let matcher = context.regularMatcher
        let undecided = context.undecidedMatches.count
        switch side {
        case .request: remove(from: &context.request.fields, matcher, program)
        case .response: remove(from: &context.response.fields, matcher, program)
        }
        return context.undecidedMatches.count == undecided ? .next : .failed
    }

    private func remove(from fields: inout HeaderFields, _ matcher: RegularMatcher, _ program: RuleProgram) {
        fields.removeAll { fields, i in
            !fields.known(i).framesMessages && matches(fields.name(i), matcher, program)
        }
    }

    private func matches(_ name: RawSpan, _ matcher: RegularMatcher, _ program: RuleProgram) -> Bool {
        switch names {
        case .name: false
        case .beginning(let text): name.has(program.text(text), at: 0)
        case .ending(let text): name.has(program.text(text), at: name.byteCount - text.count)
        case .containing(let text):
            (0...max(0, name.byteCount - text.count)).contains { name.has(program.text(text), at: $0) }
        case .matching(let place): matcher.finds(program.patterns.regularExpressions[place], in: name)
        }
    }

    static let row = ActionRow(
        "del-header", in: RuleFamily.http, "<name> [-m str|beg|end|sub|reg]",
        summary: "Removes all fields of that name, or all whose name begins or ends with the text, has it in it, or "
            + "matches it as a regular expression."
    ) { (arguments, _, table) throws(ConfigProblem) in
        let word = try arguments.next("a field name")
        guard arguments.skip("-m") else { return try exact(word, &arguments, &table) }
        let method = try arguments.choice(
            "a way to match", of: ["str": "str", "beg": "beg", "end": "end", "sub": "sub", "reg": "reg"])
        guard !word.text.isEmpty else { throw arguments.problem("the name is empty", at: word) }
        let lowercased = word.text.lowercased().utf8
        switch method {
        case "str": return try exact(word, &arguments, &table)
        case "beg": return .deleteFields(DeleteFieldsAction(names: .beginning(table.keep(lowercased))))
        case "end": return .deleteFields(DeleteFieldsAction(names: .ending(table.keep(lowercased))))
        case "sub": return .deleteFields(DeleteFieldsAction(names: .containing(table.keep(lowercased))))
        default:
            let place = try table.expressions.patterns.keep(regularExpression: word, ignoringCase: false)
            return .deleteFields(DeleteFieldsAction(names: .matching(place)))
        }
    }

    private static func exact(
        _ word: Word, _ arguments: inout Arguments, _ table: inout RuleTable
    ) throws(ConfigProblem) -> Action? {
        let word = arguments.withoutColon(word)
        guard let name = FieldName(word.text, &table.expressions) else {
            throw arguments.problem("'\(word.text)' cannot be a field name", at: word)
        }
        if name.framesMessages {
            arguments.warn("'\(word.text)' is Portico's to write: this line does nothing", at: word)
            return nil
        }
        return .deleteFields(DeleteFieldsAction(names: .name(name)))
    }
}

extension RawSpan {
    /// Whether `text` stands at `offset`.
    fileprivate func has(_ text: RawSpan, at offset: Int) -> Bool {
        guard offset >= 0, offset + text.byteCount <= byteCount else { return false }
        for i in 0..<text.byteCount where self[offset + i] != text[i] { return false }
        return true
    }
}
