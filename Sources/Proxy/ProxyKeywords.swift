// The words for listening, time-outs, retries and what requests are told on their way.

internal import Balancing
internal import Basics
public import Configuration
internal import Reactor
internal import TLS

public enum ProxyKeywords {
    public static let table: [Keyword] =
        connections + BodyBufferingKeywords.table + ConnectionOptionKeywords.table + CookieKeywords.table
        + ErrorPageKeywords.table
        + ForwardingKeywords.table + FieldNameKeywords.table + HTTP2Keywords.table + SplicingKeywords.table
        + SavedStateKeywords.table + StatusCodeKeywords.table + ListenerParameters.rates

    private static let connections: [Keyword] = [
        Keyword(
            "mode", in: .proxies, usage: "mode http|tcp",
            summary: "http: requests are read, checked, routed and spread one by one. tcp: connections are passed on "
                + "unread. tcp is the default, as in HAProxy."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].mode = try args.choice("a mode", of: ["http": .http, "tcp": .tcp])
        },
        Keyword(
            "bind", in: [.frontend, .listen], usage: "bind <address>:<port>[-<port>][,...] [<parameter>...]",
            summary:
                "Listens on an address: `*:80`, `127.0.0.1:8000-8009`, `[::]:80`, `unix@/run/x.sock`, `abns@name`, "
                + "`abnsz@name` (of a length that other programs use), `fd@<number>`, `sockpair@<number>`; several with commas."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].hasBindLine = true
            let places = try bindPlaces(try args.nextAddress("an address"))
            var options = BindOptions()
            try args.parameters(bindParameters, of: "bind", into: &options)
            if let id = options.id, places.count > 1 {
                throw args.problem("an 'id' is one address's alone, and this line has \(places.count)", at: id)
            }
            options.warn(about: places, &args)
            for (index, var place) in places.enumerated() {
                place.options = options
                place.position = index + 1
                draft[ProxySettings.self].binds.append(place)
            }
        },
        Keyword(
            "maxconn", in: .frontends, usage: "maxconn <number>",
            summary: "Client connections at a time; more wait in the system's queue, not in memory."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].maxConnections = try args.limit("a number", to: 10_000_000)
        },
        Keyword(
            "description", in: [.frontend, .backend, .listen], usage: "description <text>",
            summary: "A line about the section for the stats page."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].description = args.rest().map(\.text).joined(separator: " ")
        },
        Keyword(
            "guid", in: [.frontend, .backend, .listen], usage: "guid <string>",
            summary:
                "A name for the section that nothing else in the configuration has: up to 127 letters, digits, ., :, - and _."
        ) { (args, draft) throws(ConfigProblem) in draft[ProxySettings.self].globalID = try args.globalID() },
        Keyword(
            "id", in: [.frontend, .backend, .listen], usage: "id <number>",
            summary: "The section's number in statistics (iid); its position, from 2 on, by default."
        ) { (args, draft) throws(ConfigProblem) in
            let word = args.peek
            _ = try args.integer("a number", in: 1...Int(Int32.max))
            draft[ProxySettings.self].number = word
        },
        Keyword("disabled", in: .proxies, usage: "disabled", summary: "Leaves the section out.") {
            (_, draft) throws(ConfigProblem) in draft[ProxySettings.self].isDisabled = true
        },
        Keyword("enabled", in: .proxies, usage: "enabled", summary: "Undoes `disabled` of a defaults section.") {
            (_, draft) throws(ConfigProblem) in draft[ProxySettings.self].isDisabled = false
        },

        timeout("client", .frontends, \.client, "For a client that is to send or to read something and does not."),
        timeout("server", .backends, \.server, "For a server that is to answer or to go on with its answer."),
        timeout("connect", .backends, \.connect, "For a connection attempt to a server."),
        timeout(
            "http-request", .frontends, \.httpRequest, "For the head of a request, from its first byte to its last."),
        timeout("http-keep-alive", .frontends, \.httpKeepAlive, "For the next request on a connection."),
        timeout(
            "tunnel", .backends, \.tunnel, "For silence in both directions in tcp mode or after a switch of protocols."),
        timeout(
            "client-hs", .frontends, \.clientHandshake,
            "For a client's TLS handshake: as `timeout client` by default."),
        timeout(
            "client-fin", .frontends, \.clientFin,
            "For a client that is to close a tunnel after the server has closed it."),
        timeout(
            "server-fin", .backends, \.serverFin,
            "For a server that is to close a tunnel after the client has closed it."),
        timeout(
            "queue", .backends, \.queue,
            "For a place on a server, where `maxconn` of servers makes requests wait: as `timeout connect` by default."),
        timeout(
            "tarpit", .proxies, \.tarpit,
            "How long `http-request tarpit` holds a client: as `timeout connect` by default."),

        RetryConditions.retriesKeyword,
        RetryConditions.keyword,
        RetryConditions.safeKeyword,
        Keyword(
            "option redispatch", in: .backends, usage: "option redispatch [<interval>]",
            summary: "Lets retries go to another server. Where there is no other, the number says which retries choose "
                + "anew: the last, or every so many.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            if args.isNegated {
                draft[ProxySettings.self].redispatch = .never
            } else if args.isAtEnd {
                draft[ProxySettings.self].redispatch = .onLastRetry
            } else {
                let interval = try args.cappedInteger("an interval", in: -1_000_000...1_000)
                draft[ProxySettings.self].redispatch = interval > 0 ? .every(interval) : .onLastRetry
            }
        },
        keepAlive(
            "option http-keep-alive", .keepAlive,
            "Keeps connections open between requests on both sides, which is the default."),
        keepAlive(
            "option http-server-close", .serverClose,
            "Closes the server's connection after each response and keeps the client's."),
        keepAlive("option httpclose", .close, "Closes both connections after each response."),
        Keyword(
            "http-reuse", in: .backends, usage: "http-reuse never|safe|aggressive|always",
            summary:
                "Says which requests may go over an idle server connection. never: only those of the client connection that it was "
                + "opened for. safe, the default: all but the first of a client connection. aggressive: a first one too, over a "
                + "connection that has been reused before. always: all. Where `retry-on` has conn-failure, empty-response and "
                + "response-timeout, a first request goes over any, except with never."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].reuse = try args.choice(
                "a policy", of: ["never": .never, "safe": .safe, "aggressive": .aggressive, "always": .always])
        },
        Keyword(
            "option abortonclose", in: .proxies, usage: "option abortonclose",
            summary:
                "Says what a client that closes, or sends no more, before its response has begun means for its request: one "
                + "that waits for a server or for a connection ends; one that a server has is half-closed there too, so that "
                + "the server decides, and ends with 400 unless the response begins within a second. The default in "
                + "HTTP mode; `no option abortonclose` lets such requests go on, for clients that finish sending and "
                + "then wait. In a frontend it is about TLS handshakes, and has no effect yet.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].abortsOnClose = !args.isNegated
        },

        Keyword(
            "nbthread", in: .global, usage: "nbthread <number>",
            summary: "Worker threads, each with a loop of its own: one a processor by default."
        ) { (args, draft) throws(ConfigProblem) in
            // A bit of a word names each worker where they wait for room.
            draft[ProcessSettings.self].threads = try args.integer("a number", in: 1...64)
        },
        Keyword(
            "maxconn", in: .global, usage: "maxconn <number>",
            summary:
                "Client connections at a time in the whole process; by default what the limit on open files allows."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProcessSettings.self].maxConnections = try args.limit("a number", to: 10_000_000)
        },
        Keyword(
            "maxsslconn", in: .global, usage: "maxsslconn <number>",
            summary:
                "Encrypted connections at a time, to clients and to servers; with so many, further clients wait in the system's "
                + "queue. By default only maxconn limits them."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProcessSettings.self].tlsConnectionsMax = try args.limit("a number", to: 10_000_000)
        },
        Keyword(
            "maxsslrate", in: .global, usage: "maxsslrate <number>",
            summary: "Encrypted connections that clients may begin in a second; more wait in the system's queue."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProcessSettings.self].tlsRateMax = try args.limit("a number", to: 10_000_000)
        },
        Keyword(
            "hard-stop-after", in: .global, usage: "hard-stop-after <time>",
            summary: "Ends what is left of a soft stop after this time."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProcessSettings.self].hardStopAfter = try args.longTime("a time")
        },
        Keyword(
            "tune.bufsize", in: .global, usage: "tune.bufsize <bytes>",
            summary: "Size of a buffer, and so of the largest head: 16384 by default."
        ) { (args, draft) throws(ConfigProblem) in
            let bytes = try args.size("a size")
            guard bytes >= 1_024 else { throw args.problem("a buffer has 1k to 16m bytes, not \(bytes)") }
            if bytes > 16_777_216 { args.warn("a buffer has 1k to 16m bytes, not \(bytes): it has 16m") }
            draft[ProcessSettings.self].bufferBytes = min(bytes, 16_777_216)
        },
        Keyword(
            "tune.maxrewrite", in: .global, usage: "tune.maxrewrite <bytes>",
            summary:
                "Room kept in a buffer for what rules add to a head: 1024 by default, half of tune.bufsize at most. A head "
                + "that needs more than the rest is refused."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProcessSettings.self].rewriteBytes = try args.size("a size")
        },
        Keyword(
            "tune.http.maxhdr", in: .global, usage: "tune.http.maxhdr <number>",
            summary: "Fields in one head at most: 101 by default."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProcessSettings.self].fieldsMax = try args.integer("a number", in: 1...32_767)
        },
        Keyword(
            "tune.regex.max-steps", in: .global, usage: "tune.regex.max-steps <number>",
            summary:
                "Steps that matching one regular expression may take, 100000 by default: some milliseconds. A text that needs "
                + "more matches in the conditions of deny, tarpit, reject, silent-drop, auth, close, monitor fail, and of return "
                + "with a status from 400 on, negated or not; it does not in all others, those of allow and accept being taken "
                + "to fail. replace-header and its like and del-header fail (strict-mode), regsub has no value. Each case is "
                + "counted (RegexUndecided of show info), and the rule's line logged, every 10 seconds at most."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProcessSettings.self].regularStepsMax = try args.integer("a number", in: 100...100_000_000)
        },
    ]

    /// The parameters of `bind`.
    public static let bindParameters: [Parameter<BindOptions>] =
        listening + ListenerParameters.table + TLSKeywords.bindParameters.map { $0.inside(\.tls) }

    private static let listening: [Parameter<BindOptions>] = [
        Parameter(
            "accept-proxy", usage: "accept-proxy",
            summary:
                "Connections begin with a PROXY protocol header, version 1 or 2, that says who the client is; without one they "
                + "are closed. For proxies only: anybody could say anything."
        ) { (_, bind) throws(ConfigProblem) in bind.acceptsProxyHeader = true },
        ProtocolWord.parameter(
            "proto", \.protocolWord,
            "What connections speak in HTTP mode: h1 for HTTP/1.1, h2 for HTTP/2, also in clear. By default what ALPN negotiates, and "
                + "in clear what the client begins with. none is the default in TCP mode."),
        Parameter("name", usage: "name <name>", summary: "A name for the address in statistics.") {
            (args, bind) throws(ConfigProblem) in bind.name = try args.next("a name").text
        },
        Parameter(
            "guid-prefix", usage: "guid-prefix <string>",
            summary: "Names each address of the line: this, a dash and its position from 1. See guid."
        ) { (args, bind) throws(ConfigProblem) in bind.globalIDPrefix = try args.globalID() },
        Parameter("mode", usage: "mode <octal>", summary: "Permissions of a socket file, like 660.") {
            (args, bind) throws(ConfigProblem) in
            let word = try args.next("permissions")
            guard let mode = UInt32(word.text, radix: 8), mode <= 0o7777 else {
                throw args.problem("'\(word.text)' is not an octal mode", at: word, expected: "like 660")
            }
            bind.mode = mode
        },
        Parameter("user", usage: "user <name>", summary: "Owner of a socket file.") {
            (args, bind) throws(ConfigProblem) in
            let word = try args.next("a user")
            guard let id = UserDatabase.userID(word.text) else {
                throw args.problem("no user '\(word.text)'", at: word)
            }
            bind.user = id
        },
        Parameter("group", usage: "group <name>", summary: "Group of a socket file.") {
            (args, bind) throws(ConfigProblem) in
            let word = try args.next("a group")
            guard let id = UserDatabase.groupID(word.text) else {
                throw args.problem("no group '\(word.text)'", at: word)
            }
            bind.group = id
        },
        Parameter("uid", usage: "uid <number>", summary: "Owner of a socket file, by number.") {
            (args, bind) throws(ConfigProblem) in
            bind.user = UInt32(try args.integer("a number", in: 0...Int(UInt32.max) - 1))
        },
        Parameter("gid", usage: "gid <number>", summary: "Group of a socket file, by number.") {
            (args, bind) throws(ConfigProblem) in
            bind.group = UInt32(try args.integer("a number", in: 0...Int(UInt32.max) - 1))
        },
        Parameter("v4v6", usage: "v4v6", summary: "An IPv6 wildcard takes IPv4 connections too.") {
            (_, bind) throws(ConfigProblem) in bind.takesBothVersions = true
        },
        Parameter("v6only", usage: "v6only", summary: "An IPv6 wildcard takes no IPv4 connections.") {
            (_, bind) throws(ConfigProblem) in bind.takesBothVersions = false
        },
        Parameter("defer-accept", usage: "defer-accept", summary: "Waits in the system for a connection's first bytes.")
        {
            (_, bind) throws(ConfigProblem) in bind.defersAccept = true
        },
        Parameter("tfo", usage: "tfo", summary: "Accepts data in a connection's first packet (TCP Fast Open).") {
            (_, bind) throws(ConfigProblem) in bind.usesFastOpen = true
        },
        Parameter(
            "transparent", usage: "transparent",
            summary:
                "Listens on an address this machine does not have, and takes what is routed through it (needs root)."
        ) {
            (_, bind) throws(ConfigProblem) in bind.isTransparent = true
        },
    ]

    /// The last of these lines counts; `no` takes it back.
    private static func keepAlive(_ name: String, _ mode: KeepAliveMode, _ summary: String) -> Keyword {
        Keyword(name, in: .proxies, usage: name, summary: summary, negatable: true) {
            (args, draft) throws(ConfigProblem) in
            if !args.isNegated {
                draft[ProxySettings.self].keepAlive = mode
            } else if draft[ProxySettings.self].keepAlive == mode {
                draft[ProxySettings.self].keepAlive = .keepAlive
            }
        }
    }

    private static func timeout(
        _ name: String, _ sections: Sections, _ field: any (WritableKeyPath<ProxySettings, TimeSpan?> & Sendable),
        _ summary: String
    ) -> Keyword {
        Keyword("timeout \(name)", in: sections.union(.proxies), usage: "timeout \(name) <time>", summary: summary) {
            (args, draft) throws(ConfigProblem) in
            let time = try args.longTime("a time")
            // Zero switches a time-out off in HAProxy.
            draft[ProxySettings.self][keyPath: field] = time == .zero ? .forever : time
        }
    }

    /// The addresses of one `bind` line: commas part them, and a range of ports stands for each of its ports.
    private static func bindPlaces(_ word: Word) throws(ConfigProblem) -> [BindPlace] {
        var places: [BindPlace] = []
        for part in word.text.split(separator: ",", omittingEmptySubsequences: false) {
            let text = String(part)
            let isV6 = text.hasPrefix("ipv6@")
            switch try AddressText(Word(text, at: word.range)) {
            case .path(let path): places.append(BindPlace(address: .path(path), word: word))
            case .abstract(let name): places.append(BindPlace(address: .abstract(name), word: word))
            case .abstractExact(let name): places.append(BindPlace(address: .abstractExact(name), word: word))
            case .pair(let number): places.append(BindPlace(address: .pair(number), word: word))
            case .descriptor(let number): places.append(BindPlace(descriptor: number, word: word))
            case .endpoint(_, ports: nil):
                throw ConfigProblem("'\(text)' has no port", at: word.range, expected: "\(text):<port>")
            case .endpoint(let host, let ports?):
                let ip: IPAddress
                switch host {
                case .any: ip = isV6 ? .anyV6 : .anyV4
                case .ip(let given): ip = given
                case .name(let name):
                    guard let found = HostResolver.resolve(name).first else {
                        throw ConfigProblem("no address for the host name '\(name)'", at: word.range)
                    }
                    ip = found
                }
                for port in ports { places.append(BindPlace(address: .ip(ip, port: port), word: word)) }
            }
        }
        return places
    }
}
