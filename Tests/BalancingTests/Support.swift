// Backends from servers alone, and states set as the control thread sets them. `BalancingTesting` has backends from lines.

import Basics

@testable import Balancing

/// A backend with servers a, b, c and so on with these weights.
func backend(
    _ algorithm: BalanceLine, weights: [Int], ids: [Int]? = nil, backups: Set<Int> = [], allBackups: Bool = false,
    limit: Int? = nil, workers: Int = 1
) -> Backend {
    var limits = ServerLimits()
    limits.maxConnections = limit
    let servers = weights.enumerated().map { index, weight -> Server in
        server(index, workers: workers) { configuration in
            configuration.id = ids?[index] ?? index + 1
            configuration.weight = weight
            configuration.isBackup = backups.contains(index)
            configuration.limits = limits
        }
    }
    return Backend(
        name: "app", roster: Roster(servers: servers, algorithm: algorithm, usesAllBackups: allBackups),
        workers: workers, now: Instant(nanoseconds: 0))
}

/// The server a, b, c and so on of the backend `app`.
func server(_ index: Int, workers: Int = 1, _ configure: (inout ServerConfiguration) -> Void = { _ in }) -> Server {
    var configuration = ServerConfiguration(id: index + 1)
    configure(&configuration)
    let filed = FiledServer(
        name: String(UnicodeScalar(UInt8(0x61 + index))), configuration: configuration,
        address: .ip(.loopbackV4, port: UInt16(8_000 + index)))
    return Server(filed, backendName: "app", workers: workers, now: Instant(nanoseconds: 0))
}

extension BalanceLine {
    static let roundRobin = BalanceLine(RoundRobin.self, ())
    static let leastConnections = BalanceLine(LeastConnections.self, ())
}

extension Backend {
    /// Changes a server's health as the control thread does.
    func set(_ health: HealthState, of index: Int, at nanoseconds: UInt64 = 0) {
        _ = servers[index].states.set(health)
        serverChanged(now: Instant(nanoseconds: nanoseconds))
    }

    /// Changes all three states of a server.
    func set(all state: ServerState, of index: Int) {
        _ = servers[index].states.set(state.administrative)
        _ = servers[index].states.set(state.name)
        set(state.health, of: index)
    }
}

extension SlotChoice {
    /// The server's name, `full` and the name of the server to wait for, or `-`.
    var text: String {
        switch self {
        case .server(let server): server.name
        case .full(let server): "full \(server?.name ?? "")"
        case .nobody: "-"
        }
    }
}

extension Server {
    /// Where a connection goes that begins now.
    func target(forClientOf destination: SocketAddress) -> SocketAddress? {
        target(forClientOf: destination, by: endpoint)
    }
}
