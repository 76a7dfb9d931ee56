// A section's settings for the log of its exchanges, and their keywords.

public import Configuration
public import Expressions

public struct ExchangeLogSettings: SectionSettings {
    public enum Format: Sendable {
        /// A line when the client connects.
        case standard
        case tcp, http, https, clf
        case custom(LogFormat)

        var isDefault: Bool {
            if case .standard = self { return true }
            return false
        }
    }

    public var format = Format.standard
    /// `error-log-format`.
    public var errorFormat: LogFormat?
    /// `log-format-sd`.
    public var structuredData: LogFormat?
    /// `log-steps`; nil: one line, at the end or where `option logasap` says.
    public var steps: Set<LogStep>?
    /// The profiles that the section's `log` lines name.
    public var profiles: [LogProfileSettings] = []
    /// `option dontlognull`, `dontlog-normal`, `log-separate-errors`, `logasap`.
    var skipsNull = false
    var skipsNormal = false
    var separatesErrors = false
    var logsEarly = false
    /// What is captured of requests and responses, in file order.
    public var requestCaptures: [FieldCapture] = []
    public var responseCaptures: [FieldCapture] = []
    /// Their names as the file writes them.
    public var requestTitles: [String] = []
    public var responseTitles: [String] = []
    /// Their names as they are looked for.
    public var table = ExpressionTable()

    public init() {}

    /// The names of sections and servers in the formats.
    public var references: [SiteReference] {
        let own: [SiteReference] = if case .custom(let format) = format { format.references } else { [] }
        return own + (errorFormat?.references ?? []) + others.flatMap(\.references)
    }

    /// Whether the table of one of the formats is so.
    public func anyTable(_ isSo: (ExpressionTable) -> Bool) -> Bool {
        let own = if case .custom(let format) = format { format.holds(isSo) } else { false }
        return own || errorFormat?.holds(isSo) ?? false || others.contains { $0.holds(isSo) }
    }

    /// The formats of structured data and profiles.
    private var others: [LogFormat] { (structuredData.map { [$0] } ?? []) + profiles.flatMap(\.formats) }

    /// The log of a frontend with these settings, in HTTP or TCP mode.
    public func exchangeLog(isHTTP: Bool) -> ExchangeLog { ExchangeLog(self, isHTTP: isHTTP) }
}

public enum ExchangeLogKeywords {
    public static let table: [Keyword] = [
        Keyword(
            "option httplog", in: .proxies, usage: "option httplog [clf]",
            summary:
                "Logs each HTTP exchange when it ends, with its timers and how it ended; with clf in a form close to"
                + " the Common Log Format."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[ExchangeLogSettings.self].format = arguments.skip("clf") ? .clf : .http
        },
        Keyword(
            "option httpslog", in: .proxies, usage: "option httpslog",
            summary: "As option httplog, with fields about TLS behind each line."
        ) { (_, draft) throws(ConfigProblem) in draft[ExchangeLogSettings.self].format = .https },
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
        Keyword(
            "error-log-format", in: .proxies, usage: "error-log-format <format>",
            summary:
                "Logs clients with which it never came to a request in a format of their own: bad heads, time-outs, PROXY "
                + "protocol headers that were none."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[ExchangeLogSettings.self].errorFormat = try LogFormat(arguments.next("a log format"))
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
}
