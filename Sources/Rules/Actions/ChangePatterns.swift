// `set-map`, `del-map`, `add-acl`, `del-acl`: rules that change what files have said (manual, section 4.2).
//
// The change is in memory, at once and for all workers; the file stays as it is. A key or a value of no bytes changes
// nothing: there was nothing to make it of.

internal import Basics
internal import Configuration
internal import Expressions
internal import LogFormat
internal import Patterns

struct ChangePatternsAction: Sendable {
    private enum Change: Sendable {
        case set(Format), add, remove
    }

    /// The index of the set in the table.
    private let set: Int
    private let key: Format
    private let change: Change

    static let rows: [ActionRow] = [
        row("set-map", "<key> <value>", "Sets what the map says of the key, and adds it if it says nothing."),
        row("del-map", "<key>", "Takes the key out of the map."),
        row("add-acl", "<key>", "Adds the pattern to the list that a condition reads from the file with -f."),
        row("del-acl", "<key>", "Takes the pattern out of the list that a condition reads from the file with -f."),
    ]

    private static func row(_ name: String, _ arguments: String, _ summary: String) -> ActionRow {
        ActionRow(
            name, in: [.httpRequest, .httpResponse] + (name.hasSuffix("-map") ? [.httpAfterResponse] : []),
            parentheses: "<file>", arguments,
            summary: summary + " In memory, for all requests from then on."
        ) { (arguments, family, table) throws(ConfigProblem) in
            .changePatterns(try ChangePatternsAction(name, &arguments, in: family.hook, &table))
        }
    }

    private init(
        _ name: String, _ arguments: inout Arguments, in hook: RuleHook, _ table: inout RuleTable
    ) throws(ConfigProblem) {
        let file = try arguments.inParentheses("a file's path")
        set = table.expressions.patterns.change(Reference(file), isMap: name.hasSuffix("-map"))
        key = try Format(arguments.next("a key"), for: .message, in: hook, &table.formats)
        switch name {
        case "set-map": change = .set(try Format(arguments.next("a value"), for: .message, in: hook, &table.formats))
        case "add-acl": change = .add
        default: change = .remove
        }
    }

    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        guard let set = program.patterns.patternChanges[set].set else {
            preconditionFailure("a pattern file was not read")
        }
        key.render(context, program)
        if context.rendered.isEmpty { return .next }
        switch change {
        case .add: context.rendered.withBytes { _ = set.add($0) }
        case .remove: context.rendered.withBytes { _ = set.remove($0) }
        case .set(let value):
            context.withScratch {
                let key = context.make { $0 += context.rendered }
                value.render(context, program)
                if context.rendered.isEmpty { return }
                context.withBytes(key) { key in context.rendered.withBytes { value in _ = set.set(key, value) } }
            }
        }
        return .next
    }
}

extension [UInt8] {
    /// A span cannot leave the access to a class's property; so what needs one comes here.
    fileprivate borrowing func withBytes<R>(_ body: (RawSpan) -> R) -> R { unsafe body(span.bytes) }
}
