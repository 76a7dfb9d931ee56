// `redirect`: sends the client elsewhere (manual, `redirect`).

internal import Basics
internal import Configuration
internal import Expressions
internal import HTTP
internal import LogFormat

struct Redirection: Sendable {
    private enum Kind: Sendable {
        /// The whole location.
        case location
        /// What is put before the request's path and query.
        case prefix
        /// The scheme; host, path and query are the request's.
        case scheme
    }

    private var kind = Kind.location
    private var target: Format
    private var code = 302
    private var dropsQuery = false
    private var appendsSlash = false
    private var ignoresEmpty = false
    private var keepsQuery = false
    /// A whole Set-Cookie value.
    private var cookie: String?
    /// What makes a cookie, `name=value`.
    private var cookieFormat: Format?

    /// nil if the location came out empty and `ignore-empty` says to go on.
    func outcome(_ context: ExchangeContext, _ program: RuleProgram) -> RuleOutcome? {
        target.render(context, program)
        if context.rendered.isEmpty, ignoresEmpty { return nil }
        switch kind {
        case .location: if keepsQuery { context.request.appendQuery(to: &context.rendered) }
        case .prefix:
            // A prefix of "/" stands for nothing.
            if context.rendered == [0x2F] { context.rendered.removeAll(keepingCapacity: true) }
            appendPath(context)
        case .scheme:
            context.rendered.append("://")
            context.request.appendHost(to: &context.rendered)
            appendPath(context)
        }
        var fields = [(name: "location", value: String(verbatim: context.rendered))]
        // Temporary redirections: the client asks the same URI again.
        if code == 302 || code == 303 || code == 307 { fields.append(("cache-control", "no-cache")) }
        if let cookie { fields.append(("set-cookie", cookie)) }
        if let cookieFormat {
            cookieFormat.render(context, program)
            fields.append(("set-cookie", String(verbatim: context.rendered) + "; path=/;"))
        }
        return .answer(LocalResponse(status: code, fields: fields))
    }

    private func appendPath(_ context: ExchangeContext) {
        context.request.appendPath(withQuery: !dropsQuery, to: &context.rendered)
        if appendsSlash, dropsQuery, context.rendered.last != 0x2F { context.rendered.append(0x2F) }
    }
}

extension RequestHead {
    /// Appends the query to a location that may have one.
    fileprivate func appendQuery(to out: inout [UInt8]) {
        if query.byteCount == 0 { return }
        let separator: UInt8 = out.contains(0x3F) ? 0x26 : 0x3F
        out.append(separator)
        TextWriter.append(to: &out) { $0.append(query, .message) }
    }

    fileprivate func appendHost(to out: inout [UInt8]) {
        TextWriter.append(to: &out) { $0.append(host, .message) }
    }

    /// A request without a path (`OPTIONS *`) gets "/".
    fileprivate func appendPath(withQuery: Bool, to out: inout [UInt8]) {
        if targetForm == .asterisk || path.byteCount == 0 { return out.append(0x2F) }
        TextWriter.append(to: &out) { $0.append(withQuery ? pathAndQuery : path, .message) }
    }
}

extension Redirection {
    static let usage =
        "location|prefix|scheme <value> [code <code>] [drop-query] [append-slash] [keep-query] [ignore-empty]"
        + " [set-cookie <name>[=<value>]] [set-cookie-fmt <format>] [clear-cookie <name>[=]]"

    static let row = ActionRow(
        "redirect", in: [.httpRequest, .httpResponse], usage,
        summary:
            "Answers with a redirection (302) to a location, to the same path behind a prefix, or to another scheme."
    ) { (arguments, family, table) throws(ConfigProblem) in
        table.redirects.append(try Redirection(&arguments, in: family.hook, &table))
        return .redirect(table.redirects.count - 1)
    }

    /// Reads the words up to the condition. Without a `hook`, as on the old `redirect` line, percent signs stand for
    /// themselves.
    init(_ arguments: inout Arguments, in hook: RuleHook?, _ table: inout RuleTable) throws(ConfigProblem) {
        target = Format(literal: "", &table.formats)
        var kindWord: Word?
        var slashWord: Word?
        while !arguments.isAtCondition {
            let word = try arguments.next("an argument")
            switch word.text {
            case "location", "prefix", "scheme":
                if let kindWord { throw arguments.problem("'\(word.text)' after '\(kindWord.text)'", at: word) }
                kindWord = word
                kind = word.text == "location" ? .location : word.text == "prefix" ? .prefix : .scheme
                target = try Self.target(&arguments, in: hook, &table)
            case "code":
                code = try arguments.choice(
                    "a status", of: ["301": 301, "302": 302, "303": 303, "307": 307, "308": 308])
            case "drop-query": dropsQuery = true
            case "append-slash":
                appendsSlash = true
                slashWord = word
            case "ignore-empty": ignoresEmpty = true
            case "keep-query": keepsQuery = true
            case "set-cookie-fmt":
                guard let hook else {
                    throw arguments.problem(
                        "'set-cookie-fmt' is for http-request and http-response redirect", at: word,
                        suggestion: "set-cookie")
                }
                cookieFormat = try arguments.fieldFormat("what makes <name>=<value>", in: hook, &table)
            case "set-cookie": cookie = try Self.cookie(&arguments) + "; path=/;"
            case "clear-cookie": cookie = try Self.cookie(&arguments) + "; path=/; Max-Age=0;"
            default:
                throw arguments.problem(
                    "unexpected '\(word.text)'", at: word, expected: Self.usage,
                    suggestion: nearest(word.text, among: Self.words))
            }
        }
        guard kindWord != nil else {
            throw arguments.problem("a redirection leads nowhere", expected: "location, prefix or scheme, and a value")
        }
        if let slashWord, !dropsQuery {
            arguments.warn("append-slash does nothing without drop-query", at: slashWord)
        }
    }

    private static let words = [
        "location", "prefix", "scheme", "code", "drop-query", "append-slash", "keep-query", "ignore-empty",
        "set-cookie", "set-cookie-fmt",
        "clear-cookie", "if", "unless",
    ]

    private static func target(
        _ arguments: inout Arguments, in hook: RuleHook?, _ table: inout RuleTable
    ) throws(ConfigProblem) -> Format {
        if let hook { return try arguments.fieldFormat("where to", in: hook, &table) }
        let word = try arguments.next("where to")
        guard word.text.isFieldValue else {
            throw arguments.problem("a location cannot hold a control character", at: word)
        }
        return Format(literal: word.text, &table.formats)
    }

    private static func cookie(_ arguments: inout Arguments) throws(ConfigProblem) -> String {
        let word = try arguments.next("a cookie's name")
        guard word.text.isFieldValue, !word.text.isEmpty, !word.text.contains(";") else {
            throw arguments.problem("'\(word.text)' cannot be a cookie", at: word, expected: "<name> or <name>=<value>")
        }
        return word.text
    }
}
