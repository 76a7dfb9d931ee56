// The keywords of a `ring` section.

internal import Basics
internal import Configuration

/// The keywords of a `ring` section.
enum RingKeywords {
    static let table: [Keyword] = [
        Keyword(
            "description", in: "ring", usage: "description <text>",
            summary: "The description of the ring in `show events`; by default its name."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[RingSettings.self].description = try arguments.next("a text").text
        },
        Keyword(
            "format", in: "ring", usage: "format <format>",
            summary:
                "The format of lines in the ring; it overrides the format of the log line. Default: raw."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[RingSettings.self].format = try arguments.choice("a log format", of: LoggingKeywords.formats)
        },
        Keyword(
            "maxlen", in: "ring", usage: "maxlen <bytes>",
            summary: "Truncates longer lines, including their header. By default a line may be as long as the ring."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[RingSettings.self].lengthMax = try arguments.integer(
                "the longest line in bytes", in: 1...LogDestination.lengthLimits.upperBound)
        },
        Keyword(
            "size", in: "ring", usage: "size <size>",
            summary:
                "The memory for lines: 16 KiB by default. A new line replaces the oldest one, unless a server of the "
                + "ring has not received that yet: then the new line is dropped and counted."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a size")
            let size = try word.size("a size")
            guard EventRing.sizeLimits.contains(size) else {
                throw arguments.problem("a ring has from 1k to 256m", at: word)
            }
            draft[RingSettings.self].size = size
        },
        Keyword(
            "server", in: "ring", usage: "server <name> <address>[:<port>] [log-proto legacy|octet-count]",
            summary:
                "Sends every line of the ring to a syslog server over TCP or a stream socket, each followed by a line "
                + "feed, or with octet-count preceded by its length. A lost connection is reopened after a second.",
            parse: parseServer),
        Keyword(
            "timeout connect", in: "ring", usage: "timeout connect <time>",
            summary: "The time-out for connecting to a server: 1 s by default."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[RingSettings.self].connectTimeout = try time(&arguments)
        },
        Keyword(
            "timeout server", in: "ring", usage: "timeout server <time>",
            summary:
                "The time after which the connection to a server that accepts no data is reopened: 5 s by default."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[RingSettings.self].serverTimeout = try time(&arguments)
        },
    ]

    private static func time(_ arguments: inout Arguments) throws(ConfigProblem) -> TimeSpan {
        let word = try arguments.next("a time")
        let time = try word.time("a time")
        guard time > .zero else { throw arguments.problem("the time-out must not be 0", at: word) }
        return time
    }

    private static func parseServer(_ arguments: inout Arguments, _ draft: inout Draft) throws(ConfigProblem) {
        let name = try arguments.next("a server's name")
        let addressWord = try arguments.next("an address")
        var stream = addressWord
        // Without a stream family, the address is taken as that of a stream.
        if !["tcp@", "tcp4@", "tcp6@", "uxst@"].contains(where: { addressWord.text.hasPrefix($0) }) {
            stream.text = (addressWord.text.hasPrefix("/") ? "uxst@" : "tcp@") + addressWord.text
        }
        guard case .stream(let target) = try LogTarget(stream) else {
            throw arguments.problem("'\(addressWord.text)' is not the address of a log server", at: addressWord)
        }
        var framing = RingServer.Framing.lineFeed
        while let word = arguments.nextIfPresent() {
            guard word.text == "log-proto" else {
                throw arguments.problem(
                    "a ring's server has no parameter '\(word.text)'", at: word, expected: "log-proto",
                    suggestion: nearest(word.text, among: ["log-proto"]))
            }
            framing = try arguments.choice("a protocol", of: ["legacy": .lineFeed, "octet-count": .octetCount])
        }
        if let first = draft[RingSettings.self].servers.first(where: { $0.name.text == name.text }) {
            throw arguments.problem(
                "there is a server '\(name.text)' already, at line \(first.name.range.line)", at: name)
        }
        draft[RingSettings.self].servers.append(
            RingSettings.ServerLine(name: name, target: target, framing: framing, addressRange: addressWord.range))
    }
}
