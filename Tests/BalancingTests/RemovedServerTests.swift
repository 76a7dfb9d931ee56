// What becomes of the requests that wait for a server alone when its backend has it no more, and of what is kept for it.

import Basics
import Testing

@testable import Balancing

@Suite struct RemovedServerTests {
    private func remove(_ index: Int, from site: Site) {
        let server = site.backend.servers[index]
        _ = server.states.set(isRemoved: true)
        site.backend.serverChanged(now: Instant(nanoseconds: 0))
        site.backend.queue.serversChanged(of: site.backend, removed: [server], now: Instant(nanoseconds: 0))
    }

    @Test func `requests that wait for it wait for any, by age, and get the next slots`() {
        let site = Site([limit(1), limit(1)])
        _ = (site.take(), site.take())
        site.join(1, for: 1)
        site.join(2)
        site.join(3, for: 1)
        remove(1, from: site)
        #expect(site.backend.servers[1].queued.current == 0 && site.backend.queued.current == 3)
        for _ in 1...3 { site.release(0) }
        #expect(site.given() == "1a 2a 3a")
    }

    @Test func `a request that has found it full just before waits for any`() {
        let site = Site([limit(1), limit(1)])
        _ = (site.take(), site.take())
        remove(1, from: site)
        let ticket = site.join(1, for: 1)
        #expect(site.backend.servers[1].queued.current == 0)
        #expect(site.backend.leave(ticket) == QueueWait(wasForServer: false, position: 1))
        site.join(2, for: 1)
        site.release(0)
        #expect(site.given() == "2a")
    }

    @Test func `a slot that is given back on it is given to no other`() {
        let site = Site([limit(1), limit(1)])
        _ = (site.take(), site.take())
        site.join(1)
        remove(1, from: site)
        site.release(1)
        #expect(site.given() == "" && site.backend.servers[1].active.current == 0)
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
