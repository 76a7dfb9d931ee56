// A balancing algorithm gets the request that a server is chosen for.

import Basics
import HTTP
import Testing

@testable import Balancing

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

@Suite struct KeyedRequestTests {
    /// The servers, from 0, that the requests of clients reach one after the other.
    private func chosen(
        by lines: String..., mode: String = "http", servers: Int = 5, of requests: [String]
    ) throws -> [Int] {
        let serverLines = (1...servers).map { "server s\($0) 127.0.0.1:\(9_000 + $0)" }
        let site = try PlayedSite(mode: mode, (lines + serverLines).joined(separator: "\n    "))
        for number in 1...servers { _ = site.server(number) { _ in .answer(PlayedServer.ok("server \(number - 1)")) } }
        let answers = requests.map { text in
            let client = site.client(text)
            site.run(for: 50)
            client.finish()
            site.run(for: 20)
            return client.received.split(separator: " ").last.flatMap { Int($0) } ?? -1
        }
        site.end()
        return answers
    }

    private func sdbm(_ key: String) -> Int { unsafe Int(ShortHash.sdbm(Array(key.utf8).span.bytes) % 5) }

    private func get(_ path: String, _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    @Test("The value of an expression decides, and requests without one take turns")
    func expression() throws {
        let requests = ["x", "y", "z", "x"].map { get("/", "X-Id: \($0)\r\n") } + [get("/"), get("/")]
        let expected = ["x", "y", "z", "x"].map(sdbm) + [0, 1]
        #expect(try chosen(by: "balance hash req.hdr(x-id)", of: requests) == expected)
    }

    @Test("Numbers and addresses are hashed as bytes, and where the key is a number already, as text")
    func types() throws {
        let requests = [7, 1_003, 12].map { get("/", "X-Id: \($0)\r\n") }
        let bytes: [[UInt8]] = [[0, 7], [3, 0xEB], [0, 12]]
        let expected = bytes.map { unsafe Int(ShortHash.sdbm((Array(repeating: 0, count: 6) + $0).span.bytes) % 5) }
        #expect(try chosen(by: "balance hash req.hdr_val(x-id)", of: requests) == expected)
        let numbers = try chosen(
            by: "balance hash req.hdr_val(x-id)", "hash-type map-based none", of: requests)
        #expect(numbers == [2, 3, 2])
    }

    @Test("check_post waits for the body of a POST and looks for the parameter there")
    func body() throws {
        let requests = ["7", "8", "9"].map {
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nx=1&id=\($0)"
        }
        #expect(try chosen(by: "balance url_param id check_post", of: requests) == ["7", "8", "9"].map(sdbm))
    }

    @Test("In TCP mode the cookie of a Remote Desktop client decides, if rules have waited for it")
    func remoteDesktop() throws {
        let site = try PlayedSite(
            mode: "tcp", "balance rdp-cookie", "tcp-request inspect-delay 5s",
            "tcp-request content accept if { req.rdp_cookie_cnt gt 0 }", "server s1 127.0.0.1:9001",
            "server s2 127.0.0.1:9002", "server s3 127.0.0.1:9003", "server s4 127.0.0.1:9004",
            "server s5 127.0.0.1:9005")
        for number in 1...5 { _ = site.server(number) { _ in .answer("hello") } }
        for user in ["anna", "bert", "anna"] {
            let cookie = Array("Cookie: mstshash=\(user)\r\n".utf8)
            let length = UInt8(11 + cookie.count)
            let header: [UInt8] = [3, 0, 0, length, length - 5, 0xE0, 0, 0, 0, 0, 0]
            let client = site.client(header + cookie)
            site.run(for: 50)
            client.finish()
            site.run(for: 20)
        }
        var expected = [0, 0, 0, 0, 0]
        for user in ["anna", "bert", "anna"] { expected[sdbm(user)] += 1 }
        #expect(site.backend.servers.map { Int($0.traffic.total(.sessions)) } == expected)
        site.end()
    }

    @Test("What goes by requests has no effect in TCP mode: servers take turns")
    func tcp() throws {
        #expect(
            try chosen(by: "balance uri", mode: "tcp", of: [get("/a"), get("/a"), get("/a")]) == [0, 1, 2])
    }

    @Test("ewma learns how long servers take to begin a response")
    func latency() throws {
        let site = try PlayedSite("balance ewma", "server s1 127.0.0.1:9001", "server s2 127.0.0.1:9002")
        _ = site.server(1) { _ in .answer(PlayedServer.ok("1"), after: 40) }
        _ = site.server(2) { _ in .answer(PlayedServer.ok("2"), after: 400) }
        for _ in 1...6 {
            _ = site.get("/")
            site.run(for: 1_000)
        }
        let learned = site.backend.servers.map { $0.latency.value ?? 0 }
        #expect((0.04..<0.1).contains(learned[0]) && (0.4..<0.5).contains(learned[1]), "\(learned)")
        #expect(site.backend.servers[0].traffic.total(.sessions) > site.backend.servers[1].traffic.total(.sessions))
        site.end()
    }
}
