// What the tests of several rooms share: backends made from the lines of a file.

public import Balancing
public import Basics
public import Configuration
public import HTTP
public import Testing

/// A language of backends alone.
public let language = Language(
    keywords: BalancingKeywords.table,
    parameterGroups: [ParameterGroup(of: "server", BalancingKeywords.serverParameters)])

/// The settings of a backend with these lines, which must be valid.
public func settings(
    _ lines: String..., sourceLocation: SourceLocation = #_sourceLocation
) throws -> BalancingSettings {
    let text = "backend app\n" + lines.map { "    \($0)\n" }.joined()
    let loaded = language.load(text: text, named: "t.cfg")
    #expect(loaded.problems.isEmpty, sourceLocation: sourceLocation)
    return try #require(loaded.proxies.first, sourceLocation: sourceLocation)[BalancingSettings.self]
}

extension BalancingSettings {
    /// The backend `app` with these settings, for one worker.
    public func backend(
        connectTimeout: TimeSpan = .seconds(5), now: Instant = Instant(nanoseconds: 1_000_000_000),
        resolve: (String) -> [IPAddress] = { _ in [] }
    ) -> Backend {
        makeBackend(name: "app", connectTimeout: connectTimeout, workers: 1, now: now, resolve: resolve)
    }
}

extension Backend {
    /// The server's position.
    public func place(of server: Server) -> Int {
        guard let place = servers.firstIndex(where: { $0 === server }) else {
            preconditionFailure("\(server.name) is not there")
        }
        return place
    }

    /// The server that a worker chooses next, without keeping the slot on it; nil if there is none.
    public func choose(avoiding: Server? = nil, by worker: Int = 0) -> Server? {
        guard case .server(let server) = take(avoiding: avoiding, by: worker) else { return nil }
        release(server, by: worker)
        return server
    }

    /// What a request of which nothing is known gets.
    public func take(avoiding: Server? = nil, by worker: Int = 0) -> SlotChoice {
        take(for: NoRequest(), avoiding: avoiding, by: worker, now: Instant(nanoseconds: 0))
    }

    /// The names of the next `count` choices of one worker, concatenated.
    public func choices(_ count: Int, avoiding: Server? = nil) -> String {
        (0..<count).map { _ in choose(avoiding: avoiding)?.name ?? "-" }.joined()
    }
}

/// A request of which nothing is known.
public struct NoRequest: BalancingRequest {
    public init() {}
    public var client: SocketAddress { .ip(.anyV4, port: 0) }
    public func withHead<Result>(_ body: (borrowing RequestHead) -> Result) -> Result { body(RequestHead()) }
}

extension BalancingSettings {
    /// Makes these settings count for a running backend, as a reload does.
    public func apply(
        to backend: Backend, now: Instant = Instant(nanoseconds: 2_000_000_000),
        resolve: (String) -> [IPAddress] = { _ in [] }
    ) {
        let filed = filedServers(connectTimeout: .seconds(5), resolve: resolve)
        backend.apply(revision(filed, of: backend, named: backend.name, workers: 1, now: now), now: now)
    }
}
