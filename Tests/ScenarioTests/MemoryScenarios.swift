// Memory after a burst of clients: it goes back to the system, by itself or at once when SIGQUIT asks for it.

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
}

extension FrontDoor {
    fileprivate var residentBytes: Int {
        let text = try? String(contentsOfFile: "/proc/\(portico.process.pid)/statm", encoding: .utf8)
        return (text?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4_096
    }
}
