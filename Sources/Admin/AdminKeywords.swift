// The words of the configuration about the stats page and the runtime sockets.

internal import Basics
public import Configuration
internal import Glibc

public enum AdminKeywords {
    public static let table: [Keyword] = page + global

    /// The parameters of `stats socket`, for help and manual.
    public static let parameterGroups = [ParameterGroup(of: "stats socket", socketParameters)]

    // MARK: The page

    private static let page: [Keyword] = [
        Keyword(
            "stats enable", in: .proxies, usage: "stats enable",
            summary: "Serves the stats page. Any other stats line does so too."
        ) { (_, draft) throws(ConfigProblem) in
            draft[StatsPageSettings.self].isEnabled = true
        },

        Keyword(
            "stats uri", in: .proxies, usage: "stats uri <prefix>",
            summary: """
                Where the stats page is: every request target that begins with this. Default: /haproxy?stats. Behind \
                it, ;csv, ;json and ;typed ask for another form, ;scope=<text> for the sections with the text in their names, \
                ;up and ;no-maint hide servers, ;norefresh holds the page still.
                """
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a path")
            guard word.text.hasPrefix("/"), !word.text.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) else {
                throw arguments.problem(
                    "'\(word.text)' cannot be the target of a request", at: word, expected: "a path that begins with /")
            }
            draft[StatsPageSettings.self].isEnabled = true
            draft[StatsPageSettings.self].uri = word.text
        },

        Keyword(
            "stats refresh", in: .proxies, usage: "stats refresh <delay>",
            summary: "How often the stats page loads itself again, in seconds unless a unit is given; 0 for never."
        ) { (arguments, draft) throws(ConfigProblem) in
            let delay = try arguments.time("a delay", defaultUnit: .seconds)
            draft[StatsPageSettings.self].isEnabled = true
            draft[StatsPageSettings.self].refresh = delay == .zero ? nil : max(delay, .seconds(1))
        },

        Keyword(
            "stats hide-version", in: .proxies, usage: "stats hide-version",
            summary: "Keeps the version off the stats page."
        ) { (_, draft) throws(ConfigProblem) in
            draft[StatsPageSettings.self].isEnabled = true
            draft[StatsPageSettings.self].hidesVersion = true
        },

        Keyword(
            "stats show-legends", in: .proxies, usage: "stats show-legends",
            summary: "Shows addresses, cookies and balancing algorithms on the stats page."
        ) { (_, draft) throws(ConfigProblem) in
            draft[StatsPageSettings.self].isEnabled = true
            draft[StatsPageSettings.self].showsLegends = true
        },

        Keyword(
            "stats show-node", in: .proxies, usage: "stats show-node [<name>]",
            summary: "Shows a name for this node on the stats page. Default: that of node, or the machine's."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[StatsPageSettings.self].isEnabled = true
            draft[StatsPageSettings.self].showsNode = true
            draft[StatsPageSettings.self].node = arguments.nextIfPresent()?.text
        },

        Keyword(
            "stats show-desc", in: .proxies, usage: "stats show-desc [<text>]",
            summary: "Shows a description on the stats page. Default: that of description in global."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[StatsPageSettings.self].isEnabled = true
            draft[StatsPageSettings.self].showsDescription = true
            draft[StatsPageSettings.self].description = joined(arguments.rest())
        },

        Keyword(
            "stats realm", in: .proxies, usage: "stats realm <realm>",
            summary: "What a browser says the password is for. Default: Portico Statistics."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a realm")
            draft[StatsPageSettings.self].isEnabled = true
            draft[StatsPageSettings.self].realm = word.text
        },

        Keyword(
            "stats auth", in: .proxies, usage: "stats auth <user>:<password>",
            summary: "Shows the stats page to this user only, or to those of several such lines."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a user and a password")
            guard let colon = word.text.firstIndex(of: ":"), colon != word.text.startIndex else {
                throw arguments.problem("no user before a colon", at: word, expected: "<user>:<password>")
            }
            let password = String(word.text[word.text.index(after: colon)...])
            draft[StatsPageSettings.self].isEnabled = true
            draft[StatsPageSettings.self].users.append(.init(name: String(word.text[..<colon]), password: password))
        },

        Keyword(
            "stats scope", in: .proxies, usage: "stats scope <name>|.",
            summary:
                "Shows this section only on the stats page and in its other forms, or those of several such lines; a dot is the "
                + "section of the line."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a section's name, or a dot")
            guard !word.text.isEmpty else { throw arguments.problem("an empty name is no section's", at: word) }
            draft[StatsPageSettings.self].isEnabled = true
            draft[StatsPageSettings.self].scope.append(word.text)
        },

        Keyword(
            "stats admin", in: .proxies, usage: "stats admin { if | unless } <condition>",
            summary: "Accepted without effect: the stats page changes nothing."
        ) { (arguments, _) throws(ConfigProblem) in
            _ = try arguments.choice("a condition", of: ["if": (), "unless": ()])
            _ = try arguments.next("a condition")
            arguments.warn("'stats admin' has no effect: the stats page changes nothing")
            _ = arguments.rest()
        },
    ]

    // MARK: The sockets and the node

    private static let global: [Keyword] = [
        Keyword(
            "stats socket", in: .global, usage: "stats socket <address> [<parameter>...]",
            summary:
                "Listens for runtime commands: on a path for a unix socket, an address and port, or `fd@<number>` for a "
                + "socket that the process was started with."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.nextAddress("an address")
            var socket = try socket(word)
            try arguments.parameters(socketParameters, of: "stats socket", into: &socket)
            draft[AdminSettings.self].sockets.append(socket)
        },

        Keyword(
            "stats timeout", in: .global, usage: "stats timeout <time>",
            summary: "How long a connection to a stats socket may be silent. Default: 10s."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[AdminSettings.self].timeout = try arguments.time("a time")
        },

        Keyword(
            "stats maxconn", in: .global, usage: "stats maxconn <number>",
            summary: "Connections to all stats sockets at once. Default: 10."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[AdminSettings.self].connectionsLimit = try arguments.cappedInteger(
                "a number", in: 1...100_000)
        },

        Keyword(
            "node", in: .global, usage: "node <name>",
            summary: "The name of this node, for the stats page and show info. Default: the machine's name."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[AdminSettings.self].node = try arguments.next("a name").text
        },

        Keyword(
            "description", in: .global, usage: "description <text>",
            summary: "A description of this node, for the stats page and show info."
        ) { (arguments, draft) throws(ConfigProblem) in
            let first = try arguments.next("a text")
            draft[AdminSettings.self].description = joined([first] + arguments.rest())
        },
    ]

    private static let socketParameters: [Parameter<StatsSocket>] = [
        Parameter(
            "level", usage: "level { user | operator | admin }",
            summary:
                "What its commands may do: user sees statistics, operator sees all, admin changes things. Default: operator."
        ) { (arguments, socket) throws(ConfigProblem) in
            socket.level = try arguments.choice(
                "a level", of: ["user": AccessLevel.user, "operator": .operator, "admin": .admin])
        },
        Parameter(
            "severity-output", usage: "severity-output none|number|string",
            summary:
                "What is in front of messages about commands: nothing, which is the default, or their severity as a number or a word "
                + "of syslog's, like `[3]: ` or `[err]: `."
        ) { (arguments, socket) throws(ConfigProblem) in
            socket.severity = try arguments.choice(
                "a form", of: ["none": .none, "number": .number, "string": .string])
        },
        Parameter("mode", usage: "mode <octal>", summary: "Permissions of the socket's file: 600, say.") {
            (arguments, socket) throws(ConfigProblem) in
            let word = try arguments.next("permissions in octal")
            guard let mode = UInt16(word.text, radix: 8), mode <= 0o7777 else {
                throw arguments.problem("'\(word.text)' is no octal mode", at: word, expected: "permissions like 600")
            }
            socket.mode = mode
        },
        Parameter("user", usage: "user <name>", summary: "Owner of the socket's file.") {
            (arguments, socket) throws(ConfigProblem) in
            let word = try arguments.next("a user name")
            guard let entry = unsafe getpwnam(word.text) else {
                throw arguments.problem("there is no user '\(word.text)'", at: word)
            }
            socket.userID = unsafe entry.pointee.pw_uid
        },
        Parameter("group", usage: "group <name>", summary: "Group of the socket's file.") {
            (arguments, socket) throws(ConfigProblem) in
            let word = try arguments.next("a group name")
            guard let entry = unsafe getgrnam(word.text) else {
                throw arguments.problem("there is no group '\(word.text)'", at: word)
            }
            socket.groupID = unsafe entry.pointee.gr_gid
        },
        Parameter("uid", usage: "uid <number>", summary: "Owner of the socket's file, by number.") {
            (arguments, socket) throws(ConfigProblem) in
            socket.userID = UInt32(try arguments.integer("a user's number", in: 0...Int(UInt32.max - 1)))
        },
        Parameter("gid", usage: "gid <number>", summary: "Group of the socket's file, by number.") {
            (arguments, socket) throws(ConfigProblem) in
            socket.groupID = UInt32(try arguments.integer("a group's number", in: 0...Int(UInt32.max - 1)))
        },
        Parameter(
            "expose-fd", usage: "expose-fd listeners",
            summary:
                "Hands the listening sockets of `bind` lines to a process that asks for them here: one that is started with `-x` and "
                + "this socket's path takes over without a gap, Portico or HAProxy. On Unix-domain sockets; every process that "
                + "may connect gets them."
        ) { (arguments, socket) throws(ConfigProblem) in
            socket.exposesListeners = try arguments.choice("what to expose", of: ["listeners": true])
        },
    ]

    /// The socket that `-S` asks for: an address with the parameters of `stats socket`, separated by commas.
    public static func masterSocket(_ text: String) throws(ConfigProblem) -> StatsSocket {
        var column = 1
        var words: [Word] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let range = SourceRange(file: "-S", line: 1, column: column, length: max(1, part.count))
            words.append(Word(String(part), at: range))
            column += part.count + 1
        }
        var arguments = Arguments(words: words, keyword: Word("-S", at: SourceRange(file: "-S", line: 1)))
        var socket: StatsSocket = try Self.socket(try arguments.next("an address"))
        socket.level = .admin
        socket.takesProcess = true
        try arguments.parameters(socketParameters, of: "stats socket", into: &socket)
        return socket
    }

    private static func socket(_ word: Word) throws(ConfigProblem) -> StatsSocket {
        let address: SocketAddress
        switch try AddressText(word) {
        case .path(let path): address = .path(path)
        case .abstract(let name): address = .abstract(name)
        case .abstractExact(let name): address = .abstractExact(name)
        case .descriptor(let number): return StatsSocket(descriptor: number, range: word.range)
        case .endpoint(.any, .some(let ports)) where ports.count == 1: address = .ip(.anyV4, port: ports.lowerBound)
        case .endpoint(.ip(let ip), .some(let ports)) where ports.count == 1: address = .ip(ip, port: ports.lowerBound)
        case .endpoint, .pair:
            throw ConfigProblem(
                "a stats socket cannot listen on '\(word.text)'", at: word.range,
                expected: "a path like /run/portico.sock, or an IP address with a port")
        }
        return StatsSocket(address: address, range: word.range)
    }

    private static func joined(_ words: [Word]) -> String? {
        words.isEmpty ? nil : words.map(\.text).joined(separator: " ")
    }
}
