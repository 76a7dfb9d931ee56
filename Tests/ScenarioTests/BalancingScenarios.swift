// Balancing: round robin, weights, least connections.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct BalancingScenarios {
    @Test("One client after another reaches 1, 2, 3, 1, 2, 3, whichever thread takes it")
    func roundRobin() throws {
        let servers = try ["one", "two", "three"].map { try ScriptedServer(saying: $0) }
        let front = try freePort()
        _ = try Portico(
            """
            \(opening(global: "nbthread 2"))
            frontend www
                bind 127.0.0.1:\(front)
                default_backend app
            backend app
                balance roundrobin
                server s1 127.0.0.1:\(servers[0].port)
                server s2 127.0.0.1:\(servers[1].port)
                server s3 127.0.0.1:\(servers[2].port)
            """, listeningOn: front)

        let answers = try (1...30).map { _ in try fetch("/", from: front).text }

        #expect(answers == (1...10).flatMap { _ in ["one", "two", "three"] })
    }

    @Test("30 requests with curl reach gunicorn, gevent and uWSGI instances in turn")
    func realApplications() throws {
        let instances = try Application.shared()
        let front = try freePort()
        _ = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(front)
                default_backend app
            backend app
                balance roundrobin
                \(instances.map { "server s\($0.port) 127.0.0.1:\($0.port)" }.joined(separator: "\n"))
            """, listeningOn: front)

        let answers = try (1...30).map { _ in
            let json = try curl("http://127.0.0.1:\(front)/")
            return try JSONDecoder().decode([String: JSONText].self, from: Data(json.utf8))["instance"]?.text
        }

        #expect(answers == (1...5).flatMap { _ in instances.map(\.name) })
    }

    @Test("The requests of one kept-alive connection are spread too")
    func oneConnection() throws {
        let one = try ScriptedServer(saying: "one")
        let two = try ScriptedServer(saying: "two")
        let front = try FrontDoor(before: one.port, two.port, backend: "balance roundrobin")

        let client = try Connection(to: front.port)
        let answers = try (1...6).map { _ in try client.fetch("/").text }

        #expect(answers == ["one", "two", "one", "two", "one", "two"])
    }

    @Test("Clients that come all at once get equal shares to the last request")
    func sharesUnderLoad() throws {
        let servers = try ["one", "two", "three"].map { try ScriptedServer(saying: $0) }
        let front = try FrontDoor(
            before: servers[0].port, servers[1].port, servers[2].port, global: "nbthread 2",
            backend: "balance roundrobin")

        let failures = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 6) { _ in
            for _ in 1...40 where (try? fetch("/", from: front.port).status) != 200 {
                failures.withLock { $0 += 1 }
            }
        }

        #expect(failures.withLock { $0 } == 0)
        #expect(servers.map(\.requests.count) == [80, 80, 80])
    }

    @Test("A server of weight 3 gets three of four requests, evenly mixed")
    func weights() throws {
        let big = try ScriptedServer(saying: "big")
        let small = try ScriptedServer(saying: "small")
        let front = try freePort()
        _ = try Portico(
            """
            \(opening())
            listen www
                bind 127.0.0.1:\(front)
                balance roundrobin
                server big   127.0.0.1:\(big.port) weight 3
                server small 127.0.0.1:\(small.port) weight 1
            """, listeningOn: front)

        let answers = try (1...40).map { _ in try fetch("/", from: front).text }

        for turn in stride(from: 0, to: 40, by: 4) {
            #expect(answers[turn..<turn + 4].sorted() == ["big", "big", "big", "small"])
        }
    }

    @Test("leastconn sends the next request to whoever is not busy")
    func leastConnections() throws {
        let curtain = DispatchSemaphore(value: 0)
        let servers = try ["one", "two", "three"].map { name in
            try ScriptedServer { request in
                if request.target == "/held" { curtain.wait() }
                return "HTTP/1.1 200 OK\r\ncontent-length: \(name.utf8.count)\r\n\r\n\(name)"
            }
        }
        let front = try FrontDoor(
            before: servers[0].port, servers[1].port, servers[2].port, backend: "balance leastconn")
        Stage.current.atTheEnd { for _ in 1...2 { curtain.signal() } }

        // Two clients, one after the other, occupy two of the servers.
        let held = try (1...2).map { number in
            let client = try Connection(to: front.port)
            try client.send("GET /held HTTP/1.1\r\nHost: example.test\r\n\r\n")
            #expect(eventually { servers.map(\.requests.count).reduce(0, +) == number })
            return client
        }
        let busy = servers.map(\.requests.count)
        #expect(busy.max() == 1)

        let answers = try (1...5).map { number in
            let text = try fetch("/\(number)", from: front.port).text
            // A server is free again when its exchange has ended, shortly after the client has received the response.
            _ = try front.portico.exchange(with: "GET /\(number) ")
            return text
        }

        #expect(Set(answers).count == 1)
        #expect(zip(servers, busy).filter { $1 == 1 }.allSatisfy { $0.0.requests.count == 1 })
        for _ in held { curtain.signal() }
        for client in held { #expect(try client.receiveAnswer().status == 200) }
    }
}

/// A JSON value of which only text is used.
private struct JSONText: Decodable {
    let text: String?

    init(from decoder: any Decoder) throws {
        text = try? decoder.singleValueContainer().decode(String.self)
    }
}
