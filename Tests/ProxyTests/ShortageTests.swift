// A system call fails for lack of memory (ENOBUFS, ENOMEM): it is retried once at once, and then the exchange fails.

import Balancing
import Basics
import KernelSimulation
import SystemPackage
import Testing

@testable import Proxy

@Suite struct ShortageTests {
    private let server = SocketAddress.ip(.loopbackV4, port: 9_001)

    private func site(_ lines: String...) throws -> PlayedSite {
        let site = try PlayedSite("timeout server 60s", "server s1 127.0.0.1:9001", lines.joined(separator: "\n    "))
        _ = site.server(1) { _ in .answer(PlayedServer.ok()) }
        return site
    }

    @Test("One failure is nothing that a client notices", arguments: [Errno.noBufferSpace, .noMemory])
    func once(reason: Errno) throws {
        let site = try site()
        site.kernel.sendFaults[server] = (reason, 1)
        site.kernel.receiveFaults[server] = (reason, 1)
        let client = site.get("/")
        site.run(for: 100)
        #expect(client.status == 200)
        site.end()
    }

    @Test(
        "A request that cannot be sent fails at once, not after timeout server",
        arguments: [Errno.noBufferSpace, .noMemory])
    func sendingFails(reason: Errno) throws {
        // Regression: it was treated as a server that has stopped reading, and the exchange waited for its response.
        let site = try site()
        site.kernel.sendFaults[server] = (reason, .max)
        let client = site.get("/")
        site.run(for: 100)
        #expect(client.status == 502)
        #expect(site.log().map { $0.contains(" SH-- ") } == [true])
        site.end()
    }

    @Test("With retry-on it is sent again, elsewhere if that is allowed")
    func sentElsewhere() throws {
        let site = try site("option redispatch", "retry-on empty-response", "server s2 127.0.0.1:9002")
        _ = site.server(2) { _ in .answer(PlayedServer.ok("second")) }
        site.kernel.sendFaults[server] = (.noBufferSpace, .max)
        let clients = [site.get("/1"), site.get("/2")]
        site.run(for: 100)
        #expect(clients.map(\.status) == [200, 200])
        site.end()
    }

    @Test("An answer that cannot be read fails at once")
    func receivingFails() throws {
        let site = try site()
        site.kernel.receiveFaults[server] = (.noMemory, .max)
        let client = site.get("/")
        site.run(for: 100)
        #expect(client.status == 502)
        site.end()
    }

    @Test("An answer that cannot be sent to the client ends the exchange, and the client is not blamed: RD")
    func answeringFails() throws {
        let site = try PlayedSite("server s1 127.0.0.1:9001")
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 50) }
        let client = site.get("/")
        site.run(for: 20)
        site.kernel.sendFaults[client.address] = (.noBufferSpace, .max)
        site.run(for: 100)
        #expect(site.log().map { $0.contains(" RD-- ") } == [true])
        #expect(site.backend.traffic.total(.clientAborts) == 0)
        site.kernel.sendFaults = [:]
        site.run(for: 5_000)
        site.end()
    }
}
