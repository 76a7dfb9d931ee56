// What came of an exchange: what was answered, how it ended and who ended it, as HAProxy's two letters, and two more about the
// persistence cookie (manual, section 8.5).

/// The letters of `%tsc`; `----` is a normal end.
public struct Termination: Equatable, Sendable {
    public var cause = Cause.none
    public var phase = Phase.none
    public var clientCookie = ClientCookie.none
    public var serverCookie = ServerCookie.none

    public init(_ cause: Cause = .none, _ phase: Phase = .none) {
        self.cause = cause
        self.phase = phase
    }

    /// Who or what ended it first.
    public enum Cause: UInt8, CaseIterable, Sendable {
        case none = 0x2D  // -
        /// The client closed, or its connection broke.
        case client = 0x43  // C
        case clientTimeout = 0x63  // c
        /// The server refused, closed or broke the connection, or sent what is not HTTP.
        case server = 0x53  // S
        case serverTimeout = 0x73  // s
        /// A rule or the proxy refused it: denied, invalid, over a limit.
        case proxy = 0x50  // P
        /// The proxy answered itself: redirect, `return`, statistics, a file.
        case local = 0x4C  // L
        /// A resource ran out: memory, descriptors, source ports.
        case resource = 0x52  // R
        /// An internal error.
        case `internal` = 0x49  // I
        /// Killed because the server went down, or because a preferred one came up.
        case serverDown = 0x44  // D
        case serverUp = 0x55  // U
        /// Killed by an operator.
        case killed = 0x4B  // K
    }

    /// How far it had come.
    public enum Phase: UInt8, CaseIterable, Sendable {
        case none = 0x2D  // -
        case request = 0x52  // R
        case queue = 0x51  // Q
        case connect = 0x43  // C
        case headers = 0x48  // H
        case data = 0x44  // D
        /// The last bytes were on their way to the client.
        case last = 0x4C  // L
        case tarpit = 0x54  // T
    }

    /// What cookie the client had; `none` without cookie persistence.
    public enum ClientCookie: UInt8, CaseIterable, Sendable {
        case none = 0x2D  // -
        case notGiven = 0x4E  // N
        case invalid = 0x49  // I
        case serverDown = 0x44  // D
        case valid = 0x56  // V
        case expired = 0x45  // E
        case tooOld = 0x4F  // O
        case unused = 0x55  // U
    }

    /// What was done with the cookie in the response.
    public enum ServerCookie: UInt8, CaseIterable, Sendable {
        case none = 0x2D  // -
        case notSet = 0x4E  // N
        case provided = 0x50  // P
        case deleted = 0x44  // D
        case inserted = 0x49  // I
        case rewritten = 0x52  // R
        case updated = 0x55  // U
    }
}

extension Termination: CustomStringConvertible {
    /// The four letters.
    public var description: String {
        String(
            decoding: [cause.rawValue, phase.rawValue, clientCookie.rawValue, serverCookie.rawValue], as: UTF8.self)
    }
}

/// What came of an exchange, for its line in the log and the counters.
public struct ExchangeOutcome: Sendable {
    /// The status sent to the client; -1 if none was.
    public var status = -1
    /// The status that the server answered with; -1 if none has. Rules may have changed the response's.
    public var serverStatus = -1
    /// Bytes of heads and bodies.
    public var bytesToClient: UInt64 = 0
    public var bytesFromClient: UInt64 = 0
    public var termination = Termination()
    public var retries = 0
    public var isRedispatched = false
    /// Changes of messages that rules could not make.
    public var failedRewrites = 0
    public var counts = ConnectionCounts()
    /// The codes with which client and server cancelled their streams of HTTP/2 (RST_STREAM); nil where they did not.
    public var clientResetCode: UInt32?
    public var serverResetCode: UInt32?

    public init() {}
}

/// Connections at the moment the line is written, the exchange's own included.
public struct ConnectionCounts: Equatable, Sendable {
    public var process = 0
    public var frontend = 0
    public var backend = 0
    public var server = 0
    /// Requests that were before this one in the server's and the backend's queue.
    public var serverQueue = 0
    public var backendQueue = 0

    public init() {}
}

extension ExchangeContext {
    /// Whether it is no normal exchange: cut off, retried, sent elsewhere, or answered with a server's error.
    public func hasFailed(isHTTP: Bool) -> Bool {
        if outcome.isRedispatched || (isHTTP && outcome.status >= 500) { return true }
        switch outcome.termination.cause {
        case .none: return outcome.retries > 0
        case .local: return false
        default: return true
        }
    }
}
