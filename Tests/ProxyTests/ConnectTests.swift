// Failing connections to servers: number and duration of attempts, and log lines.

import Balancing
import Basics
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct ConnectTests {
    /// Servers that do not respond to connection attempts.
    private func silence(_ site: PlayedSite, _ numbers: Int...) {
        for number in numbers { site.kernel.servers[.ip(.loopbackV4, port: UInt16(9_000 + number))] = { _, _ in true } }
    }

    @Test("`timeout connect` bounds each attempt; the next begins at once, and the last failure is sC with 503")
    func timesOut() throws {
        let site = try PlayedSite("timeout connect 300ms", "retries 2", "server s1 127.0.0.1:9001")
        silence(site, 1)
        let client = site.get("/")
        site.run(for: 880)
        #expect(client.status == nil)
        site.run(for: 40)
        #expect(client.status == 503)
        #expect(site.log() == ["site site/s1 0/0/-1/-1/900 503 214 - - sC-- 1/1/0/0/2 0/0 \"GET / HTTP/1.1\""])
        #expect(site.backend.servers[0].traffic.total(.connectionErrors) == 1)
        #expect(site.backend.servers[0].traffic.total(.retries) == 2)
        site.end()
    }

    @Test("A refusal is followed by a pause before the same server is tried again; the last failure is SC with 503")
    func refused() throws {
        let site = try PlayedSite("retries 2", "server s1 127.0.0.1:9001")
        let client = site.get("/")
        site.run(for: 1_950)
        #expect(client.status == nil)
        site.run(for: 100)
        #expect(client.status == 503)
        #expect(site.log() == ["site site/s1 0/0/-1/-1/2000 503 214 - - SC-- 1/1/0/0/2 0/0 \"GET / HTTP/1.1\""])
        site.end()
    }

    @Test("With option redispatch another server is tried at once, if there is one", arguments: ["", "1", "3", "-1"])
    func redispatched(interval: String) throws {
        let site = try PlayedSite(
            "option redispatch \(interval)", "server s1 127.0.0.1:9001", "server s2 127.0.0.1:9002")
        _ = site.server(2) { _ in .answer(PlayedServer.ok("good")) }
        let client = site.get("/")
        site.run(for: 50)
        #expect(client.received.hasSuffix("good"))
        #expect(site.log().allSatisfy { $0.contains("site/s2 0/0/") && $0.contains(" ---- 1/1/0/0/+1 ") })
        site.end()
    }

    @Test("A client that leaves while a connection is tried: CC")
    func clientLeaves() throws {
        let site = try PlayedSite("server s1 127.0.0.1:9001")
        silence(site, 1)
        let client = site.get("/")
        site.run(for: 100)
        client.reset()
        site.run(for: 10)
        #expect(site.log().map { $0.contains("site/s1 0/0/-1/-1/") && $0.contains(" CC-- ") } == [true])
        site.end()
    }

    @Test("set-timeout connect bounds the attempts of one exchange, in a listen's own servers and in a backend")
    func setTimeout() throws {
        let site = try PlayedSite(
            "retries 0", "http-request set-timeout connect 100ms if { path /quick }", "server s1 127.0.0.1:9001")
        silence(site, 1)
        let quick = site.get("/quick")
        let usual = site.get("/usual")
        site.run(for: 90)
        #expect(quick.status == nil)
        site.run(for: 20)
        #expect(quick.status == 503 && usual.status == nil)
        site.end()
    }

    @Test("set-timeout connect of a listen section does not hold in the backend that it leads to")
    func setTimeoutElsewhere() throws {
        let site = try PlayedSite(
            "http-request set-timeout connect 100ms", "http-request set-timeout client 1h", "use_backend other",
            "server s1 127.0.0.1:9001",
            sections:
                "backend other\n    mode http\n    timeout connect 1s\n    timeout server 60s\n    retries 0\n    server s2 127.0.0.1:9002"
        )
        silence(site, 2)
        let client = site.get("/")
        site.run(for: 900)
        #expect(client.status == nil)
        site.run(for: 200)
        #expect(client.status == 503)
        site.end()
    }
}
