// Servers of HTTP/2, for clients of both versions: what they are asked, what becomes of their answers, how many streams share a
// connection, and what happens when a server refuses a stream or leaves.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct HTTP2ServerScenarios {
    /// A front door for both versions before servers of HTTP/2.
    private func front(
        _ server: HTTP2Server, global: String = "", defaults: String = "", frontend: String = "", backend: String = "",
        words: String = "proto h2"
    ) throws -> FrontDoor {
        try FrontDoor(
            before: server.port, global: global, defaults: defaults, frontend: frontend, backend: backend, server: words
        )
    }

    private func facts(_ target: String = "/", from front: FrontDoor, headers: String...) throws -> HTTP2Facts {
        let connection = try Connection(to: front.port)
        defer { connection.close() }
        let lines = (["GET \(target) HTTP/1.1", "Host: example.test"] + headers).joined(separator: "\r\n")
        try connection.send(lines + "\r\n\r\n")
        return try HTTP2Facts(connection.receiveAnswer().text)
    }

    // MARK: Heads

    /// HAProxy sends Host, `https` for a scheme, and what Connection lists.
    @Test("A request of HTTP/1 arrives as HTTP/2 has it", .enabled(if: Portico.isItself))
    func heads() throws {
        let server = try HTTP2Server()
        let front = try front(server)
        let facts = try facts(
            "/a/b?c=d", from: front, headers: "X-Upper: Yes", "Connection: keep-alive, x-hop", "X-Hop: 1",
            "Keep-Alive: 5",
            "TE: trailers, gzip")
        #expect(facts.method == "GET")
        #expect(facts.scheme == "http")
        #expect(facts.authority == "example.test")
        #expect(facts.path == "/a/b?c=d")
        #expect(facts.all("x-upper") == ["Yes"])
        let names = facts.fields.map { $0[0] }
        for name in ["connection", "keep-alive", "x-hop", "host", "transfer-encoding"] {
            #expect(!names.contains(name), "\(names)")
        }
        #expect(facts.all("te").allSatisfy { $0 == "trailers" })
    }

    @Test("A request of HTTP/2 arrives as it was sent, and its answer comes back")
    func throughout() throws {
        let server = try HTTP2Server()
        let front = try front(server)
        let request = HTTP2Request(
            "/a?b", method: "PUT", fields: [["x-a", "1"], ["te", "trailers"]], pieces: ["he", "llo"],
            trailers: [["x-t", "1"]])
        let answer = try ask(front.port, request)
        #expect(answer.status == 200)
        let facts = try answer.facts()
        #expect(facts.method == "PUT" && facts.path == "/a?b" && facts.authority == "example.test")
        #expect(facts.all("x-a") == ["1"] && facts.all("te") == ["trailers"])
        #expect(facts.body == "hello")
        #expect(facts.trailers == [["x-t", "1"]])
    }

    @Test("A cookie field is split, so that each cookie can be compressed by itself", .enabled(if: Portico.isItself))
    func cookies() throws {
        let front = try front(HTTP2Server())
        #expect(try facts(from: front, headers: "Cookie: a=1; b=2; c=3").all("cookie") == ["a=1", "b=2", "c=3"])
        let answer = try fetch("/cookies", from: front.port)
        #expect(answer.all("set-cookie") == ["a=1", "b=2"])
    }

    @Test("Samples and logs know the server's version")
    func version() throws {
        let front = try front(
            HTTP2Server(), frontend: "    log-format \"%HV %ST bc=%[bc_http_major]\"",
            backend: "    http-response set-header x-major %[bc_http_major]")
        #expect(try fetch("/status/200", from: front.port)["x-major"] == "2")
        _ = try front.portico.logLine(with: "HTTP/1.1 200 bc=2")
    }

    @Test("Interim answers go to clients of both versions")
    func interim() throws {
        let front = try front(HTTP2Server())
        let client = try Connection(to: front.port)
        try client.send("GET /interim HTTP/1.1\r\nHost: a\r\n\r\n")
        var statuses: [Int] = []
        repeat { statuses.append(try client.receiveHead().status) } while statuses.last != 200
        #expect(statuses == [100, 103, 200] || statuses == [103, 200])
        let answer = try ask(front.port, HTTP2Request("/interim"))
        #expect(answer.interim.contains { $0.contains(["link", "</style.css>; rel=preload"]) })
        #expect(answer.body == "at last")
    }

    @Test(
        "A connection on which nothing comes for `timeout server` gets no further requests",
        .enabled(if: Portico.isItself))
    func muteServer() throws {
        let front = try front(
            HTTP2Server(), global: "    nbthread 1", backend: "    http-reuse always\n    timeout server 500ms")
        #expect(try facts(from: front).connection == 1)
        let client = try Connection(to: front.port)
        #expect(try client.fetch("/hold").status == 504)
        #expect(try facts(from: front).connection == 2)
        #expect(try facts(from: front).connection == 2)
    }

    // MARK: Content

    @Test(
        "Content both ways: of known and of unknown length, short and long, with small windows too",
        arguments: ["window=65535", "window=100"])
    func content(window: String) throws {
        let front = try front(HTTP2Server(window))
        let client = try Connection(to: front.port)
        for count in [0, 1, 16_384, 16_385] + (window == "window=100" ? [] : [2_000_000]) {
            #expect(try client.fetch("/large/\(count)").body.count == count)
            #expect(try client.fetch("/sized/\(count)")["content-length"] == "\(count)")
            let body = String(repeating: "b", count: count)
            #expect(try HTTP2Facts(client.fetch("/", method: "POST", body: body).text).body == body)
            let size = String(count, radix: 16)
            try client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + (count > 0 ? "\(size)\r\n\(body)\r\n" : "") + "0\r\n\r\n")
            #expect(try HTTP2Facts(client.receiveAnswer().text).body == body)
            let answers = try converse(
                front.port, [HTTP2Request("/large/\(count)"), HTTP2Request("/", method: "POST", pieces: [body])]
            ).answers
            #expect(answers[0].body.count == count && answers[0].reset == nil)
            #expect(try answers[1].facts().body == body)
        }
    }

    @Test("HEAD, 204 and 304 have no content, and the connections go on")
    func noContent() throws {
        let front = try front(HTTP2Server())
        let client = try Connection(to: front.port)
        let head = try client.fetch("/sized/1000", method: "HEAD")
        #expect(head.status == 200 && head["content-length"] == "1000")
        #expect(try client.fetch("/status/204").status == 204)
        #expect(try client.fetch("/status/304").status == 304)
        #expect(try client.fetch("/sized/5").text == "xxxxx")
        let requests = [
            HTTP2Request("/sized/1000", method: "HEAD"), HTTP2Request("/status/204"), HTTP2Request("/status/304"),
        ]
        let answers = try converse(front.port, requests).answers
        #expect(answers.map(\.status) == [200, 204, 304])
        #expect(answers.allSatisfy { $0.body.isEmpty && $0.reset == nil })
    }

    @Test("Trailer fields go both ways between the versions")
    func trailers() throws {
        let front = try front(HTTP2Server())
        let client = try Connection(to: front.port)
        try client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: 17\r\n\r\n"
        )
        let facts = try HTTP2Facts(client.receiveAnswer().text)
        #expect(facts.body == "hello" && facts.trailers == [["x-t", "17"]])

        try client.send("GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n")
        #expect(try client.receiveHead()["transfer-encoding"] == "chunked")
        let rest = try client.receive(through: "\r\n\r\n").lowercased()
        #expect(rest == "5\r\nhello\r\n0\r\nx-sum: 1\r\nx-end: yes\r\n\r\n")

        let answers = try converse(front.port, [HTTP2Request("/trailers"), HTTP2Request("/bare")]).answers
        #expect(answers[0].body == "hello" && answers[0].trailers == [["x-sum", "1"], ["x-end", "yes"]])
        #expect(answers[1].body.isEmpty && answers[1].trailers == [["x-sum", "1"]])
    }

    @Test("An answer before the request has been read to its end is passed on")
    func early() throws {
        let front = try front(HTTP2Server())
        let body = String(repeating: "b", count: 1_000_000)
        let answer = try ask(front.port, HTTP2Request("/early", method: "POST", pieces: [body]))
        #expect(answer.status == 200 && answer.body == "early")
        let client = try Connection(to: front.port)
        try client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegun")
        #expect(try client.receiveAnswer().text == "early")
        #expect(try fetch("/sized/2", from: front.port).text == "xx")
    }

    @Test("A server that does not read holds its client, and no other stream")
    func lazy() throws {
        let server = try HTTP2Server()
        let front = try front(server, backend: "    http-reuse always")
        let body = String(repeating: "b", count: 3_000_000)
        let client = try HTTP2Client(front.port, [HTTP2Request("/lazy", method: "POST", pieces: [body])])
        #expect(eventually { (try? server.counts().requests) ?? 0 >= 2 })
        for _ in 1...20 { #expect(try fetch("/sized/2", from: front.port).text == "xx") }
        #expect(client.child.ended() == nil)
        #expect(try fetch("/release", from: front.port).status == 200)
        #expect(try client.conversation().answers.first?.body == "3000000")
    }

    // MARK: Sharing connections

    @Test("Streams of many clients share few connections")
    func sharing() throws {
        let server = try HTTP2Server()
        let front = try front(server, global: "    nbthread 1", backend: "    http-reuse always")
        // The connection is known to be good before the others come.
        #expect(try fetch("/sized/2", from: front.port).text == "xx")
        let clients = try (1...40).map { _ in
            let client = try Connection(to: front.port)
            try client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
            return client
        }
        #expect(eventually { (try? server.counts().most) ?? 0 >= 20 })
        // All of them are there before they are let go.
        #expect(eventually { (try? server.counts().requests) ?? 0 >= 41 })
        let counts = try server.counts()
        #expect(try fetch("/release", from: front.port).text == "released")
        for client in clients { #expect(try client.receiveAnswer().text == "released") }
        // Some of the connections are those of `counts` itself.
        #expect(counts.most >= 20, "\(counts)")
    }

    // Regression: sixty streams to a server without a connection made sixty connections.
    @Test(
        "A burst waits for the first request's connection, also where ALPN has chosen HTTP/2 before",
        .enabled(if: Portico.isItself))
    func burst() throws {
        let server = try HTTP2Server()
        let front = try front(server, global: "    nbthread 1", backend: "    http-reuse always")
        let burst = (1...60).map { _ in HTTP2Request("/slow/50") }
        #expect(try converse(front.port, burst).answers.allSatisfy { $0.status == 200 && $0.body == "slow" })
        // One of them is that of `counts` itself.
        #expect(try server.counts().connections <= 2)

        let authority = try TestAuthority()
        let secure = try HTTP2Server(
            "certificate=\(authority.issue(for: "example.test"))", "alpn=h2,http/1.1")
        let other = try self.front(
            secure, global: "    nbthread 1", backend: "    http-reuse always",
            words: "ssl ca-file \(authority.certificate) verifyhost example.test alpn h2,http/1.1 pool-purge-delay 0")
        #expect(try ask(other.port, HTTP2Request("/sized/2")).body == "xx")
        #expect(try converse(other.port, burst).answers.allSatisfy { $0.status == 200 && $0.body == "slow" })
        let counts = try ask(other.port, HTTP2Request("/counts")).body
        let seen = try JSONDecoder().decode(HTTP2Server.Counts.self, from: Data(counts.utf8))
        #expect(seen.connections <= 4, "\(seen)")
    }

    /// HAProxy also loses some where the server allows few.
    @Test(
        "No connection has more streams than the server allows, or `tune.h2.be.max-concurrent-streams`",
        .enabled(if: Portico.isItself),
        arguments: [("streams=5", ""), ("streams=100", "    tune.h2.be.max-concurrent-streams 5")])
    func concurrency(option: String, line: String) throws {
        let server = try HTTP2Server(option)
        let front = try front(server, global: "    nbthread 1\n\(line)", backend: "    http-reuse always")
        let conversation = try converse(front.port, (1...60).map { _ in HTTP2Request("/slow/50") })
        #expect(conversation.answers.allSatisfy { $0.status == 200 && $0.body == "slow" })
        let counts = try server.counts()
        #expect(counts.most <= 5 && counts.resets.isEmpty, "\(counts)")
    }

    @Test("A client that leaves ends its stream with CANCEL, and the connection is used again")
    func cancelled() throws {
        let server = try HTTP2Server()
        let front = try front(server, global: "    nbthread 1", backend: "    http-reuse always")
        let before = try facts(from: front).connection
        let client = try Connection(to: front.port)
        try client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { (try? server.counts().requests) ?? 0 >= 3 })
        client.close()
        #expect(eventually { (try? server.counts().resets) ?? [] == [8] })
        let requests = [HTTP2Request("/reset/0", cancel: true), HTTP2Request("/sized/2")]
        #expect(try converse(front.port, inTurn: true, requests).answers.last?.body == "xx")
        #expect(try facts(from: front).connection == before)
        #expect(try front.portico.exchange(with: "/hold").termination == "CH--")
    }

    // MARK: Streams that are refused, and servers that leave

    /// HAProxy does so only where `retry-on` says it.
    @Test("A refused stream is sent again", .enabled(if: Portico.isItself))
    func refused() throws {
        let front = try front(HTTP2Server())
        #expect(try facts("/refuse/1", from: front).path == "/refuse/1")
        #expect(try ask(front.port, HTTP2Request("/refuse/2")).status == 200)
        #expect(try front.portico.exchange(with: "/refuse/2").connections[4] >= 1)
    }

    @Test("Content that is still there is sent again with it", .enabled(if: Portico.isItself))
    func refusedWithContent() throws {
        let front = try front(HTTP2Server(), backend: "    request-buffer 1m")
        let answer = try fetch(
            "/refuse/1", from: front.port, method: "POST", body: String(repeating: "b", count: 100_000))
        #expect(answer.status == 200)
        #expect(try HTTP2Facts(answer.text).body.count == 100_000)
    }

    @Test("A server that refuses always is given up: 502 or 503, after `retries`")
    func refusedAlways() throws {
        let front = try front(HTTP2Server(), backend: "    retries 2")
        let answer = try fetch("/refuse/1000", from: front.port)
        #expect([502, 503].contains(answer.status))
        #expect(try fetch("/sized/2", from: front.port).text == "xx")
    }

    @Test(
        "A request that a GOAWAY frame says was not looked at goes over another connection",
        .enabled(if: Portico.isItself))
    func goaway() throws {
        let server = try HTTP2Server()
        let front = try front(server)
        #expect(try facts("/goaway", from: front).connection > 1)
        #expect(try ask(front.port, HTTP2Request("/goaway?again")).facts().path == "/goaway?again")
        #expect(try server.counts().late == 0)
    }

    /// HAProxy loses answers that were under way.
    @Test(
        "Behind a GOAWAY frame no request follows, the answers under way come, and the connection is closed",
        .enabled(if: Portico.isItself))
    func leaving() throws {
        let server = try HTTP2Server()
        let front = try front(server, global: "    nbthread 1", backend: "    http-reuse always")
        let first = try facts(from: front).connection
        let requests = [HTTP2Request("/slow/300"), HTTP2Request("/leave"), HTTP2Request("/large/200000")]
        let answers = try converse(front.port, requests).answers
        #expect(answers.allSatisfy { $0.status == 200 && $0.reset == nil })
        #expect(answers[2].body.count == 200_000)
        #expect(try facts(from: front).connection > first)
        let counts = try server.counts()
        #expect(counts.late == 0, "\(counts)")
        #expect(eventually { (try? server.counts().closed) ?? 0 > counts.closed })
    }

    @Test("RST_STREAM instead of an answer is 502, and in one it cuts it off")
    func reset() throws {
        let front = try front(HTTP2Server(), backend: "    retries 0")
        #expect(try fetch("/abort/2", from: front.port).status == 502)
        #expect(try front.portico.exchange(with: "/abort/2").termination.hasPrefix("SH"))
        let client = try Connection(to: front.port)
        try client.send("GET /reset/2 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(throws: StageFault.self) { try client.receiveAnswer() }
        #expect(try front.portico.exchange(with: "/reset/2").termination == "SD--")
        let answers = try converse(front.port, inTurn: true, [HTTP2Request("/reset/2"), HTTP2Request("/sized/2")])
            .answers
        #expect(answers[0].reset != nil && answers[0].reset != 0)
        #expect(answers[1].body == "xx")
    }

    @Test("A malformed answer is 502, and one that is longer or shorter than it says is cut off")
    func malformed() throws {
        let front = try front(HTTP2Server(), backend: "    retries 0")
        for path in ["/upper", "/connection"] {
            #expect(try fetch(path, from: front.port).status == 502)
            #expect(try front.portico.exchange(with: path).termination == "PH--")
        }
        for path in ["/short", "/excess"] {
            let client = try Connection(to: front.port)
            try client.send("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            _ = try client.receiveAll()
            #expect(try front.portico.exchange(with: path).termination != "----", "\(path)")
        }
        #expect(try fetch("/sized/2", from: front.port).text == "xx")
    }

    @Test("A server that speaks no HTTP/2 is given up with 502 or 503")
    func wrongVersion() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receive(through: "SM\r\n\r\n")
            try connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        let front = try FrontDoor(before: server.port, backend: "    retries 1", server: "proto h2")
        #expect([502, 503].contains(try fetch("/", from: front.port).status))
    }

    // MARK: TLS, checks

    @Test("ALPN decides which version a server is spoken to in, and it is remembered")
    func alpn() throws {
        let authority = try TestAuthority()
        let certificate = try authority.issue(for: "example.test")
        let words = "ssl ca-file \(authority.certificate) verifyhost example.test alpn h2,http/1.1"
        let new = try front(HTTP2Server("certificate=\(certificate)", "alpn=h2,http/1.1"), words: words)
        for _ in 1...3 {
            let facts = try facts(from: new)
            #expect(facts.scheme == "https")
            #expect(facts.authority ?? facts.all("host").first == "example.test")
        }
        #expect(try ask(new.port, HTTP2Request("/large/300000")).body.count == 300_000)
        let old = try front(HTTP2Server("certificate=\(certificate)", "alpn=http/1.1"), words: words)
        for _ in 1...3 { #expect(try fetch("/", from: old.port).text == "http/1.1") }
        #expect(try ask(old.port, HTTP2Request("/")).body == "http/1.1")
    }

    @Test("Checks speak HTTP/2 as requests do, or as `check-proto` says")
    func checks() throws {
        for words in ["proto h2 check inter 50ms", "check inter 50ms check-proto h2 proto h2"] {
            let front = try front(
                HTTP2Server(),
                backend:
                    "    option log-health-checks\n    option httpchk GET /status/200\n    http-check send hdr Host example.test",
                words: words
            )
            _ = try front.portico.logLine(with: "Layer7 check passed")
        }
        let down = try front(
            HTTP2Server(), backend: "    option httpchk GET /status/500\n    http-check send hdr Host example.test",
            words: "proto h2 check inter 50ms fall 2")
        #expect(try down.portico.logLine(with: "is DOWN").contains("500"))
    }
}
