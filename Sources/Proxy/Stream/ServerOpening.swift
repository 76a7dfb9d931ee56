// The first step of a connection to a server, the way that its line says: from which address, through which proxy, with which
// options of the socket.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor
internal import Rules
internal import SystemPackage

extension ProxyStream {
    /// Starts to connect to the server, which is at `address`.
    final func open(
        _ server: Server, by endpoint: ServerEndpoint, at address: SocketAddress, _ worker: Worker
    ) -> Reactor.Connecting {
        let wanted = context.directives.serverMarks
        let marks = SocketMarks(typeOfService: wanted.typeOfService, mark: wanted.mark)
        guard let way = endpoint.way else {
            return worker.kernel.connect(to: address, from: nil, marks: marks, options: nil)
        }
        let target = way.proxy ?? address
        let options = way.options(isClientFirst: isFirst(by: endpoint))
        var attemptsLeft = way.source?.attemptsMax ?? 1
        while true {
            let source = target.ip == nil ? nil : presentedAddress(to: server, by: endpoint) ?? way.ownAddress
            let outcome = worker.kernel.connect(to: target, from: source, marks: marks, options: options)
            attemptsLeft -= 1
            guard attemptsLeft > 0, case .failed(let reason) = outcome, reason.isAboutPort else { return outcome }
        }
    }

    /// The address that the server is shown instead of this machine's; nil if there is none.
    final func presentedAddress(to server: Server, by endpoint: ServerEndpoint) -> SocketAddress? {
        guard let way = endpoint.way, way.presentsClients, let presented = way.source?.presented else { return nil }
        switch presented {
        case .fixed(let address): return address
        case .client(let hasPort):
            guard case .ip(let ip, let port) = context.client else { return nil }
            return .ip(ip, port: hasPort ? port : 0)
        case .expression:
            guard let backend, let place = backend.servers.place(of: server) else { return nil }
            return backend.serverValues.source(for: place, context).map { .ip($0, port: 0) }
        }
    }

    /// Whether bytes for the server are here already: a request, a handshake of TLS, or what the client has sent.
    private func isFirst(by endpoint: ServerEndpoint) -> Bool {
        client.codec.speaksHTTP || endpoint.tls != nil || endpoint.proxyHeader != nil || endpoint.way?.proxy != nil
            || !client.input.isEmpty
    }
}

extension ServerWay {
    /// Where connections come from that are not shown as a client's; nil if the system chooses.
    var ownAddress: SocketAddress? {
        if case .fixed(let address)? = source?.presented { return address }
        return source?.next()
    }
}

extension Errno {
    /// Whether another port of this machine may do.
    fileprivate var isAboutPort: Bool { self == .addressInUse || self == .addressNotAvailable }
}
