// Backends from the lines of a file.

import Balancing
import Basics
import Configuration
import Testing

private let language = Language(
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

extension Backend {
    /// The names of the next `count` choices of one worker, as one word.
    func choices(_ count: Int) -> String {
        var view = View()
        return (0..<count).map { _ in choose(&view)?.name ?? "-" }.joined()
    }
}
