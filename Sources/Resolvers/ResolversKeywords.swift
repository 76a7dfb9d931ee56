// The keywords of a `resolvers` section.

internal import Basics
public import Configuration

/// The keyword table of this module.
public enum ResolversKeywords {
    public static let table: [Keyword] = [
        Keyword(
            "nameserver", in: "resolvers", usage: "nameserver <name> [udp@|tcp@]<address>:<port>",
            summary:
                "Adds a nameserver. All nameservers of a section are queried at once, over UDP, with TCP for long "
                + "responses, or over TCP only."
        ) { (args, draft) throws(ConfigProblem) in
            let name = try args.next("a nameserver's name")
            let line = try nameserver(name, args.nextAddress("an address"), &args)
            try refuseParameters(&args)
            if let first = draft[ResolversSettings.self].nameservers.first(where: { $0.name.text == name.text }) {
                throw args.problem(
                    "there is a nameserver '\(name.text)' already, at line \(first.name.range.line)", at: name)
            }
            draft[ResolversSettings.self].nameservers.append(line)
        },
        Keyword(
            "parse-resolv-conf", in: "resolvers", usage: "parse-resolv-conf",
            summary: "Adds the nameservers of /etc/resolv.conf, which is read when Portico starts."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ResolversSettings.self].addSystemNameservers(&args)
        },
        Keyword(
            "resolve_retries", in: "resolvers", usage: "resolve_retries <count>",
            summary: "How often the nameservers are queried for a name before resolution fails: 3 by default."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ResolversSettings.self].tries = try args.integer("a count", in: 1...100)
        },
        Keyword(
            "timeout resolve", in: "resolvers", usage: "timeout resolve <time>",
            summary:
                "The interval between look-ups of a server's name: 1 s by default, and at most `hold valid`."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ResolversSettings.self].resolveTime = try waitingTime(&args)
        },
        Keyword(
            "timeout retry", in: "resolvers", usage: "timeout retry <time>",
            summary: "How long to wait for the nameservers' replies, and the interval between tries: 1 s by default."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ResolversSettings.self].retryTime = try waitingTime(&args)
        },
        Keyword(
            "hold", in: "resolvers", usage: "hold nx|other|refused|timeout|valid|obsolete <time>",
            summary:
                "How long a result stays valid. valid: an address found by do-resolve, 10 s by default. The others "
                + "apply to the last address of a server after its name no longer exists (nx), the query is refused "
                + "(refused) or not answered (timeout), or another error occurs (other): 30 s each; or after responses "
                + "no longer contain the address or the SRV record (obsolete): 0 s."
        ) { (args, draft) throws(ConfigProblem) in
            let hold = try args.choice(
                "a status",
                of: [
                    "nx": \HoldTimes.noSuchName, "other": \.other, "refused": \.refused, "timeout": \.timeout,
                    "valid": \.valid, "obsolete": \.obsolete,
                ])
            draft[ResolversSettings.self].holds[keyPath: hold] = try args.time("a time")
        },
        Keyword(
            "accepted_payload_size", in: "resolvers", usage: "accepted_payload_size <bytes>",
            summary:
                "The maximum size of a response over UDP: 512 bytes by default, 4096 at most. Longer responses are "
                + "fetched over TCP."
        ) { (args, draft) throws(ConfigProblem) in
            let word = try args.next("a number of bytes")
            let bytes = try word.integer("a number of bytes", in: 512...65_535)
            if bytes > Nameserver.payloadBytesMax {
                args.warn(
                    "the size is limited to \(Nameserver.payloadBytesMax) bytes; longer responses are fetched over TCP",
                    at: word)
            }
            draft[ResolversSettings.self].payloadBytes = bytes
        },
    ]

    /// A time from 1 ms to 1 day; anything else is probably a mistake.
    private static func waitingTime(_ args: inout Arguments) throws(ConfigProblem) -> TimeSpan {
        let word = try args.next("a time")
        let time = try word.time("a time")
        guard time >= .milliseconds(1), time <= .seconds(86_400) else {
            throw args.problem("\(word.text) is out of range", at: word, expected: "a time from 1ms to 1d")
        }
        return time
    }

    private static func nameserver(
        _ name: Word, _ address: Word, _ args: inout Arguments
    ) throws(ConfigProblem) -> ResolversSettings.NameserverLine {
        guard !name.text.isEmpty else { throw args.problem("a nameserver's name is empty", at: name) }
        var bare = address
        var isStream = false
        let families = [
            ("udp@", false, ""), ("udp4@", false, "ipv4@"), ("udp6@", false, "ipv6@"), ("tcp@", true, ""),
            ("tcp4@", true, "ipv4@"), ("tcp6@", true, "ipv6@"),
        ]
        for (prefix, streams, family) in families where address.text.hasPrefix(prefix) {
            bare.text = family + address.text.dropFirst(prefix.count)
            isStream = streams
        }
        switch try AddressText(bare) {
        case .endpoint(.any, _), .endpoint(.ip(.anyV4), _), .endpoint(.ip(.anyV6), _):
            throw args.problem(
                "'\(address.text)' is not the address of a nameserver", at: address, expected: "<address>:<port>")
        case .endpoint(let host, let ports?) where ports.count == 1:
            return ResolversSettings.NameserverLine(
                name: name, address: address, host: host, port: ports.lowerBound, isStream: isStream)
        case .endpoint(_, ports: nil):
            throw args.problem(
                "the nameserver's address has no port", at: address, expected: "\(address.text):53, most likely")
        case .endpoint: throw args.problem("a nameserver has one port, not a range", at: address)
        case .path, .abstract, .abstractExact, .descriptor, .pair:
            throw args.problem("nameservers are queried over UDP or TCP", at: address, expected: "<address>:<port>")
        }
    }

    /// HAProxy accepts parameters of `server` for a nameserver that is queried over TCP.
    private static func refuseParameters(_ args: inout Arguments) throws(ConfigProblem) {
        guard let first = args.peek else { return }
        if let word = args.rest().first(where: { $0.text == "ssl" }) {
            throw args.problem("TLS to nameservers is not supported", at: word)
        }
        args.warn("parameters of a nameserver have no effect", at: first)
    }
}
