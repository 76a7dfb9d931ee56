// Options about connections as such: probing silent peers, empty connections, queues of new ones.

internal import Configuration

enum ConnectionOptionKeywords {
    static let table: [Keyword] = [
        option(
            "clitcpka", .frontends, "Lets the system probe client connections on which nothing is sent.",
            \.probesClients),
        option(
            "srvtcpka", .backends, "Lets the system probe server connections on which nothing is sent.",
            \.probesServers),
        Keyword(
            "option tcpka", in: .proxies, usage: "option tcpka",
            summary: "Lets the system probe connections on both sides on which nothing is sent.", negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].probesClients = !args.isNegated
            draft[ProxySettings.self].probesServers = !args.isNegated
        },
        option(
            "http-ignore-probes", .frontends,
            "Closes a connection that never carried a byte without an answer, and neither counts nor logs it: browsers "
                + "open such connections ahead of need.", \.ignoresProbes),
        option(
            "log-health-checks", .backends,
            "Logs each change of what health checks find, not only those that change a server's state.",
            \.logsHealthChecks),
        option(
            "accept-unsafe-violations-in-http-request", .frontends,
            "Lets requests pass that break rules of HTTP without making it doubtful where they end or whom they are for: "
                + "lines of the head that end with LF alone, odd characters in the names of fields, '#' and bytes from "
                + "0x80 in targets, other versions, HTTP/0.9. Of what HAProxy lets through under this name the following "
                + "stays refused, since two hops may read it differently: NUL in a name or a value, and an authority "
                + "(of CONNECT too) that differs from Host. Lines of a chunked body end with CR LF. 'show errors' has the "
                + "last request that was let through.",
            \.acceptsInvalidRequests),
        option(
            "accept-unsafe-violations-in-http-response", .backends,
            "Lets responses pass that break rules of HTTP without making it doubtful where they end: odd characters in "
                + "the names of fields, versions of several digits. Without the option too, lines of a response may end "
                + "with LF alone or be folded, and chunk sizes may be padded with blanks or zeros. Of what HAProxy lets through under "
                + "this name the following stays refused: NUL in a name or a value, a Transfer-Encoding that is empty or "
                + "has several 'chunked', a status of more than three digits, other protocols. 'show errors' has the last "
                + "response that was let through.",
            \.acceptsInvalidResponses),
        option(
            "accept-invalid-http-request", .frontends,
            "The old name of 'option accept-unsafe-violations-in-http-request'.", \.acceptsInvalidRequests),
        option(
            "accept-invalid-http-response", .backends,
            "The old name of 'option accept-unsafe-violations-in-http-response'.", \.acceptsInvalidResponses),
        option(
            "http-drop-request-trailers", .backends,
            "Does not pass on the fields that follow a request's body: applications that merge them with the head would "
                + "take them for fields that rules have judged. Even without the option, fields of routing, framing, "
                + "authentication and control do not pass.", \.dropsRequestTrailers),
        option(
            "http-drop-response-trailers", .frontends,
            "Does not pass on the fields that follow a response's body.", \.dropsResponseTrailers),
        Keyword(
            "option disable-h2-upgrade", in: .frontends, usage: "option disable-h2-upgrade",
            summary:
                "Does not take a connection for HTTP/2 because it begins with its preface: only `proto h2` and ALPN say so.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].takesPriorKnowledge = args.isNegated
        },
        Keyword(
            "backlog", in: .frontends, usage: "backlog <number>",
            summary: "Connections the system may keep waiting at each address: 4096 by default."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].backlog = try args.limit("a number", to: 1_000_000)
        },
    ]

    private static func option(
        _ name: String, _ sections: Sections, _ summary: String,
        _ flag: any WritableKeyPath<ProxySettings, Bool> & Sendable
    ) -> Keyword {
        Keyword("option \(name)", in: sections, usage: "option \(name)", summary: summary, negatable: true) {
            (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self][keyPath: flag] = !args.isNegated
        }
    }
}
