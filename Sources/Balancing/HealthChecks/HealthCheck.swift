// How one server is checked: the script, where its connections go, and when.

public import Basics
public import HTTP
public import LogFormat
public import ProxyProtocol
public import Reactor
public import TLS

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
    public var script: CheckScript
    /// Where its connections go, in order: one for each.
    public var routes: [CheckRoute]
    /// What its formats and expressions are compiled into; nil if it has none.
    public internal(set) var program: FormatProgram?
    public var thresholds: HealthThresholds
    /// The times between checks of a server that is up, changing, or down.
    public var interval: TimeSpan
    public var fastInterval: TimeSpan?
    public var downInterval: TimeSpan?
    /// Bounds connecting, and the check as a whole if there is no `responseTimeout`.
    public var connectTimeout: TimeSpan
    /// Bounds the answer, once connected.
    public var responseTimeout: TimeSpan?
    /// What the head of an HTTP answer may be: the same as that of a response to a client.
    public internal(set) var headLimits = HeadLimits()
    /// The program that finds out, instead of the script.
    public internal(set) var command: ExternalCommand?
    /// Whether a check that times out does not count while the server answers live requests (`option check-passive`).
    public internal(set) var isPassive = false
    /// What names each check, for its formats (`unique-id-format`).
    public internal(set) var uniqueID: UniqueID?

    /// The pause before the next check of a server with this record.
    public func pause(after record: HealthRecord) -> TimeSpan {
        switch record.state {
        case .up, .draining, .unchecked: interval
        case .goingUp, .goingDown: fastInterval ?? interval
        default: downInterval ?? interval
        }
    }

    /// The result of a check that has just ended, as it counts.
    public func weigh(_ result: CheckResult, of server: Server, at now: Instant) -> CheckResult {
        guard isPassive, result.outcome == .failed, result.code.isTimeout,
            server.hasAnswered(
                since: Instant(nanoseconds: now.nanoseconds - min(now.nanoseconds, interval.nanoseconds)))
        else { return result }
        var result = result
        result.outcome = .unchanged
        result.info += (result.info.isEmpty ? "" : ", ") + "not counted: the server answers requests"
        return result
    }

    /// Where the first connection to a server that is at `server` goes.
    public func target(for server: SocketAddress?) -> SocketAddress? { routes[0].target(for: server) }
}

/// One connection of a server's checks.
public struct CheckRoute: Sendable {
    /// Where it goes, if not to the server itself.
    public var address: SocketAddress?
    public var port: UInt16?
    /// The SOCKS proxy that connects there; nil for none.
    public var proxy: SocketAddress?
    /// The PROXY protocol header to begin with; nil for none.
    public var proxyHeader: ProxyHeaderVersion?
    /// What encrypts it; nil if it is plain.
    public var tls: HealthCheckTLS?
    /// What requests on it are.
    public var protocolChoice = ProtocolChoice.negotiated
    /// Whether it is closed in order, rather than reset.
    public var lingers = false

    /// Where to check a server that is at `server`.
    public func target(for server: SocketAddress?) -> SocketAddress? {
        guard let base = address ?? server else { return nil }
        guard let port, case .ip(let ip, _) = base else { return base }
        return .ip(ip, port: port)
    }
}

// MARK: - What a check tells a server about itself

extension Server {
    /// The value of the Host field. A server behind a socket file is on this machine.
    var checkedHost: String {
        if let name = hostName { return "\(name):\(port)" }
        guard let address, address.ip != nil else { return "localhost" }
        return address.description
    }

    /// The value of the field that `http-check send-state` adds: how the server is seen here, and how it compares with its backend.
    func stateForChecks(in backend: Backend) -> String {
        let record = record
        let thresholds = record.thresholds
        let word =
            switch state.health {
            case .unchecked: "no check"
            case .up: "UP"
            case .draining: "NOLB"
            case .goingDown: "UP \(record.health - thresholds.rise + 1)/\(thresholds.fall)"
            case .down: "DOWN"
            case .goingUp: "DOWN \(record.health)/\(thresholds.rise)"
            }
        let place = address?.ip.map { ("\($0)", "\(port)") } ?? (address == nil ? ("", "\(port)") : ("unix", "unix"))
        return
            "\(word); address=\(place.0); port=\(place.1); name=\(backend.name)/\(name); node=\(SystemProcess.hostName); "
            + "weight=\(weight)/\(backend.eligibleWeight); scur=\(active.current)/\(backend.active.current); "
            + "qcur=\(queued.current)"
    }
}
