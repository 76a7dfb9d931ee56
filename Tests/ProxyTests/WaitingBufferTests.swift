// What waits without bytes holds no buffer: each costs 16 KiB of address space and at least a page, for as long as the wait lasts.

import Basics
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct WaitingBufferTests {
    private let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func `a request that waits for its response holds no buffer`() throws {
        let site = try PlayedSite("server s1 127.0.0.1:9001")
        _ = site.server(1) { _ in .silence }
        _ = site.client(request)
        site.run(for: 100)
        #expect(site.worker.hasStream(in: "awaitingResponse"))
        #expect(site.worker.holdings.buffers == 0)
        site.end()
    }

    @Test func `a request that waits for a slot on a server holds no buffer`() throws {
        let site = try PlayedSite("server s1 127.0.0.1:9001 maxconn 1")
        _ = site.server(1) { _ in .silence }
        for _ in 1...2 { _ = site.client(request) }
        site.run(for: 100)
        #expect(site.worker.hasStream(in: "queued") && site.worker.hasStream(in: "awaitingResponse"))
        #expect(site.worker.holdings.buffers == 0)
        site.end()
    }

    @Test func `a request that waits for its connection to stand holds no buffer`() throws {
        let site = try PlayedSite("server s1 127.0.0.1:9001")
        site.kernel.servers[.ip(.loopbackV4, port: 9_001)] = { _, _ in true }
        _ = site.client(request)
        site.run(for: 100)
        #expect(site.worker.hasStream(in: "connecting"))
        #expect(site.worker.holdings.buffers == 0)
        site.end()
    }
}
