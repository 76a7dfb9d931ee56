// What a section's lines say about the log of its exchanges, and those lines.

public import Configuration

public struct ExchangeLogSettings: SectionSettings {
    enum Format: Sendable {
        /// A line when the client connects.
        case standard
        case tcp, http, clf
        case custom(LogFormat)

        var isDefault: Bool {
            if case .standard = self { return true }
            return false
        }
    }

    var format = Format.standard
    /// `option dontlognull`, `dontlog-normal`, `log-separate-errors`, `logasap`.
    var skipsNull = false
    var skipsNormal = false
    var separatesErrors = false
    var logsEarly = false
    /// `capture request header`, `capture response header`, in file order.
    var requestCaptures: [FieldCapture] = []
    var responseCaptures: [FieldCapture] = []
    /// Their names as the file writes them.
    var requestTitles: [String] = []
    var responseTitles: [String] = []
    /// Their names as they are looked for.
    var table = RuleTable()

    public init() {}

    /// The log of a frontend with these settings, in HTTP or TCP mode.
    public func exchangeLog(isHTTP: Bool) -> ExchangeLog { ExchangeLog(self, isHTTP: isHTTP) }
}

enum ExchangeLogKeywords {
    static let table: [Keyword] = [
        Keyword(
            "option httplog", in: .proxies, usage: "option httplog [clf]",
            summary:
                "Logs each HTTP exchange when it ends, with its timers and how it ended; with clf in a form close to"
                + " the Common Log Format."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[ExchangeLogSettings.self].format = arguments.skip("clf") ? .clf : .http
        },
        Keyword(
            "option tcplog", in: .proxies, usage: "option tcplog",
            summary: "Logs each connection when it ends, with its timers and how it ended."
        ) { (_, draft) throws(ConfigProblem) in draft[ExchangeLogSettings.self].format = .tcp },
        Keyword(
            "log-format", in: .proxies, usage: "log-format <format>",
            summary:
                "Logs each exchange in a format of your own: text, variables such as %ci, expressions such as %[src]."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[ExchangeLogSettings.self].format = .custom(
                try LogFormat(arguments.next("a log format")))
        },
        option(
            "dontlognull", "Does not log connections on which nothing was received, such as a port probe's.",
            \.skipsNull),
        option("dontlog-normal", "Logs only what failed, was retried, or has a status from 500.", \.skipsNormal),
        option("log-separate-errors", "Logs what failed at level err instead of info.", \.separatesErrors),
        option(
            "logasap",
            "Logs an exchange when its response's head has been sent; times and sizes that still grow have a + sign.",
            \.logsEarly),
        capture("request", \.requestCaptures, \.requestTitles),
        capture("response", \.responseCaptures, \.responseTitles),
    ]

    private static func option(
        _ name: String, _ summary: String, _ flag: any WritableKeyPath<ExchangeLogSettings, Bool> & Sendable
    ) -> Keyword {
        Keyword(
            "option \(name)", in: .proxies, usage: "option \(name)", summary: summary, negatable: true
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[ExchangeLogSettings.self][keyPath: flag] = !arguments.isNegated
        }
    }

    private static func capture(
        _ side: String, _ list: any WritableKeyPath<ExchangeLogSettings, [FieldCapture]> & Sendable,
        _ titles: any WritableKeyPath<ExchangeLogSettings, [String]> & Sendable
    ) -> Keyword {
        Keyword(
            "capture \(side) header", in: [.frontend, .listen],
            usage: "capture \(side) header <name> len <length>",
            summary: "Logs the last \(side) field of this name, cut to a length, in braces behind the queue sizes."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a field name")
            guard let name = FieldName(word.text, &draft[ExchangeLogSettings.self].table) else {
                throw arguments.problem("'\(word.text)' cannot be a field name", at: word)
            }
            _ = try arguments.choice("a length", of: ["len": ()])
            // The log's longest line bounds what can be seen of it.
            let length = try arguments.integer("a length", in: 1...65_535)
            draft[ExchangeLogSettings.self][keyPath: list].append(
                FieldCapture(name: name, length: length))
            draft[ExchangeLogSettings.self][keyPath: titles].append(word.text)
        }
    }
}
