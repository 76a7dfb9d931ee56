// `option abortonclose`: requests of clients that have shut down their sending side.

import Balancing
import Basics
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct HalfCloseTests {
    @Test("A server that closes when it is told frees everything: 400, CH")
    func serverCloses() throws {
        let site = try PlayedSite("server s1 127.0.0.1:9001")
        let server = site.server(1) { _ in .closeLikewise }
        let client = site.get("/")
        site.run(for: 50)
        client.finish()
        site.run(for: 20)
        #expect(client.status == 400)
        #expect(server.halfClosedCount == 1)
        #expect(site.kernel.openCount == 0)
        #expect(site.log().map { $0.contains(" 400 ") && $0.contains(" CH-- ") } == [true])
        #expect(site.backend.traffic.total(.clientAborts) == 1 && site.backend.traffic.total(.serverAborts) == 0)
        site.end()
    }

    @Test("A server that says nothing is left after a second")
    func serverIsSilent() throws {
        // Regression: two descriptors and the server's slot were occupied until the server responded.
        let site = try PlayedSite("server s1 127.0.0.1:9001 maxconn 1")
        _ = site.server(1) { connection in
            connection.request.contains("/slow") ? .silence : .answer(PlayedServer.ok())
        }
        let client = site.get("/slow")
        site.run(for: 50)
        client.finish()
        let next = site.get("/next")
        site.run(for: 900)
        #expect(client.status == nil && next.status == nil)
        site.run(for: 200)
        #expect(client.status == 400 && next.status == 200)
        site.end()
    }

    @Test("A server that answers nevertheless has its answer passed on, and its connection is not used again")
    func serverAnswers() throws {
        let site = try PlayedSite("server s1 127.0.0.1:9001")
        let server = site.server(1) { _ in .answer(PlayedServer.ok(), after: 300) }
        let client = site.client("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        client.finish()
        site.run(for: 500)
        #expect(client.status == 200)
        #expect(site.log().map { $0.contains(" ---- ") } == [true])
        #expect(site.get("/again").status == nil)
        site.run(for: 500)
        #expect(server.connectionCount == 2)
        site.end()
    }

    @Test("`no option abortonclose` waits for the server, which is not told")
    func switchedOff() throws {
        let site = try PlayedSite("no option abortonclose", "server s1 127.0.0.1:9001")
        let server = site.server(1) { _ in .answer(PlayedServer.ok(), after: 5_000) }
        let client = site.get("/")
        site.run(for: 50)
        client.finish()
        site.run(for: 6_000)
        #expect(client.status == 200)
        #expect(server.halfClosedCount == 0)
        site.end()
    }

    @Test("A client that leaves while the connection is tried again ends that: CC")
    func betweenAttempts() throws {
        let site = try PlayedSite("retries 10", "server s1 127.0.0.1:9001")
        let client = site.get("/")
        site.run(for: 1_500)
        client.finish()
        site.run(for: 20)
        #expect(site.log().map { $0.contains(" -1 0 - - CC-- ") } == [true])
        #expect(site.kernel.openCount == 0)
        site.end()
    }

    @Test("A client that finished before its connection to the server failed is not tried for again: CC")
    func beforeAttempts() throws {
        let site = try PlayedSite("retries 10", "server s1 127.0.0.1:9001")
        let client = site.get("/")
        client.finish()
        site.run(for: 50)
        #expect(site.log().map { $0.contains(" CC-- ") } == [true])
        site.end()
    }

    @Test("Without a word it is on in http mode and off in tcp mode, and a section's word overrides that of defaults")
    func defaults() throws {
        #expect(try PlayedSite("server s1 127.0.0.1:9001").plan.backends[0].abortsOnClose)
        #expect(try !PlayedSite(mode: "tcp", "server s1 127.0.0.1:9001").plan.backends[0].abortsOnClose)
        let site = try PlayedSite(
            "server s1 127.0.0.1:9001",
            sections: """
                defaults
                    mode http
                    no option abortonclose
                    timeout connect 1s
                    timeout server 1s
                backend inherits
                    server s 127.0.0.1:9001
                backend differs
                    option abortonclose
                    server s 127.0.0.1:9001
                """)
        #expect(site.plan.backends.map(\.abortsOnClose) == [true, false, true])
    }
}
