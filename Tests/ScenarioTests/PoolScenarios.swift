// Which server connections are reused, and what closes them.

import Foundation
import Testing

@Suite(.staged) struct PoolScenarios {
    @Test(
        "With strict-maxconn there are no more connections to a server than maxconn, idle ones included",
        .enabled(if: Portico.isItself), arguments: [("strict-maxconn", 2), ("", 5)])
    func strictLimit(word: String, connections: Int) throws {
        let server = try ScriptedServer(saying: "hello")
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(
            before: server.port, global: "    nbthread 1\n    stats socket \(socket) mode 600 level admin",
            backend: "    http-reuse always",
            server: "maxconn 2 pool-low-conn 10 pool-purge-delay 60s pool-conn-name req.hdr(x-name) \(word)")
        // A connection of each name stays idle, as far as there is room.
        for name in 1...5 {
            #expect(try fetch("/", from: front.port, headers: "X-Name: \(name)").text == "hello")
        }
        #expect(eventually { (try? table(ask(socket, "show stat")))?["app/s1"]?["srv_icur"] == "\(connections)" })
    }

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

    @Test("`http-reuse safe` sends a client's first request over a new connection, and the others over an idle one")
    func safe() throws {
        let server = try ScriptedServer(saying: "hello")
        // A second idle connection is not kept: what a request goes over is known.
        let front = try FrontDoor(before: server.port, global: "nbthread 1", server: "pool-max-conn 1")
        for number in 1...3 {
            let client = try Connection(to: front.port)
            for request in 1...3 { #expect(try client.fetch("/\(request)").text == "hello") }
            #expect(server.connectionCount == number)
            client.close()
        }
    }

    @Test(
        "`http-reuse safe` sends a first request over an idle connection where `retry-on` makes good what may go wrong")
    func safeWithRetries() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, global: "nbthread 1",
            backend: "retry-on conn-failure empty-response response-timeout")
        for number in 1...3 { #expect(try Connection(to: front.port).fetch("/\(number)").text == "hello") }
        #expect(server.connectionCount == 1)
    }

    @Test("`http-reuse aggressive` sends a first request over an idle connection that was reused before, over no other")
    func aggressive() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, global: "nbthread 4", backend: "http-reuse aggressive")
        func first() throws { #expect(try Connection(to: front.port).fetch("/").text == "hello") }

        try first()
        let second = try Connection(to: front.port)
        #expect(try second.fetch("/first").text == "hello")
        #expect(server.connectionCount == 2, "the idle one has carried one request only")
        #expect(try second.fetch("/second").text == "hello")
        for _ in 1...5 { try first() }
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

    @Test("`http-reuse never` keeps a client's connections to several servers, and longer than `pool-purge-delay`")
    func neverForLong() throws {
        let purged = Flag()
        let shared = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
            if connection.isClosedByPeer() { purged.raise() }
        }
        let (one, other) = (try ScriptedServer(saying: "one"), try ScriptedServer(saying: "other"))
        let port = try freePort()
        _ = try Portico(
            """
            \(opening(global: "nbthread 1"))
            frontend www
                bind 127.0.0.1:\(port)
                use_backend one if { path_beg /one }
                use_backend other if { path_beg /other }
                default_backend shared
            backend one
                http-reuse never
                server s1 127.0.0.1:\(one.port) pool-purge-delay 100ms
            backend other
                http-reuse never
                server s1 127.0.0.1:\(other.port) pool-purge-delay 100ms
            backend shared
                server s1 127.0.0.1:\(shared.port) pool-purge-delay 300ms
            """, listeningOn: port)
        let client = try Connection(to: port)
        #expect(try client.fetch("/one").text == "one")
        #expect(try client.fetch("/other").text == "other")
        #expect(try client.fetch("/shared").text == "hi")
        #expect(eventually { purged.isRaised })
        #expect(try client.fetch("/one/again").text == "one")
        #expect(try client.fetch("/other/again").text == "other")
        #expect(one.connectionCount == 1 && other.connectionCount == 1)
    }

    @Test(
        "A connection that the server has authenticated carries that client's requests only",
        arguments: ["NTLM", "Negotiate"])
    func authenticatedConnections(scheme: String) throws {
        let server = try ScriptedServer { request in
            request["authorization"] == nil
                ? "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a, b\", \(scheme)\r\nContent-Length: 0\r\n\r\n"
                : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        }
        let front = try FrontDoor(before: server.port, global: "nbthread 1", backend: "http-reuse always")
        let (one, other) = (try Connection(to: front.port), try Connection(to: front.port))
        #expect(try one.fetch("/").status == 401)
        for _ in 1...3 { #expect(try one.fetch("/", headers: "Authorization: \(scheme) abc").text == "hi") }
        #expect(server.connectionCount == 1)
        #expect(try other.fetch("/", headers: "Authorization: Basic abc").text == "hi")
        #expect(server.connectionCount == 2)
        #expect(try one.fetch("/", headers: "Authorization: \(scheme) abc").text == "hi")
        #expect(server.connectionCount == 2)
    }

    @Test("`pool-max-conn 0` keeps no idle connection, `max-reuse 1` uses one twice")
    func limits() throws {
        let none = try ScriptedServer(saying: "hello")
        let twice = try ScriptedServer(saying: "hello")
        for (server, words) in [(none, "pool-max-conn 0"), (twice, "max-reuse 1")] {
            let front = try FrontDoor(before: server.port, server: words)
            // Each request on a client connection of its own: a connection kept by a client is not in the pool.
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

    @Test(
        "With `pool-conn-name` requests share connections if it yields the same, whatever name the server is asked for",
        .enabled(if: Portico.isItself))
    func namedConnections() throws {
        let plain = try ScriptedServer { connection, number in
            while true {
                _ = try connection.receiveRequest(within: 60)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \("\(number)".count)\r\n\r\n\(number)")
            }
        }
        let secure = try SecureServer(TestAuthority().issue(for: "a.example"))
        for (port, words) in [(plain.port, ""), (secure.port, "ssl verify none sni req.hdr(x-sni)")] {
            let front = try FrontDoor(before: port, server: "\(words) pool-conn-name req.hdr(x-name) pool-low-conn 2")
            let client = try Connection(to: front.port)
            defer { client.close() }
            let numbers = try [("a", "s1"), ("a", "s2"), ("b", "s2"), ("b", "s3"), ("a", "s3")].map { name, requested in
                let text = try client.fetch("/", headers: "X-Name: \(name)", "X-Sni: \(requested).example").text
                return text.prefix { !$0.isWhitespace }
            }
            #expect(numbers[0] == numbers[1] && numbers[0] == numbers[4])
            #expect(numbers[2] == numbers[3] && numbers[2] != numbers[0])
        }
    }
}

/// A flag set by one thread and read by another.
private final class Flag: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false
    var isRaised: Bool { lock.withLock { value } }
    func raise() { lock.withLock { value = true } }
}
