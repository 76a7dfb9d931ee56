// How connections to a server are made, beside where they lead: the address they come from (`source`), a SOCKS proxy before the
// server, options of their sockets.

public import Basics
public import Configuration
public import Reactor
internal import Synchronization

/// How connections to one server are made. Immutable; most servers have none, because no line has anything about it.
/// Questions to an agent pass no SOCKS proxy, checks only where a line says so, and both do not show the server a client's address.
public final class ServerWay: Sendable {
    public let source: ConnectionSource?
    /// The SOCKS proxy that connects to the server; nil for none.
    public let proxy: SocketAddress?
    private let options: OutgoingOptions?
    private let fastOptions: OutgoingOptions?
    /// What the lines say, to be compared with another reading of them.
    private let words: [String]

    init?(_ draft: ServerDraft, orElse sectionSource: ConnectionSource?) {
        source = draft.source ?? sectionSource
        proxy = draft.proxy
        let common = draft.socketOptions(from: source)
        let isPlain =
            common.isEmpty && source?.interface == nil && draft.namespace == nil && draft.signingKey == nil
        guard source != nil || proxy != nil || !isPlain || draft.usesFastOpen else { return nil }
        words = [
            source.map(\.text) ?? "", String(describing: proxy), String(describing: draft.userTimeout),
            String(describing: draft.congestionControl), String(describing: draft.namespace.map(ObjectIdentifier.init)),
            String(describing: draft.signingKey), String(describing: draft.usesFastOpen),
        ]
        let interface = source?.interface
        func make(_ options: [SocketOption]) -> OutgoingOptions {
            OutgoingOptions(
                options, interface: interface, namespace: draft.namespace, signingKey: draft.signingKey)
        }
        options = isPlain ? nil : make(common)
        fastOptions = draft.usesFastOpen ? make(common + [.fastOpenConnect]) : options
    }

    /// Whether the lines of both say the same.
    func isSame(as other: ServerWay) -> Bool { words == other.words }

    /// What the socket of a connection gets.
    /// - Parameter isClientFirst: whether bytes to the server are here already, which could go with the first packet.
    public func options(isClientFirst: Bool) -> OutgoingOptions? { isClientFirst ? fastOptions : options }

    /// Whether its connections need root, or a capability, while the process runs.
    public var needsPrivileges: Bool { source?.presented != nil || options?.namespace != nil }

    /// Whether connections of different clients come from different addresses.
    public var presentsClients: Bool { source?.presented?.dependsOnClient == true }
}

/// `source`: where connections to a server come from.
public struct ConnectionSource: Sendable {
    /// What the server sees instead (`usesrc`).
    public enum Presented: Sendable {
        case fixed(SocketAddress)
        /// The client's address.
        case client(withPort: Bool)
        /// The address in a field of the request, by an expression that yields it.
        case expression(Word)

        var dependsOnClient: Bool { if case .fixed = self { false } else { true } }
    }

    /// Nil for the address that the system chooses.
    var address: IPAddress?
    var ports: ClosedRange<UInt16>?
    public var presented: Presented?
    /// The network interface; nil for that of the route.
    var interface: String?
    private let turns = PortTurns()

    init() {}

    /// What it says, but for where it stands.
    fileprivate var text: String {
        let shown = if case .expression(let word)? = presented { word.text } else { String(describing: presented) }
        return "\(String(describing: address)) \(String(describing: ports)) \(String(describing: interface)) \(shown)"
    }

    /// Attempts that one connection is worth while ports of the range are in use.
    public var attemptsMax: Int { ports.map { min($0.count, Self.portAttemptsMax) } ?? 1 }
    /// A range that is all in use is found out in less than a millisecond.
    private static let portAttemptsMax = 256

    /// The address of the next connection, each with the next port of the range; nil if the system chooses.
    public func next() -> SocketAddress? {
        guard let ports else { return address.map { .ip($0, port: 0) } }
        let turn = turns.take() % UInt64(ports.count)
        return .ip(address ?? .anyV4, port: ports.lowerBound + UInt16(turn))
    }
}

private final class PortTurns: Sendable {
    private let taken = Atomic<UInt64>(0)
    func take() -> UInt64 { taken.wrappingAdd(1, ordering: .relaxed).oldValue }
}

extension ConnectionSource {
    private static let words = ["usesrc", "interface"]

    /// Reads what follows `source`: an address, then `usesrc` and `interface` in any order.
    init(_ args: inout Arguments) throws(ConfigProblem) {
        (address, ports) = try Self.endpoint(args.nextAddress("an address"), mayHaveRange: true)
        while let word = args.peek, Self.words.contains(word.text) {
            _ = args.nextIfPresent()
            if word.text == "interface" {
                interface = try args.next("an interface").text
            } else {
                presented = try Self.presented(try args.next("client, clientip, hdr_ip(<field>), or an address"))
            }
        }
    }

    private static func presented(_ word: Word) throws(ConfigProblem) -> Presented {
        switch word.text {
        case "client": return .client(withPort: true)
        case "clientip": return .client(withPort: false)
        case _ where word.text.hasPrefix("hdr_ip("):
            guard word.text.hasSuffix(")"), word.text.count > 8 else {
                throw ConfigProblem("no field is named", at: word.range, expected: "hdr_ip(<field>[,<number>])")
            }
            let inside = word.text.dropFirst(7).dropLast()
            let number = inside.contains(",") ? "" : ",-1"
            return .expression(Word("req.hdr_ip(\(inside)\(number))", at: word.range))
        default:
            let (address, ports) = try endpoint(word, mayHaveRange: false)
            guard let address else {
                throw ConfigProblem(
                    "'\(word.text)' is no address that a server could see", at: word.range,
                    expected: "client, clientip, hdr_ip(<field>), or an address")
            }
            return .fixed(.ip(address, port: ports?.lowerBound ?? 0))
        }
    }

    /// An address, nil for any, and its ports, nil where the system chooses.
    private static func endpoint(
        _ word: Word, mayHaveRange: Bool
    ) throws(ConfigProblem) -> (IPAddress?, ClosedRange<UInt16>?) {
        var bare = word
        // Port 0 is any.
        if word.text.hasSuffix(":0") { bare.text = String(word.text.dropLast(2)) }
        if IPAddress(word.text) != nil { bare.text = word.text }
        guard case .endpoint(let host, let ports) = try AddressText(bare) else {
            throw ConfigProblem(
                "connections to servers come from an IP address, not from '\(word.text)'", at: word.range)
        }
        if !mayHaveRange, let ports, ports.count > 1 {
            throw ConfigProblem("a range of ports is not possible here", at: word.range, expected: "one port, or none")
        }
        switch host {
        case .any: return (nil, ports)
        case .ip(let ip): return (ip.isAny ? nil : ip, ports)
        case .name(let name):
            guard let ip = HostResolver.resolve(name).first else {
                throw ConfigProblem("no address for the host name '\(name)'", at: word.range)
            }
            return (ip, ports)
        }
    }
}

extension ServerDraft {
    fileprivate func socketOptions(from source: ConnectionSource?) -> [SocketOption] {
        var options: [SocketOption] = []
        if let userTimeout { options.append(.userTimeout(UInt32(clamping: userTimeout.wholeMilliseconds))) }
        if let congestionControl { options.append(.congestionControl(congestionControl)) }
        if let source {
            // A port that another connection has just left, or that one to another server has.
            options.append(.reuseAddress)
            if source.ports == nil { options.append(.bindsWithoutPort) }
            if source.presented != nil { options += [.transparent, .transparentV6] }
        }
        return options
    }
}

// MARK: - Parameters

extension ServerWay {
    static let keyword = Keyword(
        "source", in: .backends, usage: "source <address>[:<port>[-<port>]] [usesrc <address>] [interface <name>]",
        summary: "Says the same for all servers of the section as `source` does on a server's line, which counts more."
    ) { (args, draft) throws(ConfigProblem) in
        draft[BalancingSettings.self].source = try ConnectionSource(&args)
    }

    static let parameters: [Parameter<ServerDraft>] = [
        Parameter(
            "source", usage: "source <address>[:<port>[-<port>]] [usesrc <address>] [interface <name>]",
            summary:
                "Where connections to the server, its checks and the questions to its agent come from: an address of this machine or "
                + "*, with a range of ports if there shall be more connections than one range of the system's allows. usesrc shows "
                + "the server another address: client (and its port), clientip, hdr_ip(<field>[,<number>]) for one in a field of "
                + "the request, the last by default, or any address; without one in the field the first address stays. It needs "
                + "root or CAP_NET_ADMIN while Portico runs, and answers have to be routed back through this machine. interface: "
                + "packets leave through that one."
        ) { (args, server) throws(ConfigProblem) in server.source = try ConnectionSource(&args) },
        Parameter(
            "socks4", usage: "socks4 <address>:<port>",
            summary:
                "Connects through this SOCKS proxy, in version 4, which knows IPv4 only. Checks connect to the server "
                + "themselves, unless there is `check-via-socks4`."
        ) { (args, server) throws(ConfigProblem) in
            let word = try args.nextAddress("an address")
            guard case .endpoint(.ip(let ip), let ports?) = try AddressText(word), ports.count == 1 else {
                throw args.problem("'\(word.text)' is not the address of a proxy", at: word, expected: "<ip>:<port>")
            }
            server.proxy = .ip(ip, port: ports.lowerBound)
        },
        Parameter(
            "check-via-socks4", usage: "check-via-socks4",
            summary: "Checks connect through the SOCKS proxy of `socks4`, too."
        ) { (_, server) throws(ConfigProblem) in server.usesProxyInChecks = true },
        Parameter(
            "tfo", usage: "tfo",
            summary:
                "Sends the first bytes with the first packet of a connection (TCP Fast Open), once the server has agreed to that. A "
                + "connection that fails is then found out later: beside it belongs `retry-on conn-failure empty-response "
                + "response-timeout`."
        ) { (_, server) throws(ConfigProblem) in server.usesFastOpen = true },
        Parameter("no-tfo", usage: "no-tfo", summary: "Undoes `tfo` of a default-server line.") {
            (_, server) throws(ConfigProblem) in server.usesFastOpen = false
        },
        SocketParameters.idlePing(\.idlePing, "the server"),
        SocketParameters.userTimeout(
            \.userTimeout,
            "Ends a connection to the server when sent data has not been acknowledged for this time (TCP_USER_TIMEOUT)."
        ),
        SocketParameters.congestionControl(\.congestionControl, "the server's"),
        SocketParameters.signature(\.signingKey, "the server"),
        SocketParameters.namespace(
            \.namespace,
            "Connects from within this network namespace of Linux, by its name (ip netns) or path: needs root while Portico runs."
        ),
    ]

    /// SOCKS in version 4 has room for four bytes of address.
    static func check(_ server: ServerDraft) throws(ConfigProblem) {
        guard server.proxy != nil else { return }
        switch server.address {
        case .endpoint(.ip(.v4), _), .endpoint(.name, _), .endpoint(.any, _): break
        default:
            throw ConfigProblem(
                "a SOCKS proxy of version 4 connects to IPv4 addresses only", at: server.addressWord.range)
        }
    }
}

extension Server {
    /// How its connections are made; nil if no line has anything about it.
    public var way: ServerWay? { currentTraits.contains(.hasWay) ? configuration.way : nil }
    /// Whether connections of different clients come from different addresses.
    public var presentsClients: Bool { currentTraits.contains(.presentsClients) }
}
