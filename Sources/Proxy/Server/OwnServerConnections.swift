// The idle server connections that belong to one client's connection: only its requests may go over them. `http-reuse never`
// makes all of a backend's connections such, and a server that authenticates connections (NTLM) makes its own such.

/// They stay open as long as the client does, unless a server closes them.
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
