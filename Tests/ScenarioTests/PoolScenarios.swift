// Which server connections are used again, and what closes them.

import Foundation
import Testing

@Suite(.staged) struct PoolScenarios {
    @Test("`option http-server-close` closes the server's connection after each answer and keeps the client's")
    func serverClose() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, defaults: "option http-server-close")

        let client = try Connection(to: front.port)
        for number in 1...4 {
            let answer = try client.fetch("/\(number)")
            #expect(answer.text == "hello" && answer["connection"] == nil)
        }

        #expect(server.connectionCount == 4)
        #expect(server.requests.map { $0.all("connection") } == Array(repeating: ["close"], count: 4))
    }

    @Test("`option httpclose` closes both connections after each answer")
    func close() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, defaults: "option httpclose")

        let client = try Connection(to: front.port)
        let answer = try client.fetch("/")

        #expect(answer.text == "hello")
        #expect(answer["connection"] == "close")
        #expect(client.isClosedByPeer())
        #expect(server.requests[0].all("connection") == ["close"])
    }

    @Test(
        "`http-reuse never` gives each client connection a server connection of its own, and closes it with the client's"
    )
    func never() throws {
        let ended = Flag()
        let server = try ScriptedServer { connection, _ in
            do {
                while true {
                    _ = try connection.receiveRequest()
                    try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
                }
            } catch { ended.raise() }
        }
        let front = try FrontDoor(before: server.port, global: "nbthread 1", backend: "http-reuse never")

        let (one, other) = (try Connection(to: front.port), try Connection(to: front.port))
        for number in 1...3 {
            for client in [one, other] { #expect(try client.fetch("/\(number)").text == "hi") }
        }
        #expect(server.connectionCount == 2)
        #expect(!ended.isRaised)

        one.close()
        #expect(eventually { ended.isRaised })
        #expect(try other.fetch("/4").text == "hi")
        #expect(try fetch("/5", from: front.port).text == "hi")
        #expect(server.connectionCount == 3)
    }

    @Test("A connection of one client's own that its server closes is replaced by another")
    func neverButClosed() throws {
        // Each connection carries two requests.
        let server = try ScriptedServer { connection, _ in
            for _ in 1...2 {
                _ = try connection.receiveRequest()
                try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
            }
        }
        let front = try FrontDoor(before: server.port, backend: "http-reuse never")
        let client = try Connection(to: front.port)
        for number in 1...6 { #expect(try client.fetch("/\(number)").text == "hi") }
        #expect(server.connectionCount == 3)
    }

    // HAProxy gives every first request a new connection in this mode, Portico only those it could not send again.
    @Test(
        "`http-reuse safe` sends a first POST over a new connection, and a first GET over an idle one",
        .enabled(if: Portico.isItself))
    func safe() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, global: "nbthread 1")
        func first(_ request: String) throws {
            let client = try Connection(to: front.port)
            try client.send(request)
            #expect(try client.receiveAnswer().text == "hello")
            client.close()
        }

        try first("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
        try first("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(server.connectionCount == 1)
        try first("POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        #expect(server.connectionCount == 2)
    }

    @Test("`http-reuse always` sends a first POST over an idle connection too")
    func always() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, global: "nbthread 1", backend: "http-reuse always")
        for _ in 1...3 {
            let client = try Connection(to: front.port)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
            #expect(try client.receiveAnswer().text == "hello")
            client.close()
        }
        #expect(server.connectionCount == 1)
    }

    @Test("`pool-max-conn 0` keeps no idle connection, `max-reuse 1` uses one twice")
    func limits() throws {
        let none = try ScriptedServer(saying: "hello")
        let twice = try ScriptedServer(saying: "hello")
        for (server, words) in [(none, "pool-max-conn 0"), (twice, "max-reuse 1")] {
            let front = try FrontDoor(before: server.port, server: words)
            // Each request on a client connection of its own: what one client's connection holds on to is not the pool.
            for number in 1...4 { #expect(try fetch("/\(number)", from: front.port).text == "hello") }
        }
        #expect(none.connectionCount == 4)
        if Portico.isItself { #expect(twice.connectionCount >= 2) }
    }

    @Test("An idle server connection is closed after `pool-purge-delay`")
    func purge() throws {
        let ended = Flag()
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
            if connection.isClosedByPeer() { ended.raise() }
        }
        let front = try FrontDoor(before: server.port, server: "pool-purge-delay 200ms")
        #expect(try fetch("/", from: front.port).text == "hi")
        #expect(eventually { ended.isRaised })
    }

    @Test("`option abortonclose`: a client that closes before its answer frees the server")
    func abortOnClose() throws {
        let asked = Flag()
        let ended = Flag()
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            asked.raise()
            if connection.isClosedByPeer() { ended.raise() }
        }
        let front = try FrontDoor(before: server.port, backend: "option abortonclose")
        let client = try Connection(to: front.port)
        try client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { asked.isRaised })
        client.close()
        #expect(eventually { ended.isRaised })
        #expect(eventually { front.portico.process.output.contains("CH--") })
    }
}

/// Raised by one thread, seen by another.
private final class Flag: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false
    var isRaised: Bool { lock.withLock { value } }
    func raise() { lock.withLock { value = true } }
}
