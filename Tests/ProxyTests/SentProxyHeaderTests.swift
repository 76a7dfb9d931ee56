// Connections to servers that start with a PROXY protocol header: its contents, and reuse of the connection.

import Balancing
import Basics
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct SentProxyHeaderTests {
    private static let version2 = "\0\r\nQUIT\n!\u{11}\0\u{0C}"

    /// Responds to requests. The first four bytes of a version 2 header look like one.
    private func answer(_ connection: PlayedServer.Connection) -> PlayedServer.Reaction {
        connection.request == "\r\n\r\n" ? .answer("") : .answer(PlayedServer.ok())
    }

    @Test("Version 1 names the client and the address it came to, before its request")
    func line() throws {
        let site = try PlayedSite("server s1 127.0.0.1:9001 send-proxy")
        let server = site.server(1, answer)
        let client = site.get("/a")
        site.run(for: 20)
        #expect(client.status == 200)
        #expect(server.requests.count == 1)
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("PROXY TCP4 127.0.0.2 127.0.0.1 \(client.port) 80\r\nGET /a HTTP/1.1\r\n"))
        site.end()
    }

    @Test("Version 2 says the same in bytes, those of another proxy's header if there was one")
    func block() throws {
        let site = try PlayedSite(bind: "accept-proxy", "server s1 127.0.0.1:9001 send-proxy-v2 send-proxy")
        let server = site.server(1, answer)
        let client = site.client("PROXY TCP4 1.2.3.4 5.6.7.8 258 259\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        site.run(for: 20)
        #expect(client.status == 200)
        #expect(
            server.requests.last?.hasPrefix(
                Self.version2 + "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\u{1}\u{2}\u{1}\u{3}GET /a HTTP/1.1\r\n")
                == true,
            "\(server.requests)")
        site.end()
    }

    @Test("What rules say of the client's ends is what the server is told")
    func otherEnds() throws {
        let site = try PlayedSite(
            "http-request set-src hdr(x-client)", "http-request set-dst-port int(443)",
            "server s1 127.0.0.1:9001 send-proxy")
        let server = site.server(1, answer)
        let client = site.client("GET /a HTTP/1.1\r\nHost: a\r\nX-Client: 2001:db8::7\r\n\r\n")
        site.run(for: 20)
        #expect(
            server.requests.first?.hasPrefix("PROXY TCP6 2001:db8::7 ::ffff:127.0.0.1 \(client.port) 443\r\nGET ")
                == true)
        site.end()
    }

    @Test(
        "A connection serves the client again that it was announced as, and nobody else", arguments: ["safe", "always"])
    func reuse(policy: String) throws {
        let site = try PlayedSite("http-reuse \(policy)", "server s1 127.0.0.1:9001 send-proxy")
        let server = site.server(1, answer)
        let first = site.get("/1")
        let second = site.get("/2")
        site.run(for: 20)
        #expect(server.connectionCount == 2)
        for _ in 1...3 {
            first.send("GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
            second.send("GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
            site.run(for: 20)
        }
        #expect(first.received.ranges(of: "200").count == 4 && second.received.ranges(of: "200").count == 4)
        #expect(server.connectionCount == 2)
        #expect(server.requests.count == 8 && server.requests.count { $0.hasPrefix("PROXY ") } == 2)
        let third = site.get("/3")
        site.run(for: 20)
        #expect(third.status == 200 && server.connectionCount == 3)
        site.end()
    }

    @Test("A client that becomes another by a rule gets a connection of its own")
    func anotherClientOnTheWay() throws {
        let site = try PlayedSite(
            "http-request set-src hdr(x-client)", "server s1 127.0.0.1:9001 send-proxy")
        let server = site.server(1, answer)
        let client = site.client("GET /1 HTTP/1.1\r\nHost: a\r\nX-Client: 1.1.1.1\r\n\r\n")
        site.run(for: 20)
        client.send("GET /2 HTTP/1.1\r\nHost: a\r\nX-Client: 2.2.2.2\r\n\r\n")
        site.run(for: 20)
        #expect(server.connectionCount == 2)
        #expect(server.requests.map { String($0.prefix(18)) } == ["PROXY TCP4 1.1.1.1", "PROXY TCP4 2.2.2.2"])
        site.end()
    }

    @Test("Servers without it share their connections as before")
    func mixed() throws {
        let site = try PlayedSite("http-reuse always", "server s1 127.0.0.1:9001 no-send-proxy")
        let server = site.server(1, answer)
        for number in 1...3 {
            let client = site.get("/\(number)")
            site.run(for: 20)
            #expect(client.status == 200)
        }
        #expect(server.connectionCount == 1 && server.requests.allSatisfy { $0.hasPrefix("GET ") })
        site.end()
    }

    @Test("In mode tcp a server that speaks first is told at once for whom")
    func tunnel() throws {
        let site = try PlayedSite(mode: "tcp", "server s1 127.0.0.1:9001 send-proxy")
        let server = site.server(1) { _ in .close(saying: "220 hello") }
        let client = site.client("")
        site.run(for: 20)
        #expect(server.connectionCount == 1 && server.requests.isEmpty)
        #expect(server.heard.hasPrefix("PROXY TCP4 127.0.0.2 127.0.0.1 ") && server.heard.hasSuffix(" 80\r\n"))
        client.send("EHLO\r\n\r\n")
        site.run(for: 20)
        #expect(server.requests.first?.hasSuffix(" 80\r\nEHLO\r\n\r\n") == true)
        #expect(client.received == "220 hello")
        client.finish()
        site.run(for: 20)
        // The header is not counted as traffic.
        #expect(site.plan.frontends[0].traffic.total(.bytesIn) == 8)
        site.end()
    }

    @Test("Each attempt, and each request that is sent again, begins with a header of its own")
    func again() throws {
        let site = try PlayedSite("retry-on empty-response", "server s1 127.0.0.1:9001 send-proxy")
        let server = site.server(1) { [count = Counter()] connection in
            count.next() == 1 ? .close() : .answer(PlayedServer.ok())
        }
        let client = site.get("/a")
        site.run(for: 2_000)
        #expect(client.status == 200)
        #expect(server.requests.count == 2 && server.requests.allSatisfy { $0.hasPrefix("PROXY TCP4 ") })
        site.end()
    }

    @Test("A head as long as a buffer fits behind a header")
    func longHead() throws {
        let site = try PlayedSite("server s1 127.0.0.1:9001 send-proxy")
        let server = site.server(1, answer)
        let text = "GET /a HTTP/1.1\r\nHost: a\r\nX-Long: "
        let client = site.client(text + String(repeating: "x", count: 15_360 - text.utf8.count - 10) + "\r\n\r\n")
        site.run(for: 100)
        #expect(client.status == 200 && server.requests.count == 1)
        site.end()
    }

    private final class Counter {
        private var count = 0
        func next() -> Int {
            count += 1
            return count
        }
    }
}
