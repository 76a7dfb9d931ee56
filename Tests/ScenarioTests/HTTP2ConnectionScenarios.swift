// Connections of clients of HTTP/2: what is malformed on them, how they end, and what real programs do with them.

import Foundation
import Testing

@Suite(.staged) struct HTTP2ConnectionScenarios {
    private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    // MARK: Malformed requests

    /// Requests that RFC 9113 calls malformed.
    private static let malformed: [(String, HTTP2Request)] = [
        ("upper case", HTTP2Request("/", fields: [["X-Upper", "1"]])),
        ("connection", HTTP2Request("/", fields: [["connection", "close"]])),
        ("transfer-encoding", HTTP2Request("/", fields: [["transfer-encoding", "chunked"]])),
        ("keep-alive", HTTP2Request("/", fields: [["keep-alive", "1"]])),
        ("upgrade", HTTP2Request("/", fields: [["upgrade", "h2c"]])),
        ("te", HTTP2Request("/", fields: [["te", "gzip"]])),
        ("no method", HTTP2Request("/", omit: ["method"])),
        ("no path", HTTP2Request("/", omit: ["path"])),
        ("no scheme", HTTP2Request("/", omit: ["scheme"])),
        ("empty path", HTTP2Request("")),
        ("path without slash", HTTP2Request("nothing")),
        ("blank in path", HTTP2Request("/a b")),
        ("unknown pseudo-header", HTTP2Request("/", fields: [[":unknown", "1"]])),
        ("status", HTTP2Request("/", fields: [[":status", "200"]])),
        ("two paths", HTTP2Request("/", fields: [[":path", "/b"]])),
        ("pseudo-header behind a field", HTTP2Request("/", fields: [["x-a", "1"], [":path", "/b"]], omit: ["path"])),
        ("another host", HTTP2Request("/", fields: [["host", "other.test"]])),
        ("line break", HTTP2Request("/", fields: [["x-a", "1\r\nx-b: 2"]])),
        ("null", HTTP2Request("/", fields: [["x-a", "1\0"]])),
        ("blank in name", HTTP2Request("/", fields: [["x a", "1"]])),
        ("colon in name", HTTP2Request("/", fields: [["x:a", "1"]])),
        ("empty name", HTTP2Request("/", fields: [["", "1"]])),
        ("too much content", HTTP2Request("/", method: "POST", fields: [["content-length", "2"]], pieces: ["hello"])),
        (
            "too little content",
            HTTP2Request("/", method: "POST", fields: [["content-length", "9"]], pieces: ["hello"])
        ),
        (
            "two lengths",
            HTTP2Request(
                "/", method: "POST", fields: [["content-length", "5"], ["content-length", "6"]], pieces: ["hello"])
        ),
        ("content that HEADERS ends", HTTP2Request("/", method: "POST", fields: [["content-length", "5"]])),
        (
            "trailers with a pseudo-header",
            HTTP2Request("/", method: "POST", pieces: ["a"], trailers: [[":path", "/"]])
        ),
    ]

    @Test("A malformed request ends its stream alone, and never reaches a server whole", .enabled(if: Portico.isItself))
    func malformedRequests() throws {
        let (front, server) = try frontOfHTTP2 { request in
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Target: \(request.target)\r\n\r\nok"
        }
        for (name, request) in Self.malformed {
            let conversation = try converse(front.port, inTurn: true, [request, HTTP2Request("/good")])
            let bad = try #require(conversation.answers.first)
            #expect(bad.reset == 1 || bad.status == 400, "\(name): \(bad)")
            #expect(conversation.answers.count == 2 && conversation.answers[1].status == 200, "\(name)")
            #expect(conversation.goaway == nil, "\(name): \(conversation.goaway?.text ?? "")")
        }
        #expect(server.requests.allSatisfy { $0.target == "/good" }, "\(server.requests.map(\.target))")
    }

    // MARK: The end of a connection

    /// A server that answers when the test says so.
    private func patientServer() throws -> (ScriptedServer, DispatchSemaphore) {
        let curtain = DispatchSemaphore(value: 0)
        let server = try ScriptedServer(respond: { _ in
            curtain.wait()
            return "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npatient"
        })
        return (server, curtain)
    }

    @Test("SIGUSR1: a GOAWAY frame, the answers under way, and the end")
    func softStop() throws {
        let (server, curtain) = try patientServer()
        let front = try FrontDoor(before: server.port, bind: "proto h2")
        let client = try HTTP2Client(front.port, untilEnd: true, [HTTP2Request("/")])
        #expect(eventually { server.requests.count == 1 })
        front.portico.process.signal(SIGUSR1)
        #expect(eventually { !isListening(on: front.port) })
        #expect(front.portico.process.ended() == nil)
        curtain.signal()
        let conversation = try client.conversation()
        #expect(conversation.answers.first?.body == "patient")
        #expect(conversation.goaway?.code == 0)
        // HAProxy waits for the client to close.
        #expect(conversation.ended || !Portico.isItself)
        #expect(front.portico.process.end() == .status(0))
    }

    @Test("A connection without a stream ends by `timeout http-keep-alive`, or `timeout client`, with a GOAWAY frame")
    func idle() throws {
        for words in ["timeout http-keep-alive 1s", "timeout client 1s"] {
            let (front, _) = try frontOfHTTP2(defaults: "    \(words)") { _ in
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            }
            let conversation = try converse(front.port, untilEnd: true, [HTTP2Request("/")])
            #expect(conversation.answers.first?.body == "ok")
            #expect(conversation.ended || !Portico.isItself, "\(words)")
            #expect(conversation.goaway?.code == 0, "\(words)")
        }
    }

    @Test("A client that cancels is logged as gone, its server's exchange ends, and the connection goes on")
    func cancelled() throws {
        let server = try ScriptedServer { connection, _ in
            let request = try connection.receiveRequest()
            if request.target == "/good" { return try connection.send(ok) }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
            #expect(connection.isClosedByPeer())
        }
        let front = try FrontDoor(before: server.port, bind: "proto h2")
        let requests = [HTTP2Request("/left", cancel: true), HTTP2Request("/good")]
        let answers = try converse(front.port, inTurn: true, requests).answers
        #expect(answers[0].reset == 8 && answers[0].status == 200)
        #expect(answers[1].body == "ok")
        #expect(try front.portico.exchange(with: "/left").termination == "CD--")
    }

    @Test("10,000 requests over one connection, one in ten cancelled at random: nothing is left")
    func cancellations() throws {
        let socket = Stage.current.folder + "/stats.sock"
        let (front, _) = try frontOfHTTP2(
            global: "    nbthread 2\n    stats socket \(socket) mode 600 level admin", bind: "proto h2"
        ) { request in
            let parts = request.target.split(separator: "/")
            let body =
                parts.first == "large"
                ? String(repeating: "x", count: Int(parts[1]) ?? 0) : "{\"body\": \"\(request.text)\"}"
            return "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        let counts = try [1, 2].map { round in
            let ended = try python("h2_cancels.py", ["\(front.port)", "5000", "\(round)"], within: 300)
            try #require(ended.exit == .status(0), "\(ended.errors)")
            return (
                try JSONDecoder().decode([String: Int].self, from: Data(ended.output.utf8)), front.settledResidentBytes
            )
        }
        for (count, _) in counts {
            #expect(count["answered", default: 0] + count["cancelled", default: 0] == 5_000, "\(count)")
            #expect(count["cancelled", default: 0] > 100, "\(count)")
        }
        #expect(counts[1].1 < counts[0].1 + 4_000_000, "\(counts)")
        // Current sessions of the frontend, the backend and the server.
        let isEmpty = try eventually {
            let rows = try ask(socket, "show stat").split(separator: "\n").filter {
                !$0.hasPrefix("#") && $0.count > 10
            }
            return rows.allSatisfy { $0.split(separator: ",", omittingEmptySubsequences: false)[4] == "0" }
        }
        #expect(isEmpty)
        #expect(try ask(front.port, HTTP2Request("/large/5")).body == "xxxxx")
    }

    @Test("A client that is slow to read gets the end of its last answer, although the connection ends with it")
    func lateReaders() throws {
        let (front, _) = try frontOfHTTP2(
            global: "    tune.h2.fe.max-total-streams 1", defaults: "    timeout client 2s"
        ) { request in
            let size = Int(request.target.dropFirst()) ?? 0
            return "HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n" + String(repeating: "x", count: size)
        }
        let clients = try stride(from: 100_000, to: 260_000, by: 10_000).map { size in
            let client = try Connection(to: front.port, takesLittle: true)
            let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
            // SETTINGS_INITIAL_WINDOW_SIZE and WINDOW_UPDATE: a mebibyte, and as much again.
            let settings: [UInt8] = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 16, 0, 0]
            let update: [UInt8] = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 16, 0, 0]
            // HEADERS that end the stream: GET, http, the path, the authority.
            let block = [0x82, 0x86, 0x04, 7] + Array("/\(size)".utf8) + [0x01, 1] + Array("a".utf8)
            let request = [0, 0, UInt8(block.count), 1, 5, 0, 0, 0, 1] + block
            try client.send(bytes: preface + settings + update + request)
            return (size: size, client: client)
        }
        // Some of the exchanges have ended now, whose content Portico holds still.
        _ = try front.portico.exchange(with: "/\(clients[0].size)")
        for (size, client) in clients { #expect(try client.receiveAll().count > size) }
    }

    // MARK: Real programs

    @Test("curl: prior knowledge and ALPN, an upload, a download")
    func curlInAllItsWays() throws {
        let authority = try TestAuthority()
        let certificate = try authority.issue(for: "127.0.0.1")
        let (front, secure) = (try Application.shared(.gevent), try freePort())
        let door = try FrontDoor(
            before: front.port, frontend: "    bind 127.0.0.1:\(secure) ssl crt \(certificate) alpn h2,http/1.1")
        let file = try Stage.current.file("upload", String(repeating: "u", count: 3_000_000))
        for (base, words) in [
            ("http://127.0.0.1:\(door.port)", ["--http2-prior-knowledge"]),
            ("https://127.0.0.1:\(secure)", ["--http2", "--cacert", authority.certificate]),
        ] {
            #expect(try curl(words + ["-w", " %{http_version}", "\(base)/health"]) == "ok\n 2")
            #expect(
                try curl(words + ["--data-binary", "@\(file)", "\(base)/upload"]).contains("\"received\": 3000000"))
            #expect(try curl(words + ["--head", "\(base)/health"]).hasPrefix("HTTP/2 200 "))
            let count = try curl(words + ["-o", "/dev/null", "-w", "%{size_download}", "\(base)/big?bytes=20000000"])
            #expect(count == "20000000")
        }
    }

    @Test("h2load: every answer of 20,000 is a good one")
    func h2load() throws {
        let (front, _) = try frontOfHTTP2 { _ in "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" }
        let ended = try play([
            "h2load", "--requests=20000", "--clients=8", "--max-concurrent-streams=32",
            "http://127.0.0.1:\(front.port)/",
        ])
        #expect(ended.exit == .status(0), "\(ended.errors)")
        #expect(ended.output.contains("20000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(ended.output)")
        #expect(ended.output.contains("status codes: 20000 2xx"), "\(ended.output)")
    }

    @Test("nghttp: answers that depend on one another, and an upload")
    func nghttp() throws {
        let (front, _) = try frontOfHTTP2 { request in
            let text = "\(request.method) \(request.body.count)\n"
            return "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
        }
        let file = try Stage.current.file("upload", String(repeating: "u", count: 200_000))
        let base = "http://127.0.0.1:\(front.port)"
        #expect(try play(["nghttp", "\(base)/a", "\(base)/b", "\(base)/c"]).output == "GET 0\nGET 0\nGET 0\n")
        #expect(try play(["nghttp", "--data=\(file)", "\(base)/up"]).output == "POST 200000\n")
    }
}
