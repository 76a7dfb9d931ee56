// Regular expressions that came to no result: the limit of steps (`tune.regex.max-steps`) was reached, or PCRE2 refused the text.
//
// "No match" would let a request pass that a rule was to refuse, for the price of some padding. So a condition has three
// results: what depends on an undecided match is settled in favour of the safe side, which the rule's action tells
// (`UndecidedMatches.Settlement`). Each such match is counted, and told to the site with the line of the rule.

internal import Basics

/// What happened to one exchange's regular expressions since it was last told to the site.
struct UndecidedMatches: Sendable {
    /// How many matches came to no result.
    private(set) var count = 0
    /// Whether the result of the test being made depends on one of them.
    var isInDoubt = false

    mutating func add() {
        count += 1
        isInDoubt = true
    }

    mutating func clear() {
        if count > 0 || isInDoubt { self = UndecidedMatches() }
    }

    /// What becomes of a test in doubt.
    enum Settlement: Sendable {
        /// The expression is taken not to match.
        case asNoMatch
        /// The condition holds if the missing result can make it hold: for actions that refuse.
        case towardsHolding
        /// The condition fails if the missing result can make it fail: for actions that let pass.
        case towardsFailing

        /// The same for what stands behind `unless`.
        var inverted: Settlement {
            switch self {
            case .asNoMatch: .asNoMatch
            case .towardsHolding: .towardsFailing
            case .towardsFailing: .towardsHolding
            }
        }
    }
}

extension ExchangeFacts {
    /// Settles a test that is in doubt.
    func settle(_ holds: Bool, _ settlement: UndecidedMatches.Settlement) -> Bool {
        undecidedMatches.isInDoubt = false
        return switch settlement {
        case .asNoMatch: holds
        case .towardsHolding: true
        case .towardsFailing: false
        }
    }

    /// Tells the site of undecided matches, if there were any, and forgets them. `origin` is the rule that asked for them.
    @inline(__always)
    func reportUndecidedMatches(_ origin: RuleOrigin?, _ program: RuleProgram) {
        if undecidedMatches.count > 0 { report(origin, program) }
    }

    private func report(_ origin: RuleOrigin?, _ program: RuleProgram) {
        let place = origin.map { "\(program.text($0.file).text):\($0.line)" }
        site?.matchesWereUndecided(undecidedMatches.count, in: place, for: self)
        undecidedMatches.clear()
    }
}

extension ActionRow {
    /// For the help on those that refuse.
    static let undecidedIsMatch =
        " A regular expression of its condition that comes to no result (tune.regex.max-steps) counts as a match."
}

extension Action {
    /// How a condition of this action is settled where a regular expression came to no result.
    func settlement(_ table: RuleTable) -> UndecidedMatches.Settlement {
        switch self {
        case .deny, .reject, .silentDrop, .tarpit, .challenge, .closeServer: .towardsHolding
        case .answer(let place): table.answers[place].status >= 400 ? .towardsHolding : .asNoMatch
        case .allow: .towardsFailing
        default: .asNoMatch
        }
    }
}
