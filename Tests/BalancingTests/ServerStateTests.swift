// Three states of a server with three owners, and what follows from them.

import BalancingTesting
import Basics
import Chance
import Dispatch
import ProxyProtocol
import Testing

@testable import Balancing

@Suite struct ServerStateTests {
    private static let all = AdministrativeState.allCases.flatMap { administrative in
        HealthState.allCases.flatMap { health in
            NameState.allCases.map { ServerState(administrative, health: health, name: $0) }
        }
    }

    @Test func `a server is eligible if operator, checks and name all agree, and it has a weight`() {
        for state in Self.all {
            let isHealthy = [HealthState.unchecked, .up, .goingDown, .draining].contains(state.health)
            let isEager = state.health != .draining
            let hasAddress = state.name == .resolved
            #expect(state.isUsable == (isHealthy && hasAddress && state.administrative != .maintenance))
            let isReady = state.administrative == .ready
            #expect(state.isEligible(weight: 1) == (isHealthy && isEager && hasAddress && isReady))
            #expect(!state.isEligible(weight: 0))
        }
    }

    @Test func `a state that is set is read again, and the other two stay`() {
        for state in Self.all {
            let states = ServerStates(state)
            #expect(states.current == state)
            for administrative in AdministrativeState.allCases {
                let isNew = administrative != states.current.administrative
                #expect(states.set(administrative) == isNew)
                #expect(states.current == ServerState(administrative, health: state.health, name: state.name))
            }
            _ = states.set(state.administrative)
            for health in HealthState.allCases {
                _ = states.set(health)
                #expect(states.current == ServerState(state.administrative, health: health, name: state.name))
            }
            _ = states.set(state.health)
            for name in NameState.allCases {
                _ = states.set(name)
                #expect(states.current == ServerState(state.administrative, health: state.health, name: name))
            }
        }
    }

    /// What a server's states have to be after some events, each owner for itself.
    private struct Model {
        var administrative: AdministrativeState
        var record: HealthRecord
        var name = NameState.resolved
        let isChecked: Bool

        var state: ServerState {
            ServerState(administrative, health: isChecked ? record.state : .unchecked, name: name)
        }
    }

    @Test(arguments: 1...100) func `whatever comes in whatever order, each owner changes its own state only`(
        _ seed: UInt64
    ) throws {
        var random = SeededRandom(seed: seed)
        let isChecked = !random.oneIn(4)
        let weight = random.oneIn(5) ? 0 : 1
        let backend = try settings(
            "server s app.local:80 weight \(weight) \(isChecked ? "check" : "") \(random.oneIn(3) ? "disabled" : "")",
            "server other 127.0.0.1:81 backup"
        ).backend { _ in [.loopbackV4] }
        let server = backend.servers[0]
        var model = Model(
            administrative: server.state.administrative, record: server.record, isChecked: isChecked)
        for step in 1...200 {
            let now = Instant(nanoseconds: UInt64(step))
            switch random.number(0...3) {
            case 0:
                model.administrative = AdministrativeState.allCases[random.number(0...2)]
                backend.setAdministrativeState(model.administrative, of: server, now: now)
            case 1 where isChecked:
                let result = CheckResult(random.oneIn(2) ? .passed : .failed, .layer4OK)
                let wasUp = model.record.isUp
                _ = model.record.add(result, at: now)
                let transition = backend.record(result, of: server, at: now)
                #expect((transition != nil) == (model.record.isUp != wasUp))
            case 2:
                if model.name == .unresolved { model.record.beginAnew(as: nil, at: now) }
                model.name = .resolved
                server.resolved(to: .ip(.v4(UInt32(step)), port: 80), now: now)
                backend.serverChanged(now: now)
            default:
                model.name = .unresolved
                server.unresolved()
                backend.serverChanged(now: now)
            }
            #expect(server.state == model.state, "seed \(seed), step \(step)")
            #expect(server.record.health == model.record.health)
            let isEligible = model.state.isEligible(weight: weight)
            #expect(backend.choices(2) == (isEligible ? "ss" : "otherother"), "seed \(seed), step \(step)")
        }
    }

    @Test func `owners on different threads lose none of each other's changes`() {
        let server = backend(.roundRobin, weights: [1]).servers[0]
        let mistakes = Gauge()
        DispatchQueue.concurrentPerform(iterations: 3) { owner in
            for round in 0..<20_000 {
                switch owner {
                case 0:
                    let state = AdministrativeState.allCases[round % 3]
                    _ = server.states.set(state)
                    if server.state.administrative != state { mistakes.increment() }
                case 1:
                    let state = HealthState.allCases[round % 5]
                    _ = server.states.set(state)
                    if server.state.health != state { mistakes.increment() }
                default:
                    let state = NameState.allCases[round % 2]
                    _ = server.states.set(state)
                    if server.state.name != state { mistakes.increment() }
                }
            }
        }
        #expect(mistakes.current == 0)
    }

    @Test func `a drained server keeps what names it, and gets nothing else`() {
        let backend = backend(.roundRobin, weights: [1, 1])
        let drained = backend.servers[0]
        backend.setAdministrativeState(.drain, of: drained, now: Instant(nanoseconds: 1))
        #expect(backend.choices(3) == "bbb" && drained.state.isUsable)
        backend.setAdministrativeState(.ready, of: drained, now: Instant(nanoseconds: 2))
        #expect(Set(backend.choices(2)) == ["a", "b"])
    }
}

@Suite struct ReconfigurationTests {
    private func change(
        _ server: Server, of backend: Backend, _ edit: (inout ServerConfiguration) -> Void
    ) {
        var configuration = server.configuration
        edit(&configuration)
        backend.reconfigure(server, as: configuration, now: Instant(nanoseconds: 10))
    }

    @Test func `another configuration leaves counters and states as they are`() {
        let backend = backend(.roundRobin, weights: [1, 1])
        let server = backend.servers[0]
        server.countSession(worker: 0, at: Instant(nanoseconds: 1))
        server.active.increment()
        backend.setAdministrativeState(.drain, of: server, now: Instant(nanoseconds: 1))
        change(server, of: backend) {
            $0.weight = 7
            $0.isBackup = true
            $0.pool.idleTime = .seconds(9)
            $0.pool.reusesMax = 0
            $0.proxyHeader = .two
            $0.id = 70
        }
        #expect(server.weight == 7 && server.isBackup && server.id == 70 && server.proxyHeader == .two)
        #expect(
            server.poolIdleTime == .seconds(9) && server.connectionReusesMax == 0 && server.poolConnectionsMax == nil)
        #expect(server.traffic.total(.sessions) == 1 && server.active.current == 1)
        #expect(server.state == ServerState(.drain))
    }

    @Test func `another weight counts from the next choice on`() {
        let backend = backend(.roundRobin, weights: [1, 1])
        #expect(backend.choices(4) == "abab")
        change(backend.servers[1], of: backend) { $0.weight = 3 }
        #expect(backend.choices(8).filter { $0 == "b" }.count == 6)
        change(backend.servers[0], of: backend) { $0.weight = 0 }
        #expect(backend.choices(2) == "bb")
    }

    @Test func `a first limit lets requests wait, and the end of it lets them go on`() {
        let backend = backend(.roundRobin, weights: [1])
        let server = backend.servers[0]
        let granted = Gauge()
        backend.setDelivery { _, _ in granted.increment() }
        func isFull() -> Bool { if case .full = backend.take() { true } else { false } }
        #expect(!isFull())
        change(server, of: backend) { $0.limits.maxConnections = 2 }
        #expect(!isFull() && isFull(), "the request that came without a limit counts")
        for owner: UInt64 in 1...3 { _ = backend.join(worker: 0, owner: owner) }
        backend.release(server, by: 0)
        #expect(granted.current == 1 && server.active.current == 2)
        change(server, of: backend) { $0.limits.maxConnections = nil }
        #expect(granted.current == 3 && server.active.current == 4 && backend.queued.current == 0)
    }

    @Test func `checks that are no longer configured have no say`() throws {
        let backend = try settings("server s 127.0.0.1:80 check fall 1").backend()
        let server = backend.servers[0]
        _ = backend.record(CheckResult(.failed, .layer4Connection), of: server, at: Instant(nanoseconds: 2))
        #expect(backend.choices(1) == "-")
        let check = server.check
        change(server, of: backend) { $0.check = nil }
        #expect(server.state.health == .unchecked && backend.choices(1) == "s")
        change(server, of: backend) { $0.check = check }
        #expect(server.state.health == .down && backend.choices(1) == "-", "what they had found still counts")
    }
}
