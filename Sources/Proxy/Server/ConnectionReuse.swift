// When a server connection may carry another request, and which requests may go over a used one.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP

/// `http-reuse`: which requests may go over an idle connection. A request that is not the first of its client's connection may go
/// over any, except with `never`: its client expects that a kept-alive connection fails, and sends the request again.
public enum ReusePolicy: String, Sendable {
    /// Only requests of the client's connection that the server connection was opened for.
    case never
    /// Not a client's first request.
    case safe
    /// A client's first request if the server connection has been reused before.
    case aggressive
    /// Any request.
    case always
}

/// What requests must have in common to go over the same connection: which endpoint of the server it was begun with, where it leads,
/// the PROXY protocol header that it began with, and the name that it asked the server for.
struct ConnectionKey: Hashable, Sendable {
    /// 64 bits of a hash with a secret of the process.
    private let hash: Int
    /// `ServerEndpoint.epoch`
    let epoch: UInt32

    /// Of all connections to a server that is in one place, wants no header, and is asked for one name or none.
    static func plain(_ epoch: UInt32) -> ConnectionKey { ConnectionKey(hash: 0, epoch: epoch) }

    private init(hash: Int, epoch: UInt32) {
        self.hash = hash
        self.epoch = epoch
    }

    /// - Parameters:
    ///   - epoch: that of the endpoint that the connection is begun with.
    ///   - name: what connections are told apart by: the name that they ask the server for, or that of `pool-conn-name`; empty
    ///     for none.
    ///   - source: the address that the server is shown, where that is a client's.
    init(
        of server: Server, _ epoch: UInt32, at address: SocketAddress, header: [UInt8], name: [UInt8] = [],
        source: SocketAddress? = nil
    ) {
        if server.hasPlainConnections {
            self = .plain(epoch)
        } else {
            var hasher = Hasher()
            hasher.combine(address)
            hasher.combine(header)
            hasher.combine(name)
            hasher.combine(source)
            self.init(hash: hasher.finalize(), epoch: epoch)
        }
    }
}

extension Server {
    /// Whether its connections are all alike.
    fileprivate var hasPlainConnections: Bool {
        isInOnePlace && proxyHeader == nil && !hasNamedConnections && !presentsClients
    }
}

/// `option http-keep-alive`, `http-server-close`, `httpclose`: what stays open after an exchange. Frontend and backend each
/// have one; the one that closes more wins.
enum KeepAliveMode: Int, Sendable, Comparable {
    case keepAlive, serverClose, close

    static func < (a: KeepAliveMode, b: KeepAliveMode) -> Bool { a.rawValue < b.rawValue }
}

extension Exchange {
    /// Takes a connection that is there already and that this request may go over; nil if there is none.
    func takeIdleConnection(to server: Server, of backend: BackendPlan, _ worker: Worker) -> ServerConnection? {
        guard backend.mode == .http else { return nil }
        let pool = worker.serverPools[server]
        pool.note(need: server.active.current, now: worker.now)
        // Marks are those of one exchange: its connection is its own.
        guard keepAliveMode == .keepAlive, context.directives.serverMarks.isEmpty else { return nil }
        var key = ConnectionKey.plain(server.epoch)
        var target: SocketAddress?
        if !server.hasPlainConnections {
            let endpoint = server.endpoint
            guard let place = server.target(forClientOf: context.local, by: endpoint) else { return nil }
            key = ConnectionKey(
                of: server, endpoint.epoch, at: place, header: proxyHeader(for: server, by: endpoint) ?? [],
                name: poolName, source: presentedAddress(to: server, by: endpoint))
            target = place
        }
        if let own = client.base.ownConnections.take(where: { $0.server === server && $0.key == key }) { return own }
        guard let choice = reusableConnections(of: backend) else {
            return streamOfOwnConnection(to: server, key, pool, of: backend)
        }
        let wish = ConnectionWish(
            key: key, choice: choice, target: target, mustBeQuiet: !isRepeatable, client: client.base,
            protocolChoice: protocolChoice(for: server), asksForUpgrade: asksForUpgrade)
        return pool.acquire(wish, of: backend, worker)
    }

    /// In HTTP/2 requests of a burst wait for the first one's connection, where they may share it and the server is known to speak HTTP/2.
    func waitForConnectionUnderWay(
        to server: Server, at address: SocketAddress, _ worker: Worker
    ) -> ServerConnection? {
        let pool = worker.serverPools[server]
        guard pool.expectsHTTP2(protocolChoice(for: server)), !asksForUpgrade, keepAliveMode == .keepAlive,
            context.directives.serverMarks.isEmpty, let backend
        else { return nil }
        // A PROXY protocol header makes a connection one client's, and so does its address.
        if server.proxyHeader != nil || server.presentsClients { return nil }
        let key = ConnectionKey(of: server, server.epoch, at: address, header: [], name: poolName)
        let mayShare = backend.reuse == .always || backend.reuse == .aggressive
        return pool.underWay {
            $0.address == address && $0.key == key && (mayShare || $0.user?.client.base === client.base)
        }?.wait(for: self, worker)
    }

    /// `http-reuse never`: a stream on the connection in HTTP/2 that was opened for this client.
    private func streamOfOwnConnection(
        to server: Server, _ key: ConnectionKey, _ pool: ServerPool, of backend: BackendPlan
    ) -> ServerConnection? {
        guard backend.reuse == .never else { return nil }
        return pool.stream(
            ConnectionWish(
                key: key, choice: .any, target: nil, mustBeQuiet: false, client: client.base,
                protocolChoice: protocolChoice(for: server), asksForUpgrade: asksForUpgrade))
    }

    /// Which idle connections the request may go over; nil for none.
    private func reusableConnections(of backend: BackendPlan) -> ConnectionWish.Choice? {
        if backend.reuse == .never { return nil }
        // What can go wrong with a dead connection is made good, by the client or here.
        if !context.isFirstRequest
            || backend.retryOn.isSuperset(of: [.connectionFailure, .emptyResponse, .responseTimeout])
        {
            return .any
        }
        switch backend.reuse {
        case .never, .safe: return nil
        case .aggressive: return .reused
        case .always: return .reusedFirst
        }
    }
}

extension ServerConnection {
    /// Whether it may wait for another request.
    func mayWait(for mode: KeepAliveMode, _ reuse: ReusePolicy) -> Bool {
        guard mode == .keepAlive else { return false }
        if let most = server.connectionReusesMax, useCount >= most { return false }
        return true
    }
}

/// The idle server connections that belong to one client's connection: only its requests may go over them. `http-reuse never`
/// makes all of a backend's connections such, and a server that authenticates connections (NTLM) makes its own such. They stay
/// open as long as the client does, unless a server closes them.
struct OwnServerConnections {
    /// In the order in which they became idle.
    private var connections: [ServerConnection] = []

    /// Keeps an idle connection; one more than `Limits.ownServerConnections` closes the oldest.
    mutating func keep(_ connection: ServerConnection, _ worker: Worker) {
        connections.append(connection)
        if connections.count > Limits.ownServerConnections { connections.removeFirst().closeFromPool(worker) }
    }

    /// Takes the newest that satisfies `condition`; nil if none does.
    mutating func take(where condition: (ServerConnection) -> Bool) -> ServerConnection? {
        if connections.isEmpty { return nil }
        return connections.lastIndex(where: condition).map { connections.remove(at: $0) }
    }

    mutating func forget(_ connection: ServerConnection) { connections.removeAll { $0 === connection } }

    /// The client has gone.
    mutating func closeAll(_ worker: Worker) {
        for connection in connections { connection.closeFromPool(worker) }
        connections = []
    }
}
