// The keywords about balancing by hash: `hash-type` and its like, and `hash-key` of servers.

internal import Basics
internal import Configuration

/// What a server's places on a ring of hashes are made of (`hash-key`).
public enum ServerHashKey: Sendable, Equatable {
    /// The low 20 bits of its number, with room for 4,096 points each.
    case id
    /// All bits of its number, mixed.
    case wholeID
    /// Without an IP address: as `id`.
    case address, addressAndPort
    /// The bytes of its `guid`.
    case globalID([UInt8])
}

/// The same as a line has it, whose `guid` may follow.
public enum HashKeyKind: Sendable { case id, wholeID, address, addressAndPort, globalID }

extension ServerDraft {
    /// What the ring goes by; without a `guid` that is the number.
    var hashKey: ServerHashKey {
        switch hashKeyKind {
        case .id: .id
        case .wholeID: .wholeID
        case .address: .address
        case .addressAndPort: .addressAndPort
        case .globalID: globalID.map { .globalID($0.text.verbatimBytes) } ?? .id
        }
    }
}

extension Server {
    /// Whether its places on a ring change with its address.
    public var isPlacedByAddress: Bool { [.address, .addressAndPort].contains(hashKey) }
}

enum HashKeywords {
    static let table: [Keyword] = [
        Keyword(
            "hash-type", in: .backends, usage: "hash-type <method> [<function> [avalanche]]",
            summary:
                "How a hash leads to a server, for algorithms that hash something in the request. map-based, the default, divides "
                + "it by the servers' weights; consistent looks it up on a ring, where only the keys of a server move that "
                + "leaves or comes. The function is sdbm (the default), djb2, wt6, crc32, or none for keys that are numbers; with "
                + "avalanche its result is mixed once more, as it is for consistent without a function."
        ) { (args, draft) throws(ConfigProblem) in
            draft[BalancingSettings.self].hashing.setType(try type(&args))
        },
        Keyword(
            "hash-balance-factor", in: .backends, usage: "hash-balance-factor <percent>",
            summary:
                "With hash-type consistent, a server that would have more than this share of the average load is passed over for the "
                + "next on the ring: 125 for a quarter more. 0, the default, for any load."
        ) { (args, draft) throws(ConfigProblem) in
            draft[BalancingSettings.self].hashing.balanceFactor = try balanceFactor(&args)
        },
        Keyword(
            "hash-preserve-affinity", in: .backends, usage: "hash-preserve-affinity always|maxconn|maxqueue",
            summary:
                "With hash-type consistent, which servers a request does not wait for but passes over for the next on the ring: those "
                + "that have all of their maxconn (maxconn), those whose maxqueue is reached, too (maxqueue), or none (always, the "
                + "default)."
        ) { (args, draft) throws(ConfigProblem) in
            draft[BalancingSettings.self].hashing.affinity = try args.choice(
                "a word", of: ["always": .always, "maxconn": .untilFull, "maxqueue": .untilQueueIsFull])
        },
    ]

    static let serverParameter = Parameter<ServerDraft>(
        "hash-key", usage: "hash-key id|id32|guid|addr|addr-port",
        summary:
            "What the server's places for hash-type consistent are made of: its id (the default), all 32 bits of it, its guid, its "
            + "address, or address and port. Where there is none of these, the id."
    ) { (args, server) throws(ConfigProblem) in
        server.hashKeyKind = try args.choice(
            "a key",
            of: [
                "id": .id, "id32": .wholeID, "guid": .globalID, "addr": .address, "addr-port": .addressAndPort,
            ])
    }

    private static func type(_ args: inout Arguments) throws(ConfigProblem) -> HashSettings {
        var settings = HashSettings()
        if let word = args.peek, word.text == "avalanche" {
            throw args.problem(
                "'avalanche' is no method of 'hash-type'", at: word, expected: "hash-type map-based sdbm avalanche")
        }
        settings.method = try args.choice("a method", of: ["map-based": .map, "consistent": .ring])
        guard !args.isAtEnd else {
            settings.avalanches = settings.method == .ring
            return settings
        }
        settings.function = try args.choice(
            "a function", of: ["sdbm": .sdbm, "djb2": .djb2, "wt6": .wt6, "crc32": .crc32, "none": .none])
        settings.avalanches = args.skip("avalanche")
        return settings
    }

    private static func balanceFactor(_ args: inout Arguments) throws(ConfigProblem) -> Int? {
        let word = try args.next("a number of percent")
        let percent = try word.integer("a number of percent", in: 0...1_000_000)
        guard percent == 0 || percent > 100 else {
            throw args.problem(
                "a server cannot be kept at \(percent) % of the average", at: word, expected: "0, or more than 100")
        }
        return percent == 0 ? nil : percent
    }
}

extension HashSettings {
    /// Takes over what a `hash-type` line says; the other lines' settings stay.
    fileprivate mutating func setType(_ type: HashSettings) {
        method = type.method
        function = type.function
        avalanches = type.avalanches
    }
}
