// The resolved settings of a `resolvers` section: nameservers, retries, time-outs and hold times (HAProxy's manual,
// section 5.3).

public import Basics

/// A nameserver's name, address and transport.
public struct NameserverPlan: Sendable, Equatable {
    /// Its name in the configuration.
    public var name: String
    public var address: SocketAddress
    /// Whether it is queried over TCP only. Otherwise over UDP, and over TCP for responses that do not fit into a
    /// datagram.
    public var isStream: Bool

    public init(name: String, address: SocketAddress, isStream: Bool = false) {
        self.name = name
        self.address = address
        self.isStream = isStream
    }
}

/// `hold`: how long an earlier result stays valid, by the outcome of the latest query.
public struct HoldTimes: Sendable, Equatable {
    /// For an address found by `do-resolve`.
    public var valid = TimeSpan.seconds(10)
    /// For a server's address after a reply that the name does not exist, a refusal, a time-out, or another error.
    public var noSuchName = TimeSpan.seconds(30)
    public var refused = TimeSpan.seconds(30)
    public var timeout = TimeSpan.seconds(30)
    public var other = TimeSpan.seconds(30)
    /// For a server's address that responses no longer contain.
    public var obsolete = TimeSpan.zero

    public init() {}

    /// How long a server's address stays valid after queries start to fail with `fault`.
    public subscript(fault: ResolutionFault) -> TimeSpan {
        switch fault {
        case .noSuchName: noSuchName
        case .refused: refused
        case .timeout: timeout
        case .other: other
        }
    }
}

/// Why the resolution of a name failed.
public enum ResolutionFault: String, Sendable, Error {
    case noSuchName = "NX"
    case refused
    case timeout
    /// The name has no address of either family, or the response was malformed.
    case other
}

/// An address family, usually the preferred one.
public enum AddressFamily: UInt8, Sendable {
    case v4 = 4
    case v6 = 6

    var other: AddressFamily { self == .v4 ? .v6 : .v4 }
}

/// One SRV record (RFC 2782): a place where a service is offered.
public struct ServiceRecord: Hashable, Sendable {
    /// In the form of `HostName`.
    public var host: String
    public var port: UInt16
    /// Records with a lower number come first.
    public var priority: UInt16
    public var weight: UInt16

    public init(host: String, port: UInt16, priority: UInt16 = 0, weight: UInt16 = 0) {
        self.host = host
        self.port = port
        self.priority = priority
        self.weight = weight
    }
}

/// What a query asks for.
enum RecordKind: Sendable, Equatable {
    case v4, v6
    /// SRV records.
    case services

    init(_ family: AddressFamily) { self = family == .v4 ? .v4 : .v6 }

    /// What is asked for instead if the name has no record of this kind; nil if nothing can take its place.
    var other: RecordKind? {
        switch self {
        case .v4: .v6
        case .v6: .v4
        case .services: nil
        }
    }
}

/// The settings of a `resolvers` section. Immutable, except for the name table.
public final class ResolversPlan: Sendable {
    public let name: String
    public let nameservers: [NameserverPlan]
    /// How often all nameservers are queried before the resolution of a name fails (`resolve_retries`).
    public let tries: Int
    /// How long to wait for replies, and the interval between tries (`timeout retry`).
    public let retryTime: TimeSpan
    /// The interval between look-ups of a server's name (`timeout resolve`, or `hold valid` if shorter, as in HAProxy).
    public let refreshTime: TimeSpan
    public let holds: HoldTimes
    /// The maximum size in bytes of a response over UDP, as announced to nameservers (EDNS).
    public let payloadBytes: Int
    /// The name cache of `do-resolve`, which outlives the plan.
    public let names: NameTable

    public init(
        name: String, nameservers: [NameserverPlan], tries: Int = 3, retryTime: TimeSpan = .seconds(1),
        resolveTime: TimeSpan = .seconds(1), holds: HoldTimes = HoldTimes(), payloadBytes: Int = 512,
        names: NameTable = NameTable()
    ) {
        self.name = name
        self.nameservers = nameservers
        self.tries = tries
        self.retryTime = retryTime
        refreshTime = max(min(resolveTime, holds.valid), .milliseconds(1))
        self.holds = holds
        self.payloadBytes = payloadBytes
        self.names = names
    }

    /// Whether what asks for names under one plan may go on so under the other.
    public func isSame(as other: ResolversPlan) -> Bool {
        name == other.name && nameservers == other.nameservers && tries == other.tries && retryTime == other.retryTime
            && refreshTime == other.refreshTime && holds == other.holds && payloadBytes == other.payloadBytes
            && names === other.names
    }

    /// The maximum duration of a resolution.
    public var longestWait: TimeSpan {
        TimeSpan(nanoseconds: retryTime.nanoseconds * UInt64(tries))
    }
}
