// `track`, and what follows changes of a server's state: sessions that end (`on-marked-down`, `on-marked-up`).

import BalancingTesting
import Basics
import Testing

@testable import Balancing

@Suite struct TrackingTests {
    private let now = Instant(nanoseconds: 1_000_000_000)

    private func makeBackend(_ words: String, name: String = "app") throws -> Backend {
        try settings("server \(name) 10.0.0.1:80 \(words)").backend(now: now)
    }

    @Test func `health, maintenance and drain follow along a chain, and an own decision stays`() throws {
        let checked = try makeBackend("check"), middle = try makeBackend(""), last = try makeBackend("")
        let (a, b, c) = (checked.servers[0], middle.servers[0], last.servers[0])
        // In any order.
        let links = [
            Tracker(c, of: last, following: b, of: middle), Tracker(b, of: middle, following: a, of: checked),
        ]
        Backend.setTrackers(links, among: [checked, middle, last], now: now)
        #expect(b.state.health == .up && c.state.health == .up && c.checkedServer === a && a.checkedServer === a)

        checked.set(.down, of: 0)
        #expect(!b.state.isUsable && !c.state.isUsable && last.eligibleNow.servers.isEmpty)
        checked.set(.up, of: 0)
        #expect(c.isEligible && last.eligibleNow.servers.count == 1)

        checked.setAdministrativeState(.drain, of: a, now: now)
        #expect(c.state.isUsable && !c.isEligible && c.state.decided == .drain && c.state.administrative == .ready)
        checked.setAdministrativeState(.maintenance, of: a, now: now)
        #expect(!c.state.isUsable && b.state.inherited == .maintenance)
        last.setAdministrativeState(.drain, of: c, now: now)
        checked.setAdministrativeState(.ready, of: a, now: now)
        #expect(b.isEligible && c.state.decided == .drain)

        a.unresolved()
        checked.serverChanged(now: now)
        #expect(!b.state.isUsable && b.state.inherited == .maintenance && b.state.name == .resolved)
    }

    @Test func `what is tracked is known for logs, and another configuration does not change it`() throws {
        let checked = try makeBackend("check"), other = try makeBackend("")
        let link = Tracker(other.servers[0], of: other, following: checked.servers[0], of: checked)
        Backend.setTrackers([link], among: [checked, other], now: now)
        #expect(checked.trackers(of: checked.servers[0]).map { $0.server === other.servers[0] } == [true])
        #expect(other.servers[0].tracked?.backendName == "app")
        checked.set(.down, of: 0)
        other.reconfigure(other.servers[0], as: other.servers[0].configuration, now: now)
        #expect(other.servers[0].state.health == .down)
    }

    @Test func `a server that follows another one than before has that one's state, without any in between`() throws {
        let one = try makeBackend("check"), two = try makeBackend("check"), other = try makeBackend("")
        let (a, b, c) = (one.servers[0], two.servers[0], other.servers[0])
        let all = [other, one, two]
        Backend.setTrackers([Tracker(c, of: other, following: a, of: one)], among: all, now: now)
        one.set(.down, of: 0)
        two.set(.down, of: 0)
        let falls = other.availability.falls
        Backend.setTrackers([Tracker(c, of: other, following: b, of: two)], among: all, now: now)
        #expect(c.tracked?.server === b && one.trackers(of: a).isEmpty && two.trackers(of: b).count == 1)
        two.set(.up, of: 0)
        #expect(c.isEligible)
        one.set(.up, of: 0)
        one.setAdministrativeState(.maintenance, of: a, now: now)
        #expect(c.isEligible && other.availability.falls == falls)
    }

    @Test func `a server that follows none any more has its own health, and an operator's decision on it stays`() throws
    {
        let checked = try makeBackend("check"), other = try makeBackend(""), own = try makeBackend("check")
        let all = [checked, other, own]
        let links = [other, own].map { Tracker($0.servers[0], of: $0, following: checked.servers[0], of: checked) }
        Backend.setTrackers(links, among: all, now: now)
        checked.set(.down, of: 0)
        checked.setAdministrativeState(.drain, of: checked.servers[0], now: now)
        other.setAdministrativeState(.drain, of: other.servers[0], now: now)
        Backend.setTrackers([], among: all, now: now)
        #expect(other.servers[0].state == ServerState(.drain) && own.servers[0].state == ServerState(health: .up))
        #expect(own.servers[0].tracked == nil && own.eligibleNow.servers.count == 1)
    }

    @Test func `backends that follow one another are kept by nothing once links are gone`() throws {
        weak var leak: Backend?
        do {
            let (one, two) = (try makeBackend("check"), try makeBackend("check"))
            leak = one
            let links = [
                Tracker(two.servers[0], of: two, following: one.servers[0], of: one),
                Tracker(one.servers[0], of: one, following: two.servers[0], of: two),
            ]
            Backend.setTrackers([links[0]], among: [one, two], now: now)
            Backend.setTrackers([], among: [one, two], now: now)
        }
        #expect(leak == nil)
    }

    @Test func `sessions end on a server that goes down, and on backups when another comes up, where lines say so`()
        throws
    {
        let backend = try settings(
            "server a 10.0.0.1:80 on-marked-down shutdown-sessions on-marked-up shutdown-backup-sessions",
            "server b 10.0.0.2:80", "server c 10.0.0.3:80 backup on-marked-up shutdown-backup-sessions",
            "server d 10.0.0.4:80 backup"
        ).backend(now: now)
        let ended = Lock<[String]>([])
        backend.setSessionEnder { server, end in ended.withLock { $0.append("\(server.name) \(end)") } }
        func take() -> [String] {
            ended.withLock { list in
                defer { list = [] }
                return list
            }
        }
        for index in 0..<4 { backend.set(.down, of: index) }
        #expect(take() == ["a serverDown"])
        backend.set(.up, of: 2)
        backend.set(.up, of: 1)
        #expect(take() == [], "c is a backup, and b's line says nothing")
        backend.set(.up, of: 0)
        #expect(take() == ["c serverUp", "d serverUp"])
        backend.setAdministrativeState(.maintenance, of: backend.servers[0], now: now)
        #expect(take() == ["a serverDown"])
        backend.setAdministrativeState(.drain, of: backend.servers[1], now: now)
        #expect(take() == [])
    }
}
