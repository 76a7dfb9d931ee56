// What becomes of the requests that wait for a server alone when its backend has it no more, and of what is kept for it.

import Basics
import Testing

@testable import Balancing

@Suite struct RemovedServerTests {
    /// A backend whose servers a and b have one slot each, which are taken; and b.
    private func site() -> (Site, Server) {
        let site = Site([limit(1), limit(1)])
        _ = (site.take(), site.take())
        return (site, site.backend.servers[1])
    }

    private func keepOnlyFirst(_ site: Site) {
        let roster = Roster(servers: [site.backend.servers[0]], algorithm: .roundRobin, usesAllBackups: false)
        site.backend.replaceRoster(by: roster, now: Instant(nanoseconds: 0))
    }

    @Test func `requests that wait for it wait for any, by age, and get the next slots`() {
        let (site, gone) = site()
        site.join(1, for: 1)
        site.join(2)
        site.join(3, for: 1)
        keepOnlyFirst(site)
        #expect(gone.queued.current == 0 && site.backend.queued.current == 3)
        for _ in 1...3 { site.release(0) }
        #expect(site.given() == "1a 2a 3a")
    }

    @Test func `a request that has found it full just before waits for any`() {
        let (site, gone) = site()
        keepOnlyFirst(site)
        let ticket = site.backend.join(for: gone, worker: 0, owner: 1)
        #expect(gone.queued.current == 0)
        #expect(site.backend.leave(ticket) == QueueWait(wasForServer: false, position: 1))
        _ = site.backend.join(for: gone, worker: 0, owner: 2)
        site.release(0)
        #expect(site.given() == "2a")
    }

    @Test func `a slot that is given back on it is given to no other`() {
        let (site, gone) = site()
        site.join(1)
        keepOnlyFirst(site)
        site.backend.release(gone, by: 0)
        #expect(site.given() == "" && gone.active.current == 0)
    }

    @Test func `its queue is forgotten, and its place is used for the next server`() throws {
        var queues = PriorityQueues()
        let others = Site([limit(1), limit(1)]).backend.servers
        weak var leak: Server?
        let tickets: [QueueTicket]
        do {
            let server = Site([limit(1)]).backend.servers[0]
            leak = server
            tickets = (1...3).map { queues.join(Waiter(worker: 0, owner: $0), for: server) }
            #expect(queues.remove(server) == 3 && queues.remove(server) == 0)
        }
        #expect(leak == nil)
        let last = queues.join(Waiter(worker: 0, owner: 4), for: others[0])
        let other = queues.join(Waiter(worker: 0, owner: 5), for: others[1])
        #expect(queues.look(last)?.server === others[0] && queues.look(other)?.server === others[1])
        for ticket in tickets {
            #expect(queues.first(for: nil) == ticket && queues.look(ticket)?.server == nil)
            #expect(queues.remove(ticket, isServed: true) != nil)
        }
        #expect(queues.first(for: others[0]) == last)
    }

    @Test func `being removed is a state of its own beside the others`() {
        let site = Site([limit(1)])
        let server = site.backend.servers[0]
        _ = server.states.set(inherited: .maintenance)
        #expect(server.states.set(isRemoved: true) && !server.states.set(isRemoved: true))
        #expect(server.state == ServerState(.ready, inherited: .maintenance, isRemoved: true))
        _ = server.states.set(inherited: .ready)
        #expect(server.state.isRemoved && !server.state.isUsable && !server.isEligible)
        _ = server.states.set(isRemoved: false)
        #expect(server.state == ServerState())
    }
}
