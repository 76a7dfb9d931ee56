// A worker that goes from one plan to the next, on the simulated clock: what is under way ends as it began, what comes next follows the
// new text, and nothing keeps a plan that nothing uses.

import Basics
import KernelSimulation
import Testing

@testable import Balancing
@testable import Proxy

@Suite struct PlanSwitchTests {
    private let answering = "server s1 127.0.0.1:9001"

    private func site(_ lines: String..., after delay: UInt64 = 0) throws -> (PlayedSite, PlayedServer) {
        let site = try PlayedSite((lines + [answering]).joined(separator: "\n    "))
        let server = site.server(1) { _ in .answer(PlayedServer.ok(), after: delay) }
        return (site, server)
    }

    private func next(_ client: PlayedClient, _ path: String = "/") {
        client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    private func count(_ text: String, _ client: PlayedClient) -> Int { client.received.ranges(of: text).count }

    @Test func `a connection that is kept gets the new rules with its next request`() throws {
        let (site, server) = try site("http-response set-header rule old")
        let client = site.get("/")
        site.run(for: 50)
        try site.reload("http-response set-header rule new", answering)
        site.run(for: 50)
        #expect(!client.isClosed && count("rule: old", client) == 1)
        next(client)
        site.run(for: 50)
        #expect(!client.isClosed && count("rule: old", client) == 1 && count("rule: new", client) == 1)
        #expect(server.requests.count == 2)
        #expect(site.plan.site.livingPlans == 1)
        site.end()
    }

    @Test func `an exchange under way ends under the rules that it began with, and the connection goes on`() throws {
        let (site, _) = try site("http-response set-header rule old", after: 100)
        let client = site.get("/")
        site.run(for: 20)
        try site.reload("http-response set-header rule new", answering)
        site.run(for: 20)
        #expect(site.plan.site.livingPlans == 2)
        site.run(for: 200)
        #expect(count("rule: old", client) == 1 && count("connection: close", client) == 0)
        #expect(site.plan.site.livingPlans == 1, "the old plan went with its last exchange")
        next(client)
        site.run(for: 200)
        #expect(count("rule: new", client) == 1)
        site.end()
    }

    @Test func `a request whose head was half here is served, and the connection stays`() throws {
        let (site, _) = try site("http-response set-header rule old")
        let client = site.client("GET / HTTP/1.1\r\nHo")
        site.run(for: 20)
        try site.reload("http-response set-header rule new", answering)
        site.run(for: 20)
        client.send("st: a\r\n\r\n")
        site.run(for: 50)
        #expect(client.status == 200 && !client.isClosed)
        next(client)
        site.run(for: 50)
        #expect(count("rule: new", client) == 1 && site.plan.site.livingPlans == 1)
        site.end()
    }

    @Test func `a tunnel goes on for as long as it lasts, and keeps its own plan and no other`() throws {
        let site = try PlayedSite(mode: "tcp", answering)
        _ = site.server(1) { _ in .answer(PlayedServer.ok("more")) }
        let client = site.get("/")
        site.run(for: 50)
        for _ in 0..<5 {
            try site.reload(mode: "tcp", "tcp-request connection reject", answering)
            site.run(for: 10)
        }
        #expect(site.plan.site.livingPlans == 2)
        next(client)
        site.run(for: 50)
        #expect(count("more", client) == 2 && !client.isClosed)
        client.reset()
        site.run(for: 50)
        #expect(site.plan.site.livingPlans == 1)
        site.end()
    }

    @Test func `a connection whose frontend has another mode now ends like one of a worker that stops`() throws {
        let (site, _) = try site(after: 100)
        let idle = site.get("/")
        site.run(for: 200)
        let busy = site.get("/")
        site.run(for: 20)
        try site.reload(mode: "tcp", answering)
        site.run(for: 20)
        #expect(!idle.isClosed, "its next request may be on its way")
        next(idle)
        site.run(for: 3_000)
        #expect(count("HTTP/1.1 200", idle) == 2 && count("connection: close", idle) == 1)
        #expect(busy.status == 200)
        #expect(idle.isClosed && busy.isClosed && !idle.wasReset && !busy.wasReset)
        #expect(site.plan.site.livingPlans == 1)
        site.end()
    }

    @Test func `a worker that loses its address serves the clients that it has`() throws {
        let (site, _) = try site()
        let early = site.get("/")
        site.run(for: 50)
        let late = site.get("/")
        try site.reload(answering, isListening: false)
        site.run(for: 50)
        #expect(late.status == 200, "it was in the queue")
        next(early)
        site.run(for: 50)
        #expect(count("HTTP/1.1 200", early) == 2)
        site.end()
    }

    @Test func `idle connections to a server go by the new plan, and those to a removed one are closed`() throws {
        let (site, server) = try site("http-reuse always", "timeout server 60s")
        _ = site.get("/")
        site.run(for: 50)
        try site.reload("http-reuse always", "timeout server 100ms", answering)
        site.run(for: 50)
        #expect(site.backend.servers[0].idle.current == 1)
        let client = site.get("/")
        site.run(for: 50)
        #expect(client.status == 200 && server.connectionCount == 1)
        let removed = site.backend.servers[0]
        _ = site.server(2) { _ in .silence }
        try site.reload("http-reuse always", "timeout server 100ms", "server s2 127.0.0.1:9002")
        site.run(for: 50)
        #expect(removed.idle.current == 0)
        let late = site.get("/")
        site.run(for: 200)
        #expect(late.status == 504)
        #expect(site.plan.site.livingPlans == 1)
        site.end()
    }

    @Test func `nothing of a plan is left once nothing uses it`() throws {
        let (site, _) = try site()
        weak let plan = site.plan
        weak let backend = site.plan.backends[0]
        weak let frontend = site.plan.frontends[0]
        let clients = (0..<40).map { _ in site.get("/") }
        site.run(for: 100)
        #expect(clients.allSatisfy { $0.status == 200 })
        for _ in 0..<3 {
            try site.reload(answering)
            site.run(for: 20)
        }
        #expect(site.plan.site.livingPlans == 1)
        #expect(plan == nil && backend != nil)
        #expect(site.plan.site.freeOldPlans() && !site.plan.site.freeOldPlans())
        #expect(backend == nil && frontend == nil)
        #expect(site.orders.acknowledged == site.plan.generation)
        site.end()
    }

    @Test func `a worker that stops gives back the sockets that it was to listen on`() throws {
        let (site, _) = try site(after: 100)
        let client = site.get("/")
        site.run(for: 20)
        site.orders.give(.stopSoftly)
        site.run(for: 10)
        try site.reload(answering, isListening: false)
        site.run(for: 500)
        #expect(client.status == 200 && site.worker.isFinished)
        #expect(site.orders.acknowledged == site.plan.generation)
    }
}
