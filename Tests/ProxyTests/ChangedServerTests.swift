// Servers that change while connections to them are made, in use or idle: no request goes over a connection that belongs to what
// the server was before.

import Basics
import KernelSimulation
import ProxyProtocol
import Testing

@testable import Balancing
@testable import Proxy

@Suite struct ChangedServerTests {
    private func site(_ lines: String...) throws -> (PlayedSite, [PlayedServer]) {
        let site = try PlayedSite((["http-reuse always"] + lines).joined(separator: "\n    "))
        let servers = (1...2).map { number in
            site.server(number) { _ in .answer(PlayedServer.ok("\(number)"), after: 20) }
        }
        return (site, servers)
    }

    private func move(_ site: PlayedSite) {
        site.backend.servers[0].move(to: .ip(.loopbackV4, port: 9_002), now: site.kernel.now)
    }

    private func sendHeader(_ site: PlayedSite) {
        var configuration = site.backend.servers[0].configuration
        configuration.proxyHeader = .one
        site.backend.reconfigure(site.backend.servers[0], as: configuration, now: site.kernel.now)
    }

    @Test func `an idle connection to the address of before gets no request`() throws {
        let (site, servers) = try site("server s1 127.0.0.1:9001")
        _ = site.get("/")
        site.run(for: 50)
        #expect(site.backend.servers[0].idle.current == 1)
        move(site)
        for _ in 1...2 {
            let client = site.get("/")
            site.run(for: 50)
            #expect(client.received.hasSuffix("2"))
        }
        #expect(servers.map(\.connectionCount) == [1, 1])
        site.run(for: 10_000)
        #expect(site.backend.servers[0].idle.current == 0, "none is forgotten")
        site.end()
    }

    @Test func `a connection that was in use when the server changed serves its request, and no other`() throws {
        let (site, servers) = try site("server s1 127.0.0.1:9001")
        let first = site.get("/")
        site.run(for: 10)
        move(site)
        site.run(for: 50)
        #expect(first.status == 200 && site.backend.servers[0].idle.current == 0)
        first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        site.run(for: 50)
        #expect(first.received.hasSuffix("2") && servers.map(\.connectionCount) == [1, 1])
        site.end()
    }

    @Test func `a connection that was begun without a PROXY header sends none, and the next one does`() throws {
        let (site, servers) = try site("server s1 127.0.0.1:9001")
        let first = site.get("/")
        for _ in 0..<10 where servers[0].connectionCount == 0 { site.run(for: 0) }
        #expect(servers[0].connectionCount == 1 && servers[0].heard.isEmpty)
        sendHeader(site)
        site.run(for: 50)
        #expect(first.status == 200 && servers[0].requests.count == 1 && servers[0].heard.hasPrefix("GET "))
        let second = site.get("/")
        site.run(for: 50)
        #expect(second.status == 200 && servers[0].requests.last?.hasPrefix("PROXY TCP4 ") == true)
        #expect(servers[0].connectionCount == 2)
        site.end()
    }

    @Test func `keys of connections differ between endpoints, also where all connections are alike`() {
        let address = SocketAddress.ip(.loopbackV4, port: 1)
        let filed = FiledServer(name: "s", configuration: ServerConfiguration(id: 1), address: address)
        let server = Server(filed, backendName: "app", workers: 1, now: Instant(nanoseconds: 0))
        func key(_ epoch: UInt32) -> ConnectionKey { ConnectionKey(of: server, epoch, at: address, header: []) }
        #expect(key(0) == .plain(0) && key(1) == .plain(1) && key(0) != key(1))
        server.move(to: nil, now: Instant(nanoseconds: 0))
        #expect(server.epoch == 1)
    }
}
