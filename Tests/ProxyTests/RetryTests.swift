// `retry-on`: which failures lead to another attempt, which requests can be repeated, and log lines.

import Balancing
import Basics
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct RetryTests {
    private typealias Reaction = PlayedServer.Reaction

    /// A site of two servers, the first of which fails.
    private func site(
        retryOn conditions: String, _ lines: String..., first: @escaping (PlayedServer.Connection) -> Reaction
    ) throws -> (site: PlayedSite, first: PlayedServer, second: PlayedServer) {
        let site = try PlayedSite(
            "retry-on \(conditions)", "option redispatch", lines.joined(separator: "\n    "),
            "server s1 127.0.0.1:9001", "server s2 127.0.0.1:9002")
        let second = { (_: PlayedServer.Connection) in Reaction.answer(PlayedServer.ok("good")) }
        return (site, site.server(1, first), site.server(2, second))
    }

    @Test(
        "Another server is asked after each failure that retry-on names",
        arguments: [
            ("empty-response", "close"), ("empty-response", "reset"), ("junk-response", "junk"),
            ("junk-response", "half"), ("response-timeout", "silence"), ("503", "503"), ("404", "404"), ("429", "429"),
            ("all-retryable-errors", "close"), ("all-retryable-errors", "junk"), ("all-retryable-errors", "silence"),
            ("all-retryable-errors", "500"), ("401 403 408 425 501 502 504", "504"),
        ])
    func retried(conditions: String, failure: String) throws {
        let (site, first, second) = try site(retryOn: conditions, "timeout server 200ms") { _ in reaction(failure) }
        let client = site.get("/")
        site.run(for: 1_000)
        #expect(client.received.hasSuffix("\r\n\r\ngood"))
        #expect((first.requests.count, second.requests.count) == (1, 1))
        let lines = site.log()
        #expect(
            lines.count == 1 && lines[0].contains("site/s2 ") && lines[0].contains(" ---- 1/1/0/0/+1 0/0 "), "\(lines)")
        let traffic = site.backend.servers[0].traffic
        #expect(traffic.total(.redispatches) == 1 && traffic.total(.badResponses) == 0)
        site.end()
    }

    private func reaction(_ failure: String) -> Reaction {
        switch failure {
        case "close": .close()
        case "reset": .reset
        case "junk": .answer("rubbish\r\n\r\n")
        case "half": .close(saying: "HTTP/1.1 200 OK\r\nConte")
        case "silence": .silence
        default: .answer(PlayedServer.ok("bad", status: Int(failure) ?? 500))
        }
    }

    @Test(
        "A failure that retry-on does not name goes to the client, with its letters",
        arguments: [
            ("conn-failure", "close", 502, "SH"), ("junk-response 503", "close", 502, "SH"),
            ("empty-response 503", "junk", 502, "PH"), ("empty-response", "half", 502, "SH"),
            ("empty-response junk-response 503", "silence", 504, "sH"), ("502 504", "503", 503, "--"),
            ("none", "500", 500, "--"), ("0rtt-rejected", "503", 503, "--"),
        ])
    func notRetried(conditions: String, failure: String, status: Int, letters: String) throws {
        let (site, _, second) = try site(retryOn: conditions, "timeout server 200ms") { _ in reaction(failure) }
        let client = site.get("/")
        site.run(for: 1_000)
        #expect(client.status == status)
        #expect(second.requests.isEmpty)
        #expect(site.log().allSatisfy { $0.contains(" \(letters)-- ") && $0.contains("/0 0/0 ") })
        site.end()
    }

    @Test("Without option redispatch it is the same server that is asked again, at once, as often as `retries` says")
    func sameServer() throws {
        let site = try PlayedSite(
            "retry-on 503", "retries 2", "server s1 127.0.0.1:9001", "server s2 127.0.0.1:9002")
        let first = site.server(1) { _ in .answer(PlayedServer.ok("bad", status: 503)) }
        _ = site.server(2) { _ in .answer(PlayedServer.ok()) }
        let client = site.get("/")
        site.run(for: 200)
        #expect(client.status == 503 && client.received.hasSuffix("bad"), "the last answer is passed on")
        #expect(first.requests.count == 3)
        let lines = site.log()
        #expect(lines.count == 1 && lines[0].contains(" 503 ") && lines[0].contains(" ---- 1/1/0/0/2 0/0 "), "\(lines)")
        #expect(site.backend.servers[0].traffic.total(.retries) == 2)
        site.end()
    }

    @Test("Connections are not tried again where retry-on does not say conn-failure", arguments: ["none", "503"])
    func noConnectionFailure(conditions: String) throws {
        let site = try PlayedSite("retry-on \(conditions)", "server s1 127.0.0.1:9001")
        let client = site.get("/")
        site.run(for: 10)
        #expect(client.status == 503)
        #expect(site.log().allSatisfy { $0.contains(" SC-- ") && $0.contains("/0 0/0 ") })
        site.end()
    }

    @Test("A body that fits into a buffer is sent again whole, in its framing, whatever the method")
    func bodies() throws {
        for (body, framing) in [
            (String(repeating: "b", count: 10_000), "Content-Length: 10000"),
            ("5\r\nzzzzz\r\n1\r\n!\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
        ] {
            let (site, first, second) = try site(retryOn: "empty-response") { _ in .close() }
            let client = site.client("POST / HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n\(body.prefix(4))")
            site.run(for: 20)
            client.send(String(body.dropFirst(4)))
            site.run(for: 100)
            #expect(client.status == 200)
            #expect(first.requests == second.requests && second.requests.count == 1)
            let received = try #require(second.requests.first?.split(separator: "\r\n\r\n", maxSplits: 1).last)
            #expect(received.replacing(/[0-9a-f]+\r\n|\r\n/, with: "").count == (framing.hasPrefix("C") ? 10_000 : 6))
            site.end()
        }
    }

    @Test("A server that refuses before it has read the body: another one gets what was sent and what still comes")
    func earlyRefusal() throws {
        let site = try PlayedSite(
            "retry-on 503", "option redispatch", "server s1 127.0.0.1:9001", "server s2 127.0.0.1:9002")
        // The server takes the head as the whole request.
        _ = site.server(1) { _ in .close(saying: PlayedServer.ok("busy", status: 503)) }
        let second = site.server(2) { _ in .answer(PlayedServer.ok("good")) }
        site.kernel.servers[.ip(.loopbackV4, port: 9_001)] = { [unowned site] kernel, wire in
            kernel.schedule(Refuser(wire, PlayedServer.ok("busy", status: 503)), after: .zero)
            _ = site
            return true
        }
        let client = site.client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234")
        site.run(for: 50)
        #expect(client.status == nil)
        client.send("56789")
        site.run(for: 50)
        #expect(client.received.hasSuffix("good"))
        #expect(second.requests.first?.hasSuffix("\r\n\r\n0123456789") == true)
        site.end()
    }

    /// Sends the same bytes on every connection, whatever it receives.
    private final class Refuser: SimulatedPeer {
        private let wire: Wire
        private let answer: String
        private var isAccepted = false

        init(_ wire: Wire, _ answer: String) {
            self.wire = wire
            self.answer = answer
        }

        func act(in kernel: SimulatedKernel) {
            guard isAccepted else {
                isAccepted = true
                kernel.accept(wire)
                return kernel.schedule(self, after: .milliseconds(10))
            }
            kernel.peerSends(Array(answer.utf8), on: wire)
        }
    }

    @Test("A body larger than a buffer is not kept, and its request not sent again")
    func tooLarge() throws {
        for framing in ["Content-Length: 20000", "Transfer-Encoding: chunked"] {
            let (site, first, second) = try site(retryOn: "empty-response 503") { _ in .close() }
            let body = String(repeating: "b", count: 20_000)
            let chunked = "4e20\r\n\(body)\r\n0\r\n\r\n"
            let client = site.client(
                "PUT / HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n\(framing.hasPrefix("C") ? body : chunked)")
            site.run(for: 500)
            #expect(client.status == 502)
            #expect((first.requests.count, second.requests.count) == (1, 0))
            site.end()
        }
    }

    @Test("A request that was retried and waits for a place is one request")
    func retriedIntoTheQueue() throws {
        let site = try PlayedSite(
            "retry-on 503", "option redispatch", "timeout queue 10s", "server s1 127.0.0.1:9001 maxconn 1",
            "server s2 127.0.0.1:9002 maxconn 1")
        _ = site.server(1) { _ in .answer(PlayedServer.ok("bad", status: 503), after: 10) }
        _ = site.server(2) { _ in .answer(PlayedServer.ok("good"), after: 100) }
        let clients = (1...4).map { number in
            defer { site.run(for: 1) }
            return site.get("/\(number)")
        }
        site.run(for: 3_000)
        // s1 is tried as long as it has a free slot; in the end each request has used all its retries.
        #expect(clients.allSatisfy { $0.status == 200 || $0.status == 503 })
        #expect(clients.contains { $0.status == 200 })
        #expect(site.log().count == 4)
        #expect(site.backend.servers.map(\.active.current) == [0, 0])
        site.end()
    }

    @Test("Under every misfortune requests with all their retries end once and leave nothing")
    func misfortunes() {
        for seed: UInt64 in 1...16 {
            let site = SimulatedSite(
                seed: seed, faultOneIn: 3,
                configure: {
                    $0.retryOn = [.allRetryableErrors, .status(404)]
                    $0.server = .seconds(2)
                    if seed % 2 == 0 { $0.redispatch = .never }
                },
                configureServers: { if seed % 3 == 0 { $0.limits.maxConnections = 2 } })
            site.addClients(20, requestsEach: 4)
            site.runToTheEnd()
            let holdings = site.worker.holdings
            #expect(holdings == (0, 0, 0), "seed \(seed)")
            #expect(site.kernel.openCount == 0, "seed \(seed)")
            let backend = site.plan.backends[0].backend
            #expect(backend.active.current == 0 && backend.queued.current == 0, "seed \(seed)")
            #expect(backend.servers.allSatisfy { $0.active.current == 0 && $0.idle.current == 0 }, "seed \(seed)")
        }
    }
}
