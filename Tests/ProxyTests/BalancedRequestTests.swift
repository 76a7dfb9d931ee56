// A balancing algorithm gets the request that a server is chosen for.

import Balancing
import Basics
import HTTP
import Testing

/// Chooses by the number that the path consists of; without a path, by the last number of the client's IPv4 address.
private final class NumberAlgorithm: BalancingAlgorithm {
    static let words = ["number"]
    static let summary = "the server of that number"

    private let servers: [Server]

    init(_ options: Void, among servers: [Server]) { self.servers = servers }

    func choose<Request: BalancingRequest & ~Copyable>(
        _ attempt: borrowing SlotAttempt, for request: borrowing Request
    ) -> SlotChoice {
        var number = request.withHead { $0.path.byteCount == 2 ? Int($0.path[1]) - 0x30 : 0 }
        if number == 0, case .v4(let address)? = request.client.ip { number = Int(address & 0xFF) }
        let server = servers[(number - 1) % servers.count]
        return attempt.take(server) ? .server(server) : .full(server)
    }
}

@Suite struct BalancedRequestTests {
    private let balance = BalanceLine(NumberAlgorithm.self, ())

    @Test("An algorithm sees the path as rules have made it")
    func path() throws {
        let site = try PlayedSite(
            "http-request set-path /2 if { path /other }", "server s1 127.0.0.1:9001", "server s2 127.0.0.1:9002",
            balance: balance)
        for number in 1...2 { _ = site.server(number) { _ in .answer(PlayedServer.ok("\(number)")) } }
        for (path, server) in [("/1", "1"), ("/2", "2"), ("/2", "2"), ("/1", "1"), ("/other", "2")] {
            let client = site.get(path)
            site.run(for: 20)
            #expect(client.received.hasSuffix("\r\n\r\n\(server)"), "\(path): \(client.received)")
        }
        site.end()
    }

    @Test("In TCP mode it sees the client's address, and a head without a path")
    func address() throws {
        let site = try PlayedSite(
            mode: "tcp", "tcp-request connection set-src ipv4(192.0.2.2)", "server s1 127.0.0.1:9001",
            "server s2 127.0.0.1:9002", balance: balance)
        let first = site.server(1) { _ in .answer(PlayedServer.ok("1")) }
        let second = site.server(2) { _ in .answer(PlayedServer.ok("2")) }
        for _ in 1...3 {
            let client = site.get("/1")
            site.run(for: 20)
            #expect(client.received.hasSuffix("2"), "\(client.received)")
        }
        #expect(first.requests.isEmpty && second.requests.count == 3)
        site.end()
    }
}
