// What comes between connecting to a server and the first byte of a request: the PROXY protocol header in plain, and TLS.

internal import Balancing
internal import Basics
internal import Logging
internal import Reactor
internal import SystemPackage
internal import TLS
internal import Transport

/// Why no connection came about.
enum ConnectionFailure {
    case system(Errno)
    /// The connection stood, and the two did not agree on TLS.
    case tls(TLSFault)
    /// The SOCKS proxy does not connect to the server: its code, or nil if it closed the connection.
    case proxy(UInt8?)
}

/// What one worker has logged of servers with which it could not agree on TLS: a fault is logged when it is new, not for each request
/// that meets it.
struct LoggedFaults {
    private var faults: [ObjectIdentifier: TLSFault] = [:]

    var isEmpty: Bool { faults.isEmpty }

    /// Whether the server's last connection had another fault, or none.
    mutating func isNew(_ fault: TLSFault, of server: Server) -> Bool {
        faults.updateValue(fault, forKey: ObjectIdentifier(server)) != fault
    }

    /// A connection of the server stands.
    mutating func forget(_ server: Server) { faults[ObjectIdentifier(server)] = nil }
}

extension ProxyStream {
    /// Logs why the server and this worker do not agree on TLS.
    final func report(_ fault: TLSFault, _ worker: Worker) {
        guard let server, let backend, worker.serverPools.loggedFaults.isNew(fault, of: server) else { return }
        worker.log.event(
            .err, to: backend.logTargets, "Server \(backend.name)/\(server.name): TLS failed: \(fault.words).")
    }
}

extension ConnectionFailure: CustomStringConvertible {
    var description: String {
        switch self {
        case .system(let reason): reason.description
        case .tls(let fault): "TLS: \(fault.words)"
        case .proxy(let code?): "the SOCKS proxy refuses with code \(code)"
        case .proxy(nil): "the SOCKS proxy closes the connection"
        }
    }
}

extension ServerConnection {
    enum HandshakeStep {
        case pending
        case complete
        case failed(ConnectionFailure)
    }

    var isSecure: Bool { transport.engine != nil }

    /// The server has dropped a request that was sent before the end of the handshake.
    var hasRejectedEarlyData: Bool { transport.engine?.fault?.kind == .earlyDataRejected }

    /// Takes the next steps, as far as the server's bytes allow.
    func handshakeProgress(_ worker: Worker) -> HandshakeStep {
        guard isSecure || sendHeader(worker) else { return headerFailure.map(HandshakeStep.failed) ?? .pending }
        if !isSecure {
            guard let tls = endpoint?.tls else { return .complete }
            worker.shared.counters.tls.connections.increment()
            let engine = tls.makeEngine(
                socket, serverName: requestedName.isEmpty ? nil : requestedName, worker: worker.index,
                mayBeEarly: protocolChoice == .http1 && user?.maySendEarly == true,
                protocol: protocolChoice == .http1 && server.protocolChoice == .negotiated
                    ? Array("http/1.1".utf8) : nil)
            transport.secure(with: engine)
            if engine.sendsEarlyData {
                // The request begins the handshake, which reading the response completes.
                countHandshake(worker)
                return .complete
            }
        }
        switch transport.handshake(worker.kernel) {
        case .pending: return .pending
        case .complete:
            countHandshake(worker)
            return .complete
        case .failed:
            server.traffic.add(.failedHandshakes, worker: worker.index)
            return .failed(tlsFailure)
        }
    }

    private func countHandshake(_ worker: Worker) {
        server.traffic.add(.tlsSessions, worker: worker.index)
        if let engine = transport.engine, engine.isResumed || engine.sendsEarlyData {
            server.traffic.add(.resumedTLSSessions, worker: worker.index)
        } else {
            worker.shared.counters.tls.serverKeys.count(worker: worker.index, at: worker.now)
        }
    }

    /// The connection is closed.
    func uncountTLS(_ worker: Worker) { if isSecure { worker.shared.counters.tls.end() } }

    /// Whether the whole header is with the system.
    private func sendHeader(_ worker: Worker) -> Bool { output.isEmpty || flush(worker) == .all }

    private var headerFailure: ConnectionFailure? { transport.writeFailure.map(ConnectionFailure.system) }

    private var tlsFailure: ConnectionFailure {
        if let fault = transport.engine?.fault { return .tls(fault) }
        return .system(transport.readFailure ?? transport.writeFailure ?? .connectionReset)
    }
}
