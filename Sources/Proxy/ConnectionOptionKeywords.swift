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
            "accept-invalid-http-request", .frontends,
            "Lets requests pass that break rules without making it doubtful where they end: odd characters in the names of "
                + "fields and in targets, other versions, HTTP/0.9. 'show errors' has the last one.",
            \.acceptsInvalidRequests),
        option(
            "accept-invalid-http-response", .backends,
            "Lets responses pass that break rules without making it doubtful where they end: odd characters in the names "
                + "of fields, versions of several digits. 'show errors' has the last one.",
            \.acceptsInvalidResponses),
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
