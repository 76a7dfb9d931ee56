// A backend that gets other servers, or another algorithm, while it runs.

import BalancingTesting
import Basics
import Dispatch
import Testing

@testable import Balancing

@Suite struct RosterTests {
    private let now = Instant(nanoseconds: 1_000_000_000)

    private func roster(
        _ servers: [Server], _ algorithm: BalanceLine = .roundRobin, allBackups: Bool = false, loadAtFull: Int = 1
    ) -> Roster {
        Roster(servers: servers, algorithm: algorithm, usesAllBackups: allBackups, loadAtFull: loadAtFull)
    }

    @Test func `the same servers again: turns, counts and states go on`() {
        let backend = backend(.roundRobin, weights: [1, 1, 1])
        #expect(backend.choices(4) == "abca")
        backend.set(.down, of: 2)
        _ = backend.take(backend.servers[0])
        backend.replaceRoster(by: roster(backend.servers), now: now)
        #expect(backend.choices(4) == "abab" && backend.servers[0].active.current == 1)
        backend.set(.up, of: 2)
        backend.replaceRoster(by: roster(backend.servers), now: now)
        #expect(backend.choices(6) == "cabcab", "the count of turns goes on over both")
    }

    @Test func `servers come and go, in the order of the new list`() {
        let backend = backend(.roundRobin, weights: [1, 1, 1])
        let (a, b, c) = (backend.servers[0], backend.servers[1], backend.servers[2])
        backend.replaceRoster(by: roster([server(3), c, a]), now: now)
        #expect(backend.choices(6) == "dcadca" && backend.servers.map(\.name) == ["d", "c", "a"])
        #expect(b.state.isRemoved && !a.state.isRemoved)
        backend.replaceRoster(by: roster([b]), now: now)
        #expect(backend.choices(2) == "bb" && !b.state.isRemoved && a.state.isRemoved, "a server may come back")
    }

    @Test func `every worker sees the new list at its next choice`() {
        let backend = backend(.roundRobin, weights: [1, 1], workers: 2)
        _ = (backend.choose(by: 0), backend.choose(by: 1))
        backend.replaceRoster(by: roster([backend.servers[1]]), now: now)
        #expect(backend.choose(by: 0)?.name == "b" && backend.choose(by: 1)?.name == "b")
    }

    @Test func `another algorithm, backups and fullconn count at once`() {
        let backend = backend(.roundRobin, weights: [1, 1, 1], backups: [1, 2])
        #expect(backend.choices(2) == "aa" && !backend.learnsLatencies)
        let backups = Array(backend.servers.dropFirst())
        backend.replaceRoster(by: roster(backups, allBackups: true, loadAtFull: 7), now: now)
        #expect(Set(backend.choices(4)) == ["b", "c"] && backend.load.full == 7 && backend.loadAtFull == 7)
        _ = backend.take(backend.servers[0])
        backend.replaceRoster(by: roster(backups, .leastConnections, allBackups: true), now: now)
        #expect(backend.choices(3) == "ccc" && backend.algorithm.name == "leastconn")
        backend.replaceRoster(by: roster(backups, BalanceLine(PeakLatency.self, ())), now: now)
        #expect(backend.learnsLatencies)
        backend.learn(.seconds(1), of: backend.servers[0], isWhole: true, at: now)
        #expect(backend.latencies.value != nil)
    }

    @Test func `limits that go let all in who wait, and limits that come make requests wait`() {
        let site = Site([limit(1)])
        _ = site.take()
        site.join(1)
        let free = server(1)
        site.backend.replaceRoster(by: roster([free]), now: now)
        #expect(site.given() == "1b" && !site.backend.hasQueue && site.take() == "b")
        site.backend.replaceRoster(by: roster([server(2) { $0.limits.maxConnections = 1 }]), now: now)
        #expect(site.take() == "c" && site.take() == "full")
        site.join(2)
        site.backend.release(free, by: 0)
        #expect(site.given() == "")
        site.release(0)
        #expect(site.given() == "2c")
    }

    @Test func `a backend without servers is down until it has some again`() {
        let backend = backend(.roundRobin, weights: [1])
        backend.replaceRoster(by: roster([]), now: now)
        #expect(backend.choose() == nil && !backend.availability.isUp && backend.availability.falls == 1)
        backend.replaceRoster(by: roster([server(4)]), now: now + .seconds(2))
        #expect(backend.choices(1) == "e" && backend.availability.isUp && backend.availability.downtime == .seconds(2))
    }

    @Test func `a new server begins without slow start, and ends no sessions`() throws {
        let backend = try settings("server a 10.0.0.1:80", "server b 10.0.0.2:80 backup").backend(now: now)
        let other = try settings(
            "server c 10.0.0.3:80 weight 16 slowstart 10s on-marked-up shutdown-backup-sessions",
            "server d 10.0.0.4:80 disabled on-marked-down shutdown-sessions"
        ).backend(now: now)
        let ended = Gauge()
        backend.setSessionEnder { _, _ in ended.increment() }
        backend.replaceRoster(by: roster(backend.servers + other.servers), now: now)
        #expect(ended.current == 0 && other.servers[0].throttle == nil && backend.eligibleWeightNow == 17)
        backend.set(.down, of: 2)
        backend.set(.up, of: 2)
        #expect(ended.current == 1 && other.servers[0].throttle == 6, "later changes have their consequences")
    }

    @Test func `nothing keeps a server that is gone once each worker has seen the new list`() {
        let backend = backend(.roundRobin, weights: [1, 1], limit: 1, workers: 2)
        weak var leak: Server?
        do {
            let gone = backend.servers[1]
            leak = gone
            _ = (backend.choose(by: 0), backend.choose(by: 1))
            for owner in 1...2 as ClosedRange<UInt64> { _ = backend.join(for: gone, worker: 0, owner: owner) }
            backend.replaceRoster(by: roster([backend.servers[0]]), now: now)
        }
        #expect(leak != nil, "workers have the list of before")
        for worker in 0..<2 { backend.seeRoster(by: worker) }
        #expect(leak == nil)
    }

    @Test func `threads that choose while rosters change lose no slot and overfill no server`() {
        let first = (0..<3).map { index in server(index, workers: 3) { $0.limits.maxConnections = 2 } }
        let backend = Backend(name: "app", roster: roster(first), workers: 3, now: now)
        let granted = Lock<[(server: Server, ticket: QueueTicket)]>([])
        backend.setDelivery { grant, _ in granted.withLock { $0.append((grant.server, grant.ticket)) } }
        let overfull = Gauge()
        DispatchQueue.concurrentPerform(iterations: 4) { worker in
            guard worker < 3 else {
                for turn in 0..<300 {
                    var servers = first
                    servers.remove(at: turn % 3)
                    backend.replaceRoster(by: roster(servers), now: now)
                }
                return
            }
            for turn in 0..<2_000 {
                switch backend.take(by: worker) {
                case .server(let server):
                    if server.active.current > 2 { overfull.increment() }
                    backend.release(server, by: worker)
                case .nobody: overfull.increment()
                case .full:
                    let ticket = backend.join(for: first[turn % 3], worker: worker, owner: UInt64(turn))
                    guard backend.leave(ticket) == nil else { continue }
                    let grant = granted.withLock { list in
                        list.firstIndex { $0.ticket == ticket }.map { list.remove(at: $0) }
                    }
                    if let grant { backend.release(grant.server, by: worker) } else { overfull.increment() }
                }
            }
        }
        #expect(overfull.current == 0 && backend.queued.current == 0)
        #expect(first.map(\.active.current) == [0, 0, 0] && first.map(\.queued.current) == [0, 0, 0])
    }
}
