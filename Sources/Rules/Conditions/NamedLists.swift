// Conditions asked for within expressions: the sample `acl(name)` and the converter `when(acl,name)` (manual, sections 7.3.1 and
// 7.3.2). An expression may stand before the `acl` line, and in a log's format, which has a table of its own: so the lines are
// compiled into its table once more, when all of the section has been read.

internal import Configuration

/// A list by the name an expression uses for it.
struct NamedListUse: Sendable {
    let name: String
    let range: SourceRange
    let isNegated: Bool
    /// The named list whose line the expression stands in; nil if it stands elsewhere.
    let owner: String?
    /// Its place in the table; -1 until the section is read, and where nothing is named so.
    var list = Int32(-1)
}

struct ListSample: Sendable {
    /// A stretch of the table's uses.
    let uses: Stretch

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
            return .list(ListSample(uses: Stretch(start..<table.listUses.count)))
        }
    ]

    func fetch(_ facts: ExchangeFacts, _ program: RuleProgram) -> SampleValue? {
        for place in uses.range where !program.usedListHolds(place, facts) { return .bool(false) }
        return .bool(true)
    }
}

extension RuleTable {
    /// Takes the name of a list, with `!` before it or not.
    mutating func useList(_ arguments: inout ExpressionArguments) throws(ConfigProblem) {
        let reference = try arguments.reference("the name of an acl line")
        let isNegated = reference.name.hasPrefix("!")
        listUses.append(
            NamedListUse(
                name: isNegated ? String(reference.name.dropFirst()) : reference.name, range: reference.range,
                isNegated: isNegated, owner: compiledList))
    }

    /// Compiles the lists that expressions name; appends what is wrong with the names.
    mutating func resolveLists(_ names: AccessListNames, _ problems: inout [ConfigProblem]) {
        var places: [String: Int] = [:]
        var index = 0
        // Lists name further ones.
        while index < listUses.count {
            let name = listUses[index].name
            if places[name] == nil {
                compiledList = name
                places[name] = names.compile(name, &self)
                compiledList = nil
            }
            if let place = places[name] {
                listUses[index].list = Int32(place)
            } else {
                problems.append(
                    ConfigProblem(
                        "no condition is named '\(name)'", at: listUses[index].range,
                        expected: "the name of an acl line of this section",
                        suggestion: nearest(name, among: names.all)))
            }
            index += 1
        }
        for use in listUses {
            guard let owner = use.owner, leads(from: use.name, to: owner) else { continue }
            problems.append(ConfigProblem("the condition '\(owner)' would ask for itself here", at: use.range))
        }
    }

    private func leads(from start: String, to goal: String) -> Bool {
        var seen: Set<String> = []
        var open = [start]
        while let name = open.popLast() {
            if name == goal { return true }
            guard seen.insert(name).inserted else { continue }
            open += listUses.filter { $0.owner == name }.map(\.name)
        }
        return false
    }
}

extension RuleProgram {
    /// Whether the list of a use holds, or does not if that is what is asked.
    func usedListHolds(_ place: Int, _ facts: ExchangeFacts) -> Bool {
        let use = table.listUses[place]
        guard use.list >= 0 else { return false }
        // This list stands within an expression of another, whose doubt stays.
        let wasInDoubt = facts.undecidedMatches.isInDoubt
        facts.undecidedMatches.isInDoubt = false
        defer { if wasInDoubt { facts.undecidedMatches.isInDoubt = true } }
        return table.lists[Int(use.list)].holds(facts, self) != use.isNegated
    }
}
