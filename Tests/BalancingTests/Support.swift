// Backends from the lines of a file, or from bare servers.

import Basics
import Configuration
import Testing

@testable import Balancing

let language = Language(
    keywords: BalancingKeywords.table,
    parameterGroups: [ParameterGroup(of: "server", BalancingKeywords.serverParameters)])

/// The settings of a backend with these lines, which must have no mistake in them.
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

/// A backend with servers a, b, c ... of these weights.
func backend(_ algorithm: BalanceAlgorithm, weights: [Int], backups: Set<Int> = [], allBackups: Bool = false) -> Backend
{
    let servers = weights.enumerated().map { index, weight in
        Server(
            name: String(UnicodeScalar(UInt8(0x61 + index))), backendName: "app", index: index, id: index + 1,
            weight: weight, isBackup: backups.contains(index), isDisabled: false,
            address: .ip(.loopbackV4, port: UInt16(8_000 + index)), hostName: nil, port: UInt16(8_000 + index),
            check: nil,
            workers: 1, now: Instant(nanoseconds: 0))
    }
    return Backend(
        name: "app", algorithm: algorithm, servers: servers, usesAllBackups: allBackups, workers: 1,
        now: Instant(nanoseconds: 0))
}

extension Backend {
    /// The names of the next `count` choices of one worker, as one word.
    func choices(_ count: Int, avoiding: Server? = nil) -> String {
        var view = View()
        return (0..<count).map { _ in choose(&view, avoiding: avoiding)?.name ?? "-" }.joined()
    }

    /// Changes a server's state as the control thread does.
    func set(_ state: ServerState, of index: Int, at nanoseconds: UInt64 = 0) {
        servers[index].setState(state)
        serverChanged(now: Instant(nanoseconds: nanoseconds))
    }
}
