// What a soft stop spares: the requests of busy clients. And what it ends: checks, and look-ups of servers' names.

import Foundation
import Glibc
import ScriptedNameserver
import Synchronization
import Testing

@Suite(.staged) struct StopScenarios {
    /// A client that sends one request after the other on one connection until an answer says that it ends.
    private final class BusyClient: Sendable {
        /// What it saw last; nil while it is at work.
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
        // Once it reset most of them, whose next request had arrived and was not read.
        let server = try ScriptedServer(saying: "hello")
        for _ in 1...3 {
            let front = try FrontDoor(before: server.port, global: "nbthread 2")
            let clients = try (1...16).map { _ in try BusyClient(at: front.port) }
            #expect(eventually { clients.allSatisfy { $0.answered.withLock { $0 } > 5 } })

            front.portico.process.signal(SIGUSR1)

            #expect(eventually { clients.allSatisfy { $0.end.withLock { $0 } != nil } })
            // One that got no processor for longer than a second has seen the end of an idle connection instead; no reset.
            for client in clients { #expect(client.end.withLock { $0 }?.contains("reset") == false) }
            #expect(clients.contains { $0.end.withLock { $0 } == "told" })
            #expect(front.portico.process.end() == .status(0))
        }
    }
}
