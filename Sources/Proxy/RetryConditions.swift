// `retry-on`: after which failures a request is sent again.

internal import Configuration

/// What may have gone wrong for a request to be sent again.
struct RetryConditions: OptionSet, Sendable {
    let rawValue: UInt32

    init(rawValue: UInt32) { self.rawValue = rawValue }

    /// No connection: the server has seen nothing of the request.
    static let connectionFailure = RetryConditions(rawValue: 1 << 0)
    /// The server closed before it said a word.
    static let emptyResponse = RetryConditions(rawValue: 1 << 1)
    /// What it said is not a whole response head.
    static let junkResponse = RetryConditions(rawValue: 1 << 2)
    /// `timeout server` passed without a response.
    static let responseTimeout = RetryConditions(rawValue: 1 << 3)
    /// It refused a request in early data of TLS (`allow-0rtt`).
    static let earlyDataRejected = RetryConditions(rawValue: 1 << 4)

    private static let statuses = [401, 403, 404, 408, 425, 429, 500, 501, 502, 503, 504]

    /// A response of this status; empty for one that is never a reason.
    static func status(_ status: Int) -> RetryConditions {
        guard let place = statuses.firstIndex(of: status) else { return [] }
        return RetryConditions(rawValue: 1 << UInt32(8 + place))
    }

    static let allRetryableErrors: RetryConditions = [
        .connectionFailure, .emptyResponse, .junkResponse, .responseTimeout, .earlyDataRejected, .status(500),
        .status(502), .status(503), .status(504),
    ]

    /// There is a reason to send a message again that a server has had: it has to be kept.
    var concernsMessages: Bool { !subtracting(.connectionFailure).isEmpty }
}

extension RetryConditions {
    static let keyword = Keyword(
        "retry-on", in: .backends, usage: "retry-on <condition>...",
        summary: "After which failures a request is sent again, `retries` times at most: conn-failure (the default), "
            + "empty-response, junk-response, response-timeout, 0rtt-rejected, a status (401 403 404 408 425 429 500 501 502 503 "
            + "504), all-retryable-errors, none. Only what fits into a buffer (tune.bufsize) is sent again, whatever its "
            + "method: a server may do the same thing twice."
    ) { (args, draft) throws(ConfigProblem) in
        var conditions: RetryConditions = []
        var saysNone = false
        var count = 0
        repeat {
            let condition = try args.choice("a condition", of: words)
            saysNone = saysNone || condition.isEmpty
            conditions.formUnion(condition)
            count += 1
        } while !args.isAtEnd
        if saysNone && count > 1 { throw args.problem("'none' does not go with other conditions") }
        draft[ProxySettings.self].retryOn = conditions
    }

    static let retriesKeyword = Keyword(
        "retries", in: .backends, usage: "retries <number>",
        summary:
            "Attempts after a failed one: 3 by default, one a second at the same server. See `retry-on`. A server to which three "
            + "connections in a row fail is left alone by that thread as long as there is another, except for one attempt a "
            + "second; the log says so."
    ) { (args, draft) throws(ConfigProblem) in
        draft[ProxySettings.self].retries = try args.cappedInteger("a number", in: 0...100)
    }

    static let safeKeyword = Keyword(
        "option safe-retry", in: .backends, usage: "option safe-retry",
        summary:
            "Sends a request again, `retries` times at most, when its server closes or resets the connection before its response's "
            + "head is whole: to another server, if there is one. Only where that is safe: the method is idempotent (RFC 9110 "
            + "section 9.2.2), all of the request is still here, and the client has been sent nothing. Retries after failed "
            + "connections go to another server at once too.",
        negatable: true
    ) { (args, draft) throws(ConfigProblem) in
        draft[ProxySettings.self].retriesSafely = !args.isNegated
    }

    private static let words: KeyValuePairs<String, RetryConditions> = [
        "none": [], "conn-failure": .connectionFailure, "empty-response": .emptyResponse,
        "junk-response": .junkResponse, "response-timeout": .responseTimeout, "0rtt-rejected": .earlyDataRejected,
        "401": .status(401), "403": .status(403), "404": .status(404), "408": .status(408), "425": .status(425),
        "429": .status(429), "500": .status(500), "501": .status(501), "502": .status(502), "503": .status(503),
        "504": .status(504), "all-retryable-errors": .allRetryableErrors,
    ]
}
