// The condition behind `if` or `unless`: access lists joined by and, or, not (manual, section 7.2).

internal import Expressions
internal import Patterns

/// A condition, compiled.
struct Condition: Sendable {
    struct Term: Sendable {
        /// The list's index in the table.
        let list: Int32
        let isNegated: Bool
        /// Whether `or` stands before it.
        let beginsAlternative: Bool
    }

    /// A stretch of the table's terms.
    let terms: TableSlice
    /// Whether it began with `unless`.
    let isInverted: Bool

    /// - Parameter settlement: what becomes of a test whose regular expression came to no result.
    func holds(
        _ context: ExchangeContext, _ program: RuleProgram, _ settlement: UndecidedMatches.Settlement = .asNoMatch
    ) -> Bool {
        context.undecidedMatches.isInDoubt = false
        return anyAlternativeHolds(context, program, isInverted ? settlement.inverted : settlement) != isInverted
    }

    /// What can be said while more of the message may come.
    enum Verdict { case holds, fails, undecided }

    /// As `holds`, for messages that are still growing: a sample that is not there yet decides nothing, unless the rest
    /// of its alternative fails, or another alternative holds, without it.
    func verdict(
        _ context: ExchangeContext, _ program: RuleProgram, _ settlement: UndecidedMatches.Settlement = .asNoMatch
    ) -> Verdict {
        context.undecidedMatches.isInDoubt = false
        let settlement = isInverted ? settlement.inverted : settlement
        var isOpen = false
        var alternative = Verdict.holds
        for i in terms.range {
            let term = program.table.terms[i]
            if term.beginsAlternative {
                if alternative == .holds { return isInverted ? .fails : .holds }
                if alternative == .undecided { isOpen = true }
                alternative = .holds
            }
            if alternative == .fails { continue }
            context.isUndecided = false
            let matches = program.expressions.lists[Int(term.list)].holds(context, program)
            if !matches && context.isUndecided {
                alternative = .undecided
            } else if !settled(matches != term.isNegated, context, settlement) {
                alternative = .fails
            }
        }
        if alternative == .holds { return isInverted ? .fails : .holds }
        if isOpen || alternative == .undecided { return .undecided }
        return isInverted ? .holds : .fails
    }

    /// Alternatives and terms are joined by "or" and "and": if each term in doubt is settled one way, so is the whole.
    @inline(__always)
    private func settled(
        _ holds: Bool, _ context: ExchangeContext, _ settlement: UndecidedMatches.Settlement
    ) -> Bool {
        context.undecidedMatches.isInDoubt ? context.settle(holds, settlement) : holds
    }

    @inline(__always)
    private func anyAlternativeHolds(
        _ context: ExchangeContext, _ program: RuleProgram, _ settlement: UndecidedMatches.Settlement
    ) -> Bool {
        var holds = true
        for i in terms.range {
            let term = program.table.terms[i]
            if term.beginsAlternative {
                if holds { return true }
                holds = true
            }
            // Once a term has failed, the rest of its alternative does not matter.
            if holds {
                let matches = program.expressions.lists[Int(term.list)].holds(context, program)
                holds = settled(matches != term.isNegated, context, settlement)
            }
        }
        return holds
    }
}
