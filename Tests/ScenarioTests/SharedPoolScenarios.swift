// Server connections and several threads: what one thread leaves idle another uses, and nothing is lost on the way.

import Foundation
import Glibc
import Synchronization
import Testing

@Suite(.staged) struct SharedPoolScenarios {
    @Test(
        "480 requests of twelve clients over four threads, one after another, need no more connections than the first twelve"
    )
    func oneAfterAnother() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, global: "nbthread 4")
        let clients = try (1...12).map { _ in try Connection(to: front.port) }
        for _ in 1...40 {
            for client in clients { #expect(try client.fetch("/").text == "hello") }
        }
        #expect(server.connectionCount <= 24)
    }

    @Test("`pool-max-conn` counts the idle connections of all threads")
    func most() throws {
        let crowd = 16
        let here = Mutex(0)
        let open = Mutex(0)
        let server = try ScriptedServer { connection, _ in
            open.withLock { $0 += 1 }
            defer { open.withLock { $0 -= 1 } }
            while true {
                _ = try connection.receiveRequest(within: 60)
                here.withLock { $0 += 1 }
                // None is answered before all are there, so that each has a connection of its own.
                _ = eventually { here.withLock { $0 } >= crowd }
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            }
        }
        let front = try FrontDoor(
            before: server.port, global: "nbthread 4", server: "pool-max-conn 3 pool-purge-delay 10m")
        let clients = try (1...crowd).map { _ in try Connection(to: front.port) }
        for client in clients { try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        for client in clients { #expect(try client.receiveAnswer().text == "hi") }
        #expect(server.connectionCount == crowd)
        #expect(eventually { open.withLock { $0 } == 3 })
    }

    @Test(
        "A server that closes idle connections while threads take them from one another: every GET is answered, and no descriptor is left"
    )
    func closingServer() throws {
        let server = try ScriptedServer { connection, number in
            // Some close in the middle of a request's way, most when they have answered a few.
            for turn in 1...(3 + number % 7) {
                _ = try connection.receiveRequest(within: 60)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
                if number % 5 == 0 && turn == 2 { return }
            }
        }
        let front = try FrontDoor(
            before: server.port, global: "nbthread 4", backend: "http-reuse aggressive", server: "pool-purge-delay 20ms"
        )
        #expect(try fetch("/", from: front.port).text == "hi")
        let pid = front.portico.process.pid
        #expect(eventually { front.portico.process.output.contains("GET /") })
        let before = Mutex(Int.max)
        // Until what the first request left is closed.
        _ = eventually {
            let now = descriptors(of: pid)
            return before.withLock { least in
                defer { least = min(least, now) }
                return now == least
            }
        }

        let faults = Mutex<[String]>([])
        let threads = (0..<8).map { index in
            let done = DispatchSemaphore(value: 0)
            Foundation.Thread.detachNewThread {
                defer { done.signal() }
                do {
                    for round in 0..<10 {
                        let client = try Connection(to: front.port)
                        defer { client.close() }
                        for number in 0..<10 {
                            let answer = try client.fetch("/\(index)/\(round)/\(number)")
                            if answer.status != 200 { faults.withLock { $0.append("\(answer.status)") } }
                        }
                    }
                } catch { faults.withLock { $0.append("\(error)") } }
            }
            return done
        }
        for done in threads { done.wait() }
        #expect(faults.withLock { $0 } == [])
        #expect(eventually { descriptors(of: pid) <= before.withLock { $0 } })
    }

    @Test("A soft stop ends a process whose threads have taken connections from one another")
    func softStop() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, global: "nbthread 4", backend: "http-reuse always", server: "pool-purge-delay 10m")
        for number in 1...40 { #expect(try fetch("/\(number)", from: front.port).text == "hello") }
        #expect(server.connectionCount < 40)
        front.portico.process.signal(SIGUSR1)
        #expect(front.portico.process.end() == .status(0))
    }
}
