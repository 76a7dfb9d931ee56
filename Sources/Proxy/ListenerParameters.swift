// Parameters of `bind` about the listening sockets and the TCP connections that they take, and `rate-limit sessions` with its
// like: how many come in.

internal import Balancing
internal import Basics
internal import Configuration
internal import Reactor

enum ListenerParameters {
    static let table: [Parameter<BindOptions>] = [
        Parameter(
            "id", usage: "id <number>",
            summary: "The address's number in logs and for `so_id`; its position in the section by default."
        ) { (args, bind) throws(ConfigProblem) in
            bind.id = args.peek
            _ = try args.integer("a number", in: 1...Int(Int32.max))
        },
        Parameter(
            "maxconn", usage: "maxconn <number>",
            summary:
                "Client connections at a time at each address of the line; more wait in the system's queue. By default the "
                + "frontend's own limit applies alone."
        ) { (args, bind) throws(ConfigProblem) in bind.maxConnections = try args.limit("a number", to: 10_000_000) },
        Parameter(
            "backlog", usage: "backlog <number>", summary: "Connections the system may keep waiting: 4096 by default."
        ) {
            (args, bind) throws(ConfigProblem) in bind.backlog = try args.limit("a number", to: 1_000_000)
        },
        Parameter("interface", usage: "interface <name>", summary: "Listens on one network interface only.") {
            (args, bind) throws(ConfigProblem) in bind.interface = try args.next("an interface").text
        },
        Parameter(
            "shards", usage: "shards <number>|by-thread|by-group",
            summary:
                "Sockets that each address has, shared by the threads. by-thread, the default: one a thread, between which the "
                + "system spreads connections. by-group: one for all, since Portico's threads are one group."
        ) { (args, bind) throws(ConfigProblem) in
            switch args.peek?.text {
            case "by-thread":
                bind.sockets = nil
                _ = args.nextIfPresent()
            case "by-group":
                bind.sockets = 1
                _ = args.nextIfPresent()
            default: bind.sockets = try args.cappedInteger("by-thread, by-group, or a number", in: 1...64)
            }
        },
        Parameter(
            "nice", usage: "nice <number>", summary: "Accepted without effect: no connection goes before another."
        ) { (args, bind) throws(ConfigProblem) in
            let word = args.peek
            _ = try args.integer("a number", in: -1_024...1_024)
            args.warn("'nice' has no effect: each connection has its turn", at: word)
        },
        Parameter(
            "mss", usage: "mss <bytes>",
            summary:
                "The largest TCP segment that clients are told to send, and that they get. A negative number makes sent segments "
                + "that much smaller than the client allows."
        ) { (args, bind) throws(ConfigProblem) in
            let word = args.peek
            let bytes = try args.integer("a number of bytes", in: -65_535...65_535)
            guard bytes != 0 else { throw args.problem("a segment of no bytes", at: word) }
            bind.segmentBytes = bytes
        },
        SocketParameters.userTimeout(
            \.userTimeout,
            "Ends a client's connection when sent data has not been acknowledged for this time (TCP_USER_TIMEOUT): by default "
                + "that takes the system a quarter of an hour."),
        SocketParameters.idlePing(\.idlePing, "a client"),
        SocketParameters.congestionControl(\.congestionControl, "clients'"),
        SocketParameters.signature(\.signingKey, "clients"),
        SocketParameters.namespace(
            \.namespace, "Listens in this network namespace of Linux, by its name (ip netns) or path."),
        Parameter(
            "accept-netscaler-cip", usage: "accept-netscaler-cip <magic number>",
            summary:
                "Connections begin with a NetScaler Client IP header with this number, which says who the client is; without one "
                + "they are closed."
        ) { (args, bind) throws(ConfigProblem) in
            bind.clientAddressMagic = UInt32(try args.integer("a magic number", in: 1...Int(UInt32.max)))
        },
        Parameter(
            "severity-output", usage: "severity-output none|number|string",
            summary: "Accepted: it is about runtime sockets, and has no effect on others."
        ) { (args, _) throws(ConfigProblem) in
            _ = try args.choice("a form", of: ["none": (), "number": (), "string": ()])
        },
    ]

    /// `rate-limit sessions`, `maxconnrate`, `maxsessrate`
    static let rates: [Keyword] = [
        Keyword(
            "rate-limit sessions", in: .frontends, usage: "rate-limit sessions <number>",
            summary:
                "Connections that the frontend takes in a second, over all threads; more wait in the system's queue (see "
                + "backlog). 0, the default, for any number."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].sessionRateMax = try args.limit("a number", to: 1_000_000_000)
        },
        Keyword(
            "maxconnrate", in: .global, usage: "maxconnrate <number>",
            summary:
                "Connections that the process takes in a second; more wait in the system's queue. 0 for any number."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProcessSettings.self].connectionRateMax = try args.limit("a number", to: 1_000_000_000)
        },
        Keyword(
            "maxsessrate", in: .global, usage: "maxsessrate <number>",
            summary:
                "The same as maxconnrate: each connection that is taken begins a session. The lower of the two counts."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProcessSettings.self].sessionRateMax = try args.limit("a number", to: 1_000_000_000)
        },
    ]
}

extension BindOptions {
    /// Parameters that TCP alone has.
    private var namesOfTCP: [String] {
        [
            ("interface", interface != nil), ("defer-accept", defersAccept), ("tfo", usesFastOpen),
            ("transparent", isTransparent), ("mss", segmentBytes != nil), ("tcp-ut", userTimeout != nil),
            ("cc", congestionControl != nil), ("tcp-md5sig", signingKey != nil), ("namespace", namespace != nil),
        ].filter(\.1).map(\.0)
    }

    /// Warns of parameters that have no effect on any address of the line.
    func warn(about places: [BindPlace], _ args: inout Arguments) {
        let addresses = places.compactMap { $0.address?.ip }
        if addresses.isEmpty {
            for name in namesOfTCP {
                args.warn("'\(name)' has no effect here: it is about TCP", at: places.first?.word)
            }
        }
        if let takesBothVersions, !addresses.contains(where: { $0.bitCount == 128 }) {
            args.warn(
                "'\(takesBothVersions ? "v4v6" : "v6only")' has no effect here: it is about IPv6 addresses",
                at: places.first?.word)
        }
    }

    /// The number that `id` gives an address.
    var number: Int? { id.flatMap { Int($0.text) } }
}
