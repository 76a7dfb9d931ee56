// Phases in which few streams are for long, and what finds them there: a stop at once, a slow client, a client that takes nothing.

import Balancing
import Basics
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct RarePhaseTests {
    /// `mode tcp`: a rule closes the server at its first bytes, of which the client's connection takes a few hundred at most.
    private func drainingSite() throws -> (site: PlayedSite, client: PlayedClient) {
        let site = try PlayedSite(mode: "tcp", "tcp-response content close", "server s1 127.0.0.1:9001")
        site.worker.transitions = TransitionCoverage.ofStreams
        site.kernel.moods.narrow = 1_000
        _ = site.server(1) { _ in .answer(String(repeating: "a", count: 10_000)) }
        let client = site.client("GET / HTTP/1.1\r\n\r\n")
        client.reads = false
        site.run(for: 100)
        #expect(site.worker.hasStream(in: "draining"))
        return (site, client)
    }

    private func wasMet(_ pair: String, in site: PlayedSite) -> Bool {
        guard let table = site.worker.transitions else { return false }
        return table.met.contains { table.name(of: $0) == pair }
    }

    /// Stops at once, and expects that the stop found streams in `phase`, and that the log says so of each.
    private func stopNow(_ site: PlayedSite, in phase: String, streams: Int) {
        #expect(site.worker.hasStream(in: phase))
        site.orders.give(.stopNow)
        site.run(for: 1)
        site.end()
        #expect(wasMet("\(phase) × stopped", in: site))
        let lines = site.log()
        #expect(lines.count == streams, "\(lines)")
        #expect(lines.allSatisfy { $0.contains(" KD") }, "\(lines)")
    }

    @Test func `inspecting × stopped: rules on content that wait for more end with the process`() throws {
        let site = try PlayedSite(
            mode: "tcp", "tcp-request inspect-delay 10s", "tcp-request content accept if WAIT_END",
            "server s1 127.0.0.1:9001")
        site.worker.transitions = TransitionCoverage.ofStreams
        let client = site.client("hello")
        site.run(for: 100)
        stopNow(site, in: "inspecting", streams: 1)
        #expect(client.isClosed)
    }

    @Test func `queued × stopped: a request that waits for a slot ends with the process, and its place in the queue`()
        throws
    {
        let site = try PlayedSite("server s1 127.0.0.1:9001 maxconn 1")
        site.worker.transitions = TransitionCoverage.ofStreams
        _ = site.server(1) { _ in .silence }
        let clients = ["/served", "/queued"].map { site.get($0) }
        site.run(for: 100)
        #expect(site.backend.queued.current == 1)
        stopNow(site, in: "queued", streams: 2)
        #expect(clients.allSatisfy { $0.isClosed })
    }

    @Test func `draining × stopped: what a closed server has said is lost with the process`() throws {
        let (site, client) = try drainingSite()
        stopNow(site, in: "draining", streams: 1)
        #expect(client.isClosed && client.received.isEmpty)
    }

    @Test func `draining × progress: a slow client gets all that a closed server has said`() throws {
        let (site, client) = try drainingSite()
        client.reads = true
        site.run(for: 20_000)
        #expect(wasMet("draining × progress", in: site))
        #expect(client.received.utf8.count == 10_000)
        let lines = site.log()
        #expect(lines.count == 1 && lines[0].contains(" 10000 -- "), "\(lines)")
        site.end()
    }

    @Test func `draining × clientTimedOut: a client that takes nothing is left after timeout client`() throws {
        let (site, client) = try drainingSite()
        site.run(for: 59_000)
        #expect(!client.isClosed)
        site.run(for: 2_000)
        #expect(wasMet("draining × clientTimedOut", in: site))
        #expect(client.isClosed)
        let lines = site.log()
        #expect(lines.count == 1 && lines[0].contains(" cD "), "\(lines)")
        site.end()
    }
}
