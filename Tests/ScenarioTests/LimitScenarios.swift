// More clients than the limits allow: they wait and are served in turn, without busy waiting.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct LimitScenarios {
    @Test(
        "tune.maxrewrite keeps room free in a buffer, half of it at most",
        arguments: [("8000", 8_000, 8_500), ("16000", 7_900, 8_400), ("0", 15_900, 16_500)])
    func maxrewrite(bytes: String, fits: Int, tooLong: Int) throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, global: "tune.maxrewrite \(bytes)")
        func status(head count: Int) throws -> Int {
            try fetch("/", from: front.port, headers: "X-Filling: \(String(repeating: "f", count: count - 90))").status
        }
        #expect(try status(head: fits) == 200)
        #expect(try status(head: tooLong) == 431)
    }

    @Test(
        "Beyond `maxconn` a client waits in the kernel's queue until another leaves",
        // HAProxy itself runs out of descriptors when `global` sets so few.
        arguments: Portico.isItself ? ["global", "frontend"] : ["frontend"])
    func maxconn(section: String) throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, global: section == "global" ? "maxconn 2" : "",
            frontend: section == "frontend" ? "maxconn 2" : "")
        let first = try Connection(to: front.port)
        let second = try Connection(to: front.port)
        #expect(try first.fetch("/1").status == 200)
        #expect(try second.fetch("/2").status == 200)

        let third = try Connection(to: front.port)
        try third.send("GET /3 HTTP/1.1\r\nHost: example.test\r\n\r\n")
        #expect(third.staysSilent(for: 0.5))
        #expect(try first.fetch("/4").status == 200)
        first.close()

        #expect(try third.receiveAnswer().text == "hello")
        #expect(server.requests.map(\.target) == ["/1", "/2", "/4", "/3"])
    }

    @Test("Many more clients than `maxconn` are all served in the end")
    func crowd() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, global: "nbthread 2", frontend: "maxconn 20")

        let clients = try (1...200).map { _ in
            let client = try Connection(to: front.port)
            try client.send("GET / HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n")
            return client
        }

        let answers = try clients.map { try $0.receiveAnswer().text }
        #expect(answers.filter { $0 == "hello" }.count == 200)
    }

    @Test(
        "Out of descriptors: accepting pauses without spinning, says so, and goes on when there are some again",
        .enabled(if: Portico.isItself))
    func outOfDescriptors() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try freePort()
        let portico = try Portico(
            """
            \(opening(global: "nbthread 2\n    maxconn 1000"))
            listen www
                bind 127.0.0.1:\(front)
                server s1 127.0.0.1:\(server.port)
            """, listeningOn: front, descriptors: 60)

        let clients = try (1...100).map { _ in try Connection(to: front) }
        let before = processorSeconds(of: portico.process.pid)
        let start = ContinuousClock.now
        #expect(try #require(clients.last).staysSilent(for: 1))
        let spent = processorSeconds(of: portico.process.pid) - before
        #expect(spent < 0.3 * (start.duration(to: .now) / .seconds(1)))
        _ = try portico.logLine(with: "Cannot accept on frontend www: Too many open files")
        for client in clients { client.close() }

        #expect(try fetch("/", from: front).text == "hello")
    }

    @Test(
        "Short of descriptors, idle server connections make room for clients and for other servers",
        .enabled(if: Portico.isItself))
    func idleConnectionsMakeRoom() throws {
        let (idle, clientCount) = (25, 40)
        let crowd = Mutex(0)
        let server = try ScriptedServer { _ in
            // No request is answered before all have arrived, so that each has a connection of its own.
            crowd.withLock { $0 += 1 }
            _ = eventually { crowd.withLock { $0 } >= idle }
            return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        }
        let other = try ScriptedServer(saying: "other")
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening(global: "nbthread 1"))
            frontend www
                bind 127.0.0.1:\(port)
                use_backend other if { path /other }
                default_backend app
            backend app
                server s1 127.0.0.1:\(server.port) pool-purge-delay 1m
            backend other
                server s1 127.0.0.1:\(other.port)
            """, listeningOn: port)
        let first = try (1...idle).map { _ in try Connection(to: port) }
        for client in first { try client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") }
        for client in first { #expect(try client.receiveAnswer().text == "hello") }
        for client in first { #expect(client.isClosedByPeer()) }
        let pid = portico.process.pid
        #expect(server.connectionCount == idle)
        // Those that are closed already: listeners and the like, and the idle ones.
        #expect(eventually { descriptors(of: pid) < idle * 2 })

        let limit = descriptors(of: pid) + clientCount - idle + 5
        let limiting = try Child(
            ["prlimit", "--pid", "\(pid)", "--nofile=\(limit):\(limit)"], named: "prlimit", in: Stage.current.folder)
        #expect(limiting.end() == .status(0))
        let clients = try (1...clientCount).map { _ in try Connection(to: port) }
        for client in clients { #expect(try client.fetch("/").text == "hello") }
        #expect(try clients[0].fetch("/other").text == "other")
        #expect(!portico.process.output.contains("Cannot accept"))
    }

    /// The processor time that a process has used so far.
    private func processorSeconds(of pid: Int32) -> Double {
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        // utime and stime are fields 14 and 15; field 2, in parentheses, may contain spaces.
        let columns = stat.split(separator: ")").last?.split(separator: " ") ?? []
        guard columns.count > 13, let user = Double(columns[11]), let system = Double(columns[12]) else { return 0 }
        return (user + system) / 100
    }
}
