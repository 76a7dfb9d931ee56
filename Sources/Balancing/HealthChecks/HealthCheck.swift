// What a health check sends and how it judges the answer: bytes out, bytes in, a verdict, without sockets.

public import Basics
public import HTTP
public import ProxyProtocol
public import Reactor
public import TLS

/// What is sent once the connection is established.
public enum HealthCheck: Sendable, Equatable {
    /// Nothing: an established connection passes.
    case tcpConnect
    case http(HTTPCheck)
}

/// The TLS of a server's checks.
public struct HealthCheckTLS: Sendable {
    public let upstream: TLSUpstream
    /// The name to ask for, if any, and whether `check-sni` gives it.
    public let name: [UInt8]?
    public let isNameExplicit: Bool
    /// The protocols to offer.
    public let protocols: [[UInt8]]

    /// What encrypts the connection of one check.
    public func makeEngine(_ socket: Socket) -> TLSEngine {
        upstream.makeCheckEngine(socket, serverName: name, isExplicit: isNameExplicit, protocols: protocols)
    }
}

/// How one server is checked.
public struct HealthCheckPlan: Sendable {
    public var check: HealthCheck
    public var thresholds: HealthThresholds
    /// The times between checks of a server that is up, changing, or down.
    public var interval: TimeSpan
    public var fastInterval: TimeSpan?
    public var downInterval: TimeSpan?
    /// Bounds connecting, and the check as a whole if there is no `responseTimeout`.
    public var connectTimeout: TimeSpan
    /// Bounds the answer, once connected.
    public var responseTimeout: TimeSpan?
    /// Where checks go, if not to the server itself.
    public var address: SocketAddress?
    public var port: UInt16?
    /// The PROXY protocol header to begin with; nil for none.
    public var proxyHeader: ProxyHeaderVersion?
    /// What encrypts it; nil if it is plain.
    public var tls: HealthCheckTLS?
    /// What checks speak that send a request.
    public var protocolChoice = ProtocolChoice.negotiated
    /// What the head of an HTTP answer may be: the same as that of a response to a client.
    public internal(set) var headLimits = HeadLimits()

    /// The pause before the next check of a server with this record.
    public func pause(after record: HealthRecord) -> TimeSpan {
        switch record.state {
        case .up, .unchecked: interval
        case .goingUp, .goingDown: fastInterval ?? interval
        default: downInterval ?? interval
        }
    }

    /// Where to check a server that is at `server`.
    public func target(for server: SocketAddress?) -> SocketAddress? {
        guard let base = address ?? server else { return nil }
        guard let port, case .ip(let ip, _) = base else { return base }
        return .ip(ip, port: port)
    }
}
