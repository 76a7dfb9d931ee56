// Actions that set how an exchange is handled, and change no message: `set-log-level`, `set-timeout`, `disable-l7-retry`,
// `early-hint`, `expect-proxy`, `strict-mode` (manual, `http-request set-log-level` and so on). The Proxy reads them from
// `ExchangeDirectives`.

internal import Basics
internal import Configuration
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Patterns

enum DirectiveAction: Sendable {
    enum Timeout: String, Sendable {
        case client, server, tunnel, connect, queue, tarpit

        /// What a section needs in order to have it; nil if all have it.
        var side: Sections? {
            switch self {
            case .client: .frontends
            case .server, .tunnel, .connect, .queue: .backends
            case .tarpit: nil
            }
        }
    }

    /// -1 for no line at all.
    case logSeverity(Int)
    case timeout(Timeout, TimeAmount)
    case noMessageRetries
    case earlyHint(FieldName, Format)

    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        switch self {
        case .logSeverity(let severity): context.directives.logSeverity = severity
        case .noMessageRetries: context.directives.retriesMessages = false
        case .timeout(let timeout, let amount):
            guard let time = amount.value(context, program) else { return .next }
            switch timeout {
            case .client: context.directives.clientTimeout = time
            case .server: context.directives.serverTimeout = time
            case .tunnel: context.directives.tunnelTimeout = time
            case .connect: context.directives.connectTimeout = time
            case .queue: context.directives.queueTimeout = time
            case .tarpit: context.directives.tarpitTimeout = time
            }
        case .earlyHint(let name, let value):
            value.render(context, program)
            var text: [UInt8] = []
            text.append(program.text(name.text))
            context.directives.earlyHints.append((text, context.rendered))
        }
        return .next
    }

    static let rows = [
        ActionRow(
            "set-log-level", in: RuleFamily.http + [.requestContent, .responseContent],
            "emerg|alert|crit|err|warning|notice|info|debug|silent",
            summary: "Gives the exchange's line in the log another level, or lets there be none."
        ) { (arguments, _, _) throws(ConfigProblem) in
            let word = try arguments.next("a level")
            guard let severity = levels.firstIndex(of: word.text) else {
                throw arguments.problem(
                    "unknown level '\(word.text)'", at: word, expected: "one of \(levels.joined(separator: ", "))",
                    suggestion: nearest(word.text, among: levels))
            }
            return .directive(.logSeverity(word.text == "silent" ? -1 : severity))
        },
        ActionRow(
            "set-timeout", in: [.httpRequest, .httpResponse],
            "client|connect|queue|server|tarpit|tunnel <time>|<expression>",
            summary: """
                Gives this exchange another time-out, as long as the expression yields milliseconds if it is one. client \
                is for sections with a bind line; connect, queue, server and tunnel are for those with servers, and what \
                a listen section says of them holds for its own servers only.
                """
        ) { (arguments, family, table) throws(ConfigProblem) in
            let timeout = try arguments.choice(
                "a time-out",
                of: [
                    "client": Timeout.client, "connect": .connect, "queue": .queue, "server": .server,
                    "tarpit": .tarpit,
                    "tunnel": .tunnel,
                ])
            return .directive(.timeout(timeout, try TimeAmount(&arguments, in: family.hook, &table)))
        },
        ActionRow(
            "disable-l7-retry", in: [.httpRequest],
            summary: "A request that a server has had is not sent again, whatever retry-on says."
        ) { (_, _, _) throws(ConfigProblem) in .directive(.noMessageRetries) },
        ActionRow(
            "early-hint", in: [.httpRequest], "<name> <format>",
            summary:
                "Sends the client a field, Link say, in a 103 before the response. Lines behind one another make one 103."
        ) { (arguments, family, table) throws(ConfigProblem) in
            let (word, name) = try arguments.fieldName(&table)
            guard !name.known.isHopByHop else {
                throw arguments.problem("'\(word.text)' is Portico's to write, not a rule's", at: word)
            }
            return .directive(
                .earlyHint(name, try arguments.fieldFormat("a value for the field", in: family.hook, &table)))
        },
    ]

    /// A level's index is its severity.
    private static let levels = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "silent"]
}

enum ExpectProxyHeader {
    static func run(on context: ExchangeContext) -> ActionResult {
        context.directives.expectsProxyHeader = true
        return .next
    }

    static let row = ActionRow(
        "expect-proxy", in: [.connection], "layer4",
        summary: "Takes a PROXY protocol header from this client, as accept-proxy of bind does from all."
    ) { (arguments, _, _) throws(ConfigProblem) in
        try arguments.choice("the layer", of: ["layer4": .expectProxyHeader])
    }
}

enum StrictMode {
    static let row = ActionRow(
        "strict-mode", in: RuleFamily.http, "on|off",
        summary:
            "Says whether a change that the rules behind it cannot make fails the message (500), as it is at first, or "
            + "is left out."
    ) { (arguments, _, _) throws(ConfigProblem) in
        .strictMode(try arguments.choice("a mode", of: ["on": true, "off": false]))
    }
}
