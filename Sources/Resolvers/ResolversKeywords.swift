// The words of a `resolvers` section.

internal import Basics
public import Configuration

public enum ResolversKeywords {
    public static let table: [Keyword] = [
        Keyword(
            "nameserver", in: "resolvers", usage: "nameserver <name> [udp@|tcp@]<address>:<port>",
            summary:
                "Adds a nameserver. All of a section are asked at a time. Over UDP, with TCP for long answers, or over TCP alone."
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
            summary: "Adds the nameservers of /etc/resolv.conf, as they are when Portico starts."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ResolversSettings.self].addSystemNameservers(&args)
        },
        Keyword(
            "resolve_retries", in: "resolvers", usage: "resolve_retries <count>",
            summary: "Times that the nameservers are asked for a name before it is given up: 3 by default."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ResolversSettings.self].tries = try args.integer("a count", in: 1...100)
        },
        Keyword(
            "timeout resolve", in: "resolvers", usage: "timeout resolve <time>",
            summary:
                "Time from one look-up of a server's name to the next: 1 s by default, and no more than `hold valid`."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ResolversSettings.self].resolveTime = try waitingTime(&args)
        },
        Keyword(
            "timeout retry", in: "resolvers", usage: "timeout retry <time>",
            summary: "How long the nameservers have to answer, and the time from one try to the next: 1 s by default."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ResolversSettings.self].retryTime = try waitingTime(&args)
        },
        Keyword(
            "hold", in: "resolvers", usage: "hold nx|other|refused|timeout|valid|obsolete <time>",
            summary:
                "How long what was known stays good. valid: an address that do-resolve has found, 10 s by default. The "
                + "others are about addresses of servers, when their name is said not to exist, something else is wrong, the "
                + "question is refused or not answered (30 s each), or when answers have it no more (not at all)."
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
                "The longest answer that nameservers may send over UDP: 512 bytes by default, 4096 at most. What is longer "
                + "comes over TCP."
        ) { (args, draft) throws(ConfigProblem) in
            let word = try args.next("a number of bytes")
            let bytes = try word.integer("a number of bytes", in: 512...65_535)
            if bytes > Nameserver.payloadBytesMax {
                args.warn(
                    "\(Nameserver.payloadBytesMax) bytes are announced, more cannot be read at once; longer answers come over TCP",
                    at: word)
            }
            draft[ResolversSettings.self].payloadBytes = bytes
        },
    ]

    /// Nothing, or a day and more, would be a mistake.
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
                "'\(address.text)' is not where one nameserver is", at: address, expected: "<address>:<port>")
        case .endpoint(let host, let ports?) where ports.count == 1:
            return ResolversSettings.NameserverLine(
                name: name, address: address, host: host, port: ports.lowerBound, isStream: isStream)
        case .endpoint(_, ports: nil):
            throw args.problem(
                "the nameserver's address has no port", at: address, expected: "\(address.text):53, most likely")
        case .endpoint: throw args.problem("a nameserver has one port, not a range", at: address)
        case .path, .abstract, .abstractExact, .descriptor:
            throw args.problem("nameservers are asked over UDP or TCP", at: address, expected: "<address>:<port>")
        }
    }

    /// HAProxy takes parameters of `server` where the nameserver is asked over TCP.
    private static func refuseParameters(_ args: inout Arguments) throws(ConfigProblem) {
        guard let first = args.peek else { return }
        if let word = args.rest().first(where: { $0.text == "ssl" }) {
            throw args.problem("Portico does not speak TLS with nameservers", at: word)
        }
        args.warn("a nameserver's parameters have no effect: each question has a connection for itself", at: first)
    }
}
