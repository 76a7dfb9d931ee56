// What a section's rules are compiled into; `PatternTable` says why it is arrays.

internal import Configuration
internal import Expressions
internal import LogFormat
internal import Patterns

/// The arrays of rules, as they grow while the file is read.
struct RuleTable: Sendable {
    /// What the room below compiles.
    var formats = FormatTable()
    var terms: [Condition.Term] = []
    /// The resolvers sections that actions name; they are known when the whole file is (`Draft.resolve`).
    var resolvers: [NamedResolvers] = []
    // Only looked at when a rule answers.
    var answers: [AnswerContent] = []
    var redirects: [Redirection] = []
    var variableActions: [VariableAction] = []
    /// Those of `auth`; nil for the section's name.
    var realms: [String?] = []

    /// The arrays of expressions, two rooms below.
    var expressions: ExpressionTable {
        get { formats.expressions }
        _modify { yield &formats.expressions }
    }

    /// Keeps a text.
    mutating func keep(_ text: some Collection<UInt8>) -> TableSlice { formats.keep(text) }

    /// Keeps the bytes of a text of the file.
    mutating func keep(_ text: String) -> TableSlice { formats.keep(text) }

    func text(_ stretch: TableSlice) -> [UInt8] { formats.text(stretch) }
}

/// The arrays of rules when all lines have been read.
final class RuleProgram: FormatProgram, @unchecked Sendable {
    let table: RuleTable

    init(_ table: RuleTable) {
        self.table = table
        super.init(table.formats)
    }
}
