// Messages that sloppy servers send and that are forwarded in correct form; and the same from clients.

import Testing

@Suite(.staged) struct LenientScenarios {
    /// Regression: responses with padded sizes were forwarded as a head without a body.
    @Test(
        "A response whose chunks are padded, or whose lines end with LF alone, goes on well written",
        arguments: [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5   \r\nhello\r\n0   \r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 ; name = value\r\nhello\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000005\r\nhello\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\nContent-Length: 5\nX-A: b\n\nhello",
            "HTTP/1.1 200 OK\r\nX-A: b\r\n\tc\r\nContent-Length: 5\r\n\r\nhello",
        ])
    func sloppyServer(response: String) throws {
        let server = try ScriptedServer { _ in response }
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        for _ in 1...2 {
            let answer = try client.fetch("/")
            #expect(answer.status == 200 && answer.text == "hello")
        }
        #expect(try front.portico.exchange(status: 200).termination == "----")
        // Its end was unambiguous: the connection is reused.
        #expect(server.connectionCount == 1)
    }

    @Test("So does one whose chunks end with LF alone", .enabled(if: Portico.isItself))
    func lineFeedsInChunks() throws {
        let server = try ScriptedServer { _ in
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\nX-Sum: 1\n\n"
        }
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\n\r\n")
        #expect(try client.receiveHead()["transfer-encoding"] == "chunked")
        #expect(try client.receive(through: "\r\n\r\n") == "5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n")
    }

    @Test("A client's lines may end with LF alone where the frontend says so")
    func sloppyClient() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, frontend: "option accept-unsafe-violations-in-http-request")
        let client = try Connection(to: front.port)
        try client.send("POST /a HTTP/1.1\nHost: x\nContent-Length: 3\n\nabc")
        #expect(try client.receiveAnswer().text == "hello")
        let request = try #require(server.requests.first)
        #expect(request.target == "/a" && request.text == "abc")
    }

    @Test(
        "No option lets a request pass that two hops would read differently", .enabled(if: Portico.isItself),
        arguments: [
            "GET / HTTP/1.1\nHost: x\nX: a\0b\n\n", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
            "CONNECT a:80 HTTP/1.1\r\nHost: b:80\r\n\r\n", "GET / HTTP/1.1\nHost: x\nHost: y\n\n",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
        ])
    func stillRefused(request: String) throws {
        let server = try ScriptedServer(saying: "never")
        let front = try FrontDoor(
            before: server.port,
            frontend: "option accept-unsafe-violations-in-http-request\n    option http-buffer-request")
        let client = try Connection(to: front.port)
        try client.send(request)
        #expect(try client.receiveAnswer().status == 400)
        #expect(server.requests.isEmpty)
    }
}
