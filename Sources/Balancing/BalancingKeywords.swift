// The keywords of backends: servers and the choice among them. Parameters of servers are in `ServerParameters`, keywords about
// checks in `CheckKeywords`.

internal import Basics
public import Configuration

public enum BalancingKeywords {
    public static let table: [Keyword] =
        lines + HashKeywords.table + CheckKeywords.table + CheckStepKeywords.table + ProtocolCheckKeywords.table
        + NamedCheckKeywords.table + CheckTimingKeywords.table + ExternalCheckKeywords.table
        + [ServerWay.keyword]

    private static let lines: [Keyword] = [
        Keyword(
            "balance", in: .backends, usage: "balance <algorithm> [<argument>...]",
            summary:
                "Chooses how a server is picked for each request: \(BalancingAlgorithms.summary). Without such a line: roundrobin. "
                + "Those that go by something in the request send requests with the same value to the same server (see hash-type), and "
                + "requests without it to each server in its turn."
        ) { (args, draft) throws(ConfigProblem) in
            draft[BalancingSettings.self].algorithm = try BalanceLine(&args)
        },
        Keyword(
            "server", in: [.backend, .listen], usage: "server <name> <address>[:[+|-]<port>] [<parameter>...]",
            summary: "Adds a server. The address is an IP address or host name with a port, or a unix socket's path. "
                + "0.0.0.0, * or nothing is the address that the client connected to, 0 or nothing its port, and a signed "
                + "number what is added to that port; see http-request set-dst. A name that begins with _ and `resolvers` stand for a "
                + "place that SRV records tell: see server-template."
        ) { (args, draft) throws(ConfigProblem) in
            var server = draft[BalancingSettings.self].defaultServer
            server.name = try args.next("a server name")
            try checkIsName(server.name, before: args.peek)
            // The name counts as taken even if the rest of the line is wrong.
            let first = draft[BalancingSettings.self].claim(server.name)
            try readPlace(&args, into: &server)
            try checkUnique(server, first, in: draft[BalancingSettings.self])
            draft[BalancingSettings.self].add(server)
        },
        ServerTemplate.keyword,
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
    ]

    /// Reads what follows the name of a server: its address and parameters.
    static func readPlace(_ args: inout Arguments, into server: inout ServerDraft) throws(ConfigProblem) {
        server.addressWord = try args.nextAddress("an address")
        (server.address, server.portOffset) = try serverAddress(server.addressWord)
        // The port is in the record.
        if server.serviceName != nil { server.portOffset = nil }
        try args.parameters(serverParameters, of: "server", into: &server)
        try checkHasPort(server)
        try AgentKeywords.check(server)
        try ServerNaming.check(server)
        try ServerWay.check(server)
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
        case .path, .abstract, .abstractExact, .pair: return (address, nil)
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

    static func checkUnique(
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
        if case .endpoint = server.address, server.serviceName == nil { return }
        throw ConfigProblem(
            "the check of '\(server.name.text)' has an address but no port", at: server.addressWord.range,
            expected: "port <port> beside addr")
    }
}
