// The compiled rules of one family of a section, and the outcome of running them.

public import Basics
internal import Configuration
public import Expressions
public import HTTP
internal import Patterns

/// What the rules decided.
public enum RuleOutcome: Sendable {
    /// The message goes on, as the rules have changed it.
    case proceed
    /// This is the answer (`return`, `redirect`); logged with `L`.
    case answer(LocalResponse)
    /// The section's page for this status is the answer.
    case answerStatus(Int)
    /// The section's page for 401 asks for a name and a password for this realm (`auth`).
    case challenge(String)
    /// The message is refused with this answer (`deny`); logged with `P`.
    case deny(LocalResponse)
    /// The message is refused with the section's page for this status.
    case denyStatus(Int)
    /// As `deny`, once `timeout tarpit` has passed.
    case tarpit(LocalResponse)
    case tarpitStatus(Int)
    /// The connection is closed without an answer (`reject`).
    case reject
    /// The connection is forgotten: the client is told nothing, not even that it is closed (`silent-drop`).
    case silentDrop
    /// The server's connection is closed; the client gets what the server has said so far (`tcp-response content close`).
    case closeServer
    /// The request is not well-formed, a rule has found: the answer is 400.
    case refused
    /// A rule could not change the message as it was to, and `strict-mode` is on: the answer is 500.
    case rewriteFailed
    /// The caller runs the rules on from `position` once what they wait for has happened.
    case wait(RuleWait, from: RulePosition)
}

/// What rules may wait for.
public enum RuleWait: Sendable {
    case pause(TimeSpan)
    /// The request's body, whole or as many bytes of it, for so long at most.
    case body(time: TimeSpan, bytes: Int?)
    /// The end of the client's TLS handshake: the request came with it (early data).
    case handshake
    /// An address for `context.wantedName`; `context.found` has to be called before the rules go on.
    case address
    /// More of what the client, or the server, sends: a condition cannot be decided yet (`context.mayGrow`).
    case more
}

/// Where in a set of rules to go on.
public struct RulePosition: Equatable, Sendable {
    /// The index of a rule; `redirect` lines follow the last rule.
    fileprivate let index: Int

    public static let start = RulePosition(index: 0)
}

/// The rules of one family of a section: its `http-request` and `redirect` lines, say.
public final class RuleSet: Sendable {
    private let rules: [Rule]
    /// The `redirect` lines, which come behind all others and which `allow` does not skip.
    private let redirects: [Rule]
    private let program: RuleProgram
    private let side: MessageSide
    public let isEmpty: Bool

    init(_ rules: [Rule], redirects: [Rule] = [], _ table: RuleTable, side: MessageSide) {
        self.rules = rules
        self.redirects = redirects
        program = RuleProgram(table)
        self.side = side
        isEmpty = rules.isEmpty && redirects.isEmpty
    }

    /// Runs the rules in file order, from the first or where they had stopped; they change `context.request` or
    /// `context.response` in place.
    public func run(on context: ExchangeContext, from position: RulePosition = .start) -> RuleOutcome {
        if isEmpty { return .proceed }
        context.side = side
        if position == .start { context.isStrict = true }
        if position.index < rules.count {
            switch run(rules, from: position.index, context) {
            case .decided(let outcome): return outcome
            case .wait(let wait, let index): return .wait(wait, from: RulePosition(index: index))
            case .next, .stop: break
            }
        }
        switch run(redirects, from: max(0, position.index - rules.count), context) {
        case .decided(let outcome): return outcome
        case .wait(let wait, let index): return .wait(wait, from: RulePosition(index: rules.count + index))
        case .next, .stop: return .proceed
        }
    }

    private enum Run {
        case next, stop
        case decided(RuleOutcome)
        /// To go on with the rule at `index`.
        case wait(RuleWait, index: Int)
    }

    private func run(_ rules: [Rule], from start: Int, _ context: ExchangeContext) -> Run {
        var i = start
        while i < rules.count {
            // Not the whole rule at once: most actions are only passed over.
            if let condition = rules[i].condition {
                let settlement = rules[i].settlement
                let verdict: Condition.Verdict =
                    context.mayGrow
                    ? condition.verdict(context, program, settlement)
                    : condition.holds(context, program, settlement) ? .holds : .fails
                context.reportUndecidedMatches(rules[i].origin, program)
                switch verdict {
                case .holds: break
                case .fails:
                    i += 1
                    continue
                case .undecided: return .wait(.more, index: i)
                }
            }
            let result = rules[i].action.run(on: context, side, program)
            context.reportUndecidedMatches(rules[i].origin, program)
            switch result {
            case .next: i += 1
            case .stop:
                context.note(rules[i], program)
                return .stop
            case .decided(let outcome):
                context.note(rules[i], program)
                return .decided(outcome)
            case .wait(let wait): return .wait(wait, index: i + 1)
            case .undecided: return .wait(.more, index: i)
            case .failed:
                context.outcome.failedRewrites += 1
                if context.isStrict {
                    context.note(rules[i], program)
                    return .decided(.rewriteFailed)
                }
                i += 1
            }
        }
        return .next
    }
}

/// An action and when it is done.
struct Rule: Sendable {
    let action: Action
    let condition: Condition?
    var origin: RuleOrigin?
    /// Whether `last_rule_line` and its like tell of it.
    var isLastRule = true
    /// What a regular expression without a result means for the condition.
    var settlement = UndecidedMatches.Settlement.asNoMatch
}

extension ExchangeContext {
    /// For `last_rule_line` and its like.
    fileprivate func note(_ rule: Rule, _ program: RuleProgram) {
        guard rule.isLastRule, let origin = rule.origin else { return }
        lastRuleLine = Int(origin.line)
        lastRuleFile.removeAll(keepingCapacity: true)
        lastRuleFile.append(program.text(origin.file))
    }
}

/// What comes after an action.
enum ActionResult {
    case next
    /// No more rules of this list.
    case stop
    case decided(RuleOutcome)
    /// The rule behind this one, but not yet.
    case wait(RuleWait)
    /// The same again when more is there (only while `context.mayGrow`).
    case undecided
    /// The message could not be changed so: the end, or the next rule if `strict-mode` is off.
    case failed
}
