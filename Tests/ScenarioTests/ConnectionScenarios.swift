// Lifetime of connections on both sides, and the order of requests on them.

import Foundation
import Testing

@Suite(.staged) struct ConnectionScenarios {
    @Test("A client keeps its connection, and one server connection serves all its requests")
    func keptAliveOnBothSides() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        for number in 1...20 {
            let answer = try client.fetch("/\(number)")
            #expect(answer.status == 200 && answer.text == "hello")
            #expect(answer["connection"] == nil)
        }

        #expect(server.requests.map(\.target) == (1...20).map { "/\($0)" })
        #expect(server.connectionCount == 1)
    }

    @Test("Requests sent all at once are answered one after the other, in their order")
    func pipelining() throws {
        let server = try ScriptedServer { request in
            let body = "you asked for \(request.target)"
            return "HTTP/1.1 200 OK\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        try client.send(
            """
            GET /1 HTTP/1.1\r
            Host: example.test\r
            \r
            POST /2 HTTP/1.1\r
            Host: example.test\r
            Content-Length: 5\r
            \r
            12345GET /3 HTTP/1.1\r
            Host: example.test\r
            \r

            """)

        for number in 1...3 {
            #expect(try client.receiveAnswer().text == "you asked for /\(number)")
        }
        #expect(server.requests.map(\.text) == ["", "12345", ""])
    }

    @Test("A request sent behind a closing answer does not turn the end of that answer into a reset")
    func pipelinedBehindClose() throws {
        let server = try ScriptedServer(saying: String(repeating: "hello", count: 10_000))
        let front = try FrontDoor(before: server.port, defaults: "option httpclose")

        let client = try Connection(to: front.port)
        try client.send("GET /1 HTTP/1.1\r\nHost: example.test\r\n\r\n")
        // Everything has been sent, and the client has not read any of it.
        _ = try front.portico.exchange(with: "/1 ")
        // On a closed socket, the first of these would cause the reset, and the second would fail.
        for number in 2...3 { try client.send("GET /\(number) HTTP/1.1\r\nHost: example.test\r\n\r\n") }

        #expect(try client.receiveAnswer().text.count == 50_000)
        #expect(try client.receiveAll().isEmpty)
        #expect(server.requests.count == 1)
    }

    @Test("A client that says `Connection: close` gets its answer and the end of the connection")
    func clientWantsToClose() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        let answer = try client.fetch("/", headers: "Connection: close")

        #expect(answer.text == "hello")
        #expect(answer["connection"] == "close")
        #expect(client.isClosedByPeer())
    }

    @Test("An HTTP/1.0 client's connection ends with the answer, unless it asks to keep it")
    func http10Client() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)

        let plain = try Connection(to: front.port)
        try plain.send("GET / HTTP/1.0\r\n\r\n")
        #expect(try plain.receiveAnswer().text == "hello")
        #expect(plain.isClosedByPeer())

        let keeping = try Connection(to: front.port)
        for _ in 1...3 {
            try keeping.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let answer = try keeping.receiveAnswer()
            #expect(answer.text == "hello")
            #expect(answer["connection"]?.lowercased() == "keep-alive")
        }
    }

    @Test("A server that closes after each answer, with a word or without, costs no request")
    func serverCloses() throws {
        let polite = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi")
        }
        let silent = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        }
        for server in [polite, silent] {
            let front = try FrontDoor(before: server.port)
            let client = try Connection(to: front.port)
            for number in 1...5 {
                #expect(try client.fetch("/\(number)").text == "hi")
                // The next request arrives after the server has closed, as it would from a person.
                #expect(eventually { server.connectionCount == number })
            }
        }
    }

    // HAProxy closes the client's connection if the next request crosses with the close of the server's connection.
    @Test(
        "uWSGI closes each connection without saying so; a kept-alive client notices nothing",
        .enabled(if: Portico.isItself))
    func uwsgiBehindKeepAlive() throws {
        let uwsgi = try Application.shared(.uwsgi)
        let front = try FrontDoor(before: uwsgi.port)

        let client = try Connection(to: front.port)
        for _ in 1...10 {
            #expect(try client.fetch("/health").text == "ok\n")
        }
    }

    @Test("An answer that lasts until the server closes ends for the client too, by chunks or by closing")
    func untilClose() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nuntil ")
            try connection.send("I close")
        }
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        let answer = try client.fetch("/")

        #expect(answer.text == "until I close")
        #expect(answer["transfer-encoding"] == "chunked" || client.isClosedByPeer())
    }

    @Test("A kept connection without a next request is closed after `timeout http-keep-alive`")
    func idleClient() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, defaults: "timeout http-keep-alive 200ms")

        let client = try Connection(to: front.port)
        #expect(try client.fetch("/").status == 200)

        #expect(client.isClosedByPeer())
    }

    @Test("http-ignore-probes: a connection without a byte ends unanswered, uncounted and unlogged")
    func probes() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, defaults: "timeout http-request 3s", frontend: "option http-ignore-probes")
        try Connection(to: front.port).close()
        let silent = try Connection(to: front.port)
        #expect(try silent.receiveAll() == [])
        let begun = try Connection(to: front.port)
        try begun.send("GET")
        #expect(try begun.receiveAnswer().status == 408)
        _ = try front.portico.exchange(status: 408)
        #expect(front.portico.logLines.filter { $0.contains(" www ") }.count == 1)
    }
}
