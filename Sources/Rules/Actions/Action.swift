// The actions of rules: one case each here, one row each in the table, one file each beside this one.

internal import Configuration

enum Action: Sendable {
    case allow
    case answer(AnswerAction)
    case deny(DenyAction)
    case redirect(RedirectAction)
    case field(FieldAction)
    case setPath(SetPathAction)

    @inline(__always)
    func run(on facts: ExchangeFacts, _ side: MessageSide) -> ActionResult {
        switch self {
        case .allow: .stop
        case .answer(let action): .decided(action.outcome(facts))
        case .deny(let action): .decided(action.outcome(facts))
        case .redirect(let action): action.outcome(facts).map { .decided($0) } ?? .next
        case .field(let action): action.run(on: facts, side)
        case .setPath(let action): action.run(on: facts)
        }
    }
}

/// The lists of rules that an action may be in.
enum RuleFamily: String, CaseIterable, Sendable {
    case httpRequest = "http-request"
    case httpResponse = "http-response"

    var place: RulePlace { self == .httpRequest ? .requestRules : .responseRules }
    /// The status of `deny` where none is said.
    var denyStatus: Int { self == .httpRequest ? 403 : 502 }
}

/// An action by its name.
struct ActionRow: Sendable {
    /// nil for a line that turned out to do nothing, of which it has warned.
    typealias Parser = @Sendable (inout Arguments, RuleFamily) throws(ConfigProblem) -> Action?

    let name: String
    let families: [RuleFamily]
    /// What stands behind the name.
    let arguments: String
    let summary: String
    let parse: Parser

    init(
        _ name: String, in families: [RuleFamily], _ arguments: String = "", summary: String, parse: @escaping Parser
    ) {
        self.name = name
        self.families = families
        self.arguments = arguments
        self.summary = summary
        self.parse = parse
    }

    /// All of them.
    static let table =
        [allow, AnswerAction.row, DenyAction.row, RedirectAction.row] + FieldAction.rows + [SetPathAction.row]

    private static let allow = ActionRow(
        "allow", in: [.httpRequest, .httpResponse],
        summary: "Lets the message pass: the rules behind it are not looked at."
    ) { (_, _) throws(ConfigProblem) in .allow }
}

extension Arguments {
    /// Whether the line goes on with its condition, or is at its end.
    var isAtCondition: Bool { peek.map { $0.text == "if" || $0.text == "unless" } ?? true }

    /// A log-format string that makes a header value: without control characters of its own.
    mutating func fieldFormat(_ what: String, in place: RulePlace) throws(ConfigProblem) -> LogFormat {
        let word = try next(what)
        let format = try LogFormat(word, for: .message, in: place)
        guard !format.hasControlCharacter else {
            throw problem("a header value cannot hold a control character", at: word)
        }
        return format
    }
}
