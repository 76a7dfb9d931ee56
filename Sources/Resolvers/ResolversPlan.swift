// One `resolvers` section as it is run: whom to ask for addresses, how long, and for how long an answer is good.
// HAProxy's manual, section 5.3.

public import Basics

/// A nameserver's place.
public struct NameserverPlan: Sendable, Equatable {
    /// What the file calls it.
    public var name: String
    public var address: SocketAddress
    /// Asked over TCP alone. Otherwise over UDP, and over TCP for what UDP is too small for.
    public var isStream: Bool

    public init(name: String, address: SocketAddress, isStream: Bool = false) {
        self.name = name
        self.address = address
        self.isStream = isStream
    }
}

/// `hold`: for how long what was known is good, by what has become of the latest question.
public struct HoldTimes: Sendable, Equatable {
    /// An address that `do-resolve` has found.
    public var valid = TimeSpan.seconds(10)
    /// A server's address, when its name is said not to exist, the question is refused, nobody answers, or something else is wrong.
    public var noSuchName = TimeSpan.seconds(30)
    public var refused = TimeSpan.seconds(30)
    public var timeout = TimeSpan.seconds(30)
    public var other = TimeSpan.seconds(30)
    /// A server's address that answers no longer have.
    public var obsolete = TimeSpan.zero

    public init() {}

    /// For how long a server's address is good after questions have begun to fail so.
    public subscript(fault: ResolutionFault) -> TimeSpan {
        switch fault {
        case .noSuchName: noSuchName
        case .refused: refused
        case .timeout: timeout
        case .other: other
        }
    }
}

/// Why a name has no address.
public enum ResolutionFault: String, Sendable, Error {
    case noSuchName = "NX"
    case refused
    case timeout
    /// No address of either family, or an answer that makes no sense.
    case other
}

/// A family of addresses, the one that is asked for first.
public enum AddressFamily: UInt8, Sendable {
    case v4 = 4
    case v6 = 6

    var other: AddressFamily { self == .v4 ? .v6 : .v4 }
}

/// Immutable, but for the table of names that hangs off it.
public final class ResolversPlan: Sendable {
    public let name: String
    public let nameservers: [NameserverPlan]
    /// Questions to all nameservers before a name is given up (`resolve_retries`).
    public let tries: Int
    /// How long an answer is awaited, and the time from one try to the next (`timeout retry`).
    public let retryTime: TimeSpan
    /// Between questions about the name of a server (`timeout resolve`, or `hold valid` if that is shorter, as in HAProxy).
    public let refreshTime: TimeSpan
    public let holds: HoldTimes
    /// The size of answer that nameservers are told to keep to over UDP, in bytes.
    public let payloadBytes: Int
    /// What `do-resolve` asks.
    public let names = NameTable()

    public init(
        name: String, nameservers: [NameserverPlan], tries: Int = 3, retryTime: TimeSpan = .seconds(1),
        resolveTime: TimeSpan = .seconds(1), holds: HoldTimes = HoldTimes(), payloadBytes: Int = 512
    ) {
        self.name = name
        self.nameservers = nameservers
        self.tries = tries
        self.retryTime = retryTime
        refreshTime = max(min(resolveTime, holds.valid), .milliseconds(1))
        self.holds = holds
        self.payloadBytes = payloadBytes
    }

    /// No name is sought for longer.
    public var longestWait: TimeSpan {
        TimeSpan(nanoseconds: retryTime.nanoseconds * UInt64(tries))
    }
}
