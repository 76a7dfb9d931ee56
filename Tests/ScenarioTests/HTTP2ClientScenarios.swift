// Clients of HTTP/2 before servers of HTTP/1: what they ask arrives as HTTP/1.1 has it, and the answer as HTTP/2 has it.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct HTTP2ClientScenarios {
    private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    private func front(
        frontend: String = "", bind: String = "proto h2", respond: @escaping @Sendable (Request) -> String
    ) throws -> (FrontDoor, ScriptedServer) {
        try frontOfHTTP2(frontend: frontend, bind: bind, respond: respond)
    }

    // MARK: Heads

    @Test("A request arrives in the form of HTTP/1.1, and the answer without the fields of the server's connection")
    func heads() throws {
        let (front, server) = try front { _ in
            "HTTP/1.1 200 Fine\r\nX-Upper: Yes\r\nConnection: keep-alive, x-hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        }
        let fields = [["x-a", "1"], ["x-empty", ""], ["te", "trailers"], ["x-a", "2"]]
        let answer = try ask(front.port, HTTP2Request("/a/b?c=d%20e", fields: fields))
        #expect(answer.status == 200)
        #expect(answer["x-upper"] == "Yes")
        #expect(answer.body == "ok")
        let names = answer.fields.map { $0[0] }
        #expect(names.allSatisfy { $0 == $0.lowercased() }, "\(names)")
        for name in ["connection", "keep-alive", "transfer-encoding"] { #expect(!names.contains(name)) }
        // HAProxy passes on what a Connection field lists.
        if Portico.isItself { #expect(!names.contains("x-hop")) }

        let request = try #require(server.requests.first)
        #expect(request.method == "GET")
        #expect(request.target == "/a/b?c=d%20e")
        #expect(request.all("host") == ["example.test"])
        #expect(request.all("x-a") == ["1", "2"])
        #expect(request["x-empty"] == "")
        #expect(request["transfer-encoding"] == nil && request["content-length"] == nil)
        #expect(!request.fields.contains { $0.name.hasPrefix(":") })
    }

    @Test("HEAD, 204 and 304: no content, and the connection goes on")
    func noContent() throws {
        let (front, server) = try front { request in
            switch request.target {
            case "/head": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
            case "/204": "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"
            case "/304": "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 1000\r\n\r\n"
            default: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            }
        }
        let requests = [
            HTTP2Request("/head", method: "HEAD"), HTTP2Request("/204"), HTTP2Request("/304"), HTTP2Request("/empty"),
        ]
        for inTurn in [true, false] {
            let answers = try converse(front.port, inTurn: inTurn, requests).answers
            #expect(answers.map(\.status) == [200, 204, 304, 200])
            #expect(answers.allSatisfy { $0.body.isEmpty && $0.reset == nil })
            #expect(answers[0]["content-length"] == "1000")
            #expect(answers[2]["etag"] == "\"x\"")
        }
        #expect(server.requests.count { $0.method == "HEAD" } == 2)
    }

    @Test("Several fields for cookies become one")
    func cookies() throws {
        let (front, server) = try front { _ in
            "HTTP/1.1 200 OK\r\nSet-Cookie: x=1\r\nSet-Cookie: y=2\r\nContent-Length: 0\r\n\r\n"
        }
        let fields = [["cookie", "a=1"], ["x-b", "b"], ["cookie", "b=2"], ["cookie", "c=3"]]
        let answer = try ask(front.port, HTTP2Request("/", fields: fields))
        #expect(answer.all("set-cookie") == ["x=1", "y=2"])
        #expect(server.requests.first?.all("cookie") == ["a=1; b=2; c=3"])
    }

    @Test("Interim answers are passed on, and one that says to go on is")
    func interim() throws {
        let server = try ScriptedServer { connection, _ in
            while true {
                let head = try connection.receiveRequestHead()
                if head["expect"] != nil {
                    try connection.send("HTTP/1.1 100 Continue\r\n\r\n")
                    _ = try connection.receive(count: 5)
                }
                try connection.send(
                    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let front = try FrontDoor(before: server.port, bind: "proto h2")
        let answer = try ask(front.port, HTTP2Request("/"))
        #expect(answer.interim == [[[":status", "103"], ["link", "</a.css>"]]])
        #expect(answer.status == 200 && answer.body == "ok")
        let fields = [["expect", "100-continue"], ["content-length", "5"]]
        let continued = try ask(front.port, HTTP2Request("/", method: "POST", fields: fields, pieces: ["hello"]))
        #expect(continued.interim.map { $0[0][1] } == ["100", "103"])
        #expect(continued.status == 200)
    }

    @Test("Rules, logs and samples know the version")
    func version() throws {
        let (front, _) = try front(
            frontend: """
                    log-format "%HM %HV %ST major=%[fc_http_major] ver=%[capture.req.ver] host=%[capture.req.hdr(0)]"
                    capture request header host len 40
                    http-request set-var(txn.ver) req.ver
                    http-response set-header x-version %[var(txn.ver)]
                """
        ) { _ in "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" }
        let answer = try ask(front.port, HTTP2Request("/here"))
        #expect(answer["x-version"] == "2.0")
        let line = try front.portico.logLine(with: "GET HTTP/2.0 200")
        #expect(line.contains("major=2 ver=HTTP/2.0 host=example.test"), "\(line)")
    }

    // MARK: Content

    @Test("Content of known and of unknown length, short and long, both ways")
    func content() throws {
        let (front, server) = try front { request in
            "HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\nX-Length: \(request["content-length"] ?? "-")\r\n"
                + "X-Coding: \(request["transfer-encoding"] ?? "-")\r\n\r\n\(request.text)"
        }
        for count in [0, 1, 100, 16_384, 16_385, 3_000_000] {
            let body = String(repeating: "0123456789", count: count / 10) + String(repeating: "x", count: count % 10)
            let pieces = count > 1 ? [String(body.prefix(count / 3)), String(body.dropFirst(count / 3))] : [body]
            let known = HTTP2Request(
                "/known", method: "POST", fields: [["content-length", "\(count)"]], pieces: pieces)
            let unknown = HTTP2Request("/unknown", method: "POST", pieces: pieces)
            let answers = try converse(front.port, [known, unknown]).answers
            #expect(answers.map(\.status) == [200, 200])
            #expect(answers.allSatisfy { $0.body == body }, "\(count) bytes")
            #expect(answers[0]["x-length"] == "\(count)" && answers[0]["x-coding"] == "-")
            #expect(answers[1]["x-coding"] == "chunked" || count == 0)
        }
        #expect(server.requests.count == 12)
    }

    @Test("A body that ends with the server's connection is whole")
    func untilClose() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + String(repeating: "z", count: 100_000))
        }
        let front = try FrontDoor(before: server.port, bind: "proto h2")
        let answers = try converse(front.port, inTurn: true, [HTTP2Request("/"), HTTP2Request("/")]).answers
        #expect(answers.allSatisfy { $0.status == 200 && $0.body.count == 100_000 && $0.reset == nil })
    }

    @Test("A body that is cut short ends its stream alone, with RST_STREAM")
    func truncated() throws {
        let server = try ScriptedServer { connection, _ in
            let request = try connection.receiveRequest()
            if request.target == "/good" { return try connection.send(ok) }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
        }
        let front = try FrontDoor(before: server.port, bind: "proto h2")
        let answers = try converse(front.port, inTurn: true, [HTTP2Request("/cut"), HTTP2Request("/good")]).answers
        #expect(answers[0].status == 200 && answers[0].reset != nil)
        #expect(answers[1].status == 200 && answers[1].body == "ok")
        #expect(try front.portico.exchange(with: "/cut").termination == "SD--")
    }

    @Test("Trailer fields go both ways")
    func trailers() throws {
        let server = try ScriptedServer { connection, _ in
            while true {
                _ = try connection.receiveRequestHead()
                _ = try connection.receive(through: "0\r\n")
                // The last chunk's line may be followed by trailer fields; the section ends with an empty line.
                var section = ""
                while !section.hasSuffix("\r\n\r\n") && section != "\r\n" {
                    section += try connection.receive(through: "\r\n")
                }
                let body = section.trimmingCharacters(in: .whitespacesAndNewlines)
                let size = String(body.utf8.count, radix: 16)
                try connection.send(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                        + (body.isEmpty ? "" : "\(size)\r\n\(body)\r\n") + "0\r\nX-Sum: 1\r\nX-End: yes\r\n\r\n")
            }
        }
        let front = try FrontDoor(before: server.port, bind: "proto h2")
        let request = HTTP2Request(
            "/", method: "POST", fields: [["te", "trailers"]], pieces: ["hello"], trailers: [["x-check", "17"]])
        let answer = try ask(front.port, request)
        #expect(answer.body.lowercased() == "x-check: 17")
        #expect(answer.trailers == [["x-sum", "1"], ["x-end", "yes"]])
    }

    // MARK: What Portico says itself

    @Test("Errors, an operator's own page for one, redirects and the statistics")
    func localAnswers() throws {
        let page = try Stage.current.file(
            "503.http", "HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/plain\r\nX-Own: 1\r\n\r\nour own page")
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(port) proto h2
                stats enable
                stats uri /stats
                http-request deny if { path /denied }
                http-request redirect location /there if { path /moved }
                http-request return status 200 content-type text/plain string "said" hdr x-b c if { path /said }
                default_backend none
            backend none
                errorfile 503 \(page)
            """, listeningOn: port)
        let paths = ["/", "/denied", "/moved", "/said", "/stats", "/stats;csv"]
        let answers = try converse(port, paths.map { HTTP2Request($0) }).answers
        #expect(answers.map(\.status) == [503, 403, 302, 200, 200, 200])
        #expect(answers[0].body == "our own page" && answers[0]["x-own"] == "1")
        #expect(answers[1].body.contains("403 Forbidden"))
        #expect(answers[2]["location"] == "/there")
        #expect(answers[3].body == "said" && answers[3]["x-b"] == "c")
        #expect(answers[4].body.contains("<title>") && answers[4].body.contains("</html>"))
        #expect(answers[5].body.hasPrefix("# pxname,svname,"))
        #expect(answers.allSatisfy { $0.reset == nil && $0["connection"] == nil })
        #expect(try portico.exchange(with: "/denied").termination == "PR--")
        let head = try ask(port, HTTP2Request("/said", method: "HEAD"))
        #expect(head.status == 200 && head.body.isEmpty)
    }

    @Test("Static files", .enabled(if: Portico.isItself))
    func files() throws {
        let folder = Stage.current.folder + "/site"
        let text = String(repeating: "line\n", count: 100_000)
        _ = try Stage.current.file("site/long.txt", text)
        let front = try FrontDoor(backend: "    files \(folder)", bind: "proto h2")
        let first = try converse(
            front.port, [HTTP2Request("/long.txt"), HTTP2Request("/none"), HTTP2Request("/long.txt", method: "HEAD")]
        ).answers
        #expect(first.map(\.status) == [200, 404, 200])
        #expect(first[0].body == text)
        #expect(first[2].body.isEmpty && first[2]["content-length"] == "500000")
        let tag = try #require(first[0]["etag"])
        let second = try ask(front.port, HTTP2Request("/long.txt", fields: [["if-none-match", tag]]))
        #expect(second.status == 304 && second.body.isEmpty)
    }

    // MARK: Listeners

    @Test("A listener in clear tells HTTP/2 from HTTP/1 by its preface; `option disable-h2-upgrade` does not look")
    func preface() throws {
        let (front, _) = try front(bind: "") { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }
        #expect(try ask(front.port, HTTP2Request("/")).body == "ok")
        #expect(try fetch("/", from: front.port).text == "ok")
        let (deaf, _) = try self.front(frontend: "    option disable-h2-upgrade", bind: "") { _ in
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        }
        let client = try Connection(to: deaf.port)
        try client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        #expect(try client.receiveAnswer().status != 200)
        #expect(try fetch("/", from: deaf.port).text == "ok")
    }

    /// HAProxy lets the server decide.
    @Test(
        "A client that asks to change to h2c gets HTTP/1.1, and the server does not hear of it",
        .enabled(if: Portico.isItself))
    func upgrade() throws {
        let (front, server) = try front(bind: "") { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }
        let said = try curl("--http2", "-w", " %{http_version}", "http://127.0.0.1:\(front.port)/")
        #expect(said == "ok 1.1")
        let request = try #require(server.requests.first)
        #expect(request["upgrade"] == nil && request["http2-settings"] == nil && request["connection"] == nil)
    }

    @Test("ALPN chooses HTTP/2 where the listener offers it, which it does by default", .enabled(if: Portico.isItself))
    func alpn() throws {
        let authority = try TestAuthority()
        let certificate = try authority.issue(for: "example.test")
        for (words, chosen) in [
            ("", "h2"), ("alpn h2,http/1.1", "h2"), ("alpn h2", "h2"), ("alpn http/1.1", "http/1.1"), ("no-alpn", nil),
        ] {
            let (front, _) = try front(
                frontend: "    log-format \"%HV %[ssl_fc_alpn]\"", bind: "ssl crt \(certificate) \(words)"
            ) {
                _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            }
            let offered = ["h2", "http/1.1"]
            // A client that knows no HTTP/1 leaves when HTTP/2 is not chosen.
            if chosen == "h2" {
                let conversation = try converse(front.port, authority: authority, alpn: offered, [HTTP2Request("/")])
                #expect(conversation.alpn == "h2")
                #expect(conversation.answers.first?.body == "ok")
                _ = try front.portico.logLine(with: "HTTP/2.0 h2")
            } else {
                let client = try SecureClient(front.port, "-alpn", "h2,http/1.1")
                #expect(client.report.contains("ALPN protocol: \(chosen ?? "none")") == (chosen != nil), "\(words)")
                #expect(client.hasAnswer)
            }
        }
    }

    @Test("One frontend has listeners of both kinds, with the same rules")
    func listeners() throws {
        let authority = try TestAuthority()
        let certificate = try authority.issue(for: "example.test")
        let (clear, secure) = (try freePort(), try freePort())
        let (front, _) = try front(
            frontend: """
                    bind 127.0.0.1:\(clear) proto h2
                    bind 127.0.0.1:\(secure) ssl crt \(certificate) alpn h2,http/1.1
                    http-response set-header x-rule yes
                """, bind: ""
        ) { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }
        #expect(try fetch("/", from: front.port)["x-rule"] == "yes")
        #expect(try ask(clear, HTTP2Request("/"))["x-rule"] == "yes")
        let conversation = try converse(secure, authority: authority, [HTTP2Request("/")])
        #expect(conversation.answers.first?["x-rule"] == "yes")
    }
}
