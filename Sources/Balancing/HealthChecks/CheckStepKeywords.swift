// The lines of check scripts: `tcp-check` and `http-check`. Each adds a step, but for `comment`, which belongs to the next one.

internal import Basics
internal import Configuration
internal import Expressions
internal import LogFormat

/// The two families of lines, which differ in what is sent and in what is expected.
enum CheckFamily: String, Sendable {
    case tcp = "tcp-check", http = "http-check"

    /// The `option` line that has these steps played.
    fileprivate var option: String { self == .tcp ? "option tcp-check" : "option httpchk" }
}

enum CheckStepKeywords {
    private static let sections: Sections = [.backends, Sections(NamedCheckKeywords.section)]

    static let table: [Keyword] = common(.tcp) + common(.http) + tcp + http

    // MARK: Both families

    private static func common(_ family: CheckFamily) -> [Keyword] {
        [connect(family), expect(family), comment(family)] + variables(family)
    }

    private static func connect(_ family: CheckFamily) -> Keyword {
        let words = family == .http ? " [proto h1|h2]" : ""
        return Keyword(
            "\(family.rawValue) connect", in: sections,
            usage:
                "\(family.rawValue) connect [default] [port <port>|<expression>] [addr <ip>[:<port>]] [send-proxy] [ssl] "
                + "[sni <name>] [alpn <protocols>]\(words) [linger] [comment <text>]",
            summary:
                "Opens a connection: the first one, or, behind other steps, the next one, for which the one before is closed. "
                + "With what the `server` line says, where `default` is there; otherwise to the server's address in plain, but for "
                + "what is said here. Where a script has such a line, only lines about variables and comments may precede the first."
        ) { (args, draft) throws(ConfigProblem) in
            let lines = draft.lines(of: family)
            if lines.hasBegun, !lines.steps.contains(where: \.isConnect) {
                throw args.problem("a script that has 'connect' begins with it")
            }
            var comment: String?
            let connection = try CheckConnection(
                &args, isHTTP: family == .http, comment: &comment, &draft[BalancingSettings.self].checkFormats)
            draft.addStep(.connect(connection), comment, to: family)
        }
    }

    private static func expect(_ family: CheckFamily) -> Keyword {
        let patterns =
            family == .tcp
            ? "string <text> | rstring <regex> | string-lf <format> | binary <hex> | rbinary <regex> | binary-lf <format>"
            : "status <code|range>[,<code|range>...] | rstatus <regex> | hdr <name> [<value>] | fhdr <name> [<value>] | "
                + "string <text> | rstring <regex> | string-lf <format>"
        let more =
            family == .tcp
            ? "What has come since the last `send` is looked at. rbinary sees it as hexadecimal digits in upper case."
            : "The texts are looked for in the content. A field is `name` or `name-lf`, perhaps -m str, beg, end, sub or reg, a name, and "
                + "perhaps `value` or `value-lf` with the same; hdr looks at the members of lists, fhdr at whole values."
        return Keyword(
            "\(family.rawValue) expect", in: sections,
            usage:
                "\(family.rawValue) expect [min-recv <bytes>] [ok-status <code>] [error-status <code>] [tout-status <code>] "
                + "[on-success <format>] [on-error <format>] [status-code <expression>] [comment <text>] [!] "
                + "<\(patterns.replacingBars)>",
            summary:
                "Says what the answer has to contain, or with ! must not: \(patterns). \(more) As long as nothing is found more is "
                + "waited for, up to a buffer's size, unless min-recv says how many bytes settle it."
        ) { (args, draft) throws(ConfigProblem) in
            var parser = CheckExpectParser(family)
            let expectation = try parser.parse(&args, &draft[BalancingSettings.self].checkFormats)
            draft.addStep(.expect(expectation), parser.comment, to: family)
        }
    }

    private static func comment(_ family: CheckFamily) -> Keyword {
        Keyword(
            "\(family.rawValue) comment", in: sections, usage: "\(family.rawValue) comment <text>",
            summary: "What is logged if the next step fails."
        ) { (args, draft) throws(ConfigProblem) in
            let text = try args.next("a text").text
            draft.change(family) { $0.add(comment: text) }
        }
    }

    private static func variables(_ family: CheckFamily) -> [Keyword] {
        [
            Keyword(
                "\(family.rawValue) set-var", in: sections,
                usage: "\(family.rawValue) set-var(<name>[,<condition>]*) <expression>",
                summary: "Sets a variable, of the scopes check, sess or proc, to what an expression yields.",
                takesParentheses: true
            ) { (args, draft) throws(ConfigProblem) in
                let (name, conditions) = try args.variableTarget(in: .checks)
                let expression = try Expression(
                    args.next("an expression"), in: .checks,
                    &draft[BalancingSettings.self].checkFormats.expressions)
                draft.addStep(.set(name, conditions, .expression(expression)), nil, to: family)
            },
            Keyword(
                "\(family.rawValue) set-var-fmt", in: sections,
                usage: "\(family.rawValue) set-var-fmt(<name>[,<condition>]*) <format>",
                summary: "Sets such a variable to a text.", takesParentheses: true
            ) { (args, draft) throws(ConfigProblem) in
                let (name, conditions) = try args.variableTarget(in: .checks)
                let format = try draft.checkFormat(args.next("a log format"))
                draft.addStep(.set(name, conditions, .format(format)), nil, to: family)
            },
            Keyword(
                "\(family.rawValue) unset-var", in: sections, usage: "\(family.rawValue) unset-var(<name>)",
                summary: "Makes such a variable be unset again.", takesParentheses: true
            ) { (args, draft) throws(ConfigProblem) in
                let name = try VariableName(args.inParentheses("a variable"), in: .checks)
                draft.addStep(.unset(name), nil, to: family)
            },
        ]
    }

    // MARK: Bytes

    private static let tcp: [Keyword] = [
        sending("send", "<text>", "Sends a text.") { (word, _) throws(ConfigProblem) in .fixed(word.text.verbatimBytes)
        },
        sending("send-lf", "<format>", "Sends what a log format makes.") { (word, draft) throws(ConfigProblem) in
            .format(try draft.checkFormat(word))
        },
        sending("send-binary", "<hex>", "Sends bytes, written as hexadecimal digits, two for each.") {
            (word, _) throws(ConfigProblem) in .fixed(try CheckExpectParser.bytes(word))
        },
        sending("send-binary-lf", "<format>", "Sends the bytes whose hexadecimal digits a log format makes.") {
            (word, draft) throws(ConfigProblem) in .hexFormat(try draft.checkFormat(word))
        },
    ]

    private static func sending(
        _ name: String, _ argument: String, _ summary: String,
        _ read: @escaping @Sendable (Word, inout Draft) throws(ConfigProblem) -> CheckText
    ) -> Keyword {
        Keyword(
            "tcp-check \(name)", in: sections, usage: "tcp-check \(name) \(argument) [comment <text>]",
            summary: summary
        ) { (args, draft) throws(ConfigProblem) in
            let text = try read(args.next("what to send"), &draft)
            draft.addStep(.send(text), args.skip("comment") ? try args.next("a text").text : nil, to: .tcp)
        }
    }

    // MARK: Requests

    private static let http: [Keyword] = [
        Keyword(
            "http-check send", in: sections,
            usage:
                "http-check send [meth <method>] [uri <uri> | uri-lf <format>] [ver <version>] [hdr <name> <format>]... "
                + "[body <text> | body-lf <format>] [comment <text>]",
            summary:
                "Sends a request: the first one is that of `option httpchk`, with what is said here; each further one needs a "
                + "connection of its own (`http-check connect`), and is OPTIONS / in HTTP/1.0 but for what its line says."
        ) { (args, draft) throws(ConfigProblem) in
            if draft.lines(of: .http).hasAsked {
                throw args.problem(
                    "a connection carries one request", expected: "'http-check connect' before this line")
            }
            var comment: String?
            let request = try HTTPCheck(&args, comment: &comment, &draft[BalancingSettings.self].checkFormats)
            draft.addStep(.ask(request), comment, to: .http)
        },
        Keyword(
            "http-check send-state", in: sections, usage: "http-check send-state",
            summary:
                "Tells servers in a field, X-Haproxy-Server-State, how they are seen: state, weight, connections, queue."
        ) { (_, draft) in
            draft.forgetHTTPChecks()
            draft[BalancingSettings.self].httpCheck.sendsState = true
        },
        Keyword(
            "http-check disable-on-404", in: sections, usage: "http-check disable-on-404",
            summary:
                "A server that is up and responds with 404 finishes what it has, and gets no new requests (NOLB), until it responds "
                + "as it did before."
        ) { (_, draft) in
            draft.forgetHTTPChecks()
            draft[BalancingSettings.self].httpCheck.drainsOnNotFound = true
        },
    ]
}

extension String {
    /// The alternatives of a usage line without blanks around the bars.
    fileprivate var replacingBars: String { split(separator: " | ").joined(separator: "|") }
}

extension CheckStep {
    fileprivate var isConnect: Bool { if case .connect = action { true } else { false } }
}

extension Draft {
    fileprivate mutating func lines(of family: CheckFamily) -> CheckLines {
        switch family {
        case .tcp:
            forgetTCPChecks()
            return self[BalancingSettings.self].tcpCheck
        case .http:
            forgetHTTPChecks()
            return self[BalancingSettings.self].httpCheck.lines
        }
    }

    fileprivate mutating func change(_ family: CheckFamily, _ edit: (inout CheckLines) -> Void) {
        var lines = lines(of: family)
        edit(&lines)
        switch family {
        case .tcp: self[BalancingSettings.self].tcpCheck = lines
        case .http: self[BalancingSettings.self].httpCheck.lines = lines
        }
    }

    fileprivate mutating func addStep(_ action: CheckStep.Action, _ comment: String?, to family: CheckFamily) {
        change(family) { $0.add(action, comment: comment) }
    }

    fileprivate mutating func checkFormat(_ word: Word) throws(ConfigProblem) -> Format {
        try Format(word, for: .message, in: .checks, &self[BalancingSettings.self].checkFormats)
    }
}

extension HTTPCheck {
    private static let parts = ["meth", "uri", "uri-lf", "ver", "hdr", "body", "body-lf", "comment"]

    /// Reads the words of `http-check send`.
    fileprivate init(
        _ args: inout Arguments, comment: inout String?, _ table: inout FormatTable
    ) throws(ConfigProblem) {
        self.init()
        var made = HTTPCheckFormats()
        while let word = args.nextIfPresent() {
            switch word.text {
            case "meth": method = try args.next("a method").text
            case "uri":
                let word = try args.next("a URI")
                try Self.requireTarget(word)
                target = word.text
                saysTarget = true
            case "uri-lf":
                made.target = try Format(args.next("a log format"), for: .message, in: .checks, &table)
                saysTarget = true
            case "ver": version = try args.next("a version").text
            case "hdr":
                let name = try args.nextFieldName("a header name").text
                try addField(name, args.next("a header value"), &table)
            case "body": body = try args.next("a text").text
            case "body-lf": made.body = try Format(args.next("a log format"), for: .message, in: .checks, &table)
            case "comment": comment = try args.next("a text").text
            default:
                throw args.problem(
                    "unknown part '\(word.text)' of a check's request", at: word,
                    expected: Self.parts.joined(separator: ", "), suggestion: nearest(word.text, among: Self.parts))
            }
        }
        made.headers = formats?.headers ?? []
        formats = made.isEmpty ? nil : made
    }

    /// Adds a field whose value is a log format.
    mutating func addField(_ name: String, _ value: Word, _ table: inout FormatTable) throws(ConfigProblem) {
        let format = try Format(value, for: .message, in: .checks, &table)
        if table.isConstant(format) {
            headers.append("\(name): \(String(verbatim: table.constantText(format)))")
        } else {
            var made = formats ?? HTTPCheckFormats()
            made.headers.append((headers.count, format))
            formats = made
            headers.append("\(name): ")
        }
    }

    static func requireTarget(_ word: Word) throws(ConfigProblem) {
        guard word.text.hasPrefix("/") || word.text == "*" else {
            throw ConfigProblem("a check's URI begins with '/'", at: word.range)
        }
    }
}
