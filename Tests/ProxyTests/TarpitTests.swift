// Tarpit: how long a client is held, its response, and the log line.

import Balancing
import Basics
import HTTP
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct TarpitTests {
    /// A site whose only client has sent a head and half of a body, and is in the tarpit.
    private func play(_ lines: String..., answer: TarpitAnswer = .status(500)) throws -> (PlayedSite, PlayedClient) {
        let site = try PlayedSite(
            "option http-buffer-request", lines.joined(separator: "\n    "), "server s1 127.0.0.1:9001")
        let client = site.client("POST /trap HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234")
        site.run(for: 10)
        let exchange = site.worker.slots.elements.compactMap { ($0 as? ClientConnection)?.stream as? Exchange }.first
        try #require(exchange).tarpit(answer, site.worker)
        return (site, client)
    }

    @Test("After `timeout tarpit`, and not before, the client gets 500, and the log says PT")
    func held() throws {
        let (site, client) = try play("timeout tarpit 3s")
        site.run(for: 2_900)
        #expect(client.status == nil && site.log().isEmpty)
        #expect(site.worker.holdings == (2, 1, 0), "it costs no buffer")
        site.run(for: 200)
        #expect(client.status == 500)
        #expect(client.received.contains("\r\nconnection: close\r\n"))
        let lines = site.log()
        #expect(lines.count == 1 && lines[0].contains("site/<NOSRV> ") && lines[0].contains(" 500 "), "\(lines)")
        #expect(lines.allSatisfy { $0.contains(" PT-- ") && $0.contains("/3010/-1/-1/3010 ") }, "\(lines)")
        site.run(for: 5_000)
        site.end()
    }

    @Test("Without `timeout tarpit` it is `timeout connect` that counts")
    func defaultTime() throws {
        let (site, client) = try play("timeout connect 700ms")
        site.run(for: 650)
        #expect(client.status == nil)
        site.run(for: 100)
        #expect(client.status == 500)
        site.end()
    }

    @Test("A rule may have another status, or a whole response")
    func answers() throws {
        let response = LocalResponse.error(429, detail: nil)
        for answer in [TarpitAnswer.status(429), .response(response)] {
            let (site, client) = try play("timeout tarpit 1s", answer: answer)
            site.run(for: 1_100)
            #expect(client.status == 429)
            #expect(site.log().allSatisfy { $0.contains(" 429 ") && $0.contains(" PT-- ") })
            site.end()
        }
    }

    @Test("Nothing is read meanwhile")
    func notRead() throws {
        let (site, client) = try play("timeout tarpit 1s")
        client.send("56789GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        site.run(for: 1_100)
        #expect(client.received.ranges(of: "HTTP/1.1 ").count == 1)
        #expect(site.plan.frontends[0].traffic.total(.requests) == 1)
        site.end()
    }

    @Test("It is over when the client leaves: CT", arguments: [true, false])
    func left(byReset: Bool) throws {
        let (site, client) = try play("timeout tarpit 10s")
        site.run(for: 500)
        if byReset { client.reset() } else { client.finish() }
        site.run(for: 10)
        let lines = site.log()
        #expect(lines.count == 1 && lines[0].contains(" 500 0 - - CT-- "), "\(lines)")
        #expect(site.plan.frontends[0].traffic.total(.deniedRequests) == 1)
        site.end()
    }

    @Test("set-timeout tarpit holds one client longer or shorter")
    func setTimeout() throws {
        let site = try PlayedSite(
            "timeout tarpit 5s", "http-request set-timeout tarpit 500ms if { path /short }", "http-request tarpit",
            "server s1 127.0.0.1:9001")
        let short = site.get("/short")
        let usual = site.get("/usual")
        site.run(for: 490)
        #expect(short.status == nil)
        site.run(for: 20)
        #expect(short.status == 500 && usual.status == nil)
        site.end()
    }
}
