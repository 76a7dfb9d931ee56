// The queue for connection slots of servers: order, several threads, and changes while requests wait.

import BalancingTesting
import Basics
import Dispatch
import Testing

@testable import Balancing

/// A backend with servers a, b, c and so on with these limits, and the grants of its queue.
final class Site: Sendable {
    let backend: Backend
    let grants = Lock<[SlotGrant]>([])

    init(_ limits: [ServerLimits], _ algorithm: BalanceLine = .roundRobin, loadAtFull: Int = 1, workers: Int = 1) {
        let servers = limits.enumerated().map { index, limits in
            server(index, workers: workers) { $0.limits = limits.normal }
        }
        let roster = Roster(servers: servers, algorithm: algorithm, usesAllBackups: false, loadAtFull: loadAtFull)
        backend = Backend(name: "app", roster: roster, workers: workers, now: Instant(nanoseconds: 0))
        backend.setDelivery { [unowned self] grant, _ in grants.withLock { $0.append(grant) } }
    }

    /// The name of the server on which a slot was taken; "-" if there is none, "full" or the server to wait for.
    func take(avoiding: Server? = nil) -> String {
        switch backend.take(avoiding: avoiding) {
        case .server(let server): return server.name
        case .full(let server): return server.map { "full " + $0.name } ?? "full"
        case .nobody: return "-"
        }
    }

    /// The slots granted since the last call, and their servers: `1a 2b`.
    func given() -> String {
        grants.withLock { grants in
            defer { grants = [] }
            return grants.map { "\($0.owner)\($0.server.name)" }.joined(separator: " ")
        }
    }

    @discardableResult
    func join(
        _ owner: UInt64, for server: Int? = nil, _ priority: QueuePriority = QueuePriority(), avoiding: Int? = nil
    ) -> QueueTicket {
        backend.join(
            for: server.map { backend.servers[$0] }, worker: 0, owner: owner, priority: priority,
            avoiding: avoiding.map { backend.servers[$0] })
    }

    func release(_ server: Int) { backend.release(backend.servers[server], by: 0) }
}

func limit(_ most: Int?, least: Int? = nil, queue: Int? = nil) -> ServerLimits {
    var limits = ServerLimits()
    limits.maxConnections = most
    limits.minConnections = least
    limits.queueMax = queue
    return limits
}

@Suite struct QueueTests {
    // With a key, a request waits for its own server: see `HashedServersTests`.
    @Test(arguments: BalancingAlgorithms.all.filter { !($0 is any KeyedAlgorithm.Type) }.map { $0.words[0] })
    func `full servers are passed over, and with all of them full one waits`(_ word: String) throws {
        let site = Site([limit(1), limit(2)], try settings("balance \(word)").algorithm)
        #expect((0..<3).map { _ in site.take() }.sorted() == ["a", "b", "b"])
        #expect(site.take() == "full")
        #expect(site.backend.servers.map(\.active.current) == [1, 2])
        site.release(0)
        #expect(site.take() == "a")
    }

    @Test func `a server without a limit is never full`() {
        let site = Site([limit(1), limit(nil)])
        #expect((0..<5).map { _ in site.take() }.filter { $0 == "b" }.count == 4)
    }

    @Test func `a backend without limits has no queue at all`() {
        let site = Site([limit(nil), limit(nil)])
        #expect(!site.backend.hasQueue)
        #expect((0..<4).map { _ in site.take() } == ["a", "b", "a", "b"])
        site.release(0)
        #expect(site.backend.servers[0].active.current == 1)
    }

    @Test func `the server to avoid is not taken though the others are full, unless there are no others`() {
        // Regression: a server that refuses connections is never full, and attracted the requests that failed on it.
        let site = Site([limit(2), limit(1)])
        #expect((0..<3).map { _ in site.take(avoiding: site.backend.servers[0]) } == ["b", "full", "full"])
        let lone = Site([limit(2)])
        #expect((0..<3).map { _ in lone.take(avoiding: lone.backend.servers[0]) } == ["a", "a", "full"])
    }

    @Test func `a place on the server to avoid goes to the next who waits, and the one whom it failed waits on`() {
        let site = Site([limit(1), limit(1)])
        _ = (site.take(), site.take())
        site.join(1, avoiding: 0)
        site.join(2)
        site.release(0)
        #expect(site.given() == "2a")
        site.release(0)
        #expect(site.given() == "" && site.backend.queued.current == 1)
        site.release(1)
        #expect(site.given() == "1b")
        // It may be tried again after a moment.
        site.join(3, avoiding: 0)
        site.backend.offerSlots(of: site.backend.servers[0], by: 0, now: Instant(nanoseconds: 1_000_000_000))
        #expect(site.given() == "3a")
    }

    @Test func `a server that refuses has no place for those who wait, until one of them may try`() {
        let site = Site([limit(1), limit(1)])
        _ = (site.take(), site.take())
        let dead = site.backend.servers[0]
        let start = Instant(nanoseconds: 1_000_000_000)
        for _ in 1...3 { _ = dead.connectionFailed(by: 0, now: start) }
        site.join(1, QueuePriority(now: start))
        site.join(2, QueuePriority(now: start))
        site.backend.release(dead, by: 0, now: start)
        #expect(site.given() == "")
        let later = start + .seconds(1)
        site.backend.offerSlots(of: dead, by: 0, now: later)
        #expect(site.given() == "1a")
        #expect(dead.retryTime(for: 0) == later + .seconds(1))
        #expect(dead.connectionStood(by: 0) && dead.retryTime(for: 0) == nil)
    }

    @Test func `first come, first served`() {
        let site = Site([limit(1), limit(1)])
        _ = (site.take(), site.take())
        for owner: UInt64 in 1...3 { site.join(owner) }
        #expect(site.given() == "")
        #expect(site.backend.queued.current == 3)
        site.release(1)
        #expect(site.given() == "1b")
        site.release(0)
        site.release(1)
        #expect(site.given() == "2a 3b")
        #expect(site.backend.queued.current == 0 && site.backend.queued.maximum == 3)
        #expect(site.backend.servers.map(\.active.current) == [1, 1])
    }

    @Test func `a lower class is served first, and within a class the earlier time`() {
        func priority(_ level: Int = 0, _ offset: Int = 0, at milliseconds: UInt64) -> QueuePriority {
            QueuePriority(class: level, offset: offset, now: Instant(nanoseconds: milliseconds * 1_000_000))
        }
        let site = Site([limit(1)])
        _ = site.take()
        site.join(1, priority(at: 1_000))
        // Another worker's clock may be slightly behind: a later request stays behind an earlier one.
        site.join(2, priority(at: 999))
        site.join(3, priority(5, -500_000, at: 1_001))
        site.join(4, priority(-5, 500_000, at: 1_002))
        site.join(5, priority(0, -2, at: 1_003))
        site.join(6, priority(0, -10, at: 1_004))
        site.join(7, for: 0, priority(-5, at: 1_005))
        site.join(8, priority(0, 100, at: 1_006))
        site.join(9, priority(at: 1_007))
        for _ in 1...9 { site.release(0) }
        #expect(site.given() == "7a 4a 6a 1a 2a 5a 9a 8a 3a")
        #expect(site.backend.queued.current == 0)
    }

    @Test func `priorities count between those who wait for one server and for any`() {
        let site = Site([limit(1), limit(1)])
        _ = (site.take(), site.take())
        site.join(1)
        site.join(2, for: 1)
        site.join(3, for: 1, QueuePriority(class: -1))
        #expect(site.backend.servers[1].queued.current == 2)
        site.release(1)
        #expect(site.given() == "3b")
    }

    @Test func `nobody overtakes those who wait`() {
        let site = Site([limit(1)])
        #expect(site.take() == "a")
        site.join(1)
        // This state exists for a moment when another worker has freed the slot and not granted it yet.
        site.backend.servers[0].active.decrement()
        #expect(site.take() == "full")
        site.join(2)
        #expect(site.given() == "1a")
        site.release(0)
        #expect(site.given() == "2a")
    }

    @Test func `a place that was freed just before one joined is given at once`() {
        let site = Site([limit(1)])
        #expect(site.take() == "a")
        site.release(0)
        site.join(1)
        #expect(site.given() == "1a")
    }

    @Test func `who leaves is skipped, and leaves once`() {
        let site = Site([limit(1)])
        _ = site.take()
        let tickets = (1...3).map { site.join(UInt64($0)) }
        #expect(site.backend.leave(tickets[1]) == QueueWait(wasForServer: false, position: 1))
        #expect(site.backend.leave(tickets[1]) == nil)
        site.release(0)
        #expect(site.given() == "1a")
        #expect(site.backend.leave(tickets[0]) == nil, "a place is on its way")
        #expect(site.backend.leave(tickets[2]) == QueueWait(wasForServer: false, position: 2))
        // Its index in the table is reused, its ticket is not.
        let again = site.join(4)
        #expect(site.backend.leave(tickets[2]) == nil)
        #expect(site.backend.leave(again) != nil)
        #expect(site.backend.queued.current == 0)
    }

    @Test func `the position counts who was served before, and oneself`() {
        let site = Site([limit(1)])
        _ = site.take()
        for owner: UInt64 in 1...3 { site.join(owner) }
        for _ in 1...3 { site.release(0) }
        #expect(site.grants.withLock { $0.map(\.wait.position) } == [1, 2, 3])
    }

    @Test func `of those who wait for one server and those who wait for any the older one is first`() {
        let site = Site([limit(1), limit(1)])
        _ = (site.take(), site.take())
        site.join(1, for: 1)
        site.join(2)
        site.join(3, for: 1)
        #expect(site.backend.servers[1].queued.current == 2)
        site.release(0)
        #expect(site.given() == "2a")
        site.release(1)
        site.release(1)
        #expect(site.given() == "1b 3b")
    }

    @Test func `a server that comes up takes as many as it may`() {
        let site = Site([limit(1), limit(2)])
        site.backend.set(.down, of: 1)
        _ = site.take()
        for owner: UInt64 in 1...4 { site.join(owner) }
        site.backend.set(.up, of: 1)
        #expect(site.given() == "1b 2b")
        #expect(site.backend.servers[1].requestsMoved == 2)
    }

    @Test func `who waits for a server that goes down waits for any, by age`() {
        let site = Site([limit(1), limit(1)])
        _ = (site.take(), site.take())
        site.join(1)
        site.join(2, for: 1)
        site.join(3)
        site.join(4, for: 1)
        site.backend.set(.down, of: 1)
        #expect(site.backend.servers[1].queued.current == 0)
        #expect(site.backend.servers.map(\.requestsMoved) == [0, 2])
        #expect(site.backend.queued.current == 4)
        site.release(1)
        #expect(site.given() == "", "a place on a server that is down is of no use")
        for _ in 1...4 { site.release(0) }
        #expect(site.given() == "1a 2a 3a 4a")
    }

    @Test func `with all servers down everybody waits on, and newcomers are told`() {
        let site = Site([limit(1)])
        _ = site.take()
        site.join(1)
        site.backend.set(.down, of: 0)
        site.release(0)
        #expect(site.given() == "")
        #expect(site.take() == "-")
        site.backend.set(.up, of: 0)
        #expect(site.given() == "1a")
    }

    @Test func `leastconn lets some wait for the least busy server where maxqueue says so`() {
        let site = Site([limit(1, queue: 1), limit(2, queue: 1), limit(1)], .leastConnections)
        #expect((0..<4).map { _ in site.take() }.sorted() == ["a", "b", "b", "c"])
        #expect(site.take() == "full a")
        site.join(1, for: 0)
        #expect(site.take() == "full b")
        site.join(2, for: 1)
        #expect(site.take() == "full")
    }

    @Test(arguments: [(0, 2), (10, 2), (30, 3), (50, 5), (99, 9), (100, 10), (1_000, 10)])
    func `minconn is the limit of an idle backend, maxconn that of a full one`(_ load: Int, _ expected: Int) {
        let server = Site([limit(10, least: 2)]).backend.servers[0]
        #expect(server.limits.limit(load: load, full: 100) == expected)
    }

    @Test func `minconn alone is the limit`() {
        #expect(Site([limit(nil, least: 3)]).backend.servers[0].limits.limit(load: 0, full: 100) == 3)
        #expect(Site([limit(2, least: 3)]).backend.servers[0].limits.limit(load: 0, full: 100) == 3)
    }

    @Test func `a limit that grows with the load lets the next one in`() {
        let site = Site([limit(4, least: 1)], loadAtFull: 4)
        site.backend.active.increment()
        #expect(site.take() == "a")
        #expect(site.take() == "full")
        site.join(1)
        site.backend.active.increment()
        site.join(2)
        #expect(site.given() == "1a")
    }

    @Test func `threads that take, wait, give up and leave lose no place and overfill no server`() {
        let site = Site([limit(2), limit(1)], workers: 4)
        let mailboxes = Lock<[[SlotGrant]]>(Array(repeating: [], count: 4))
        let bells = (0..<4).map { _ in DispatchSemaphore(value: 0) }
        site.backend.setDelivery { grant, _ in
            mailboxes.withLock { $0[grant.worker].append(grant) }
            bells[grant.worker].signal()
        }
        let served = Gauge()
        let overfull = Gauge()
        DispatchQueue.concurrentPerform(iterations: 4) { worker in
            func serve(_ server: Server) {
                if server.active.current > server.limits.maxConnections ?? 0 { overfull.increment() }
                served.increment()
                site.backend.release(server, by: worker)
            }
            for turn in 0..<2_000 {
                switch site.backend.take(by: worker) {
                case .server(let server): serve(server)
                case .nobody: overfull.increment()
                case .full(let server):
                    let ticket = site.backend.join(for: server, worker: worker, owner: UInt64(turn))
                    if turn % 7 == 0, site.backend.leave(ticket) != nil {
                        served.increment()
                        continue
                    }
                    bells[worker].wait()
                    let mine = mailboxes.withLock { $0[worker].removeLast() }
                    if mine.ticket != ticket { overfull.increment() }
                    serve(mine.server)
                }
            }
        }
        #expect(served.current == 8_000)
        #expect(overfull.current == 0)
        #expect(site.backend.servers.map(\.active.current) == [0, 0])
        #expect(site.backend.queued.current == 0)
    }
}
