// How a server's host name is looked up, and which of its addresses the server gets
// (manual, section 5.3 and the parameters `resolvers`, `resolve-prefer`, `resolve-net`, `resolve-opts`, `init-addr`).

public import Basics
public import Configuration

public struct ServerNaming: Sendable {
    /// The section whose nameservers are asked again and again; nil for the system's resolver, until it finds something.
    public var resolvers: Word?
    public var prefersIPv4 = false
    /// Addresses in these are taken before others.
    public var networks: [IPNetwork] = []
    /// Two servers of one name and backend may have the same address.
    public var mayShareAddress = false
    /// The weights of SRV records do not count.
    public var ignoresWeight = false
    /// Where the first address comes from.
    public var start: [AddressSource] = [.libc]

    public init() {}

    /// Whether the name is not looked up before Portico runs.
    public var startsNowhere: Bool { start.first == .nowhere }

    /// The server's address at start; nil if it has none yet.
    func firstAddress(of name: String, resolve: (String) -> [IPAddress]) -> IPAddress? {
        for source in start {
            switch source {
            case .nowhere: return nil
            case .address(let ip): return ip
            case .libc: if let found = resolve(name).first { return found }
            }
        }
        return nil
    }
}

/// `init-addr`: where a server's first address comes from.
public enum AddressSource: Sendable, Equatable {
    case libc
    case nowhere
    case address(IPAddress)
}

extension ServerNaming {
    /// Gives each of the servers of one name in one backend one of the name's addresses, or none.
    ///
    /// A server keeps the address it has. Others get one that none of them has, if there is one; only those that may share
    /// get one that another has.
    /// - Parameter known: the name's addresses, in the order of the nameserver's answer.
    public static func assign(_ known: [IPAddress], to servers: [(current: IPAddress?, naming: ServerNaming)])
        -> [IPAddress?]
    {
        var taken: Set<IPAddress> = []
        var assigned = servers.map { current, naming -> IPAddress? in
            guard let current, known.contains(current), naming.mayShareAddress || !taken.contains(current) else {
                return nil
            }
            taken.insert(current)
            return current
        }
        for (index, server) in servers.enumerated() where assigned[index] == nil {
            let free = known.filter { !taken.contains($0) }
            let candidates = free.isEmpty && server.naming.mayShareAddress ? known : free
            guard let best = server.naming.address(among: candidates) else { continue }
            taken.insert(best)
            assigned[index] = best
        }
        return assigned
    }

    /// The first of the family that is preferred and in one of the networks; the family counts more, as in HAProxy.
    public func address(among addresses: [IPAddress]) -> IPAddress? {
        func score(_ address: IPAddress) -> Int {
            let isV4 = if case .v4 = address { true } else { false }
            return (isV4 == prefersIPv4 ? 2 : 0) + (networks.contains { $0.contains(address) } ? 1 : 0)
        }
        let most = addresses.map(score).max()
        return addresses.first { score($0) == most }
    }
}

// MARK: - Parameters

extension ServerNaming {
    static let parameters: [Parameter<ServerDraft>] = [
        Parameter(
            "init-addr", usage: "init-addr <method>[,<method>...]",
            summary:
                "Where the address of a host name comes from at start, the first method that finds one: libc (the system's "
                + "resolver), none (it comes later), an IP address, last (which is never there: Portico keeps no file of states). "
                + "Whatever comes of it, Portico starts, and looks again later."
        ) { (args, server) throws(ConfigProblem) in server.naming.start = try sources(args.next("a method"), args) },
        Parameter(
            "resolvers", usage: "resolvers <name>",
            summary:
                "Looks the server's host name up with the nameservers of a resolvers section, again and again: the server's "
                + "address changes while Portico runs, and without one it gets no requests."
        ) { (args, server) throws(ConfigProblem) in server.naming.resolvers = try args.next("a resolvers section") },
        Parameter(
            "resolve-prefer", usage: "resolve-prefer ipv4|ipv6",
            summary: "The family of addresses that the server gets if its name has both: ipv6 by default."
        ) { (args, server) throws(ConfigProblem) in
            server.naming.prefersIPv4 = try args.choice("a family", of: ["ipv4": true, "ipv6": false])
        },
        Parameter(
            "resolve-net", usage: "resolve-net <network>[,<network>...]",
            summary: "Gives the server an address in one of these networks, if its name has one there."
        ) { (args, server) throws(ConfigProblem) in
            let word = try args.next("a network")
            server.naming.networks = []
            for part in word.text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let network = IPNetwork(part) else {
                    throw args.problem("'\(part)' is not a network", at: word, expected: "networks like 10.0.0.0/8")
                }
                server.naming.networks.append(network)
            }
        },
        Parameter(
            "resolve-opts", usage: "resolve-opts allow-dup-ip|prevent-dup-ip|ignore-weight[,...]",
            summary:
                "allow-dup-ip: servers of one name in one backend may have the same address. prevent-dup-ip, the default: they "
                + "may not. ignore-weight: the weights of SRV records do not count."
        ) { (args, server) throws(ConfigProblem) in
            let word = try args.next("an option")
            for part in word.text.split(separator: ",", omittingEmptySubsequences: false) {
                switch part {
                case "allow-dup-ip": server.naming.mayShareAddress = true
                case "prevent-dup-ip": server.naming.mayShareAddress = false
                case "ignore-weight": server.naming.ignoresWeight = true
                default:
                    let all = ["allow-dup-ip", "prevent-dup-ip", "ignore-weight"]
                    throw args.problem(
                        "unknown option '\(part)' of 'resolve-opts'", at: word,
                        expected: "some of \(all.joined(separator: ", "))",
                        suggestion: nearest(String(part), among: all))
                }
            }
        },
    ]

    private static func sources(_ word: Word, _ args: Arguments) throws(ConfigProblem) -> [AddressSource] {
        var sources: [AddressSource] = []
        for part in word.text.split(separator: ",", omittingEmptySubsequences: false) {
            switch part {
            case "last": break
            case "libc": sources.append(.libc)
            case "none": sources.append(.nowhere)
            default:
                guard let address = IPAddress(part) else {
                    throw args.problem(
                        "unknown method '\(part)'", at: word, expected: "last, libc, none, or an IP address",
                        suggestion: nearest(String(part), among: ["last", "libc", "none"]))
                }
                sources.append(.address(address))
            }
        }
        return sources
    }

    /// A name that begins with '_' is one of SRV records, which only nameservers are asked for.
    static func check(_ server: ServerDraft) throws(ConfigProblem) {
        guard let name = server.serviceName, server.naming.resolvers == nil else { return }
        throw ConfigProblem(
            "'\(name)' is a name of SRV records, for which nobody is asked", at: server.addressWord.range,
            expected: "resolvers <section> on the same line")
    }
}

extension ServerDraft {
    /// The name of SRV records that say where the server is; nil for a server with an address or a host name.
    public var serviceName: String? {
        guard case .endpoint(.name(let name), _) = address, name.hasPrefix("_") else { return nil }
        return name
    }
}
