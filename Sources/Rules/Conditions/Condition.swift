// What stands behind `if` or `unless`: access lists joined by and, or, not (manual, section 7.2).

/// A condition, compiled.
struct Condition: Sendable {
    struct Term: Sendable {
        /// The list's place in the table.
        let list: Int32
        let isNegated: Bool
        /// Whether `or` stands before it.
        let beginsAlternative: Bool
    }

    /// A stretch of the table's terms.
    let terms: Stretch
    /// Whether it began with `unless`.
    let isInverted: Bool

    func holds(_ facts: ExchangeFacts, _ program: RuleProgram) -> Bool {
        anyAlternativeHolds(facts, program) != isInverted
    }

    @inline(__always)
    private func anyAlternativeHolds(_ facts: ExchangeFacts, _ program: RuleProgram) -> Bool {
        var holds = true
        for i in terms.range {
            let term = program.table.terms[i]
            if term.beginsAlternative {
                if holds { return true }
                holds = true
            }
            // Once a term has failed, the rest of its alternative does not matter.
            if holds { holds = program.table.lists[Int(term.list)].holds(facts, program) != term.isNegated }
        }
        return holds
    }
}
