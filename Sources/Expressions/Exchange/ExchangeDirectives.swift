// What rules say about one exchange that is neither of its messages: how long to wait, how loudly to log. The Proxy
// obeys.

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

    /// The former name of `consumePacketMarks`.
    public mutating func takePacketMarks() -> PacketMarks? { consumePacketMarks() }
}
