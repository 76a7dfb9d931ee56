// Exchanges with any failure that a seed selects: each ends once, and nothing is left behind.

import Balancing
import Basics
import Foundation
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct SimulationTests {
    /// Invariants at the end of every run.
    private func expectNothingLeft(_ site: SimulatedSite, seed: UInt64) {
        let holdings = site.worker.holdings
        #expect(holdings.watched == 0, "seed \(seed)")
        #expect(holdings.exchanges == 0, "seed \(seed)")
        #expect(holdings.buffers == 0, "seed \(seed)")
        #expect(site.kernel.openCount == 0, "descriptors left open, seed \(seed)")
        #expect(site.plan.site.admission.connections.current == 0, "seed \(seed)")
        #expect(site.plan.frontends[0].sessions.current == 0, "seed \(seed)")
        let backend = site.plan.backends[0].backend
        #expect(backend.active.current == 0, "seed \(seed)")
        for server in backend.servers {
            #expect(server.active.current == 0, "seed \(seed)")
            #expect(server.idle.current == 0, "seed \(seed)")
        }
    }

    @Test(
        "An exchange under short reads and writes, resets at every step, silence and refusals ends once and leaks nothing"
    )
    func faults() {
        for seed in 1...40 {
            let site = SimulatedSite(seed: UInt64(seed), faultOneIn: 3)
            site.addClients(20, requestsEach: 4)
            site.runToTheEnd()
            expectNothingLeft(site, seed: UInt64(seed))
        }
    }

    @Test("Well-behaved peers get every answer, in order and whole, however the bytes are cut")
    func everyAnswerArrives() {
        for seed in 1...20 {
            let site = SimulatedSite(seed: UInt64(seed), faultOneIn: .max)
            site.addClients(10, requestsEach: 5)
            site.runToTheEnd()
            expectNothingLeft(site, seed: UInt64(seed))
            let frontend = site.plan.frontends[0].traffic
            #expect(frontend.total(.responses2xx) == frontend.total(.requests), "seed \(seed)")
            for client in site.clients {
                let text = String(decoding: client.received, as: UTF8.self)
                #expect(client.requestCount == text.ranges(of: "HTTP/1.1 2").count, "seed \(seed)")
                #expect(!text.contains("HTTP/1.1 5"), "seed \(seed): \(text.prefix(200))")
            }
        }
    }

    /// Buffered bodies: in memory, in memory and files, with less of both than needed, and for rules.
    static let bufferings: [@Sendable (inout ProxySettings) -> Void] = [
        { settings in
            settings.requestBuffer = BodyBuffering(memoryBytesMax: 1 << 20)
            settings.responseBuffer = BodyBuffering(memoryBytesMax: 1 << 20)
        },
        { settings in
            let spill = BodyBuffering.Spill(directory: NSTemporaryDirectory(), bytesMax: 1 << 20)
            settings.requestBuffer = BodyBuffering(memoryBytesMax: 16_384, spill: spill)
            settings.responseBuffer = BodyBuffering(memoryBytesMax: 1, spill: spill)
        },
        { settings in
            settings.buffersRequests = true
            settings.httpRequest = .seconds(600)
            settings.requestBuffer = BodyBuffering(memoryBytesMax: 40_000)
            settings.responseBuffer = BodyBuffering(memoryBytesMax: 5_000)
        },
        { settings in
            settings.buffersRequests = true
            settings.httpRequest = .seconds(600)
        },
    ]

    @Test("With bodies that wait in Portico, nothing leaks either and each exchange ends once", arguments: 0..<4)
    func faultsWithBuffers(buffering: Int) {
        for seed in 1...15 {
            let site = SimulatedSite(seed: UInt64(seed), faultOneIn: 3, configure: Self.bufferings[buffering])
            site.addClients(20, requestsEach: 4)
            site.runToTheEnd()
            expectNothingLeft(site, seed: UInt64(seed))
        }
    }

    @Test(
        "Bodies that wait in Portico arrive whole, with a length, and nobody is asked for them twice", arguments: 0..<4)
    func everyAnswerArrivesThroughBuffers(buffering: Int) {
        for seed in 1...12 {
            let site = SimulatedSite(seed: UInt64(seed), faultOneIn: .max, configure: Self.bufferings[buffering])
            site.addClients(10, requestsEach: 5)
            site.runToTheEnd()
            expectNothingLeft(site, seed: UInt64(seed))
            for client in site.clients {
                let text = String(decoding: client.received, as: UTF8.self)
                #expect(client.requestCount == text.ranges(of: "HTTP/1.1 2").count, "seed \(seed)")
            }
            guard site.plan.backends[0].requestBuffer != nil else { continue }
            #expect(site.chunkedRequests == 0, "seed \(seed)")
            #expect(site.expectations == 0, "seed \(seed)")
        }
    }

    @Test("When no file can be made, requests are refused, responses wait, and nothing is lost or left")
    func filesThatFail() {
        let spill = BodyBuffering.Spill(directory: "/nowhere/at/all", bytesMax: 1 << 20)
        for seed in 1...12 {
            let site = SimulatedSite(seed: UInt64(seed), faultOneIn: .max) {
                $0.requestBuffer = BodyBuffering(memoryBytesMax: 16_384, spill: spill)
                $0.responseBuffer = BodyBuffering(memoryBytesMax: 16_384, spill: spill)
            }
            site.addClients(10, requestsEach: 3)
            site.runToTheEnd()
            expectNothingLeft(site, seed: UInt64(seed))
            let frontend = site.plan.frontends[0].traffic
            #expect(
                frontend.total(.responses2xx) + frontend.total(.responses5xx) == frontend.total(.requests),
                "seed \(seed)")
        }
    }

    @Test("Tunnels under the same misfortunes end once and leak nothing")
    func tunnels() {
        for seed in 1...20 {
            let site = SimulatedSite(seed: UInt64(seed), faultOneIn: 4, mode: .tcp)
            site.addClients(15, requestsEach: 3)
            site.runToTheEnd()
            expectNothingLeft(site, seed: UInt64(seed))
        }
    }

    @Test(
        "Few connections at a time: the others wait and are served, and accepting survives running out of descriptors")
    func limits() {
        for seed in 1...15 {
            let site = SimulatedSite(seed: UInt64(seed), faultOneIn: .max) { $0.maxConnections = 2 }
            site.kernel.moods.exhaustion = 100
            site.addClients(12, requestsEach: 2)
            site.runToTheEnd()
            expectNothingLeft(site, seed: UInt64(seed))
            #expect(site.plan.frontends[0].sessions.maximum <= 2)
            #expect(site.plan.frontends[0].traffic.total(.connections) == 12, "seed \(seed)")
        }
    }

    @Test("A system that cannot watch another socket costs connections, and nothing else")
    func watches() {
        for seed in 1...15 {
            let site = SimulatedSite(seed: UInt64(seed), faultOneIn: .max)
            site.kernel.moods.shortOfWatches = 150
            site.addClients(12, requestsEach: 2)
            site.runToTheEnd()
            expectNothingLeft(site, seed: UInt64(seed))
        }
    }

    @Test("The same seed gives the same run")
    func sameSeedSameTrace() {
        func trace(_ seed: UInt64) -> UInt64 {
            let site = SimulatedSite(seed: seed, faultOneIn: 3)
            site.addClients(20, requestsEach: 4)
            site.runToTheEnd()
            return site.kernel.trace
        }
        for seed: UInt64 in 1...4 { #expect(trace(seed) == trace(seed)) }
        #expect(trace(1) != trace(2))
    }
}
