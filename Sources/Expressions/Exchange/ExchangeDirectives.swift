// What rules set for one exchange beside its messages: time-outs, log level, priority, packet marks, names to resolve. The Proxy
// reads it.

public import Basics

public struct ExchangeDirectives: Sendable {
    /// `set-timeout`: instead of the section's own.
    public var clientTimeout: TimeSpan?
    public var serverTimeout: TimeSpan?
    public var tunnelTimeout: TimeSpan?
    public var connectTimeout: TimeSpan?
    public var queueTimeout: TimeSpan?
    public var tarpitTimeout: TimeSpan?
    /// `set-log-level`: a syslog severity (0 to 7), or -1 for no line at all.
    public var logSeverity: Int?
    /// `disable-l7-retry`: a request that a server got is not sent again.
    public var retriesMessages = true
    /// `early-hint`: fields to send with a 103 before the response. Sent and emptied by the Proxy.
    public var earlyHints: [(name: [UInt8], value: [UInt8])] = []
    /// `set-src`, `set-dst` and their ports were changed: what was told of the connection's ends at its begin is not so any
    /// more for this exchange.
    public var hasOtherEnds = false
    /// `set-retries`: instead of the backend's own.
    public var retries: Int?
    /// `force-persist`, `ignore-persist`
    public var persistence = PersistenceChoice.usual
    /// `expect-proxy`: the connection begins with a PROXY protocol header.
    public var expectsProxyHeader = false
    /// `set-priority-class`, `set-priority-offset`.
    public var priority = ExchangePriority()
    /// `set-tos`, `set-mark`. Use `consumePacketMarks`.
    public var packetMarks = PacketMarks()
    /// `set-bc-tos`, `set-bc-mark`.
    public var serverMarks = PacketMarks()

    public init() {}

    mutating func clear() {
        clientTimeout = nil
        serverTimeout = nil
        tunnelTimeout = nil
        connectTimeout = nil
        queueTimeout = nil
        tarpitTimeout = nil
        logSeverity = nil
        retriesMessages = true
        if !earlyHints.isEmpty { earlyHints.removeAll() }
        hasOtherEnds = false
        retries = nil
        persistence = .usual
        expectsProxyHeader = false
        priority = ExchangePriority()
        packetMarks = PacketMarks()
        serverMarks = PacketMarks()
    }
    /// Forgets what is about the servers of one section: the exchange goes to those of another.
    public mutating func forgetServerSide() {
        retries = nil
        serverTimeout = nil
        tunnelTimeout = nil
        connectTimeout = nil
        queueTimeout = nil
    }
}

/// What counts of that which names a server for an exchange: a cookie, a `use-server` line.
public enum PersistenceChoice: UInt8, Sendable {
    /// It does not if the server is down.
    case usual
    /// The server is tried even if it is down, and no other one.
    case forced
    /// Its cookie does not.
    case ignored
}

/// An exchange's priority in a queue: the lower, the earlier.
public struct ExchangePriority: Sendable {
    /// What counts first: -2047 to 2047.
    public var level = 0
    /// Within a class, so many milliseconds later than it came, or earlier below zero: -524287 to 524287.
    public var offset = 0

    public init() {}
}

/// What rules want of the packets to one side from now on; nil for what no rule has spoken of.
public struct PacketMarks: Equatable, Sendable {
    /// The type of service, or traffic class in IPv6.
    public var typeOfService: UInt8?
    /// The mark that the system's own rules about packets see.
    public var mark: UInt32?

    public init() {}

    public var isEmpty: Bool { typeOfService == nil && mark == nil }
}

extension ExchangeDirectives {
    /// Returns what rules want of the packets to the client, and forgets it; nil when no rule has set anything since the last call.
    public mutating func consumePacketMarks() -> PacketMarks? {
        if packetMarks.isEmpty { return nil }
        defer { packetMarks = PacketMarks() }
        return packetMarks
    }
}

/// A name for which a rule wants an address.
public struct WantedName: Sendable {
    /// The section's index in the list that `Draft.resolve` was given.
    public private(set) var resolvers = 0
    /// Rather than an IPv6 address, if there are both.
    public private(set) var prefersIPv4 = false
    /// As the expression yields it: anything, but no longer than a name can be.
    public var name: [UInt8] = []
    /// With a dot at its end (RFC 1035 section 2.3.4).
    public static let bytesMax = 254
    fileprivate var variable: VariableName?

    public init() {}

    /// Notes what a rule wants; `name` is set beside it.
    public mutating func want(_ variable: VariableName, from resolvers: Int, prefersIPv4: Bool) {
        self.variable = variable
        self.resolvers = resolvers
        self.prefersIPv4 = prefersIPv4
    }
}

extension ExchangeContext {
    /// Sets the variable for whose sake `wantedName` was looked up; without an address it stays as it is.
    public func found(_ address: IPAddress?) {
        guard let variable = wantedName.variable else { preconditionFailure("an address that no rule wants") }
        wantedName.variable = nil
        if let address { set(variable, .address(address)) }
    }
}
