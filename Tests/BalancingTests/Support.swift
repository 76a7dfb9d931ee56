// Backends from configuration lines, or from servers alone.

import Basics
import Configuration
import HTTP
import Testing

@testable import Balancing

let language = Language(
    keywords: BalancingKeywords.table,
    parameterGroups: [ParameterGroup(of: "server", BalancingKeywords.serverParameters)])

/// The settings of a backend with these lines, which must be valid.
func settings(_ lines: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> BalancingSettings {
    let text = "backend app\n" + lines.map { "    \($0)\n" }.joined()
    let loaded = language.load(text: text, named: "t.cfg")
    #expect(loaded.problems.isEmpty, sourceLocation: sourceLocation)
    return try #require(loaded.proxies.first, sourceLocation: sourceLocation)[BalancingSettings.self]
}

extension BalancingSettings {
    func backend(
        connectTimeout: TimeSpan = .seconds(5), now: Instant = Instant(nanoseconds: 1_000_000_000),
        resolve: (String) -> [IPAddress] = { _ in [] }
    ) -> Backend {
        makeBackend(name: "app", connectTimeout: connectTimeout, workers: 1, now: now, resolve: resolve)
    }
}

/// A backend with servers a, b, c and so on with these weights.
func backend(
    _ algorithm: BalanceLine, weights: [Int], backups: Set<Int> = [], allBackups: Bool = false, limit: Int? = nil,
    workers: Int = 1
) -> Backend {
    var limits = ServerLimits()
    limits.maxConnections = limit
    let servers = weights.enumerated().map { index, weight -> Server in
        var configuration = ServerConfiguration(id: index + 1)
        configuration.weight = weight
        configuration.isBackup = backups.contains(index)
        configuration.limits = limits
        return Server(
            name: String(UnicodeScalar(UInt8(0x61 + index))), backendName: "app", index: index,
            configuration: configuration, address: .ip(.loopbackV4, port: UInt16(8_000 + index)), workers: workers,
            now: Instant(nanoseconds: 0))
    }
    return Backend(
        name: "app", algorithm: algorithm, servers: servers, usesAllBackups: allBackups, workers: workers,
        now: Instant(nanoseconds: 0))
}

extension BalanceLine {
    static let roundRobin = BalanceLine(RoundRobin.self, ())
    static let leastConnections = BalanceLine(LeastConnections.self, ())
}

extension Backend {
    /// The server that a worker chooses next, without keeping the place on it; nil if there is none.
    func choose(avoiding: Server? = nil, by worker: Int = 0) -> Server? {
        guard case .server(let server) = take(avoiding: avoiding, by: worker) else { return nil }
        server.active.decrement()
        return server
    }

    func take(avoiding: Server? = nil, by worker: Int = 0) -> SlotChoice {
        take(for: NoRequest(), avoiding: avoiding, by: worker, now: Instant(nanoseconds: 0))
    }

    /// The names of the next `count` choices of one worker, concatenated.
    func choices(_ count: Int, avoiding: Server? = nil) -> String {
        (0..<count).map { _ in choose(avoiding: avoiding)?.name ?? "-" }.joined()
    }

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

/// A request of which nothing is known.
struct NoRequest: BalancingRequest {
    var client: SocketAddress { .ip(.anyV4, port: 0) }
    func withHead<Result>(_ body: (borrowing RequestHead) -> Result) -> Result { body(RequestHead()) }
}
