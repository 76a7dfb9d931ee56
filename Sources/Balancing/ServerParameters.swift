// The parameters of `server` and `default-server` lines.

internal import Basics
public import Configuration
internal import ProxyProtocol
internal import TLS

extension BalancingKeywords {
    /// The parameters of `server` and `default-server`.
    public static let serverParameters: [Parameter<ServerDraft>] =
        ownParameters + AgentKeywords.parameters + [NamedCheckKeywords.parameter] + ObservationParameters.table
        + protocolParameters + ServerNaming.parameters + ServerWay.parameters
        + TLSKeywords.serverParameters.map { $0.inside(\.tls) }

    private static let ownParameters: [Parameter<ServerDraft>] = [
        Parameter(
            "check", usage: "check", summary: "Checks the server's health, so that a dead one gets no requests."
        ) { (_, server) throws(ConfigProblem) in server.isChecked = true },
        Parameter("no-check", usage: "no-check", summary: "Does not check the server.") {
            (_, server) throws(ConfigProblem) in server.isChecked = false
        },
        Parameter("inter", usage: "inter <time>", summary: "Time from one check to the next: 2 s by default.") {
            (args, server) throws(ConfigProblem) in server.interval = try args.checkInterval()
        },
        Parameter(
            "fastinter", usage: "fastinter <time>", summary: "Time between checks while the server is changing sides."
        ) { (args, server) throws(ConfigProblem) in server.fastInterval = try args.checkInterval() },
        Parameter("downinter", usage: "downinter <time>", summary: "Time between checks while the server is down.") {
            (args, server) throws(ConfigProblem) in server.downInterval = try args.checkInterval()
        },
        Parameter(
            "rise", usage: "rise <count>", summary: "Checks that must pass in a row to bring it back: 2 by default."
        ) {
            (args, server) throws(ConfigProblem) in
            server.thresholds.rise = try args.cappedInteger("a count", in: 1...1_000)
        },
        Parameter(
            "fall", usage: "fall <count>", summary: "Checks that must fail in a row to take it out: 3 by default."
        ) {
            (args, server) throws(ConfigProblem) in
            server.thresholds.fall = try args.cappedInteger("a count", in: 1...1_000)
        },
        Parameter(
            "weight", usage: "weight <number>",
            summary: "Its share of the requests against the other servers' weights, 0 to 256; 1 by default, none at 0."
        ) { (args, server) throws(ConfigProblem) in server.weight = try args.integer("a weight", in: 0...256) },
        Parameter(
            "slowstart", usage: "slowstart <time>",
            summary:
                "When the server comes back from being down or in maintenance, its weight and maxconn rise from next to nothing "
                + "for this time, once a second. Not when Portico starts, and the weight not with static-rr and map-based hashes."
        ) { (args, server) throws(ConfigProblem) in
            let time = try args.longTime("a time")
            server.reactions.slowStart = time > .zero ? time : nil
        },
        Parameter(
            "on-marked-down", usage: "on-marked-down shutdown-sessions",
            summary:
                "When the server goes down, or into maintenance, its sessions are ended at once; the log has D for them."
        ) { (args, server) throws(ConfigProblem) in
            server.reactions.endsSessions = try args.choice("an action", of: ["shutdown-sessions": true])
        },
        Parameter(
            "on-marked-up", usage: "on-marked-up shutdown-backup-sessions",
            summary:
                "When the server comes up and is no backup, the sessions on all backup servers are ended at once; the log has U for "
                + "them."
        ) { (args, server) throws(ConfigProblem) in
            server.reactions.endsBackupSessions = try args.choice("an action", of: ["shutdown-backup-sessions": true])
        },
        Parameter(
            "track", usage: "track [<backend>/]<server>",
            summary:
                "Takes the health, maintenance and drain of another server, which is checked or tracks one itself, instead of checks of "
                + "its own."
        ) { (args, server) throws(ConfigProblem) in server.tracked = try args.next("a server") },
        Parameter("backup", usage: "backup", summary: "Uses the server only when no other one is left.") {
            (_, server) throws(ConfigProblem) in server.isBackup = true
        },
        Parameter("no-backup", usage: "no-backup", summary: "Undoes `backup` of a default-server line.") {
            (_, server) throws(ConfigProblem) in server.isBackup = false
        },
        Parameter("disabled", usage: "disabled", summary: "Starts with the server in maintenance.") {
            (_, server) throws(ConfigProblem) in server.isDisabled = true
        },
        Parameter("enabled", usage: "enabled", summary: "Undoes `disabled` of a default-server line.") {
            (_, server) throws(ConfigProblem) in server.isDisabled = false
        },
        Parameter("id", usage: "id <number>", summary: "The server's number in statistics; its position by default.") {
            (args, server) throws(ConfigProblem) in server.id = try args.integer("a number", in: 1...Int(Int32.max))
        },
        Parameter(
            "guid", usage: "guid <string>", summary: "A name for the server that nothing else in the configuration has."
        ) { (args, server) throws(ConfigProblem) in server.globalID = try args.globalID() },
        HashKeywords.serverParameter,
        Parameter(
            "init-state", usage: "init-state fully-up|up|down|fully-down|none",
            summary:
                "What a server with checks is taken for at the start, when its name gets its first address, and after maintenance: up "
                + "until one check fails (up) or as many as `fall` says (fully-up), down until one check passes (down) or as many "
                + "as `rise` says (fully-down). none, the default: up, and after maintenance as checks have left it."
        ) { (args, server) throws(ConfigProblem) in
            server.initialState = try args.choice(
                "a state",
                of: ["fully-up": .fullyUp, "up": .up, "down": .down, "fully-down": .fullyDown, "none": nil])
        },
        Parameter("port", usage: "port <port>", summary: "Sends checks to this port instead.") {
            (args, server) throws(ConfigProblem) in
            server.checkPort = UInt16(try args.integer("a port", in: 1...65_535))
        },
        Parameter(
            "addr", usage: "addr <ip>[:<port>]",
            summary: "Sends checks to this address instead, and to its port, unless `port` says another one."
        ) { (args, server) throws(ConfigProblem) in
            let place = try args.checkPlace()
            server.checkAddress = place.address
            server.checkAddressPort = place.port
        },
        Parameter(
            "maxconn", usage: "maxconn <number>",
            summary:
                "Requests the server gets at a time, or connections in tcp mode; more wait in a queue, first come, first "
                + "served. 0, the default, for any number."
        ) { (args, server) throws(ConfigProblem) in server.limits.maxConnections = try limit(&args) },
        Parameter(
            "minconn", usage: "minconn <number>",
            summary: "Makes `maxconn` a limit that grows with the backend's load, from this number on; see `fullconn`."
        ) { (args, server) throws(ConfigProblem) in server.limits.minConnections = try limit(&args) },
        Parameter(
            "maxqueue", usage: "maxqueue <number>",
            summary:
                "Requests that may wait for this server alone; further ones go elsewhere. 0, the default, for any number."
        ) { (args, server) throws(ConfigProblem) in server.limits.queueMax = try limit(&args) },
        Parameter(
            "strict-maxconn", usage: "strict-maxconn",
            summary:
                "Counts idle connections too: where a new one would make more than `maxconn`, an idle one is closed before. Without it, "
                + "`maxconn` bounds requests only."
        ) { (_, server) throws(ConfigProblem) in server.countsIdleConnections = true },
        Parameter(
            "cookie", usage: "cookie <value>",
            summary: "What names the server in the cookie of the section's `cookie` line."
        ) { (args, server) throws(ConfigProblem) in
            let value = try args.next("a value")
            guard value.text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3B && $0 != 0x2C && $0 != 0x22 })
            else {
                throw args.problem(
                    "'\(value.text)' cannot be a cookie's value", at: value,
                    expected: "printable characters without spaces, quotes, commas and semicolons")
            }
            server.cookie = value
        },
        Parameter(
            "pool-conn-name", usage: "pool-conn-name <expression>",
            summary:
                "What connections to the server are told apart by: a request goes over one only whose first request had the same. "
                + "Without it that is the name that the server is asked for in TLS (`sni`), whose place it takes."
        ) { (args, server) throws(ConfigProblem) in server.poolName = try args.next("an expression") },
        Parameter(
            "pool-low-conn", usage: "pool-low-conn <number>",
            summary:
                "With fewer idle connections to the server than this, a thread opens its own rather than take one that another "
                + "thread keeps; as many are kept beyond those that are needed. 0 by default."
        ) { (args, server) throws(ConfigProblem) in
            server.pool.connectionsLow = try args.integer("a number", in: 0...1_000_000)
        },
        Parameter(
            "pool-max-conn", usage: "pool-max-conn <number>",
            summary: "Idle connections kept to the server: 0 for none, -1 (the default) for any number."
        ) { (args, server) throws(ConfigProblem) in
            server.pool.connectionsMax = try countOrAny("a number", to: 1_000_000, &args)
        },
        Parameter(
            "pool-purge-delay", usage: "pool-purge-delay <time>",
            summary:
                "Closes an idle connection to the server after this time: 5 s by default. Keep it below the server's "
                + "own limit."
        ) { (args, server) throws(ConfigProblem) in server.pool.idleTime = try args.time("a time") },
        Parameter(
            "max-reuse", usage: "max-reuse <count>",
            summary: "Requests after the first that one connection may carry: -1 (the default) for any number."
        ) { (args, server) throws(ConfigProblem) in
            server.pool.reusesMax = try countOrAny("a count", to: 1_000_000_000, &args)
        },
        Parameter(
            "send-proxy", usage: "send-proxy",
            summary:
                "Begins connections to the server, and its checks unless they go elsewhere, with a PROXY protocol header in "
                + "version 1 that says who the client is. Such a connection is only used for that client again."
        ) { (_, server) throws(ConfigProblem) in server.sendsProxyLine = true },
        proxyBlock("send-proxy-v2", "The same in version 2."),
        Parameter("no-send-proxy", usage: "no-send-proxy", summary: "Undoes `send-proxy` of a default-server line.") {
            (_, server) throws(ConfigProblem) in server.sendsProxyLine = false
        },
        proxyBlock("no-send-proxy-v2", isOn: false, "Undoes `send-proxy-v2` of a default-server line."),
        proxyBlock(
            "send-proxy-v2-ssl", saying: .tls,
            "As send-proxy-v2, and says what there is to say about TLS on the client's connection."),
        proxyBlock(
            "send-proxy-v2-ssl-cn", saying: [.tls, .commonName],
            "As send-proxy-v2-ssl, with the common name in the client's certificate."),
        proxyBlock(
            "no-send-proxy-v2-ssl", saying: .tls, isOn: false,
            "Undoes `send-proxy-v2` and `send-proxy-v2-ssl` of a default-server line."),
        proxyBlock(
            "no-send-proxy-v2-ssl-cn", saying: [.tls, .commonName], isOn: false,
            "Undoes `send-proxy-v2` and `send-proxy-v2-ssl-cn` of a default-server line."),
        Parameter(
            "proxy-v2-options", usage: "proxy-v2-options <option>[,<option>...]",
            summary:
                "Says more in the header of send-proxy-v2: unique-id, the name that unique-id-format has made (each name gets a "
                + "connection of its own); authority, the host name that the client's own PROXY header had, or its TLS asked for; crc32c, a "
                + "checksum; ssl, cert-cn, ssl-cipher, cert-sig, cert-key: about TLS on the client's connection."
        ) { (args, server) throws(ConfigProblem) in server.proxyOptions = try proxyOptions(&args) },
        Parameter(
            "set-proxy-v2-tlv-fmt", usage: "set-proxy-v2-tlv-fmt(<type>) <format>",
            summary:
                "Says what the log format makes under a type in the header of send-proxy-v2: a number from 0 to 255, also in "
                + "hexadecimal (0xE0 to 0xEF are free), or a name as with fc_pp_tlv. Several make several values. "
                + "A connection whose header does not fit into a buffer fails.",
            takesParentheses: true
        ) { (args, server) throws(ConfigProblem) in
            let word = try args.inParentheses("a type")
            guard let type = TypedValues.type(named: word.text) else {
                throw args.problem(
                    "'\(word.text)' is no type of a value", at: word,
                    expected: "0 to 255, 0x…, or \(TypedValues.names.map(\.name).joined(separator: ", "))")
            }
            // At the end of a line there may be no format, for a value that is empty.
            server.headerValues.append((type, args.nextIfPresent() ?? Word("", at: args.keyword.range)))
        },
        Parameter(
            "check-send-proxy", usage: "check-send-proxy",
            summary: "Begins checks with such a header also where they have `port` or `addr`, or the server has none."
        ) { (_, server) throws(ConfigProblem) in server.sendsProxyHeaderInChecks = true },
    ]

    /// A word that turns the header of version 2 on, with what it says, or off.
    private static func proxyBlock(
        _ name: String, saying options: ProxyHeaderOptions = [], isOn: Bool = true, _ summary: String
    ) -> Parameter<ServerDraft> {
        Parameter(name, usage: name, summary: summary) { (_, server) throws(ConfigProblem) in
            server.sendsProxyBlock = isOn
            if isOn { server.proxyOptions.formUnion(options) } else { server.proxyOptions.subtract(options) }
        }
    }

    private static func proxyOptions(_ args: inout Arguments) throws(ConfigProblem) -> ProxyHeaderOptions {
        let word = try args.next("options")
        let choices: KeyValuePairs<String, ProxyHeaderOptions> = [
            "unique-id": .uniqueID, "authority": .authority, "crc32c": .checksum, "ssl": .tls,
            "cert-cn": [.tls, .commonName], "cert-key": [.tls, .keyAlgorithm], "cert-sig": [.tls, .signatureAlgorithm],
            "ssl-cipher": [.tls, .cipher],
        ]
        var options: ProxyHeaderOptions = []
        for name in word.text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            options.formUnion(try Word(name, at: word.range).choice("an option", of: choices))
        }
        return options
    }

    /// Zero stands for no limit.
    private static func limit(_ args: inout Arguments) throws(ConfigProblem) -> Int? {
        try args.limit("a number", to: 10_000_000)
    }

    /// -1 stands for any number.
    private static func countOrAny(
        _ what: String, to highest: Int, _ args: inout Arguments
    ) throws(ConfigProblem) -> Int? {
        let number = try args.cappedInteger(what, in: -1...highest)
        return number < 0 ? nil : number
    }
}

extension Arguments {
    /// Reads the time between two checks.
    mutating func checkInterval() throws(ConfigProblem) -> TimeSpan {
        let time = try longTime("a time")
        // A pause of nothing would check in a loop without end. HAProxy counts in milliseconds, and rounds up.
        guard time > .zero else { throw problem("a check interval is at least 1 ms") }
        return max(time, .milliseconds(1))
    }
}
