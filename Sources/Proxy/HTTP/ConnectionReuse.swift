// When a server connection may carry another request, and which requests may go over a used one.

internal import Balancing
internal import Basics
internal import HTTP
internal import Rules

/// `http-reuse`: which requests may go over an idle connection.
public enum ReusePolicy: String, Sendable {
    /// A connection carries the requests of one client's connection only.
    case never
    /// All but those that Portico could not send again if the connection turned out to be dead, unless they are not the first on
    /// their client's connection, where the client expects such a failure.
    case safe
    /// As `safe`, and any request over a connection that has been reused before.
    case aggressive
    /// Any request over any idle connection.
    case always
}

/// `option http-keep-alive`, `http-server-close`, `httpclose`: what stays open after an exchange. Frontend and backend each
/// have one; the one that closes more wins.
enum KeepAliveMode: Int, Sendable, Comparable {
    case keepAlive, serverClose, close

    static func < (a: KeepAliveMode, b: KeepAliveMode) -> Bool { a.rawValue < b.rawValue }
}

extension Exchange {
    /// What the two sections together say.
    var keepAliveMode: KeepAliveMode { max(frontend.keepAlive, backend?.keepAlive ?? .keepAlive) }

    /// An idle connection that this request may use.
    func takeIdleConnection(to server: Server, of backend: BackendPlan, _ worker: Worker) -> ServerConnection? {
        // Marks are those of one exchange: its connection is its own.
        guard keepAliveMode == .keepAlive, facts.directives.serverMarks.isEmpty else { return nil }
        if backend.reuse == .never { return takeOwnConnection(to: server, of: backend) }
        var needsReused = false
        if isFirst && !isRepeatable {
            switch backend.reuse {
            case .never, .safe: return nil
            case .aggressive: needsReused = true
            case .always: break
            }
        }
        if server.isInOnePlace && !needsReused && server.proxyHeader == nil {
            return worker.idleConnections.take(server, of: backend)
        }
        // A connection to where another client went, or that was announced as another's, is of no use to this one.
        guard let target = server.target(forClientOf: facts.local) else { return nil }
        let header = proxyHeader(for: server) ?? []
        return worker.idleConnections.take(server, of: backend) { connection in
            connection.address == target && connection.header == header && (!needsReused || connection.useCount > 1)
        }
    }

    /// The connection that this request's client has used before, if it leads to the same place.
    private func takeOwnConnection(to server: Server, of backend: BackendPlan) -> ServerConnection? {
        guard let target = server.target(forClientOf: facts.local) else { return nil }
        let header = proxyHeader(for: server) ?? []
        return client.takeOwnConnection { connection in
            connection.server === server && connection.backend === backend && connection.address == target
                && connection.header == header
        }
    }

    /// Sending it twice does no harm (RFC 9110 section 9.2.2), and its body, if it has one, can be had again.
    var isRepeatable: Bool {
        facts.request.method.isIdempotent
            && (requestFraming == .none || requestStore != nil && requestBody.isComplete)
    }
}

extension ServerConnection {
    /// Whether it may wait for another request.
    func mayWait(for mode: KeepAliveMode, _ reuse: ReusePolicy) -> Bool {
        guard mode == .keepAlive else { return false }
        // What is kept for one client is not in the pool.
        if reuse != .never, let most = server.pool.connectionsMax, server.idle.current >= most { return false }
        if let most = server.pool.reusesMax, useCount >= most { return false }
        return true
    }
}
