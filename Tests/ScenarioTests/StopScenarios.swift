// Soft stop: requests of busy clients are served; checks and look-ups of server names end.

import Foundation
import Glibc
import ScriptedNameserver
import Synchronization
import Testing

@Suite(.staged) struct StopScenarios {
    /// A client that sends requests on one connection until a response announces its end.
    private final class BusyClient: Sendable {
        /// Its last observation; nil while it runs.
        let end = Mutex<String?>(nil)
        let answered = Mutex(0)

        init(at port: Int) throws {
            let connection = try Connection(to: port)
            Thread.detachNewThread { [self] in
                let last = work(connection)
                end.withLock { $0 = last }
            }
        }

        private func work(_ connection: Connection) -> String {
            do {
                while true {
                    try connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    let answer = try connection.receiveAnswer()
                    answered.withLock { $0 += 1 }
                    if answer["connection"] == "close" { return "told" }
                }
            } catch {
                return "\(error)"
            }
        }
    }

    @Test("A soft stop under busy clients loses no request: each is told with an answer that its connection ends")
    func busyClients() throws {
        // Regression: most of them were reset, because their next request had arrived and was not read.
        let server = try ScriptedServer(saying: "hello")
        for _ in 1...3 {
            let front = try FrontDoor(before: server.port, global: "nbthread 2")
            let clients = try (1...16).map { _ in try BusyClient(at: front.port) }
            #expect(eventually { clients.allSatisfy { $0.answered.withLock { $0 } > 5 } })

            front.portico.process.signal(SIGUSR1)

            #expect(eventually { clients.allSatisfy { $0.end.withLock { $0 } != nil } })
            // A client that got no processor for over a second may have seen an idle connection close instead, but no reset.
            for client in clients { #expect(client.end.withLock { $0 }?.contains("reset") == false) }
            #expect(clients.contains { $0.end.withLock { $0 } == "told" })
            #expect(front.portico.process.end() == .status(0))
        }
    }

    @Test("Checks end with the soft stop, while the exchange under way goes on", .enabled(if: Portico.isItself))
    func checks() throws {
        let curtain = DispatchSemaphore(value: 0)
        let checks = Mutex(0)
        let server = try ScriptedServer { request in
            if request.target == "/health" {
                checks.withLock { $0 += 1 }
            } else {
                curtain.wait()
            }
            return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        }
        Stage.current.atTheEnd { curtain.signal() }
        let front = try FrontDoor(
            before: server.port, backend: "option httpchk GET /health", server: "check inter 20ms")
        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { server.requests.contains { $0.target == "/" } && checks.withLock { $0 } > 3 })

        front.portico.process.signal(SIGUSR1)
        _ = try front.portico.logLine(with: "Stopping softly")
        // One that was in progress may still arrive; then there are no more, for as long as fifty of them would take.
        var seen = checks.withLock { $0 }
        #expect(
            eventually {
                usleep(1_000_000)
                defer { seen = checks.withLock { $0 } }
                return seen == checks.withLock { $0 }
            })

        curtain.signal()
        #expect(try client.receiveAnswer().text == "hello")
        #expect(front.portico.process.end() == .status(0))
    }

    @Test("Names of servers are not looked up any more after a soft stop", .enabled(if: Portico.isItself))
    func names() throws {
        let curtain = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { _ in
            curtain.wait()
            return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        }
        Stage.current.atTheEnd { curtain.signal() }
        let nameserver = try ScriptedNameserver(["app.test": ["127.0.0.1"]])
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening())
            resolvers ns
                nameserver one 127.0.0.1:\(nameserver.port)
                hold valid 20ms
                timeout resolve 20ms
            frontend www
                bind 127.0.0.1:\(port)
                default_backend app
            backend app
                server s1 app.test:\(server.port) resolvers ns resolve-prefer ipv4 init-addr 127.0.0.1
            """, listeningOn: port)
        let client = try Connection(to: port)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { !server.requests.isEmpty && nameserver.count(of: "app.test") > 3 })

        portico.process.signal(SIGUSR1)
        _ = try portico.logLine(with: "Stopping softly")
        var seen = nameserver.count(of: "app.test")
        #expect(
            eventually {
                usleep(1_000_000)
                defer { seen = nameserver.count(of: "app.test") }
                return seen == nameserver.count(of: "app.test")
            })

        curtain.signal()
        #expect(try client.receiveAnswer().text == "hello")
        #expect(portico.process.end() == .status(0))
    }
}
