// More clients than there is room for: they wait at the door and are served in their time, and nothing spins.

import Foundation
import Testing

@Suite(.staged) struct LimitScenarios {
    @Test(
        "Beyond `maxconn` a client waits in the kernel's queue until another leaves",
        // HAProxy itself runs short of descriptors when `global` says so little.
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
        let said = portico.process.output + portico.process.errors
        #expect(said.contains("Cannot accept on frontend www: Too many open files"))
        for client in clients { client.close() }

        #expect(try fetch("/", from: front, within: 15).text == "hello")
    }

    /// Processor time a process has used so far.
    private func processorSeconds(of pid: Int32) -> Double {
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        // utime and stime are the 14th and 15th; the second, in parentheses, may have spaces in it.
        let columns = stat.split(separator: ")").last?.split(separator: " ") ?? []
        guard columns.count > 13, let user = Double(columns[11]), let system = Double(columns[12]) else { return 0 }
        return (user + system) / 100
    }
}
