// Which servers are eligible, and how workers learn about changes.

import BalancingTesting
import Basics
import Dispatch
import Testing

@testable import Balancing

@Suite struct BackendTests {
    @Test(arguments: [
        (ServerState(), true), (ServerState(health: .up), true), (ServerState(health: .goingDown), true),
        (ServerState(health: .down), false), (ServerState(health: .goingUp), false),
        (ServerState(.maintenance), false), (ServerState(.drain), false), (ServerState(name: .unresolved), false),
    ])
    func `only a usable server is chosen`(_ state: ServerState, _ isChosen: Bool) {
        for algorithm in [BalanceLine.roundRobin, .leastConnections] {
            let backend = backend(algorithm, weights: [1, 1])
            backend.set(all: state, of: 0)
            #expect(backend.choices(4).contains("a") == isChosen)
            #expect(backend.choices(4).contains("b"))
        }
    }

    @Test func `with all of them down there is nobody`() {
        let backend = backend(.roundRobin, weights: [1, 1])
        for index in 0...1 { backend.set(.down, of: index) }
        #expect(backend.choices(2) == "--")
        #expect(backend.choices(1, avoiding: backend.servers[0]) == "-")
        #expect(
            Balancing.Backend(
                name: "empty", roster: Roster(servers: [], algorithm: .leastConnections, usesAllBackups: false),
                workers: 1,
                now: Instant(nanoseconds: 0)
            ).choices(1) == "-")
    }

    @Test func `a server of weight 0 gets nothing, and does not count as usable`() {
        let backend = backend(.roundRobin, weights: [1, 0, 1])
        #expect(backend.choices(4) == "acac")
        #expect(backend.usableCounts == (2, 0))
        backend.set(.down, of: 0)
        backend.set(.down, of: 2)
        #expect(backend.choices(1) == "-")
        #expect(!backend.availability.isUp)
    }

    @Test func `backups serve only when nobody else can, and only the first`() {
        let backend = backend(.roundRobin, weights: [1, 1, 1, 1], backups: [1, 2])
        #expect(backend.choices(4) == "adad")
        #expect(backend.usableCounts == (2, 2))
        backend.set(.down, of: 0)
        #expect(backend.choices(2) == "dd")
        backend.set(.down, of: 3)
        #expect(backend.choices(2) == "bb")
        backend.set(.down, of: 1)
        #expect(backend.choices(2) == "cc", "the next backup")
        backend.set(.up, of: 3)
        #expect(backend.choices(2) == "dd", "at once when another one is back")
    }

    @Test func `with allbackups all of them serve`() {
        let backend = backend(.roundRobin, weights: [1, 1, 0, 1], backups: [1, 2, 3], allBackups: true)
        #expect(backend.choices(2) == "aa")
        backend.set(.down, of: 0)
        #expect(backend.choices(4) == "dbdb" || backend.choices(4) == "bdbd")
    }

    @Test func `a worker's view follows a change, but not before it is announced`() {
        let backend = backend(.roundRobin, weights: [1, 1])
        #expect(backend.choose()?.name == "a")
        _ = backend.servers[1].states.set(HealthState.down)
        #expect(backend.choose()?.name == "b", "the list it has seen still counts")
        backend.serverChanged(now: Instant(nanoseconds: 1))
        for _ in 0..<3 { #expect(backend.choose()?.name == "a") }
        backend.set(.up, of: 1)
        #expect(Set((0..<2).compactMap { _ in backend.choose()?.name }) == ["a", "b"])
    }

    @Test func `while states change, every choice is a server of some moment`() {
        let backend = backend(.roundRobin, weights: [1, 2, 3], workers: 3)
        let missed = Gauge()
        DispatchQueue.concurrentPerform(iterations: 3) { part in
            if part == 0 {
                for round in 0..<500 { backend.set(round % 2 == 0 ? .down : .up, of: 1 + round / 2 % 2) }
            } else {
                for _ in 0..<5_000 where backend.choose(by: part) == nil { missed.increment() }
            }
        }
        #expect(missed.current == 0, "a was there all the time")
    }

    @Test func `a backend is down while it has no server, and says since when and how long before`() {
        let backend = backend(.roundRobin, weights: [1, 1])
        func check(_ isUp: Bool, _ since: UInt64, _ falls: UInt64, _ downtime: UInt64) {
            let now = backend.availability
            #expect(now.isUp == isUp && now.falls == falls)
            #expect(now.since == Instant(nanoseconds: since) && now.downtime == TimeSpan(nanoseconds: downtime))
        }
        check(true, 0, 0, 0)
        backend.set(.down, of: 0, at: 10)
        check(true, 0, 0, 0)
        backend.set(.down, of: 1, at: 20)
        check(false, 20, 1, 0)
        backend.set(.up, of: 0, at: 50)
        check(true, 50, 1, 30)
        backend.set(.up, of: 1, at: 60)
        backend.set(.down, of: 0, at: 70)
        backend.set(.down, of: 1, at: 80)
        backend.set(.up, of: 1, at: 81)
        check(true, 81, 2, 31)
    }
}

@Suite struct ServerTests {
    private func server(isDisabled: Bool = false, address: SocketAddress? = nil, check: HealthCheckPlan? = nil)
        -> Server
    {
        var configuration = ServerConfiguration(id: 1)
        configuration.hostName = "app.local"
        configuration.port = 80
        configuration.check = check
        let filed = FiledServer(
            name: "s", configuration: configuration, address: address, isDisabled: isDisabled)
        return Server(filed, backendName: "app", workers: 1, now: Instant(nanoseconds: 5))
    }
    private let address = SocketAddress.ip(.loopbackV4, port: 80)

    @Test func `its first state is what is known of it`() throws {
        let plan = try settings("server s 127.0.0.1:80 check").backend().servers[0].check
        #expect(server(address: address).state == ServerState())
        #expect(
            server(address: address, check: plan).state == ServerState(health: .up), "up until a check says otherwise")
        #expect(server().state == ServerState(name: .unresolved))
        #expect(server(isDisabled: true).state == ServerState(.maintenance, name: .unresolved))
        #expect(server(isDisabled: true, address: address).state == ServerState(.maintenance))
    }

    @Test func `an address found later brings it into service`() throws {
        let plan = try settings("server s 127.0.0.1:80 check").backend().servers[0].check
        for (check, health) in [(nil, HealthState.unchecked), (plan, .up)] {
            let server = server(check: check)
            server.resolved(to: address, now: Instant(nanoseconds: 7))
            #expect(server.address == address && server.state == ServerState(health: health))
        }
    }

    @Test func `an address found later does not end its maintenance`() {
        let server = server(isDisabled: true)
        server.resolved(to: address, now: Instant(nanoseconds: 7))
        #expect(server.address == address && server.state == ServerState(.maintenance))
    }
}

@Suite struct CountingTests {
    @Test func `responses are counted by their class`() {
        let traffic = Traffic(workers: 2)
        for status in [100, 199, 200, 304, 404, 404, 503, 600, 999, 0] {
            traffic.add(.responses(status: status), worker: status % 2)
        }
        let counters: [TrafficCounter] = [
            .responses1xx, .responses2xx, .responses3xx, .responses4xx, .responses5xx, .responsesOther,
        ]
        #expect(counters.map { traffic.total($0) } == [2, 1, 1, 2, 1, 3])
    }
}
