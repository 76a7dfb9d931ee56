// Regular expressions that came to no result: the limit of steps (`tune.regex.max-steps`) was reached, or PCRE2 refused the text.
//
// Treating this as "no match" would let a client evade a rule by padding its request. Conditions are therefore evaluated with
// three results: a condition that depends on an undecided match takes the value that is safe for the rule's action
// (`UndecidedMatches.Settlement`). The site counts each such match, and the log names the rule's line.

internal import Basics
public import Patterns

/// What happened to one exchange's regular expressions since it was last told to the site.
public struct UndecidedMatches: Sendable {
    /// How many matches came to no result.
    public private(set) var count = 0
    /// Whether the result of the test being made depends on one of them.
    public var isInDoubt = false

    public mutating func add() {
        count += 1
        isInDoubt = true
    }

    public mutating func clear() {
        if count > 0 || isInDoubt { self = UndecidedMatches() }
    }

    /// What becomes of a test in doubt.
    public enum Settlement: Sendable {
        /// The expression is taken not to match.
        case asNoMatch
        /// The condition holds if the missing result can make it hold: for actions that refuse.
        case towardsHolding
        /// The condition fails if the missing result can make it fail: for actions that let pass.
        case towardsFailing

        /// The same for what stands behind `unless`.
        public var inverted: Settlement {
            switch self {
            case .asNoMatch: .asNoMatch
            case .towardsHolding: .towardsFailing
            case .towardsFailing: .towardsHolding
            }
        }
    }
}

extension ExchangeContext: RegularMatchObserver {
    public func matchCameToNoResult() { undecidedMatches.add() }

    /// The exchange's matcher, made when it is first needed.
    public var regularMatcher: RegularMatcher {
        if let existing = keptMatcher { return existing }
        let matcher = RegularMatcher(for: self, stepsMax: regularStepsMax)
        keptMatcher = matcher
        return matcher
    }

    /// Settles a test that is in doubt.
    public func settle(_ holds: Bool, _ settlement: UndecidedMatches.Settlement) -> Bool {
        undecidedMatches.isInDoubt = false
        return switch settlement {
        case .asNoMatch: holds
        case .towardsHolding: true
        case .towardsFailing: false
        }
    }

    /// Tells the site of undecided matches, if there were any, and forgets them. `origin` is the rule that asked for them.
    @inlinable @inline(__always)
    public func reportUndecidedMatches(_ origin: RuleOrigin?, _ program: ExpressionProgram) {
        if undecidedMatches.count > 0 { report(origin, program) }
    }

    @usableFromInline func report(_ origin: RuleOrigin?, _ program: ExpressionProgram) {
        let place = origin.map { "\(program.text($0.file).text):\($0.line)" }
        site?.matchesWereUndecided(undecidedMatches.count, in: place, for: self)
        undecidedMatches.clear()
    }
}
