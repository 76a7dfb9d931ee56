// Ends of buffers, reused connections and starting time-outs: each scenario is named after a past bug.

import Foundation
import Testing

@Suite(.staged) struct BoundaryScenarios {
    @Test("Two hundred pipelined requests that Portico answers itself, sent at once, are all answered")
    func pipelinedLocalAnswers() throws {
        let front = try freePort()
        _ = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(front)
                http-request return status 200 content-type text/plain string "x"
            """, listeningOn: front)
        // 258 bytes each, so that a request crosses the end of a buffer.
        let padding = String(repeating: "p", count: 258 - "GET / HTTP/1.1\r\nHost: a\r\nX-Pad: \r\n\r\n".utf8.count)
        let client = try Connection(to: front)
        try client.send(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\nX-Pad: \(padding)\r\n\r\n", count: 200))
        for _ in 1...200 { #expect(try client.receiveAnswer().text == "x") }
    }

    @Test("A body that ends with its connection is whole, whatever its length is against a buffer's")
    func untilCloseAtTheBuffersEnd() throws {
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
        let server = try ScriptedServer { connection, _ in
            let request = try connection.receiveRequest()
            let count = Int(request.target.dropFirst()) ?? 0
            try connection.send(head + String(repeating: "b", count: count))
        }
        let front = try FrontDoor(before: server.port)
        for total in stride(from: 16_280, through: 16_400, by: 1) {
            let count = total - head.utf8.count
            #expect(try fetch("/\(count)", from: front.port).text.utf8.count == count)
        }
    }

    @Test("Bytes behind a response are never the next client's answer")
    func poison() throws {
        let whole = "HTTP/1.1 200 OK\r\ncontent-length: "
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            // The response fills a buffer exactly, and another one follows.
            let length = 16_384 - whole.utf8.count - "16335\r\n\r\n".utf8.count
            let poison = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nPOISON"
            try connection.send("\(whole)\(length)\r\n\r\n\(String(repeating: "a", count: length))\(poison)")
            _ = connection.isClosedByPeer()
        }
        let front = try FrontDoor(before: server.port, global: "nbthread 1")
        for _ in 1...3 { #expect(try !fetch("/", from: front.port).text.contains("POISON")) }
    }

    @Test("An answer without a body leaves the connection in order: 204 by a rule", .enabled(if: Portico.isItself))
    func deniedWithoutBody() throws {
        let front = try freePort()
        _ = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(front)
                http-request return status 204 if { path /none }
                http-request return status 200 content-type text/plain string "next"
            """, listeningOn: front)
        let client = try Connection(to: front)
        try client.send("GET /none HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.receiveAnswer().status == 204)
        #expect(try client.receiveAnswer().text == "next")
    }

    @Test("In `mode tcp` nobody gets an error page")
    func noPageInTCP() throws {
        let front = try freePort()
        _ = try Portico(
            """
            \(opening(defaults: "mode tcp\n    option tcplog\n    retries 0"))
            listen tcp
                bind 127.0.0.1:\(front)
                server s1 127.0.0.1:\(try freePort())
            """, listeningOn: front)
        let client = try Connection(to: front)
        try client.send("hello")
        #expect((try? client.receiveAll()) ?? [] == [])
    }

    @Test("A client that sends two requests and finishes sending gets two answers")
    func halfClosedPipeline() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        try client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        client.finishSending()
        for _ in 1...2 { #expect(try client.receiveAnswer().text == "hello") }
        #expect(client.isClosedByPeer())
    }

    @Test("A soft stop serves those who have come in and not yet spoken")
    func softStopServesTheSilent() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)
        let clients = try (1...20).map { _ in try Connection(to: front.port) }
        #expect(try fetch("/", from: front.port).text == "hello")

        front.portico.process.signal(SIGUSR1)
        #expect(eventually { !isListening(on: front.port) })

        for client in clients { #expect(try client.fetch("/").text == "hello") }
        #expect(front.portico.process.end() == .status(0))
    }

    @Test("What a server sent before it broke off reaches the client, however slowly that reads")
    func brokenOffButDelivered() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n")
            try connection.send(bytes: [UInt8](repeating: 0x64, count: 1_000_000), within: 60)
            connection.close()
        }
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let all = try client.receiveAll()
        #expect(all.count > 1_000_000)
    }

    @Test("An HTTP/1.0 request without Host reaches a server that wants one", .enabled(if: Portico.isItself))
    func hostForHTTP10() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.0\r\n\r\n")
        #expect(try client.receiveAnswer().text == "hello")
        #expect(server.requests[0].all("host") == ["127.0.0.1:\(front.port)"])
    }

    @Test(
        "An upload about as long as the buffer that retry-on keeps it in is not left lying in the client's buffer",
        arguments: [16_300, 16_383, 16_384, 16_385])
    func uploadAsLongAsItsCopy(length: Int) throws {
        let server = try ScriptedServer { request in
            let text = "\(request.body.count)"
            return "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
        }
        let front = try FrontDoor(before: server.port, backend: "    retry-on all-retryable-errors")
        let client = try Connection(to: front.port)
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
        let body = Array(repeating: UInt8(0x78), count: length)
        try client.send(bytes: Array(body[..<100]))
        // The first part has already been forwarded to the server.
        #expect(client.staysSilent(for: 0.1))
        try client.send(bytes: Array(body[100...]))
        #expect(try client.receiveAnswer().text == "\(length)")
    }

    @Test("Requests that may not use idle connections do not leave one each")
    func oneIdleConnectionForEach() throws {
        let server = try ScriptedServer(saying: "hello")
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(before: server.port, global: "    nbthread 2\n    stats socket \(socket)")
        for _ in 1...20 { #expect(try fetch("/", from: front.port, method: "POST", body: "x").text == "hello") }
        let stat = try ask(socket, "show stat")
        let names = try #require(stat.split(separator: "\n").first).split(
            separator: ",", omittingEmptySubsequences: false)
        let line = try #require(stat.split(separator: "\n").first { $0.hasPrefix("app,s1,") })
            .split(separator: ",", omittingEmptySubsequences: false)
        let column = try #require(names.firstIndex(of: "srv_icur"))
        #expect(try #require(Int(line[column])) <= 2)
    }

    @Test("Both ends of the connection to the server are known to the log")
    func serverEndsInTheLog() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, frontend: "    log-format \"ends %si:%sp %bi %[bc_dst_port] %[bc_src]\"")
        let client = try Connection(to: front.port)
        for _ in 1...2 { #expect(try client.fetch("/").text == "hello") }
        let line = "ends 127.0.0.1:\(server.port) 127.0.0.1 \(server.port) 127.0.0.1"
        #expect(eventually { front.portico.logLines.filter { $0 == line }.count == 2 })
    }

    @Test(
        "A body that is bad in the same packet as its head does not take the good part along",
        .enabled(if: Portico.isItself))
    func badBodyBehindItsHead() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequestHead()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")
        }
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let all = String(decoding: try client.receiveAll(), as: UTF8.self)
        #expect(all.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(!all.hasSuffix("0\r\n\r\n"))
    }

    @Test("Rules know how many connections there are now, not only the log's line")
    func connectionCountsInRules() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, frontend: "    http-response set-header X-Counts \"%ac/%fc/%bc/%sc\"")
        let others = try (1...3).map { _ in try Connection(to: front.port) }
        for (number, other) in others.enumerated() {
            _ = try other.fetch("/\(number)")
            // The exchange ends shortly after the client has received the response.
            _ = try front.portico.exchange(with: "/\(number) ")
        }
        #expect(try Connection(to: front.port).fetch("/").all("x-counts") == ["4/4/1/1"])
    }
}
