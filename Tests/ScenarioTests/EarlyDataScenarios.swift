// Requests before the end of the TLS handshake (RFC 8470), with OpenSSL's client: who takes them, and what servers are told.

import Foundation
import Testing

@Suite(.staged) struct EarlyDataScenarios {
    private static let early = "GET /early HTTP/1.0\r\nHost: a.example\r\n\r\n"

    /// A session with Portico, which a client can go on with.
    private func session(with port: Int) throws -> String {
        let session = Stage.current.folder + "/session-\(UUID().uuidString.prefix(8))"
        let client = try SecureClient(
            port, "-sess_out", session, "-servername", "a.example",
            request: "GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
        #expect(client.hasAnswer, "\(client.errors)")
        return session
    }

    /// Sends a request with the first message, and another one behind the handshake if there is one.
    private func send(
        _ text: String = Self.early, to port: Int, _ session: String, then: String = ""
    ) throws -> SecureClient {
        let file = try Stage.current.file("early-\(UUID().uuidString.prefix(8))", text)
        return try SecureClient(
            port, ["-sess_in", session, "-early_data", file, "-servername", "a.example"], request: then)
    }

    /// A server that tells what came in Early-Data, and refuses a request with it if it shall.
    private func server(refuses: Bool = false) throws -> ScriptedServer {
        try ScriptedServer { request in
            let text = request["early-data"] ?? "none"
            let status = refuses && text != "none" ? "425 Too Early" : "200 OK"
            return "HTTP/1.1 \(status)\r\nContent-Length: \(text.utf8.count + 8)\r\n\r\nearly: \(text)\n"
        }
    }

    private func bind(_ words: String = "allow-0rtt") throws -> String {
        "ssl crt \(try TestAuthority().issue(for: "a.example")) \(words)"
    }

    @Test("A request in early data goes to the server at once, which is told that it may be a copy")
    func taken() throws {
        let server = try server()
        let front = try FrontDoor(
            before: server.port, frontend: "http-response set-header X-Early %[ssl_fc_has_early]", bind: try bind())
        let session = try session(with: front.port)
        let client = try send(to: front.port, session)
        #expect(client.report.contains("Early data was accepted"), "\(client.errors)")
        #expect(client.report.contains("early: 1") && client.hasAnswer, "\(client.report)")
        #expect(server.requests.map(\.target) == ["/", "/early"])
        // As in HAProxy one session may be used for it again: nothing keeps a copy out but who says so.
        #expect(try send(to: front.port, session).report.contains("early: 1"))
        #expect(server.requests.map(\.target) == ["/", "/early", "/early"])
    }

    @Test("A server's 425 goes to the client, which sends the request again behind its handshake")
    func refusedByServer() throws {
        let front = try FrontDoor(before: server(refuses: true).port, bind: try bind())
        let session = try session(with: front.port)
        let client = try send(
            Self.early.replacing("1.0", with: "1.1"), to: front.port, session,
            then: "GET /late HTTP/1.0\r\nHost: a.example\r\n\r\n")
        #expect(client.report.contains("425 Too Early") && client.report.contains("early: 1"), "\(client.report)")
        #expect(client.report.contains("200 OK") && client.report.contains("early: none"), "\(client.report)")
    }

    @Test("With `wait-for-handshake` the request waits, and is no copy any more")
    func waits() throws {
        let server = try server()
        let front = try FrontDoor(
            before: server.port, frontend: "http-request wait-for-handshake if { path /early }", bind: try bind())
        let client = try send(to: front.port, session(with: front.port))
        #expect(client.report.contains("Early data was accepted"), "\(client.errors)")
        #expect(client.report.contains("early: none") && client.hasAnswer, "\(client.report)")
        #expect(server.requests.map(\.target) == ["/", "/early"])
    }

    @Test("Without `allow-0rtt` no session allows it, and what comes with the session of another listener is not read")
    func notTaken() throws {
        let server = try server()
        let keys = (1...3).map { Data(repeating: UInt8($0), count: 80).base64EncodedString() }
        let file = try Stage.current.file("keys", keys.joined(separator: "\n") + "\n")
        let words = try bind("tls-ticket-keys \(file)")
        let open = try FrontDoor(before: server.port, bind: words + " allow-0rtt")
        let closed = try FrontDoor(before: server.port, bind: words)
        let own = try send(to: closed.port, session(with: closed.port), then: "GET /late HTTP/1.0\r\n\r\n")
        #expect(!own.report.contains("Early data was accepted") && own.hasAnswer, "\(own.report)")
        let other = try send(to: closed.port, session(with: open.port), then: "GET /later HTTP/1.0\r\n\r\n")
        #expect(other.report.contains("Early data was rejected") && other.hasAnswer, "\(other.report)")
        #expect(server.requests.map(\.target) == ["/", "/late", "/", "/later"])
    }

    @Test("An entry of a crt-list takes early data for its own names only", .enabled(if: Portico.isItself))
    func byName() throws {
        let (server, authority) = (try server(), try TestAuthority())
        let list = try Stage.current.file(
            "sites.txt",
            "\(try authority.issue(for: "b.example"))\n\(try authority.issue(for: "a.example")) [allow-0rtt]\n")
        let front = try FrontDoor(before: server.port, bind: "ssl crt-list \(list)")
        let session = try session(with: front.port)
        #expect(try send(to: front.port, session).report.contains("Early data was accepted"))
        #expect(server.requests.map(\.target) == ["/", "/early"])
    }

    // MARK: Servers

    /// A site that speaks TLS, and tells whether a request came in early data and in a session that went on.
    private func origin(_ bind: String, on port: Int) throws -> Portico {
        try Portico(
            """
            \(opening())
            frontend origin
                bind 127.0.0.1:\(port) \(bind)
                http-request return status 200 content-type text/plain lf-string "%[ssl_fc_early_rcvd] %[ssl_fc_is_resumed] %[req.body]"
            """, listeningOn: port)
    }

    @Test(
        "With `allow-0rtt` and `retry-on 0rtt-rejected` a server gets requests in early data",
        .enabled(if: Portico.isItself))
    func sentToServers() throws {
        let port = try freePort()
        _ = try origin(try bind(), on: port)
        for (words, backend, expected) in [
            ("allow-0rtt", "retry-on conn-failure 0rtt-rejected", "1 1 "),
            ("", "retry-on conn-failure 0rtt-rejected", "0 1 "),
            // The client has not sent its request so: it may not know what 425 means.
            ("allow-0rtt", "", "0 1 "),
        ] {
            let front = try FrontDoor(
                before: port, global: "nbthread 1", backend: "option httpclose\n\(backend)",
                server: "ssl verify none \(words)")
            #expect(try fetch("/", from: front.port).text == "0 0 ")
            for _ in 1...3 { #expect(try fetch("/", from: front.port).text == expected) }
        }
    }

    @Test("A body that is longer than early data may be goes on behind the handshake", .enabled(if: Portico.isItself))
    func longBody() throws {
        let server = try SecureServer(TestAuthority().issue(for: "a.example"))
        let port = try freePort()
        _ = try Portico(
            """
            \(opening())
            listen origin
                bind 127.0.0.1:\(port) \(try bind())
                http-response set-header X-Early %[ssl_fc_early_rcvd]
                server s1 127.0.0.1:\(server.port) ssl verify none
            """, listeningOn: port)
        let front = try FrontDoor(
            before: port, global: "nbthread 1", backend: "option httpclose\nretry-on 0rtt-rejected",
            server: "ssl verify none allow-0rtt")
        let body = String(repeating: "0123456789", count: 20_000)
        for early in ["0", "1", "1"] {
            let answer = try fetch("/echo", from: front.port, method: "POST", body: body)
            #expect(answer.text == body)
            #expect(answer["x-early"] == early)
        }
    }

    @Test(
        "A server that drops early data gets the request again, or the client is told",
        .enabled(if: Portico.isItself))
    func rejectedByServer() throws {
        let port = try freePort()
        let keys = (1...3).map { Data(repeating: UInt8($0), count: 80).base64EncodedString() }
        let words = try bind("tls-ticket-keys \(try Stage.current.file("keys", keys.joined(separator: "\n") + "\n"))")
        let first = try origin(words + " allow-0rtt", on: port)
        let server = "ssl verify none allow-0rtt"
        let again = try FrontDoor(
            before: port, global: "nbthread 1", backend: "option httpclose\nretry-on conn-failure 0rtt-rejected",
            server: server)
        let once = try FrontDoor(
            before: port, global: "nbthread 1", backend: "option httpclose", server: server, bind: try bind())
        #expect(try fetch("/", from: again.port).text == "0 0 ")
        let session = try session(with: once.port)
        first.process.stop()
        _ = try origin(words, on: port)
        #expect(try fetch("/", from: again.port, method: "POST", body: "body").text.hasPrefix("0 "))
        #expect(try again.portico.exchange(with: "POST / ").status == 200)
        // The client has sent its request early, so it knows what to do.
        #expect(try send(to: once.port, session).report.contains("425 Too Early"))
        #expect(try once.portico.exchange(status: 425).termination == "SH--")
    }
}
