// `option safe-retry`: requests whose server dies are sent again where that does no harm.

import Basics
import Testing

@testable import Proxy

@Suite struct SafeRetryTests {
    private typealias Reaction = PlayedServer.Reaction

    /// A site of two servers, the first of which fails.
    private func site(
        _ lines: String..., first: @escaping (PlayedServer.Connection) -> Reaction
    ) throws -> (site: PlayedSite, first: PlayedServer, second: PlayedServer) {
        let site = try PlayedSite(
            "option safe-retry", lines.joined(separator: "\n    "), "server s1 127.0.0.1:9001",
            "server s2 127.0.0.1:9002")
        return (site, site.server(1, first), site.server(2) { _ in .answer(PlayedServer.ok("good")) })
    }

    @Test(
        "A request that can be repeated goes to another server when its own closes or resets before its head is whole",
        arguments: ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"], ["close", "reset", "half"])
    func repeated(method: String, failure: String) throws {
        let (site, first, second) = try site { _ in
            switch failure {
            case "close": .close()
            case "reset": .reset
            default: .close(saying: "HTTP/1.1 200 OK\r\nConte")
            }
        }
        let content = method == "PUT" ? "Content-Length: 5\r\n\r\nhello" : "\r\n"
        let client = site.client("\(method) / HTTP/1.1\r\nHost: a\r\n\(content)")
        site.run(for: 100)
        #expect(client.status == 200)
        #expect(first.requests == second.requests && second.requests.count == 1)
        let lines = site.log()
        #expect(lines.count == 1 && lines[0].contains("site/s2 ") && lines[0].contains("/+1 0/0 "), "\(lines)")
        site.end()
    }

    @Test("One that may have had an effect is not sent again, nor one that a rule forbids to")
    func notRepeated() throws {
        let (site, first, second) = try site("http-request disable-l7-retry if { path /once }") { _ in .close() }
        let post = site.client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        site.run(for: 50)
        #expect(post.status == 502)
        // The next server in turn is the second.
        _ = site.get("/")
        site.run(for: 50)
        let once = site.get("/once")
        site.run(for: 50)
        #expect(once.status == 502)
        #expect((first.requests.count, second.requests.count) == (2, 1))
        site.end()
    }

    @Test("A client that was sent an interim response gets no second beginning")
    func afterInterim() throws {
        let (site, _, second) = try site { _ in .close(saying: "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n") }
        let client = site.get("/")
        site.run(for: 50)
        #expect(client.received.hasPrefix("HTTP/1.1 103 ") && client.received.contains("HTTP/1.1 502 "))
        #expect(second.requests.isEmpty)
        site.end()
    }

    @Test("A slow server is not a dead one")
    func slow() throws {
        let (site, _, second) = try site("timeout server 200ms") { _ in .silence }
        let client = site.get("/")
        site.run(for: 500)
        #expect(client.status == 504 && second.requests.isEmpty)
        site.end()
    }

    @Test("The only server is asked again, as often as `retries` says")
    func onlyServer() throws {
        let site = try PlayedSite("option safe-retry", "retries 2", "server s1 127.0.0.1:9001")
        let server = site.server(1) { _ in .close() }
        let client = site.get("/")
        site.run(for: 50)
        #expect(client.status == 502 && server.requests.count == 3)
        site.end()
    }

    @Test("Where no connection comes about, another server has the request at once, whatever its method")
    func refusedConnection() throws {
        let site = try PlayedSite("option safe-retry", "server s1 127.0.0.1:9001", "server s2 127.0.0.1:9002")
        let server = site.server(2) { _ in .answer(PlayedServer.ok("good")) }
        let client = site.client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        site.run(for: 50)
        #expect(client.status == 200 && server.requests.count == 1)
        site.end()
    }
}
