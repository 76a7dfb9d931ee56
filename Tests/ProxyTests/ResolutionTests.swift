// Rules that wait for an address (`do-resolve`); the test takes the role of the control thread.

import Basics
import KernelSimulation
import Testing

@testable import Balancing
@testable import Proxy
@testable import Resolvers

@Suite struct ResolutionTests {
    private static let resolvers = """
        resolvers dns
            nameserver one 127.0.0.1:53
            timeout retry 100ms
            hold valid 10s
        """

    /// Sends each request to the address of its Host.
    private func forwardProxy(_ lines: String...) throws -> PlayedSite {
        let site = try PlayedSite(
            "http-request do-resolve(txn.ip,dns,ipv4) req.hdr(host),host_only",
            "http-request deny deny_status 503 unless { var(txn.ip) -m found }", "http-request set-dst var(txn.ip)",
            "http-request set-dst-port int(9001)", lines.joined(separator: "\n"), "server any 0.0.0.0:0",
            sections: Self.resolvers)
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1) }
        return site
    }

    private func get(_ host: String, from site: PlayedSite) -> PlayedClient {
        site.client("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    }

    @Test("A request waits for its address, and goes there; the wait is the request's time")
    func waits() throws {
        let site = try forwardProxy()
        let client = get("a.test:8080", from: site)
        site.run(for: 50)
        #expect(client.status == nil)
        #expect(site.namesAsked() == ["a.test"])
        site.settle("a.test", .loopbackV4)
        site.run(for: 20)
        #expect(client.status == 200)
        let line = try #require(site.log().first)
        #expect(line.hasPrefix("site site/any 50/"), "\(line)")
        site.end()
    }

    @Test("Requests for one name at a time are one question, and what is known is not asked again")
    func shared() throws {
        let site = try forwardProxy()
        let clients = ["a.test", "A.test", "a.test."].map { get($0, from: site) }
        site.run(for: 20)
        #expect(site.namesAsked() == ["a.test"])
        site.settle("a.test", .loopbackV4)
        site.run(for: 20)
        #expect(clients.allSatisfy { $0.status == 200 })
        let later = get("a.test", from: site)
        site.run(for: 20)
        #expect(later.status == 200 && site.namesAsked().isEmpty)
        site.run(for: 10_000)
        _ = get("a.test", from: site)
        site.run(for: 20)
        #expect(site.namesAsked() == ["a.test"])
        site.end()
    }

    @Test("Without an address the variable is not set, and the rules go on")
    func unknown() throws {
        let site = try forwardProxy()
        let client = get("no.test", from: site)
        site.run(for: 20)
        site.settle("no.test", nil)
        site.run(for: 20)
        #expect(client.status == 503)
        site.end()
    }

    @Test(
        "What is no name is not asked for",
        arguments: ["", "a..b", "[::1]", "a:80", "a\u{e9}.test", "a b", String(repeating: "a", count: 300)])
    func noName(host: String) throws {
        let site = try PlayedSite(
            "http-request do-resolve(txn.ip,dns) req.hdr(x-host)", "http-request return status 200",
            sections: Self.resolvers)
        let client = site.client("GET / HTTP/1.1\r\nHost: x\r\nX-Host: \(host)\r\n\r\n")
        site.run(for: 5)
        #expect(client.status == 200 && site.namesAsked().isEmpty)
        site.end()
    }

    @Test("A client that leaves while it waits is not missed, and the answer is nobody's")
    func left() throws {
        let site = try forwardProxy()
        let client = get("a.test", from: site)
        site.run(for: 20)
        client.reset()
        site.run(for: 20)
        let line = try #require(site.log().first)
        #expect(line.contains(" CR-- "), "\(line)")
        site.settle("a.test", .loopbackV4)
        site.run(for: 20)
        site.end()
    }

    @Test("A control thread that does not answer is not waited for much longer than the nameservers are")
    func noAnswer() throws {
        let site = try forwardProxy()
        let client = get("a.test", from: site)
        // Three times a tenth of a second, and a second.
        site.run(for: 1_250)
        #expect(client.status == nil)
        site.run(for: 150)
        #expect(client.status == 503)
        site.end()
    }

    @Test("An answer that comes too late is not taken for that to the next question")
    func late() throws {
        let site = try PlayedSite(
            "http-request do-resolve(txn.a,dns) str(a.test)", "http-request do-resolve(txn.b,dns) str(b.test)",
            "http-request return status 200 content-type text/plain lf-string \"%[var(txn.a)] %[var(txn.b)]\"",
            sections: Self.resolvers)
        let client = site.get("/")
        site.run(for: 1_350)
        #expect(site.namesAsked() == ["a.test", "b.test"])
        site.settle("a.test", .v4(0x0A00_0001))
        site.run(for: 10)
        #expect(client.status == nil)
        site.settle("b.test", .v4(0x0A00_0002))
        site.run(for: 10)
        #expect(client.received.hasSuffix(" 10.0.0.2"), "\(client.received)")
        site.end()
    }

    @Test("Pipelined requests each have their own address")
    func pipelined() throws {
        let site = try PlayedSite(
            "http-request do-resolve(txn.ip,dns) req.hdr(x)",
            "http-request return status 200 content-type text/plain lf-string \"<%[var(txn.ip)]>\"",
            sections: Self.resolvers)
        let client = site.client(
            ["a", "b", "a"].map { "GET / HTTP/1.1\r\nHost: h\r\nX: \($0)\r\n\r\n" }.joined())
        site.run(for: 10)
        site.settle("a", .v4(0x0A00_0001))
        site.run(for: 10)
        site.settle("b", .v4(0x0A00_0002))
        site.run(for: 10)
        let found = client.received.split(separator: "<").dropFirst().map { $0.prefix { $0 != ">" } }
        #expect(found == ["10.0.0.1", "10.0.0.2", "10.0.0.1"], "\(client.received)")
        site.end()
    }

    @Test("Told to stop at once, nobody waits")
    func stopped() throws {
        let site = try forwardProxy()
        _ = get("a.test", from: site)
        site.run(for: 20)
        site.end()
        site.settle("a.test", .loopbackV4)
    }

    @Test("In TCP mode the connection goes to the address; what the client sends meanwhile is kept")
    func tunnel() throws {
        let site = try PlayedSite(
            mode: "tcp", "tcp-request content do-resolve(txn.ip,dns,ipv4) str(a.test)",
            "tcp-request content set-dst var(txn.ip)", "server any 0.0.0.0:9001", sections: Self.resolvers)
        let server = site.server(1) { _ in .answer(PlayedServer.ok()) }
        let client = site.get("/first")
        site.run(for: 50)
        #expect(site.namesAsked() == ["a.test"] && server.connectionCount == 0)
        site.settle("a.test", .loopbackV4)
        site.run(for: 20)
        #expect(client.status == 200 && server.requests.first?.contains("/first") == true)
        site.end()
    }

    @Test("Rules on content wait for a name no longer than inspect-delay says", arguments: ["tcp", "http"])
    func inspectDelay(mode: String) throws {
        let site = try PlayedSite(
            mode: mode, "tcp-request inspect-delay 150ms", "tcp-request content do-resolve(txn.ip,dns) str(a.test)",
            "tcp-request content reject unless { var(txn.ip) -m found }", "server s1 127.0.0.1:9001",
            sections: Self.resolvers)
        let client = site.get("/")
        site.run(for: 140)
        #expect(!client.isClosed)
        site.run(for: 30)
        #expect(client.isClosed)
        site.end()
    }

    @Test("Answers have a limit of their own: beyond it names are not found, and nobody waits")
    func limit() throws {
        let site = try forwardProxy()
        let names = site.plan.resolvers[0].names
        for number in 0..<NameTable.questionsMax {
            var key = NameTable.Key()
            #expect(Bool(key.set(Array("n\(number)".utf8), .v4)))
            _ = names.ask(key, for: NameWaiter(worker: 0, owner: 0, ticket: 0), now: site.kernel.now)
        }
        let client = get("a.test", from: site)
        site.run(for: 10)
        #expect(client.status == 503)
        site.end()
    }
}

extension PlayedSite {
    /// The names to resolve since the last call.
    fileprivate func namesAsked() -> [String] {
        plan.resolvers[0].names.takeQuestions().map(\.name)
    }

    /// Delivers the result of a resolution, as the control thread does.
    fileprivate func settle(_ name: String, _ address: IPAddress?) {
        for family in [AddressFamily.v4, .v6] {
            var key = NameTable.Key()
            guard key.set(Array(name.utf8), family) else { preconditionFailure("\(name) is no name") }
            let waiters = plan.resolvers[0].names.settle(key, address, hold: .seconds(10), now: kernel.now)
            for waiter in waiters { orders.deliver(NameAnswer(for: waiter, address)) }
        }
    }
}
