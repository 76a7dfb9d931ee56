// What stands behind `if` or `unless`: access lists joined by and, or, not (manual, section 7.2).

/// A condition, compiled. Its lists are in the table of its section, where they may still grow while the file is read.
struct Condition: Sendable {
    struct Term: Sendable {
        /// The list's index in its section's table.
        let list: Int
        let isNegated: Bool
        /// Whether `or` stands before it.
        let beginsAlternative: Bool
    }

    let terms: [Term]
    /// Whether it began with `unless`.
    let isInverted: Bool

    func holds(_ facts: ExchangeFacts, _ lists: [AccessList]) -> Bool {
        anyAlternativeHolds(facts, lists) != isInverted
    }

    private func anyAlternativeHolds(_ facts: ExchangeFacts, _ lists: [AccessList]) -> Bool {
        var holds = true
        for term in terms {
            if term.beginsAlternative {
                if holds { return true }
                holds = true
            }
            // Once a term has failed, the rest of its alternative does not matter.
            if holds { holds = lists[term.list].holds(facts) != term.isNegated }
        }
        return holds
    }
}
