// Conditions asked for within expressions: the sample `acl(name)` and the converter `when(acl,name)` (manual, sections 7.3.1 and
// 7.3.2). An expression may stand before the `acl` line, and in a log's format, which has a table of its own: so the lines are
// compiled into its table once more, when all of the section has been read.

public import Configuration
internal import Patterns

/// A list by the name an expression uses for it.
public struct NamedListUse: Sendable {
    public let name: String
    public let range: SourceRange
    let isNegated: Bool
    /// The named list whose line the expression stands in; nil if it stands elsewhere.
    public let owner: String?
    /// Its index in the table; -1 until the section is read, and where nothing is named so.
    public var list = Int32(-1)
}

struct ListSample: SampleFamily {
    /// A stretch of the table's uses.
    let uses: TableSlice

    /// As HAProxy has it.
    private static let namesMax = 12

    static let rows: [SampleRow] = [
        SampleRow(
            "acl", "([!]<name>[,…])", yields: .bool, from: .connection,
            summary: "Whether all conditions of these names hold, or do not with '!' before the name."
        ) { (arguments, table) throws(ConfigProblem) in
            let start = table.listUses.count
            repeat {
                try table.useList(&arguments)
            } while !arguments.isAtEnd && table.listUses.count - start < namesMax
            return .list(ListSample(uses: TableSlice(start..<table.listUses.count)))
        }
    ]
    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        for place in uses.range where !program.usedListHolds(place, context) { return .bool(false) }
        return .bool(true)
    }
}

extension ExpressionTable {
    /// Takes the name of a list, with `!` before it or not.
    mutating func useList(_ arguments: inout ExpressionArguments) throws(ConfigProblem) {
        let reference = try arguments.reference("the name of an acl line")
        let isNegated = reference.name.hasPrefix("!")
        listUses.append(
            NamedListUse(
                name: isNegated ? String(reference.name.dropFirst()) : reference.name, range: reference.range,
                isNegated: isNegated, owner: compiledList))
    }
}

extension ExpressionProgram {
    /// Whether the list of a use holds, or does not if that is what is asked.
    func usedListHolds(_ place: Int, _ context: ExchangeContext) -> Bool {
        let use = expressions.listUses[place]
        guard use.list >= 0 else { return false }
        // This list stands within an expression of another, whose doubt stays.
        let wasInDoubt = context.undecidedMatches.isInDoubt
        context.undecidedMatches.isInDoubt = false
        defer { if wasInDoubt { context.undecidedMatches.isInDoubt = true } }
        return expressions.lists[Int(use.list)].holds(context, self) != use.isNegated
    }
}
