// Requests that wait for a connection slot of a server (`maxconn` of `server`): order, time-outs, and log lines.

import Balancing
import Basics
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct QueueTests {
    @Test("Of three requests at once for a server that takes one, each goes when the one before has ended")
    func inOrder() throws {
        let site = try PlayedSite("timeout queue 10s", "server s1 127.0.0.1:9001 maxconn 1")
        let server = site.server(1) { _ in .answer(PlayedServer.ok(), after: 100) }
        let clients = ["/1", "/2", "/3"].map { path in
            defer { site.run(for: 1) }
            return site.get(path)
        }
        #expect(site.backend.queued.current == 2)
        site.run(for: 1_000)

        #expect(clients.map(\.status) == [200, 200, 200])
        #expect(server.requests.map { $0.prefix(6) } == ["GET /1", "GET /2", "GET /3"])
        let lines = site.log()
        try #require(lines.count == 3)
        for (number, line) in lines.enumerated() {
            #expect(line.contains("site/s1 ") && line.contains(" ---- ") && line.contains(" 0/\(number) "), "\(line)")
        }
        #expect(try queueTime(lines[2]) >= 200)
        #expect(site.backend.servers[0].active.maximum == 1)
        site.end()
    }

    /// Tw of a line: the second of its timers.
    private func queueTime(_ line: String) throws -> Int {
        let times = try #require(line.split(separator: " ").dropFirst(2).first)
        return try #require(Int(times.split(separator: "/")[1]))
    }

    @Test("After `timeout queue` a request ends with 503 and sQ, and its client may ask again")
    func timesOut() throws {
        let site = try PlayedSite("timeout queue 300ms", "server s1 127.0.0.1:9001 maxconn 1")
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1_000) }
        let first = site.get("/first")
        site.run(for: 10)
        let second = site.get("/second")
        site.run(for: 280)
        #expect(second.status == nil)
        site.run(for: 100)
        #expect(second.status == 503)
        #expect(
            site.log() == ["site site/<NOSRV> 0/300/-1/-1/300 503 214 - - sQ-- 2/2/1/0/0 0/1 \"GET /second HTTP/1.1\""])
        #expect(site.backend.traffic.total(.connectionErrors) == 1)

        second.send("GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
        site.run(for: 250)
        site.run(for: 3_000)
        #expect(first.status == 200)
        #expect(second.received.ranges(of: "HTTP/1.1 ").count == 2)
        site.end()
    }

    @Test("Without `timeout queue` it is `timeout connect` that bounds the wait")
    func defaultTime() throws {
        let site = try PlayedSite("timeout connect 200ms", "server s1 127.0.0.1:9001 maxconn 1")
        _ = site.server(1) { _ in .silence }
        _ = site.get("/first")
        site.run(for: 10)
        let second = site.get("/second")
        site.run(for: 150)
        #expect(second.status == nil)
        site.run(for: 100)
        #expect(second.status == 503)
        site.end()
    }

    @Test("A client that resets its connection while it waits is forgotten: CQ")
    func resetInQueue() throws {
        let site = try PlayedSite("timeout queue 10s", "server s1 127.0.0.1:9001 maxconn 1")
        let server = site.server(1) { _ in .answer(PlayedServer.ok(), after: 100) }
        let clients = [site.get("/1"), site.get("/2"), site.get("/3")]
        site.run(for: 50)
        clients[1].reset()
        site.run(for: 1)
        #expect(site.backend.queued.current == 1)
        #expect(site.log().map { $0.contains(" -1 0 - - CQ-- ") } == [true])
        site.run(for: 500)
        #expect(clients[2].status == 200)
        #expect(server.requests.count == 2)
        site.end()
    }

    @Test("A client that has finished sending still gets its answer, unless option abortonclose says that it has gone")
    func finishedInQueue() throws {
        for option in ["no option abortonclose", "option abortonclose"] {
            let site = try PlayedSite("timeout queue 10s", option, "server s1 127.0.0.1:9001 maxconn 1")
            _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 100) }
            let clients = [site.get("/1"), site.get("/2")]
            site.run(for: 50)
            clients[1].finish()
            site.run(for: 500)
            let lines = site.log()
            #expect(clients[1].status == (option.hasPrefix("no") ? 200 : nil))
            #expect(lines.contains { $0.contains("CQ--") } == !option.hasPrefix("no"))
            site.end()
        }
    }

    @Test("A place that comes free on any server goes to who has waited longest")
    func twoServers() throws {
        let site = try PlayedSite(
            "timeout queue 10s", "server s1 127.0.0.1:9001 maxconn 1", "server s2 127.0.0.1:9002 maxconn 1")
        let slow = site.server(1) { _ in .answer(PlayedServer.ok("slow"), after: 10_000) }
        let fast = site.server(2) { _ in .answer(PlayedServer.ok("fast"), after: 50) }
        let clients = (1...8).map { number in
            defer { site.run(for: 1) }
            return site.get("/\(number)")
        }
        site.run(for: 2_000)
        #expect(slow.requests.count == 1)
        #expect(fast.requests.map { $0.prefix(6) } == (2...8).map { "GET /\($0)" })
        #expect(clients.dropFirst().allSatisfy { $0.status == 200 })
        site.end()
    }

    @Test("With nobody to go to, new requests are refused at once, and those that wait do so until their time is over")
    func allDown() throws {
        let site = try PlayedSite("timeout queue 500ms", "server s1 127.0.0.1:9001 maxconn 1")
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 100) }
        let clients = [site.get("/1"), site.get("/2")]
        site.run(for: 10)
        site.takeDown(0)
        let late = site.get("/3")
        site.run(for: 10)
        #expect(late.status == 503)
        #expect(site.log().map { $0.contains(" 503 214 - - SC-- ") } == [true])
        site.run(for: 1_000)
        #expect(clients.map(\.status) == [200, 503])
        #expect(site.log().contains { $0.contains("sQ--") })
        site.end()
    }

    @Test("A server that comes up takes those who wait")
    func comesUp() throws {
        let site = try PlayedSite(
            "timeout queue 10s", "server s1 127.0.0.1:9001 maxconn 1", "server s2 127.0.0.1:9002 maxconn 1 disabled")
        _ = site.server(1) { _ in .silence }
        _ = site.server(2) { _ in .answer(PlayedServer.ok()) }
        _ = site.get("/1")
        site.run(for: 10)
        let waiting = [site.get("/2"), site.get("/3")]
        site.run(for: 1_000)
        #expect(waiting.map(\.status) == [nil, nil])
        site.bringUp(1)
        site.run(for: 100)
        #expect(waiting.map(\.status) == [200, 200])
        site.end()
    }

    @Test("A failed attempt keeps its place while it tries the same server again, and frees it in the end")
    func retriesKeepTheirPlace() throws {
        let site = try PlayedSite("timeout queue 10s", "retries 1", "server s1 127.0.0.1:9001 maxconn 1")
        // No process listens there.
        let clients = [site.get("/1"), site.get("/2")]
        site.run(for: 500)
        #expect(site.backend.queued.current == 1)
        site.run(for: 5_000)
        #expect(clients.map(\.status) == [503, 503])
        #expect(site.log().map { $0.contains("site/s1 ") && $0.contains(" SC-- ") } == [true, true])
        site.end()
    }

    @Test("In tcp mode connections wait, and are closed when their time is over")
    func tunnels() throws {
        let site = try PlayedSite(mode: "tcp", "timeout queue 300ms", "server s1 127.0.0.1:9001 maxconn 1")
        _ = site.server(1) { _ in .close(saying: "bye") }
        let first = site.client("hello")
        site.run(for: 10)
        let second = site.client("hello")
        let third = site.client("hello\r\n\r\n")
        site.run(for: 100)
        #expect(site.backend.queued.current == 2)
        site.run(for: 1_000)
        #expect(second.isClosed && third.isClosed)
        let lines = site.log()
        #expect(lines.filter { $0.contains(" sQ ") && $0.contains("site/<NOSRV> ") }.count == 2, "\(lines)")
        first.send("\r\n\r\n")
        site.run(for: 100)
        #expect(first.received == "bye")
        let fourth = site.client("again\r\n\r\n")
        first.finish()
        site.run(for: 200)
        #expect(fourth.received == "bye")
        site.end()
    }

    @Test("Under every misfortune nobody waits for ever and no place is lost")
    func misfortunes() {
        for seed: UInt64 in 1...16 {
            let site = SimulatedSite(
                seed: seed, faultOneIn: seed % 2 == 0 ? 3 : .max,
                configure: { $0.queue = .milliseconds(seed % 3 == 0 ? 200 : 60_000) },
                configureServers: {
                    $0.limits.maxConnections = seed % 4 == 0 ? 3 : 1
                    if seed % 4 == 0 { $0.limits.minConnections = 1 }
                })
            site.addClients(20, requestsEach: 4)
            site.runToTheEnd()
            let backend = site.plan.backends[0].backend
            #expect(backend.queued.current == 0 && backend.active.current == 0, "seed \(seed)")
            for server in backend.servers {
                #expect(server.active.current == 0 && server.queued.current == 0, "seed \(seed)")
                #expect(server.active.maximum <= 3, "seed \(seed)")
            }
            let holdings = site.worker.holdings
            #expect(holdings == (0, 0, 0), "seed \(seed)")
            #expect(backend.queued.maximum > 0, "seed \(seed)")
            let frontend = site.plan.frontends[0].traffic
            if site.faultOneIn == .max && seed % 3 != 0 {
                #expect(frontend.total(.responses2xx) == frontend.total(.requests), "seed \(seed)")
            }
        }
    }

    @Test("set-timeout queue bounds the wait of one request")
    func setTimeout() throws {
        let site = try PlayedSite(
            "timeout queue 10s", "http-request set-timeout queue 100ms if { path /hurry }",
            "server s1 127.0.0.1:9001 maxconn 1")
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1_000) }
        let first = site.get("/first")
        site.run(for: 10)
        let hurry = site.get("/hurry")
        let patient = site.get("/patient")
        site.run(for: 120)
        #expect(hurry.status == 503 && first.status == nil)
        site.run(for: 2_000)
        #expect(first.status == 200 && patient.status == 200)
        site.end()
    }
}
