// One of several servers refuses connections, there are no health checks, and there are more clients than slots. The
// refusing server, which is never busy, must attract no requests except those that detect the failure.

import Basics
import KernelSimulation
import Testing

@testable import Balancing
@testable import Proxy

@Suite struct RefusingServerTests {
    /// Clients one after another, `width` at a time; returns the statuses of all.
    private func statuses(_ site: PlayedSite, of count: Int, width: Int) -> [Int: Int] {
        var waiting: [PlayedClient] = []
        var begun = 0
        var found: [Int: Int] = [:]
        for _ in 0..<60_000 where begun < count || !waiting.isEmpty {
            while waiting.count < width, begun < count {
                begun += 1
                waiting.append(site.client("GET /\(begun) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
            }
            site.run(for: 1)
            waiting.removeAll { client in
                guard let status = client.status else { return false }
                found[status, default: 0] += 1
                return true
            }
        }
        return found
    }

    @Test(
        "Fewer than one request in a hundred fails, with and without redispatch",
        arguments: ["option redispatch", "no option redispatch"], ["roundrobin", "leastconn"])
    func oneOfThree(redispatch: String, algorithm: String) throws {
        // Regression: five of six requests failed, because each slot of the dead server was free again at once.
        let site = try PlayedSite(
            "balance \(algorithm)", redispatch, "timeout queue 30s", "default-server maxconn 2",
            "server s1 127.0.0.1:9001",
            "server s2 127.0.0.1:9002", "server s3 127.0.0.1:9003")
        for number in [1, 2] { _ = site.server(number) { _ in .answer(PlayedServer.ok(), after: 5) } }

        let found = statuses(site, of: 2_000, width: 20)

        #expect(found.values.reduce(0, +) == 2_000)
        #expect(found[200, default: 0] > 1_980, "\(found)")
        let lines = site.log()
        #expect(lines.count { $0.contains("Server site/s3: 3 connections in a row failed (Connection refused)") } == 1)
        site.end()
    }

    @Test("A server that takes connections again gets its requests, and the log says so")
    func comesBack() throws {
        let site = try PlayedSite(
            "option redispatch", "timeout queue 30s", "default-server maxconn 1", "server s1 127.0.0.1:9001",
            "server s2 127.0.0.1:9002")
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 5) }
        #expect(statuses(site, of: 50, width: 5) == [200: 50])
        let second = site.server(2) { _ in .answer(PlayedServer.ok(), after: 5) }
        site.run(for: 1_100)
        #expect(statuses(site, of: 50, width: 5) == [200: 50])
        #expect(second.requests.count > 15)
        #expect(site.log().contains { $0.contains("Server site/s2 takes connections again from worker 1.") })
        site.end()
    }

    @Test(
        "Who waits while the other servers are stuck gets to a server that has come back, without anything else happening"
    )
    func waiterTries() throws {
        let site = try PlayedSite(
            "option redispatch", "timeout queue 30s", "default-server maxconn 1", "server s1 127.0.0.1:9001",
            "server s2 127.0.0.1:9002")
        _ = site.server(1) { _ in .silence }
        let clients = (1...5).map { number in
            defer { site.run(for: 5) }
            return site.get("/\(number)")
        }
        site.run(for: 100)
        #expect(clients.allSatisfy { $0.status == nil })
        _ = site.server(2) { _ in .answer(PlayedServer.ok(), after: 5) }
        site.run(for: 2_500)
        #expect(clients.count { $0.status == 200 } == 4)
        site.end()
    }

    @Test("With all servers dead requests fail as ever, and none waits for what will not be")
    func allDead() throws {
        let site = try PlayedSite(
            "option redispatch", "retries 2", "timeout queue 60s", "default-server maxconn 1",
            "server s1 127.0.0.1:9001",
            "server s2 127.0.0.1:9002")
        let found = statuses(site, of: 40, width: 4)
        #expect(found == [503: 40])
        site.end()
    }
}
