// TLS to servers: whose certificate is accepted, which name is asked for, what connections and sessions are used again for.

import Foundation
import Synchronization
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct TLSUpstreamScenarios {
    private typealias Facts = SecureServer.Facts

    private func facts(
        _ target: String = "/", of front: FrontDoor, host: String = "a.example"
    ) throws -> Facts {
        try Facts(fetch(target, from: front.port, host: host).text)
    }

    private func fetch(_ target: String, from port: Int, host: String) throws -> Answer {
        let connection = try Connection(to: port)
        defer { connection.close() }
        return try fetch(target, over: connection, host: host)
    }

    private func fetch(_ target: String, over connection: Connection, host: String) throws -> Answer {
        try connection.send("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        return try connection.receiveAnswer(to: "GET")
    }

    // MARK: Certificates

    @Test(
        "A server whose certificate is good is used, and asked for the name of the request's host",
        arguments: ["1.2", "1.3"])
    func good(version: String) throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "a.example"), "version=\(version)")
        let front = try FrontDoor(before: server.port, server: "ssl ca-file \(authority.certificate)")
        let facts = try facts(of: front)
        #expect(facts.name == "a.example")
        #expect(facts.version == "TLSv\(version)")
        #expect(try front.portico.exchange(with: "GET / ").termination == "----")
    }

    /// Certificates that are none of this authority's for a.example, with the words for each.
    private static func refusedCertificates(_ authority: TestAuthority) throws -> [(String, words: String)] {
        [
            (try authority.issue(for: "a.example", days: -1), "it has expired"),
            (try authority.issue(for: "b.example"), "it is for another name"),
            (try TestAuthority(named: "Stranger").issue(for: "a.example"), "its issuer is unknown"),
        ]
    }

    @Test(
        "A certificate that is expired, for another name, or signed by others is refused with 503, and the log says why"
    )
    func refused() throws {
        let authority = try TestAuthority()
        for (certificate, words) in try Self.refusedCertificates(authority) {
            let server = try SecureServer(certificate)
            let front = try FrontDoor(
                before: server.port, backend: "retries 0", server: "ssl ca-file \(authority.certificate)")
            #expect(try fetch("/", from: front.port, host: "a.example").status == 503)
            let line = try front.portico.logLine(with: "Server app/s1: TLS failed")
            #expect(line.contains(words), "\(line)")
            #expect(try front.portico.exchange(status: 503).termination == "SC--")
        }
    }

    @Test("A server with a refused certificate is down, with the reason in words")
    func down() throws {
        let authority = try TestAuthority()
        for (certificate, words) in try Self.refusedCertificates(authority) {
            let server = try SecureServer(certificate)
            let front = try FrontDoor(
                before: server.port,
                server: "ssl ca-file \(authority.certificate) verifyhost a.example check inter 50ms")
            let line = try front.portico.logLine(with: "Server app/s1 is DOWN")
            #expect(line.contains("Layer6 invalid response"), "\(line)")
            #expect(line.contains(words), "\(line)")
        }
    }

    @Test("Checks are encrypted as requests are: a good server is up by its handshake, or by its answer")
    func up() throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "a.example"))
        for (check, words) in [("", "Layer6 check passed"), ("option httpchk GET /", "Layer7 check passed")] {
            let front = try FrontDoor(
                before: server.port, backend: "option log-health-checks\n\(check)",
                server: "ssl ca-file \(authority.certificate) check inter 50ms check-sni a.example")
            _ = try front.portico.logLine(with: words)
        }
    }

    @Test("A server that speaks no TLS is down, and requests get 503")
    func plainServer() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receive(through: "\u{1}")
            try connection.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        }
        let front = try FrontDoor(before: server.port, backend: "retries 0", server: "ssl verify none check inter 50ms")
        let line = try front.portico.logLine(with: "Server app/s1 is DOWN")
        #expect(line.contains("Layer6 invalid response"), "\(line)")
        #expect(line.contains("TLS"), "\(line)")
        #expect(try fetch("/", from: front.port, host: "a.example").status == 503)
    }

    @Test("A server that says nothing to the hello is given `timeout connect`, and is down after it")
    func silentServer() throws {
        let server = try ScriptedServer { connection, _ in _ = try? connection.receive(through: "never", within: 20) }
        let front = try FrontDoor(
            before: server.port, defaults: "timeout connect 1s\nretries 0",
            server: "ssl verify none check inter 1s fall 1")
        #expect(try fetch("/", from: front.port, host: "a.example").status == 503)
        #expect(try front.portico.exchange(with: "GET / ").termination == "sC--")
        let line = try front.portico.logLine(with: "Server app/s1 is DOWN")
        #expect(line.contains("Layer6 timeout"), "\(line)")
    }

    @Test("With `verify none` any certificate will do")
    func unverified() throws {
        let server = try SecureServer(TestAuthority().issue(for: "b.example", days: -1))
        let front = try FrontDoor(before: server.port, server: "ssl verify none")
        #expect(try facts(of: front).name == "a.example")
        let other = try FrontDoor(before: server.port, global: "ssl-server-verify none", server: "ssl")
        #expect(try facts(of: other).name == "a.example")
    }

    @Test("Without authorities a server cannot be verified: the file is refused with the word to write")
    func noAuthorities() throws {
        let file = try Stage.current.file("t.cfg", "\(opening())\nlisten app\nbind :1\nserver s1 127.0.0.1:1 ssl\n")
        let ended = try Portico.run("-c", "-f", file)
        #expect(ended.exit == .status(1))
        #expect(ended.errors.contains("ca-file @system-ca"), "\(ended.errors)")
    }

    @Test("A certificate on the list of revoked ones is refused")
    func revoked() throws {
        let authority = try TestAuthority()
        let (good, bad) = (try authority.issue(for: "a.example"), try authority.issue(for: "a.example"))
        let list = try authority.revocationList(of: bad)
        let servers = [try SecureServer(good), try SecureServer(bad)]
        let words = "ssl ca-file \(authority.certificate) crl-file \(list)"
        #expect(try facts(of: FrontDoor(before: servers[0].port, server: words)).name == "a.example")
        let front = try FrontDoor(before: servers[1].port, backend: "retries 0", server: words)
        #expect(try fetch("/", from: front.port, host: "a.example").status == 503)
        #expect(try front.portico.logLine(with: "TLS failed").contains("it is revoked"))
    }

    @Test("A server that asks for a certificate is shown the one of `crt`; without it, it refuses")
    func clientCertificate() throws {
        let (authority, clients) = (try TestAuthority(), try TestAuthority(named: "Clients"))
        let server = try SecureServer(
            authority.issue(for: "a.example"), "clients=\(clients.certificate)", "version=1.2")
        let own = try clients.issue(for: "portico.example")
        let front = try FrontDoor(before: server.port, server: "ssl ca-file \(authority.certificate) crt \(own)")
        #expect(try facts(of: front).client == "portico.example")
        let bare = try FrontDoor(
            before: server.port, backend: "retries 0", server: "ssl ca-file \(authority.certificate)")
        #expect(try fetch("/", from: bare.port, host: "a.example").status == 503)
        _ = try bare.portico.logLine(with: "TLS failed: the peer refused")
    }

    // MARK: Names

    @Test("`sni` is evaluated for each request, and the certificate has to be for that name")
    func names() throws {
        let authority = try TestAuthority()
        let server = try SecureServer(
            authority.issue(for: "a.example"), "names=\(try authority.issue(for: "other.example"))")
        let front = try FrontDoor(
            before: server.port, backend: "retries 0",
            server: "ssl ca-file \(authority.certificate) sni req.hdr(x-name)")
        func status(_ name: String) throws -> (Int, String) {
            let connection = try Connection(to: front.port)
            defer { connection.close() }
            let answer = try connection.fetch("/", headers: "X-Name: \(name)")
            return (answer.status, answer.status == 200 ? try Facts(answer.text).name : "")
        }
        #expect(try status("a.example") == (200, "a.example"))
        #expect(try status("other.example") == (200, "other.example"))
        #expect(try status("third.example").0 == 503)
        #expect(try status("a.example") == (200, "a.example"))
    }

    @Test("Without `sni-auto` no name is asked for, and `verifyhost` is the name that the certificate must have")
    func noName() throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "a.example"))
        let words = "ssl ca-file \(authority.certificate) no-sni-auto"
        let front = try FrontDoor(before: server.port, server: "\(words) verifyhost a.example")
        #expect(try facts(of: front, host: "b.example").name == "-")
        let wrong = try FrontDoor(before: server.port, backend: "retries 0", server: "\(words) verifyhost b.example")
        #expect(try fetch("/", from: wrong.port, host: "a.example").status == 503)
    }

    @Test("A name is asked for in the case in which it is written")
    func caseOfNames() throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "a.example"))
        let front = try FrontDoor(
            before: server.port, server: "ssl ca-file \(authority.certificate) sni str(A.Example)")
        #expect(try facts(of: front).name == "A.Example")
    }

    @Test("A host that is an address is not sent as a name, and the certificate has to have the address")
    func addresses() throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "127.0.0.1"))
        let front = try FrontDoor(
            before: server.port, backend: "retries 0", server: "ssl ca-file \(authority.certificate)")
        #expect(try facts(of: front, host: "127.0.0.1:8080").name == "-")
        #expect(try fetch("/", from: front.port, host: "127.0.0.2").status == 503)
    }

    @Test("Connections are used again for the same name only, by all threads", arguments: [1, 4])
    func pools(threads: Int) throws {
        let authority = try TestAuthority()
        let hosts = ["a.example", "b.example", "c.example"]
        let server = try SecureServer(authority.issue(for: hosts[0], hosts[1], hosts[2]))
        let front = try FrontDoor(
            before: server.port, global: "nbthread \(threads)", backend: "http-reuse always",
            server: "ssl ca-file \(authority.certificate) pool-low-conn 8")
        let asked = Mutex<[Int: Set<String>]>([:])
        let clients = try (1...4).map { _ in try Connection(to: front.port) }
        for round in 0..<40 {
            let host = hosts[round % 3]
            let facts = try Facts(fetch("/", over: clients[round % 4], host: host).text)
            #expect(facts.name == host)
            asked.withLock { _ = $0[facts.connection, default: []].insert(host) }
        }
        asked.withLock { asked in
            #expect(asked.values.allSatisfy { $0.count == 1 })
            #expect(asked.count < 40, "connections were used again")
            if threads == 1 { #expect(asked.count == 3) }
        }
    }

    @Test("Idle connections of TLS go from thread to thread, and nothing is lost on the way")
    func moving() throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "a.example"))
        let front = try FrontDoor(
            before: server.port, global: "nbthread 4", backend: "http-reuse always",
            server: "ssl ca-file \(authority.certificate)")
        var connections: Set<Int> = []
        for _ in 1...100 { connections.insert(try facts(of: front).connection) }
        #expect(connections.count < 20, "\(connections.count) connections for 100 requests")
    }

    // MARK: Sessions

    @Test(
        "A new connection goes on with the session of an earlier one, for the same name only",
        arguments: ["1.2", "1.3"])
    func sessions(version: String) throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "a.example", "b.example"), "version=\(version)")
        let words = "ssl ca-file \(authority.certificate)"
        let front = try FrontDoor(
            before: server.port, global: "nbthread 1", defaults: "option httpclose", server: words)
        #expect(try facts(of: front).isResumed == false)
        #expect(try facts(of: front).isResumed)
        #expect(try facts(of: front, host: "b.example").isResumed == false)
        #expect(try facts(of: front, host: "b.example").isResumed)
        #expect(try facts(of: front).isResumed)
        let other = try FrontDoor(
            before: server.port, global: "nbthread 1", defaults: "option httpclose", server: "\(words) no-ssl-reuse")
        for _ in 1...3 { #expect(try facts(of: other).isResumed == false) }
    }

    @Test("Sessions go on again and again, not every other time", arguments: ["1.2", "1.3"])
    func sessionsInARow(version: String) throws {
        let server = try SecureServer(TestAuthority().issue(for: "a.example"), "version=\(version)")
        let front = try FrontDoor(
            before: server.port, global: "nbthread 1", defaults: "option httpclose", server: "ssl verify none")
        #expect(try (0..<6).map { _ in try facts(of: front).isResumed } == [false, true, true, true, true, true])
    }

    // MARK: Bytes

    @Test("Long bodies both ways, whatever the records")
    func bodies() throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "example.test"))
        let front = try FrontDoor(before: server.port, server: "ssl ca-file \(authority.certificate)")
        let client = try Connection(to: front.port)
        for length in [0, 1, 1_300, 16_384, 16_385, 3_000_000] {
            #expect(try client.fetch("/long?\(length)").text.utf8.count == length)
        }
        let body = String(repeating: "0123456789", count: 200_000)
        #expect(try client.fetch("/echo", method: "POST", body: body).text == body)
    }

    @Test("A body that ends with the connection is whole only if the server says so")
    func truncation() throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "example.test"))
        let front = try FrontDoor(before: server.port, server: "ssl ca-file \(authority.certificate)")
        #expect(try Main.fetch("/close", from: front.port).status == 200)
        #expect(try front.portico.exchange(with: "GET /close").termination == "----")
        _ = try? Main.fetch("/cut", from: front.port)
        #expect(try front.portico.exchange(with: "GET /cut").termination == "SD--")
    }

    @Test("A tunnel behind 101, and one in TCP mode")
    func tunnels() throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "example.test"))
        let words = "ssl ca-file \(authority.certificate) verifyhost example.test"
        let front = try FrontDoor(before: server.port, server: words)
        let client = try Connection(to: front.port)
        try client.send("GET /switch HTTP/1.1\r\nHost: example.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        _ = try client.receive(through: "\r\n\r\n")
        for text in ["one", String(repeating: "two", count: 50_000)] {
            try client.send(text + "!")
            #expect(try client.receive(through: "!") == text + "!")
        }
        client.close()

        let port = try freePort()
        _ = try Portico(
            """
            \(opening())
            listen app
                mode tcp
                bind 127.0.0.1:\(port)
                server s1 127.0.0.1:\(server.port) \(words) sni str(example.test)
            """, listeningOn: port)
        #expect(try Facts(Main.fetch("/", from: port).text).name == "example.test")
    }

    @Test("A tunnel passes a server's end without the last word on without one, and the log tells it from an end")
    func cutTunnel() throws {
        let authority = try TestAuthority()
        let certificate = try authority.issue(for: "example.test")
        let server = try SecureServer(certificate)
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening())
            listen app
                mode tcp
                option tcplog
                bind 127.0.0.1:\(port) ssl crt \(certificate)
                server s1 127.0.0.1:\(server.port) ssl verify none
            """, listeningOn: port)
        let client = try SecureClient(port, request: "GET /cut HTTP/1.0\r\n\r\n")
        #expect(client.hasAnswer && client.errors.contains("unexpected eof"), "\(client.errors)")
        _ = try portico.logLine(with: " SD ")
    }

    @Test("The PROXY protocol header is before TLS, in plain")
    func header() throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "a.example"), "header=yes")
        let front = try FrontDoor(
            before: server.port, server: "ssl ca-file \(authority.certificate) send-proxy check inter 100ms")
        #expect(try facts(of: front).header.hasPrefix("PROXY_TCP4_127.0.0.1_127.0.0.1_"))
        #expect(front.portico.logLines.allSatisfy { !$0.contains("DOWN") })
    }
}

/// The functions of this module that members of a suite hide.
private enum Main {
    static func fetch(_ target: String, from port: Int) throws -> Answer { try ScenarioTests.fetch(target, from: port) }
}
