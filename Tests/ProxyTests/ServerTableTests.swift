// A plan's own table of its servers, and servers that leave their backend while the plan names them.

import Basics
import KernelSimulation
import Testing

@testable import Balancing
@testable import Proxy

@Suite struct ServerTableTests {
    private func servers(_ count: Int) -> [Server] {
        (0..<count).map { index in
            let filed = FiledServer(
                name: "s\(index)", configuration: ServerConfiguration(id: index + 1),
                address: .ip(.loopbackV4, port: UInt16(index + 1)))
            return Server(filed, backendName: "app", workers: 1, now: Instant(nanoseconds: 0))
        }
    }

    @Test func `every server has its place in its plan, in whatever order it was made`() {
        let made = servers(5)
        for order in [[0, 1, 2, 3, 4], [4, 0, 3], [2], [1, 2, 4], []] {
            let table = ServerTable(order.map { made[$0] })
            #expect(order.map { table.place(of: made[$0]) } == Array(order.indices))
            #expect(table.map(\.name) == order.map { "s\($0)" })
            for stranger in (0..<5).filter({ !order.contains($0) }) {
                #expect(table.place(of: made[stranger]) == nil)
            }
        }
    }

    private func replaceServers(_ servers: [Server], of site: PlayedSite) {
        let roster = Roster(servers: servers, algorithm: BalancingAlgorithms.standard, usesAllBackups: false)
        site.backend.replaceRoster(by: roster, now: site.kernel.now)
    }

    private func named(by cookie: String, _ lines: String...) throws -> (PlayedSite, PlayedClient, [PlayedServer]) {
        let all = lines + ["server s1 127.0.0.1:9001 cookie a", "server s2 127.0.0.1:9002 cookie b"]
        let site = try PlayedSite(all.joined(separator: "\n    "))
        let servers = (1...2).map { site.server($0) { _ in .answer(PlayedServer.ok()) } }
        replaceServers([site.backend.servers[1]], of: site)
        let client = site.client("GET / HTTP/1.1\r\nHost: a\r\nCookie: \(cookie)\r\n\r\n")
        site.run(for: 20)
        return (site, client, servers)
    }

    @Test func `a cookie of a server that is gone leads to another, even where cookies are insisted on`() throws {
        let (site, client, servers) = try named(by: "S=a", "cookie S insert", "option persist")
        #expect(client.status == 200 && servers.map(\.requests.count) == [0, 1])
        #expect(client.received.contains("S=b"), "the client is told")
        site.end()
    }

    @Test func `a rule that names a server that is gone is passed over, even where rules insist`() throws {
        let (site, client, servers) = try named(by: "x=y", "use-server s1 if TRUE", "option persist")
        #expect(client.status == 200 && servers.map(\.requests.count) == [0, 1])
        site.end()
    }

    @Test func `values of a server that has changed places are its own`() throws {
        let site = try PlayedSite(
            "cookie S insert", "server s1 127.0.0.1:9001 cookie a", "server s2 127.0.0.1:9002 cookie b")
        _ = (1...2).map { site.server($0) { _ in .answer(PlayedServer.ok()) } }
        replaceServers(site.backend.servers.reversed(), of: site)
        let first = site.get("/")
        site.run(for: 20)
        #expect(first.received.contains("S=b"), "the first of the new order")
        site.end()
    }
}
