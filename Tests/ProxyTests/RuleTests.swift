// The effects of rules on messages, and how long they delay a message, on the simulated clock; with log lines and
// counters as in HAProxy 2.6.

import Balancing
import Basics
import Foundation
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct RuleTests {
    private static let server = "server s1 127.0.0.1:9001"

    @Test(
        "Each end of a request has its status, its letters and its counter",
        arguments: [
            ("http-request deny", 403, "PR", TrafficCounter.deniedRequests),
            ("http-request return status 200", 200, "LR", .intercepted),
            ("http-request redirect location /x", 302, "LR", .intercepted),
            ("http-request auth realm x", 401, "LR", .intercepted),
            ("http-request set-uri nonsense", 500, "PR", .failedRewrites),
            ("http-request normalize-uri percent-to-uppercase strict", 400, "PR", .badRequests),
            ("http-request tarpit", 500, "PT", .deniedRequests),
            ("http-response deny", 502, "PH", .deniedResponses),
            ("http-response return status 201", 201, "LH", .responses2xx),
            ("http-response redirect location /x", 302, "LH", .responses3xx),
            ("http-after-response set-status 418", 418, "--", .responses4xx),
        ])
    func ends(rule: String, status: Int, letters: String, counter: TrafficCounter) throws {
        let site = try PlayedSite(rule, "timeout tarpit 100ms", Self.server)
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1) }
        let client = site.get("/%zz")
        site.run(for: 300)
        #expect(client.status == status)
        let line = try #require(site.log().first)
        #expect(line.contains(" \(status) ") && line.contains(" \(letters)-- "), "\(line)")
        #expect(site.plan.frontends[0].traffic.total(counter) == 1)
        site.end()
    }

    @Test(
        "reject and silent-drop end without an answer",
        arguments: [
            "http-request reject", "http-request silent-drop", "http-response silent-drop",
        ])
    func silence(rule: String) throws {
        let site = try PlayedSite(rule, Self.server)
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1) }
        let client = site.get("/")
        site.run(for: 100)
        #expect(client.received.isEmpty)
        let line = try #require(site.log().first)
        #expect(line.contains(" -1 0 - - PR-- "), "\(line)")
        #expect(site.plan.frontends[0].traffic.total(.deniedRequests) == 1)
        site.end()
    }

    @Test("A request pauses, once for each rule, and the time is the request's")
    func pauses() throws {
        let site = try PlayedSite("http-request pause 100ms", "http-request pause 50ms", Self.server)
        let server = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1) }
        let client = site.get("/")
        site.run(for: 140)
        #expect(server.requests.isEmpty && client.status == nil)
        site.run(for: 60)
        #expect(client.status == 200)
        let line = try #require(site.log().first)
        #expect(line.hasPrefix("site site/s1 150/"), "\(line)")
        site.end()
    }

    @Test("A response pauses, and then passes whole")
    func responsePauses() throws {
        let site = try PlayedSite("http-response pause 100ms", Self.server)
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1) }
        let client = site.get("/")
        site.run(for: 90)
        #expect(client.status == nil)
        site.run(for: 60)
        #expect(client.status == 200)
        client.send("GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
        site.run(for: 200)
        #expect(client.received.ranges(of: "HTTP/1.1 200").count == 2)
        site.end()
    }

    @Test(
        "A client that resets its connection ends a pause",
        arguments: [
            ("http-request pause 10s", "CR"), ("http-response pause 10s", "CH"),
        ])
    func leftInPause(rule: String, letters: String) throws {
        let site = try PlayedSite(rule, Self.server)
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1) }
        let client = site.get("/")
        site.run(for: 50)
        client.reset()
        site.run(for: 50)
        let line = try #require(site.log().first)
        #expect(line.contains(" \(letters)-- "), "\(line)")
        site.end()
    }

    @Test("wait-for-body waits for the body, as much as is wanted, and no longer than was said")
    func waitsForBody() throws {
        let site = try PlayedSite("http-request wait-for-body time 300ms at-least 4", Self.server)
        let server = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1) }
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n"
        let quick = site.client(head + "ab")
        site.run(for: 100)
        #expect(server.connectionCount == 0)
        quick.send("cd")
        site.run(for: 20)
        #expect(server.connectionCount == 1)
        quick.send("efgh")
        site.run(for: 100)
        #expect(quick.status == 200)

        let slow = site.client(head + "ab")
        site.run(for: 290)
        #expect(slow.status == nil)
        site.run(for: 50)
        #expect(slow.status == 408)
        #expect(site.log().last?.contains(" cR-- ") == true)
        #expect(site.plan.frontends[0].traffic.total(.badRequests) == 1)
        site.end()
    }

    @Test("Early hints go before the response, and only to clients that know them")
    func hints() throws {
        let site = try PlayedSite(
            "http-request early-hint Link \"</a.css>; rel=preload\"", "http-request early-hint X-A %[path]", Self.server
        )
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1) }
        let client = site.get("/p")
        let old = site.client("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        site.run(for: 50)
        #expect(
            client.received.hasPrefix(
                "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nx-a: /p\r\n\r\nHTTP/1.1 200"))
        #expect(old.received.hasPrefix("HTTP/1.1 200"))
        site.end()
    }

    @Test(
        "Whatever method or status a rule makes of it, the next response begins where the client expects it",
        arguments: [
            "http-request set-method HEAD", "http-request set-method GET", "http-response set-status 204",
            "http-after-response set-status 304", "http-after-response set-status 500",
        ])
    func framing(rule: String) throws {
        let site = try PlayedSite("http-request allow if { path /plain }", rule + " if { path /ruled }", Self.server)
        _ = site.server(1) { connection in
            let isHead = connection.request.hasPrefix("HEAD")
            return .answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + (isHead ? "" : "hello"), after: 1)
        }
        for method in ["GET", "HEAD"] {
            let client = site.client("\(method) /ruled HTTP/1.1\r\nHost: a\r\n\r\n")
            site.run(for: 50)
            client.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
            site.run(for: 50)
            let answers = client.received.components(separatedBy: "HTTP/1.1 ").dropFirst()
            #expect(answers.count == 2, "\(client.received)")
            #expect(client.received.hasSuffix("\r\n\r\nhello"), "\(client.received)")
            let first = try #require(answers.first)
            let status = first.prefix(3)
            let body = first.components(separatedBy: "\r\n\r\n").dropFirst().joined()
            let hasBody =
                method == "GET" && status != "204" && status != "304" && rule != "http-request set-method HEAD"
            #expect(body == (hasBody ? "hello" : ""), "\(client.received)")
        }
        site.end()
    }

    @Test(
        "Content that a rule takes off a response is read, unless it is long, so that the server's connection carries more requests",
        arguments: [
            ("Content-Length: 5\r\n\r\nhello", 1), ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 1),
            ("Content-Length: 300000\r\n\r\n" + String(repeating: "x", count: 300_000), 2),
            ("Transfer-Encoding: chunked\r\n\r\n493E0\r\n" + String(repeating: "x", count: 300_000), 2),
        ])
    func discardedContent(response: String, connections: Int) throws {
        let site = try PlayedSite("http-request set-method GET", Self.server)
        let server = site.server(1) { connection in
            .answer(connection.request.hasPrefix("GET /plain") ? PlayedServer.ok() : "HTTP/1.1 200 OK\r\n" + response)
        }
        let client = site.client("HEAD /ruled HTTP/1.1\r\nHost: a\r\n\r\n")
        site.run(for: 50)
        #expect(client.received.hasSuffix("\r\n\r\n") && client.status == 200)
        client.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
        site.run(for: 50)
        #expect(client.received.hasSuffix("\r\n\r\nok"), "\(client.received)")
        #expect(server.connectionCount == connections)
        site.end()
    }

    private static let asksForWebSocket = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"

    @Test("A rule makes 101 of Portico's own answer where the client has asked for that protocol, and 500 elsewhere")
    func ownUpgrade() throws {
        let site = try PlayedSite(
            "http-request return status 200 hdr Upgrade websocket hdr Sec-WebSocket-Accept x if { path / }",
            "http-after-response set-status 101 if { status 200 }", Self.server)
        _ = site.server(1) { _ in .answer(PlayedServer.ok()) }
        let asking = site.client(Self.asksForWebSocket + "Sec-WebSocket-Key: a\r\n\r\n")
        let plain = site.get("/")
        let served = site.get("/server")
        site.run(for: 50)
        #expect(asking.received.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
        #expect(asking.received.contains("\r\nupgrade: websocket\r\n") && asking.received.hasSuffix("\r\n\r\n"))
        #expect(asking.isClosed)
        #expect(plain.status == 500)
        #expect(served.status == 500)
        site.end()
    }

    @Test("A handshake of WebSocket has a key, and the agreement to it an answer to the key")
    func webSocketKeys() throws {
        let site = try PlayedSite(Self.server)
        let server = site.server(1) { _ in
            .answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        }
        let keyless = site.client(Self.asksForWebSocket + "\r\n")
        let inList = site.client(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a, websocket, b\r\nUpgrade: c\r\n\r\n")
        site.run(for: 50)
        #expect(keyless.status == 400 && inList.status == 400)
        #expect(server.requests.isEmpty)
        let unanswered = site.client(Self.asksForWebSocket + "Sec-WebSocket-Key: a\r\n\r\n")
        site.run(for: 50)
        #expect(unanswered.status == 502)
        site.end()
    }

    @Test("Rules on all responses see Portico's own, and one that fails is 500 without them")
    func afterResponse() throws {
        let site = try PlayedSite(
            "http-after-response set-header X-S %[status]", "http-request deny if { path /deny }", Self.server)
        _ = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1) }
        let denied = site.get("/deny")
        let passed = site.get("/")
        let broken = site.client("NONSENSE\r\n\r\n")
        site.run(for: 50)
        #expect(denied.status == 403 && denied.received.contains("\r\nx-s: 403\r\n"))
        #expect(passed.status == 200 && passed.received.contains("\r\nx-s: 200\r\n"))
        #expect(broken.status == 400 && !broken.received.contains("x-s"))
        site.end()
    }

    @Test("use-server decides, as long as its server is up")
    func useServer() throws {
        let site = try PlayedSite(
            "use-server s2 if { path /two }", "use-server s%[int(2)] if { path /computed }", Self.server,
            "server s2 127.0.0.1:9002 weight 0")
        let first = site.server(1) { _ in .answer(PlayedServer.ok(), after: 1) }
        let second = site.server(2) { _ in .answer(PlayedServer.ok(), after: 1) }
        for path in ["/one", "/two", "/one", "/computed"] {
            _ = site.get(path)
            site.run(for: 20)
        }
        #expect(first.requests.count == 2 && second.requests.count == 2)
        #expect(first.requests.allSatisfy { $0.hasPrefix("GET /one") })
        site.end()
    }

    @Test("set-log-level silent leaves no line, set-timeout bounds a wait, http-error says what it is told")
    func directives() throws {
        let site = try PlayedSite(
            "http-request set-log-level silent if { path /quiet }",
            "http-request set-timeout server 100ms if { path /slow }",
            "http-error status 504 content-type text/plain lf-string \"late: %[path]\"", Self.server)
        _ = site.server(1) { connection in
            connection.request.contains("/slow") ? .silence : .answer(PlayedServer.ok(), after: 1)
        }
        let quiet = site.get("/quiet")
        site.run(for: 20)
        #expect(quiet.status == 200 && site.log().isEmpty)
        let slow = site.get("/slow")
        site.run(for: 150)
        #expect(slow.status == 504 && slow.received.hasSuffix("\r\n\r\nlate: /slow"))
        #expect(site.log().first?.contains(" sH-- ") == true)
        site.end()
    }
}
