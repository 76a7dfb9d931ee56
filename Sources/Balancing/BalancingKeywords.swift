// The keywords that configure servers, the choice among them and their checks.

internal import Basics
public import Configuration
internal import ProxyProtocol

public enum BalancingKeywords {
    public static let table: [Keyword] = [
        Keyword(
            "balance", in: .backends, usage: "balance <algorithm>",
            summary: "Chooses how a server is picked for each request: \(BalancingAlgorithms.summary)."
        ) { (args, draft) throws(ConfigProblem) in
            draft[BalancingSettings.self].algorithm = try BalanceLine(&args)
        },
        Keyword(
            "server", in: [.backend, .listen], usage: "server <name> <address>[:[+|-]<port>] [<parameter>...]",
            summary: "Adds a server. The address is an IP address or host name with a port, or a unix socket's path. "
                + "0.0.0.0, * or nothing is the address that the client connected to, 0 or nothing its port, and a signed "
                + "number what is added to that port; see http-request set-dst."
        ) { (args, draft) throws(ConfigProblem) in
            var server = draft[BalancingSettings.self].defaultServer
            server.name = try args.next("a server name")
            try checkIsName(server.name, before: args.peek)
            // The name counts as taken even if the rest of the line is wrong.
            let first = draft[BalancingSettings.self].claim(server.name)
            server.addressWord = try args.nextAddress("an address")
            (server.address, server.portOffset) = try serverAddress(server.addressWord)
            try args.parameters(serverParameters, of: "server", into: &server)
            try checkUnique(server, first, in: draft[BalancingSettings.self])
            try checkHasPort(server)
            try ServerNaming.check(server)
            draft[BalancingSettings.self].add(server)
        },
        Keyword(
            "default-server", in: .backends, usage: "default-server <parameter>...",
            summary: "Sets parameters for the `server` lines that follow."
        ) { (args, draft) throws(ConfigProblem) in
            try args.parameters(serverParameters, of: "server", into: &draft[BalancingSettings.self].defaultServer)
            if let id = draft[BalancingSettings.self].defaultServer.globalID {
                draft[BalancingSettings.self].defaultServer.globalID = nil
                throw args.problem("a 'guid' is one server's alone", at: id)
            }
        },
        Keyword(
            "fullconn", in: .backends, usage: "fullconn <number>",
            summary:
                "Requests in the backend at which servers with `minconn` take their full `maxconn`; by default a tenth of "
                + "the maxconn of all frontends that lead here."
        ) { (args, draft) throws(ConfigProblem) in
            draft[BalancingSettings.self].loadAtFull = try args.limit("a number", to: 10_000_000)
        },
        Keyword(
            "option allbackups", in: .backends, usage: "option allbackups",
            summary: "Uses all backup servers together when no other server is left, instead of only the first.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            draft[BalancingSettings.self].usesAllBackups = !args.isNegated
        },
        Keyword(
            "option httpchk", in: .backends, usage: "option httpchk [<uri> | <method> <uri> [<version>]]",
            summary:
                "Checks servers with an HTTP request instead of a mere connection; a status from 200 to 399 passes. "
                + "Without a method it is OPTIONS in HTTP/1.0; with one it is HTTP/1.1 with a Host field, unless a version "
                + "is given. The first 'option httpchk' or 'http-check' line of a section forgets those of defaults.",
            negatable: true, parse: parseHTTPCheck),
        Keyword(
            "http-check send", in: .backends,
            usage: "http-check send [meth <method>] [uri <uri>] [ver <version>] [hdr <name> <value>]... [body <text>]",
            summary: "Says what the request of `option httpchk` looks like.", parse: parseCheckSend),
        Keyword(
            "http-check expect", in: .backends, usage: "http-check expect status <code|range>[,<code|range>...]",
            summary: "Says which statuses pass `option httpchk`.", parse: parseCheckExpect),
        Keyword(
            "option tcp-check", in: .backends, usage: "option tcp-check",
            summary: "Checks servers by connecting to them, which is the default.", negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            if !args.isNegated { draft[BalancingSettings.self].checksWithHTTP = false }
        },
        Keyword(
            "timeout check", in: .backends, usage: "timeout check <time>",
            summary: "Bounds the wait for a check's answer once connected; without it, the check's interval does."
        ) { (args, draft) throws(ConfigProblem) in
            let time = try args.longTime("a time")
            draft[BalancingSettings.self].checkTimeout = time == .zero ? nil : time
        },
    ]

    /// The parameters of `server` and `default-server`.
    public static let serverParameters: [Parameter<ServerDraft>] = ownParameters + ServerNaming.parameters

    private static let ownParameters: [Parameter<ServerDraft>] = [
        Parameter(
            "check", usage: "check", summary: "Checks the server's health, so that a dead one gets no requests."
        ) { (_, server) throws(ConfigProblem) in server.isChecked = true },
        Parameter("no-check", usage: "no-check", summary: "Does not check the server.") {
            (_, server) throws(ConfigProblem) in server.isChecked = false
        },
        Parameter("inter", usage: "inter <time>", summary: "Time from one check to the next: 2 s by default.") {
            (args, server) throws(ConfigProblem) in server.interval = try interval(&args)
        },
        Parameter(
            "fastinter", usage: "fastinter <time>", summary: "Time between checks while the server is changing sides."
        ) { (args, server) throws(ConfigProblem) in server.fastInterval = try interval(&args) },
        Parameter("downinter", usage: "downinter <time>", summary: "Time between checks while the server is down.") {
            (args, server) throws(ConfigProblem) in server.downInterval = try interval(&args)
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
        Parameter("port", usage: "port <port>", summary: "Sends checks to this port instead.") {
            (args, server) throws(ConfigProblem) in
            server.checkPort = UInt16(try args.integer("a port", in: 1...65_535))
        },
        Parameter("addr", usage: "addr <ip>", summary: "Sends checks to this address instead.") {
            (args, server) throws(ConfigProblem) in
            let word = try args.nextAddress("an IP address")
            guard let address = IPAddress(word.text) else {
                throw args.problem("'\(word.text)' is not an IP address", at: word)
            }
            server.checkAddress = address
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
            let number = try args.cappedInteger("a number", in: -1...1_000_000)
            server.pool.connectionsMax = number < 0 ? nil : number
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
            let number = try args.cappedInteger("a count", in: -1...1_000_000_000)
            server.pool.reusesMax = number < 0 ? nil : number
        },
        Parameter(
            "send-proxy", usage: "send-proxy",
            summary:
                "Begins connections to the server, and its checks unless they go elsewhere, with a PROXY protocol header in "
                + "version 1 that says who the client is. Such a connection is only used for that client again."
        ) { (_, server) throws(ConfigProblem) in server.sendsProxyLine = true },
        Parameter("send-proxy-v2", usage: "send-proxy-v2", summary: "The same in version 2.") {
            (_, server) throws(ConfigProblem) in server.sendsProxyBlock = true
        },
        Parameter("no-send-proxy", usage: "no-send-proxy", summary: "Undoes `send-proxy` of a default-server line.") {
            (_, server) throws(ConfigProblem) in server.sendsProxyLine = false
        },
        Parameter(
            "no-send-proxy-v2", usage: "no-send-proxy-v2", summary: "Undoes `send-proxy-v2` of a default-server line."
        ) { (_, server) throws(ConfigProblem) in server.sendsProxyBlock = false },
        Parameter(
            "proxy-v2-options", usage: "proxy-v2-options <option>[,<option>...]",
            summary:
                "Says more in the header of send-proxy-v2: unique-id, the name that unique-id-format has made (each name gets a "
                + "connection of its own); authority, the host name that the client's own PROXY header had; crc32c, a checksum."
        ) { (args, server) throws(ConfigProblem) in server.proxyOptions = try proxyOptions(&args) },
        Parameter(
            "check-send-proxy", usage: "check-send-proxy",
            summary: "Begins checks with such a header also where they have `port` or `addr`, or the server has none."
        ) { (_, server) throws(ConfigProblem) in server.sendsProxyHeaderInChecks = true },
    ]

    private static func proxyOptions(_ args: inout Arguments) throws(ConfigProblem) -> ProxyHeaderOptions {
        let word = try args.next("options")
        let choices: KeyValuePairs<String, ProxyHeaderOptions> = [
            "unique-id": .uniqueID, "authority": .authority, "crc32c": .checksum,
        ]
        var options: ProxyHeaderOptions = []
        for name in word.text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            if ["ssl", "cert-cn", "cert-key", "cert-sig", "ssl-cipher"].contains(name) {
                throw args.problem("'\(name)' is known to HAProxy, but Portico has no TLS yet", at: word)
            }
            options.formUnion(try Word(name, at: word.range).choice("an option", of: choices))
        }
        return options
    }

    /// Zero stands for no limit.
    private static func limit(_ args: inout Arguments) throws(ConfigProblem) -> Int? {
        try args.limit("a number", to: 10_000_000)
    }

    private static func interval(_ args: inout Arguments) throws(ConfigProblem) -> TimeSpan {
        let time = try args.longTime("a time")
        // A pause of nothing would check in a loop without end. HAProxy counts in milliseconds, and rounds up.
        guard time > .zero else { throw args.problem("a check interval is at least 1 ms") }
        return max(time, .milliseconds(1))
    }

    /// Refuses a line without a name, a common mistake: its first word is an address, and a parameter or nothing follows.
    private static func checkIsName(_ word: Word, before next: Word?) throws(ConfigProblem) {
        // Any name could be a host's, without a port.
        guard let address = try? serverAddress(word), address.portOffset == nil || word.text.contains(":") else {
            return
        }
        if let next, !isParameter(next) { return }
        throw ConfigProblem(
            "a server line begins with a name", at: word.range, expected: "server <name> \(word.text)")
    }

    private static func isParameter(_ word: Word) -> Bool { serverParameters.contains { $0.name == word.text } }

    /// The address, and what is added to the client's port if there is none.
    private static func serverAddress(
        _ word: Word
    ) throws(ConfigProblem) -> (address: AddressText, portOffset: Int?) {
        if isParameter(word) {
            throw ConfigProblem(
                "'\(word.text)' is no address", at: word.range, expected: "an address before the parameters")
        }
        if let (host, offset) = try portOffset(word) { return (try AddressText(host), offset) }
        let address = try AddressText(word)
        switch address {
        case .endpoint(_, let ports?) where ports.count == 1: return (address, nil)
        case .endpoint(_, ports: nil): return (address, 0)
        case .endpoint: throw ConfigProblem("a server has one port, not a range", at: word.range)
        case .descriptor: throw ConfigProblem("a server cannot be an inherited descriptor", at: word.range)
        case .path, .abstract, .abstractExact: return (address, nil)
        }
    }

    /// Splits a word that ends with `:0`, `:+1` or `:-1` into the address with its colon, and the number; nil for other words.
    private static func portOffset(_ word: Word) throws(ConfigProblem) -> (host: Word, offset: Int)? {
        guard !word.text.contains("/"), let colon = word.text.lastIndex(of: ":") else { return nil }
        let text = word.text[word.text.index(after: colon)...]
        guard text == "0" || text.hasPrefix("+") || text.hasPrefix("-") else { return nil }
        guard text.dropFirst().utf8.allSatisfy({ $0 &- 0x30 < 10 }), let offset = Int(text), abs(offset) <= 65_535
        else {
            throw ConfigProblem(
                "'\(text)' cannot be added to a port", at: word.range, expected: "a number from -65535 to +65535")
        }
        return (Word(String(word.text[...colon]), at: word.range), offset)
    }

    private static func checkUnique(
        _ server: ServerDraft, _ first: SourceRange?, in settings: BalancingSettings
    ) throws(ConfigProblem) {
        if let first {
            throw ConfigProblem(
                "there is a server '\(server.name.text)' already, at line \(first.line)", at: server.name.range,
                expected: "a name that no other server of this backend has")
        }
        if let id = server.id, let first = settings.ids[id] {
            throw ConfigProblem(
                "there is a server with id \(id) already, at line \(first.line)", at: server.name.range,
                expected: "a number that no other server of this backend has")
        }
    }

    /// Refuses checks without a port: a socket file has none that a check of another address could use, and where the port is
    /// the client's, a check has no client.
    private static func checkHasPort(_ server: ServerDraft) throws(ConfigProblem) {
        guard server.isChecked, server.checkPort == nil else { return }
        if server.portOffset != nil {
            throw ConfigProblem(
                "the check of '\(server.name.text)' has no port, since the server takes the client's",
                at: server.addressWord.range, expected: "port <port> beside check")
        }
        guard server.checkAddress != nil else { return }
        if case .endpoint = server.address { return }
        throw ConfigProblem(
            "the check of '\(server.name.text)' has an address but no port", at: server.addressWord.range,
            expected: "port <port> beside addr")
    }

    private static func parseHTTPCheck(_ args: inout Arguments, _ draft: inout Draft) throws(ConfigProblem) {
        draft[BalancingSettings.self].checksWithHTTP = !args.isNegated
        guard !args.isNegated else { return }
        var check = httpCheck(of: draft)
        let words = args.rest()
        switch words.count {
        case 0: break
        case 1: check.target = words[0].text
        default:
            check.method = words[0].text
            check.target = words[1].text
            // Header lines may follow the version, as HAProxy's manual once had it: HTTP/1.1\r\nHost:\ example.org
            let lines = words.dropFirst(2).map(\.text).joined(separator: " ").split(separator: "\r\n")
            if let version = lines.first { check.version = String(version) }
            check.headers += lines.dropFirst().map(String.init)
        }
        if !words.isEmpty { try checkTarget(words.count > 1 ? words[1] : words[0]) }
        set(check, in: &draft)
    }

    private static func checkTarget(_ word: Word) throws(ConfigProblem) {
        guard word.text.hasPrefix("/") || word.text == "*" else {
            throw ConfigProblem("a check's URI begins with '/'", at: word.range)
        }
    }

    /// The request as this section's lines have it so far. As in HAProxy, a section with such a line inherits nothing of it.
    private static func httpCheck(of draft: Draft) -> HTTPCheck {
        let settings = draft[BalancingSettings.self]
        return settings.httpCheckSection == draft.range ? settings.httpCheck : HTTPCheck()
    }

    private static func set(_ check: HTTPCheck, in draft: inout Draft) {
        draft[BalancingSettings.self].httpCheck = check
        draft[BalancingSettings.self].httpCheckSection = draft.range
    }

    /// Changes the request of `option httpchk`, which may come before or after.
    private static func parseCheckSend(_ args: inout Arguments, _ draft: inout Draft) throws(ConfigProblem) {
        var check = httpCheck(of: draft)
        while let word = args.nextIfPresent() {
            switch word.text {
            case "meth": check.method = try args.next("a method").text
            case "uri":
                let target = try args.next("a URI")
                try checkTarget(target)
                check.target = target.text
            case "ver": check.version = try args.next("a version").text
            case "hdr":
                let name = try args.nextFieldName("a header name").text
                check.headers.append("\(name): \(try args.next("a header value").text)")
            case "body": check.body = try args.next("a text").text
            default:
                throw args.problem(
                    "unknown part '\(word.text)' of a check's request", at: word,
                    expected: "meth, uri, ver, hdr or body",
                    suggestion: nearest(word.text, among: ["meth", "uri", "ver", "hdr", "body"]))
            }
        }
        set(check, in: &draft)
    }

    private static func parseCheckExpect(_ args: inout Arguments, _ draft: inout Draft) throws(ConfigProblem) {
        let kind = try args.next("what to expect")
        guard kind.text == "status" else {
            throw args.problem("Portico expects only a status so far", at: kind, expected: "status")
        }
        let word = try args.next("a status")
        var statuses: [ClosedRange<Int>] = []
        for part in word.text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map(status)
            guard ends.count <= 2, let low = ends[0], let high = ends[ends.count - 1], low <= high else {
                throw args.problem("'\(part)' is not a status", at: word, expected: "100 to 999, or a range")
            }
            statuses.append(low...high)
        }
        var check = httpCheck(of: draft)
        check.statuses = statuses
        set(check, in: &draft)
    }

    private static func status(_ text: Substring) -> Int? {
        // Int also reads "+200".
        guard text.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let status = Int(text), (100...999).contains(status) else {
            return nil
        }
        return status
    }
}
