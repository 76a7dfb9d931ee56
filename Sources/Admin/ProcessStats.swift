// What is shown of the process as a whole: `show info`, the head of the page.

public import Basics

/// The process as a whole.
public struct ProcessStats: Sendable {
    public var name = "Portico"
    public var version = ""
    /// `YYYY/MM/DD`, or empty.
    public var releaseDate = ""
    public var pid = 0
    public var threads = 1
    public var uptime = TimeSpan.zero
    public var startedAt = WallTime(seconds: 0)
    /// The machine's name, or what `node` says.
    public var node = ""
    /// What `description` in `global` says.
    public var description = ""
    /// Whether the process ends when its last connection does.
    public var isStopping = false

    /// Global `maxconn`: client connections at once.
    public var connectionsLimit = 0
    /// Descriptors the kernel grants the process.
    public var descriptorsLimit = 0
    public var connectionsCurrent = 0
    public var connectionsTotal: UInt64 = 0
    public var requestsTotal: UInt64 = 0
    /// In the last second, and the most in one second.
    /// `maxconnrate` and `maxsessrate`; 0 for none.
    public var connectionRateLimit = 0
    public var sessionRateLimit = 0
    public var connectionRate = 0
    public var connectionRateMax = 0
    public var sessionRate = 0
    public var sessionRateMax = 0
    public var requestRate = 0
    public var requestRateMax = 0
    public var tls = TLSStats()
    /// From clients.
    public var bytesInTotal: UInt64 = 0
    /// To clients and servers, in all and in the last second.
    public var bytesOutTotal: UInt64 = 0
    public var bytesOutRate: UInt64 = 0

    /// Resident memory in bytes.
    public var residentBytes: UInt64 = 0
    /// Bytes of buffers kept, and of those that hold data now.
    public var bufferBytesAllocated: UInt64 = 0
    public var bufferBytesUsed: UInt64 = 0
    /// Share of the last second that the workers waited, in percent; nil if it is not measured.
    public var idlePercent: Int?
    /// Listening sockets.
    public var listeners = 0
    /// Connections and listeners together.
    public var jobs = 0
    /// Log lines that no target took.
    public var logsDropped: UInt64 = 0
    /// Regular expressions that came to no result within their limit of steps.
    public var undecidedMatches: UInt64 = 0
    /// Plans that something refers to.
    public var plans = 1

    public init() {}
}

/// Encrypted connections of the process.
public struct TLSStats: Sendable {
    /// `maxsslconn`; 0 for none.
    public var connectionsLimit = 0
    /// To clients and servers, now and since the start.
    public var connectionsCurrent = 0
    public var connectionsTotal: UInt64 = 0
    /// `maxsslrate`; 0 for none.
    public var rateLimit = 0
    /// Clients' connections in the last second, and the most in one second.
    public var rate = 0
    public var rateMax = 0
    /// Full handshakes with clients, likewise, and the share of clients that needed none, in percent.
    public var clientKeyRate = 0
    public var clientKeyRateMax = 0
    public var reusePercent = 0
    /// Full handshakes with servers.
    public var serverKeyRate = 0
    public var serverKeyRateMax = 0

    public init() {}
}
