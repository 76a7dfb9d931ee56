// Memory after a burst of clients: it goes back to the system, by itself or at once when SIGQUIT asks for it. And memory of
// answers that are not read.

import Foundation
import Glibc
import Testing

@Suite(.staged) struct MemoryScenarios {
    /// A front door with one burst behind it: so many clients that each filled a buffer with half a head and left.
    private struct Burst {
        let front: FrontDoor
        let before: Int
        let during: Int

        init(of clients: Int) throws {
            let server = try ScriptedServer(saying: "hello")
            front = try FrontDoor(before: server.port, global: "    nbthread 2")
            // What the first requests take is there afterwards too.
            for _ in 0..<20 { #expect(try fetch("/", from: front.port).text == "hello") }
            before = front.residentBytes
            var connections: [Connection] = []
            for _ in 0..<clients {
                let connection = try Connection(to: front.port)
                try connection.send("GET / HTTP/1.1\r\nHost: half\r\nX-Long: " + String(repeating: "a", count: 15_000))
                connections.append(connection)
            }
            let (front, enough) = (front, before + clients * 14_000)
            #expect(eventually { front.residentBytes > enough })
            during = front.residentBytes
            for connection in connections { connection.close() }
        }

        /// Whether the process holds no more than a fifth more than before, and so much less than during the burst.
        var isOver: Bool { front.residentBytes <= before * 6 / 5 }
    }

    @Test("A burst's memory is the system's again within a minute", .enabled(if: Portico.isItself))
    func afterAWhile() throws {
        let burst = try Burst(of: 800)
        #expect(
            eventually(within: 60) { burst.isOver },
            "\(burst.before) bytes before, \(burst.during) during, \(burst.front.residentBytes) after the burst")
        #expect(try fetch("/", from: burst.front.port).text == "hello")
    }

    @Test("SIGQUIT gives a burst's memory back at once", .enabled(if: Portico.isItself))
    func atOnce() throws {
        let burst = try Burst(of: 800)
        #expect(
            eventually {
                burst.front.portico.process.signal(SIGQUIT)
                usleep(100_000)
                return burst.isOver
            }, "\(burst.before) bytes before, \(burst.during) during, \(burst.front.residentBytes) after the burst")
        _ = try burst.front.portico.logLine(with: "gave back")
    }

    @Test("A stats page is made while its reader takes it: clients that do not read hold no whole page each")
    func unreadPages() throws {
        let clientCount = 200
        let servers = (1...1_000).map { "    server s\($0) 127.0.0.1:\(10_000 + $0)" }
        let front = try FrontDoor(
            global: "    nbthread 2", frontend: "    stats enable\n    stats uri /stats",
            backend: servers.joined(separator: "\n"))
        let page = try fetch("/stats", from: front.port).text.utf8.count
        #expect(page > 400_000)
        let before = front.residentBytes
        let readers = try (0..<clientCount).map { _ in
            let reader = try Connection(to: front.port, takesLittle: true)
            try reader.send("GET /stats HTTP/1.1\r\nHost: a\r\n\r\n")
            return reader
        }
        // Each has its answer's beginning, and the systems' buffers between are full.
        for reader in readers { _ = try reader.receive(count: 12) }
        let growth = front.settledResidentBytes - before
        // A third of what whole pages would be, and three times what it is.
        #expect(growth < clientCount * page / 3, "a page has \(page) bytes, and the process has grown by \(growth)")
        let rest = try readers[0].receive(through: "</html>").utf8.count
        #expect(rest > page * 9 / 10)
    }
}

extension FrontDoor {
    /// What the process has in memory, in bytes.
    var residentBytes: Int {
        let text = try? String(contentsOfFile: "/proc/\(portico.process.pid)/statm", encoding: .utf8)
        return (text?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4_096
    }

    /// The same once it has not changed for half a second.
    var settledResidentBytes: Int {
        var last = -1
        _ = eventually {
            usleep(500_000)
            let now = residentBytes
            defer { last = now }
            return now == last
        }
        return last
    }
}
