// The actions of rules: one case each here, one row each in the table, one file each beside this one.

internal import Configuration
internal import Expressions
internal import LogFormat

enum Action: Sendable {
    case allow
    /// The index of its content in the table.
    case answer(Int)
    case deny(Int)
    /// Closes the connection without an answer.
    case reject
    /// Forgets the connection.
    case silentDrop
    /// Closes the connection to the server.
    case closeServer
    case redirect(Int)
    case field(FieldAction)
    case deleteFields(DeleteFieldsAction)
    case target(TargetAction)
    case status(StatusAction)
    case strictMode(Bool)
    case waiting(Waiting)
    case directive(DirectiveAction)
    case end(EndAction)
    case normalize(NormalizeAction)
    /// The index of its realm in the table.
    case challenge(Int)
    /// The index of its content in the table.
    case tarpit(Int)
    case capture(CaptureAction)
    case replaceField(ReplaceFieldAction)
    case replaceTarget(ReplaceTargetAction)
    /// Its index in the table.
    case variable(Int)
    case changePatterns(ChangePatternsAction)
    case markPackets(MarkPacketsAction)
    case priority(PriorityAction)
    case retries(RetriesAction)
    /// `expect-proxy`
    case expectProxyHeader
    case resolve(ResolveAction)

    @inline(__always)
    func run(on context: ExchangeContext, _ side: MessageSide, _ program: RuleProgram) -> ActionResult {
        switch self {
        case .allow: .stop
        case .answer(let place): .decided(program.table.answers[place].answer(context, program))
        case .deny(let place): .decided(program.table.answers[place].denial(context, program))
        case .reject: .decided(.reject)
        case .silentDrop: .decided(.silentDrop)
        case .closeServer: .decided(.closeServer)
        case .redirect(let place):
            program.table.redirects[place].outcome(context, program).map { .decided($0) } ?? .next
        case .field(let action): action.run(on: context, side, program)
        case .deleteFields(let action): action.run(on: context, side, program)
        case .target(let action): action.run(on: context, program)
        case .status(let action): action.run(on: context, program)
        case .strictMode(let isOn): Self.setStrict(isOn, context)
        case .waiting(let action): action.run(on: context, program)
        case .directive(let action): action.run(on: context, program)
        case .end(let action): action.run(on: context, program)
        case .normalize(let action): action.run(on: context)
        case .challenge(let place): .decided(.challenge(program.table.realms[place] ?? context.backendName))
        case .tarpit(let place): .decided(program.table.answers[place].tarpit(context, program))
        case .capture(let action): action.run(on: context, program)
        case .replaceField(let action): action.run(on: context, side, program)
        case .replaceTarget(let action): action.run(on: context, program)
        case .variable(let place): program.table.variableActions[place].run(on: context, program)
        case .changePatterns(let action): action.run(on: context, program)
        case .markPackets(let action): action.run(on: context, program)
        case .priority(let action): action.run(on: context, program)
        case .retries(let action): action.run(on: context, program)
        case .expectProxyHeader: ExpectProxyHeader.run(on: context)
        case .resolve(let action): action.run(on: context, program)
        }
    }
}

extension Action {
    /// Whether no rule of its list runs behind it, whatever the message.
    var isFinal: Bool {
        switch self {
        case .allow, .answer, .deny, .reject, .silentDrop, .closeServer, .redirect, .challenge, .tarpit: true
        default: false
        }
    }

    /// Whether it ends the exchange with an answer, or without one: no backend is needed.
    var answers: Bool {
        if case .allow = self { return false }
        return isFinal
    }

    private static func setStrict(_ isOn: Bool, _ context: ExchangeContext) -> ActionResult {
        context.isStrict = isOn
        return .next
    }
}

/// The lists of rules that an action may be in.
public enum RuleFamily: String, CaseIterable, Sendable {
    /// When a connection has come in, before anything else is done for it.
    case connection = "tcp-request connection"
    /// When the connection can carry data.
    case session = "tcp-request session"
    /// When the client has sent something; in HTTP mode, when a request's head is there.
    case requestContent = "tcp-request content"
    case responseContent = "tcp-response content"
    case httpRequest = "http-request"
    /// Access to the stats page: rules on requests for it that all other rules have let pass.
    case statsRequest = "stats http-request"
    case httpResponse = "http-response"
    /// On every response, Portico's own too, as the last thing before it goes to the client.
    case httpAfterResponse = "http-after-response"

    /// Those of whole HTTP messages.
    static let http: [RuleFamily] = [.httpRequest, .httpResponse, .httpAfterResponse]
    /// Those of connections and their bytes.
    static let tcp: [RuleFamily] = [.connection, .session, .requestContent, .responseContent]

    var hook: RuleHook {
        switch self {
        case .connection: .connectionRules
        case .session: .sessionRules
        case .requestContent: .requestContentRules
        case .responseContent: .responseContentRules
        case .httpRequest, .statsRequest: .requestRules
        case .httpResponse: .responseRules
        case .httpAfterResponse: .afterResponseRules
        }
    }

    /// Whose message the rules are about.
    var side: MessageSide {
        switch self {
        case .connection, .session, .requestContent, .httpRequest, .statsRequest: .request
        case .responseContent, .httpResponse, .httpAfterResponse: .response
        }
    }

    /// The sections it may stand in.
    var sections: Sections {
        switch self {
        case .connection, .session: .frontends
        case .responseContent: .backends
        case .statsRequest: [.frontend, .listen, .backend]
        default: .proxies
        }
    }

    /// The status of `deny` when the line gives none.
    var denyStatus: Int { side == .request ? 403 : 502 }
}

/// An action by its name.
struct ActionRow: Sendable {
    /// nil for a line that turned out to do nothing, of which it has warned.
    typealias Parser = @Sendable (inout Arguments, RuleFamily, inout RuleTable) throws(ConfigProblem) -> Action?

    let name: String
    let families: [RuleFamily]
    /// The sections it may stand in; nil for those of its families.
    let sections: Sections?
    /// What stands in parentheses right behind the name, `<name>` of `set-var(<name>)`; taken with
    /// `Arguments.inParentheses`.
    let parentheses: String?
    /// What stands behind the name.
    let arguments: String
    let summary: String
    let parse: Parser

    init(
        _ name: String, in families: [RuleFamily], sections: Sections? = nil, parentheses: String? = nil,
        _ arguments: String = "",
        summary: String, parse: @escaping Parser
    ) {
        self.name = name
        self.families = families
        self.sections = sections
        self.parentheses = parentheses
        self.arguments = arguments
        self.summary = summary
        self.parse = parse
    }

    /// All of them.
    static let table =
        [allow] + Rejection.rows + [AnswerContent.answerRow, AnswerContent.denyRow, AnswerContent.tarpitRow]
        + [Challenge.row, Redirection.row] + FieldAction.rows + [DeleteFieldsAction.row] + ReplaceFieldAction.rows
        + TargetAction.rows + ReplaceTargetAction.rows + [NormalizeAction.row, StatusAction.row] + EndAction.rows
        + VariableAction.rows + DirectiveAction.rows + Waiting.rows + [StrictMode.row]
        + ChangePatternsAction.rows + MarkPacketsAction.rows + PriorityAction.rows
        + [RetriesAction.row, ResolveAction.row, UseService.row, ExpectProxyHeader.row]

    private static let allow = ActionRow(
        "allow", in: RuleFamily.http + [.statsRequest],
        summary: "Lets the message pass: the rules behind it are not looked at."
    ) { (_, _, _) throws(ConfigProblem) in .allow }
}

extension Arguments {
    /// Whether the line goes on with its condition, or is at its end.
    var isAtCondition: Bool { peek.map { $0.text == "if" || $0.text == "unless" } ?? true }

    /// A log-format string that makes a header value: without control characters of its own.
    mutating func fieldFormat(
        _ what: String, in hook: RuleHook, _ table: inout RuleTable
    ) throws(ConfigProblem) -> Format {
        let word = try next(what)
        let format = try Format(word, for: .message, in: hook, &table.formats)
        guard !table.formats.constantText(format).contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) else {
            throw problem("a header value cannot hold a control character", at: word)
        }
        return format
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
