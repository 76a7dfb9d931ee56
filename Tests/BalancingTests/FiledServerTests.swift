// What becomes of running servers when the configuration says something else, or the same again.

import BalancingTesting
import Basics
import ProxyProtocol
import Testing

@testable import Balancing

@Suite struct FiledServerTests {
    /// One thing that both the configuration and something else may change.
    struct Row: CustomTestStringConvertible, Sendable {
        let name: String
        /// The server's words at first, and other ones.
        let first: String
        let other: String
        /// A change while it runs.
        let change: @Sendable (Backend, Server) -> Void
        /// What is looked at, after the first words, the other ones and the change.
        let look: @Sendable (Server) -> String
        let seen: (first: String, other: String, changed: String)
        var testDescription: String { name }

        init(
            _ name: String, _ first: String, _ other: String, seen: (String, String, String),
            look: @escaping @Sendable (Server) -> String, change: @escaping @Sendable (Backend, Server) -> Void
        ) {
            (self.name, self.first, self.other) = (name, first, other)
            (self.look, self.change, self.seen) = (look, change, seen)
        }
    }

    private static let now = Instant(nanoseconds: 1_000_000_000)

    private static func reconfigure(
        _ backend: Backend, _ server: Server, _ edit: (inout ServerConfiguration) -> Void
    ) {
        var configuration = server.configuration
        edit(&configuration)
        backend.reconfigure(server, as: configuration, now: now)
    }

    private static func report(_ words: String, _ backend: Backend, _ server: Server) {
        let bytes = Array(words.utf8)
        let report = unsafe AgentReport(bytes.span.bytes)
        _ = backend.record(report.result, reporting: report, of: server, at: now)
    }

    private static let rows = [
        Row(
            "weight", "10.0.0.1:80 weight 2", "10.0.0.1:80 weight 3", seen: ("2", "3", "50"),
            look: { "\($0.weight)" }
        ) { backend, server in reconfigure(backend, server) { $0.weight = 50 } },
        Row(
            "maxconn", "10.0.0.1:80 maxconn 2", "10.0.0.1:80 maxconn 3", seen: ("2", "3", "50"),
            look: { "\($0.limits.maxConnections ?? 0)" }
        ) { backend, server in reconfigure(backend, server) { $0.limits.maxConnections = 50 } },
        Row(
            "what an agent says", "10.0.0.1:80 weight 100 agent-check agent-port 1",
            "10.0.0.1:80 weight 60 agent-check agent-port 1", seen: ("100", "60", "75"), look: { "\($0.weight)" }
        ) { backend, server in report("75%", backend, server) },
        Row(
            "address", "10.0.0.1:80", "10.0.0.2:80", seen: ("10.0.0.1:80", "10.0.0.2:80", "10.0.0.9:80"),
            look: { "\($0.address?.description ?? "-")" }
        ) { _, server in server.move(to: .ip(.v4(0x0A00_0009), port: 80), now: now) },
        Row(
            "port", "10.0.0.1:80", "10.0.0.1:81", seen: ("10.0.0.1:80 80", "10.0.0.1:81 81", "10.0.0.1:90 90"),
            look: { "\($0.address?.description ?? "-") \($0.port)" }
        ) { backend, server in
            server.move(to: .ip(.v4(0x0A00_0001), port: 90), now: now)
            reconfigure(backend, server) { $0.port = 90 }
        },
        Row(
            "maintenance", "10.0.0.1:80", "10.0.0.1:80 disabled", seen: ("ready", "maintenance", "drain"),
            look: { "\($0.state.administrative)" }
        ) { backend, server in backend.setAdministrativeState(.drain, of: server, now: now) },
        Row(
            "no maintenance", "10.0.0.1:80 disabled", "10.0.0.1:80", seen: ("maintenance", "ready", "drain"),
            look: { "\($0.state.administrative)" }
        ) { backend, server in backend.setAdministrativeState(.drain, of: server, now: now) },
        Row(
            "checks that a command has ended", "10.0.0.1:80 check", "10.0.0.1:80", seen: ("true", "false", "false"),
            look: { "\($0.check != nil)" }
        ) { backend, server in reconfigure(backend, server) { $0.check = nil } },
    ]

    @Test(arguments: rows)
    func `what was changed stays where the file says the same, and goes where the file says something else`(_ row: Row)
        throws
    {
        func run(_ words: String, isChanged: Bool) throws -> String {
            let backend = try settings("server s \(row.first)").backend(now: Self.now)
            let server = backend.servers[0]
            #expect(row.look(server) == row.seen.first)
            if isChanged { row.change(backend, server) }
            let before = row.look(server)
            try settings("server s \(words)").apply(to: backend)
            #expect(backend.servers[0] === server && (before == row.seen.changed) == isChanged)
            return row.look(server)
        }
        #expect(try run(row.first, isChanged: false) == row.seen.first)
        #expect(try run(row.first, isChanged: true) == row.seen.changed)
        #expect(try run(row.other, isChanged: false) == row.seen.other)
        #expect(try run(row.other, isChanged: true) == row.seen.other)
    }

    @Test func `what the file said last is what the next one is compared with`() throws {
        let backend = try settings("server s 10.0.0.1:80 weight 2").backend(now: Self.now)
        let server = backend.servers[0]
        try settings("server s 10.0.0.1:80 weight 3").apply(to: backend)
        Self.reconfigure(backend, server) { $0.weight = 50 }
        try settings("server s 10.0.0.1:80 weight 3").apply(to: backend)
        #expect(server.weight == 50 && server.ownWeight == 3)
        try settings("server s 10.0.0.1:80 weight 2").apply(to: backend)
        #expect(server.weight == 2)
    }

    @Test func `servers are matched by name: others come, go, and change places`() throws {
        let backend = try settings("server a 10.0.0.1:80", "server b 10.0.0.2:80").backend(now: Self.now)
        let (a, b) = (backend.servers[0], backend.servers[1])
        try settings("balance leastconn", "server c 10.0.0.3:80", "server a 10.0.0.1:80").apply(to: backend)
        #expect(backend.servers.map(\.name) == ["c", "a"] && backend.servers[1] === a && b.state.isRemoved)
        #expect(backend.algorithm.name == "leastconn" && a.id == 2)
    }

    @Test func `words that nothing else changes are the file's`() throws {
        let backend = try settings("server s 10.0.0.1:80").backend(now: Self.now)
        try settings("server s 10.0.0.1:80 backup id 7 pool-max-conn 3 send-proxy").apply(to: backend)
        let server = backend.servers[0]
        #expect(server.isBackup && server.id == 7 && server.poolConnectionsMax == 3 && server.proxyHeader == .one)
    }

    @Test func `health stays with its credit, and begins anew with checks or at another address`() throws {
        let backend = try settings("server s 10.0.0.1:80 check fall 5").backend(now: Self.now)
        let server = backend.servers[0]
        func fail(_ count: Int) {
            for _ in 0..<count { _ = backend.record(CheckResult(.failed, .layer4Timeout), of: server, at: Self.now) }
        }
        _ = backend.record(CheckResult(.passed, .layer4OK), of: server, at: Self.now)
        fail(3)
        try settings("server s 10.0.0.1:80 check fall 3").apply(to: backend)
        #expect(server.state.health == .goingDown && server.record.thresholds.fall == 3)
        fail(3)
        #expect(server.state.health == .down && backend.choose() == nil)
        try settings("server s 10.0.0.1:80 check fall 3 inter 9s").apply(to: backend)
        #expect(server.state.health == .down)
        try settings("server s 10.0.0.2:80 check").apply(to: backend)
        #expect(server.state.health == .up && backend.choose() === server)
        fail(3)
        try settings("server s 10.0.0.2:80").apply(to: backend)
        #expect(server.state.health == .unchecked && backend.choose() === server)
        try settings("server s 10.0.0.2:80 check init-state down").apply(to: backend)
        #expect(server.state.health == .goingUp && backend.choose() == nil)
    }

    @Test func `an agent that is gone takes along what it has said`() throws {
        let words = "server s 10.0.0.1:80 weight 10"
        let backend = try settings("\(words) agent-check agent-port 1").backend(now: Self.now)
        let server = backend.servers[0]
        Self.report("down 50% maxconn:3", backend, server)
        #expect(!server.state.isUsable && server.weight == 5 && backend.hasQueue)
        try settings(words).apply(to: backend)
        #expect(server.state.isUsable && server.weight == 10 && server.limits.maxConnections == nil)
        #expect(!backend.hasQueue && server.state.health == .unchecked)
    }

    @Test func `a name that is followed keeps its address, unless the file has another name`() throws {
        let first = IPAddress.v4(0x0A00_0001), second = IPAddress.v4(0x0A00_0002)
        let backend = try settings("server s app.local:80 resolvers r").backend(now: Self.now) { _ in [first] }
        let server = backend.servers[0]
        server.resolved(to: .ip(second, port: 80), now: Self.now)
        try settings("server s app.local:80 resolvers r").apply(to: backend) { _ in [first] }
        #expect(server.address == .ip(second, port: 80))
        try settings("server s app.local:81 resolvers r").apply(to: backend) { _ in [] }
        #expect(server.address == .ip(second, port: 81) && server.state.isUsable, "the same machine, another port")
        try settings("server s other.local:81 resolvers r").apply(to: backend) { _ in [] }
        #expect(server.address == nil && server.state.name == .unresolved && server.hostName == "other.local")
        try settings("server s 10.0.0.1:80").apply(to: backend)
        #expect(server.address == .ip(first, port: 80) && server.hostName == nil && backend.choose() === server)
    }

    @Test func `a name that only the start looks up has the address of the latest reading, if that found one`() throws {
        let first = IPAddress.v4(0x0A00_0001), second = IPAddress.v4(0x0A00_0002)
        let backend = try settings("server s app.local:80").backend(now: Self.now) { _ in [first] }
        let server = backend.servers[0]
        try settings("server s app.local:80").apply(to: backend) { _ in [] }
        #expect(server.address == .ip(first, port: 80))
        try settings("server s app.local:80").apply(to: backend) { _ in [second] }
        #expect(server.address == .ip(second, port: 80))
    }

    @Test func `a record's host, port and weight stay with the same name of records`() throws {
        let words = "server s _http._tcp.local resolvers r"
        let backend = try settings(words).backend(now: Self.now)
        let server = backend.servers[0]
        Self.reconfigure(backend, server) { ($0.hostName, $0.port, $0.weight) = ("one.local", 8_080, 7) }
        server.resolved(to: .ip(.loopbackV4, port: 8_080), now: Self.now)
        try settings(words).apply(to: backend)
        #expect(server.hostName == "one.local" && server.port == 8_080 && server.weight == 7)
        #expect(server.address == .ip(.loopbackV4, port: 8_080))
    }

    @Test func `the name in a cookie follows the key of the file`() throws {
        let backend = try settings("server s 10.0.0.1:80").backend(now: Self.now)
        let server = backend.servers[0]
        #expect(server.addressCookie == nil)
        Self.reconfigure(backend, server) { $0.cookieKey = Array("secret".utf8) }
        #expect(server.addressCookie != nil)
        try settings("server s 10.0.0.1:80").apply(to: backend)
        #expect(server.addressCookie == nil)
    }
}
