// What is written about each exchange, and where it goes.

import Foundation
import Testing

@Suite(.staged) struct LogScenarios {
    @Test("`option httplog` writes every field where HAProxy does")
    func everyField() throws {
        let server = try ScriptedServer { request in
            usleep(30_000)  // the time that Tr has to show
            return "HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nhello"
        }
        let front = try FrontDoor(before: server.port)

        let answer = try fetch("/logged?q=1", from: front.port, method: "PUT", body: "body")

        #expect(answer.status == 201)
        let line = try front.portico.exchange(with: "/logged")
        #expect(line.client.hasPrefix("127.0.0.1:"))
        #expect(line.frontend == "www" && line.backend == "app" && line.server == "s1")
        #expect(line.status == 201)
        #expect((40...400).contains(line.bytes))
        #expect(line.termination == "----")
        #expect(line.request == "PUT /logged?q=1 HTTP/1.1")
        // TR, Tw, Tc took no time worth speaking of; Tr is the server's; Ta is all of it.
        #expect(line.timers[..<3].allSatisfy { (0..<1000).contains($0) })
        #expect((25..<5000).contains(line.timers[3]))
        #expect(line.timers[4] >= line.timers[3])
        #expect(line.connections.first ?? 0 >= 1)
        #expect(line.connections.last == 0)
        #expect(line.queues == [0, 0])
    }

    @Test("Each request of a kept-alive connection has its line, in order")
    func oneLinePerRequest() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        for number in 1...50 { _ = try client.fetch("/\(number)") }
        _ = try front.portico.logLine(with: "/50 ")

        let requests = try front.portico.logLines.filter { $0.contains("\"GET ") }.map { try ExchangeLine($0).request }
        #expect(requests == (1...50).map { "GET /\($0) HTTP/1.1" })
    }

    @Test("A request line cannot forge a log line")
    func noForgedLines() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)
        _ = try fetch("/%0Aforged\"quote", from: front.port)
        let line = try front.portico.exchange(with: "forged")
        #expect(line.request.hasSuffix(" HTTP/1.1"))
        #expect(!front.portico.logLines.contains { $0.hasPrefix("forged") })
    }

    @Test("`log 127.0.0.1:<port>` sends each line as a syslog datagram")
    func udp() throws {
        let port = try freePort()
        let syslog = try DatagramReceiver(.ipv4(port))
        let line = try lineSent(by: "log 127.0.0.1:\(port) local0", to: syslog)
        #expect(line.request == "GET /to-syslog HTTP/1.1")
    }

    @Test("`log <path>` sends each line to a unix datagram socket, as /dev/log is one")
    func unixDatagrams() throws {
        let path = Stage.current.folder + "/log"
        let syslog = try DatagramReceiver(.unix(path))
        let line = try lineSent(by: "log \(path) local0", to: syslog)
        #expect(line.request == "GET /to-syslog HTTP/1.1")
    }

    private func lineSent(by log: String, to syslog: DatagramReceiver) throws -> ExchangeLine {
        let server = try ScriptedServer(saying: "hello")
        let front = try freePort()
        _ = try Portico(
            """
            global
                \(log)
            defaults
                mode http
                log global
                option httplog
                timeout connect 2s
                timeout client 10s
                timeout server 10s
            listen www
                bind 127.0.0.1:\(front)
                server s1 127.0.0.1:\(server.port)
            """, listeningOn: front)

        _ = try fetch("/to-syslog", from: front)

        let datagram = try syslog.receive { $0.contains("/to-syslog") }
        // local0 is 16, info is 6: 16 * 8 + 6.
        let header = #/^<134>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (\S+ )?\w+\[\d+\]: /#
        let match = try #require(datagram.firstMatch(of: header), "\(datagram)")
        return try ExchangeLine(String(datagram[match.range.upperBound...]))
    }

    @Test("A log that nobody reads holds no request up")
    func nobodyReads() throws {
        let path = Stage.current.folder + "/log"
        // Bound, never read: its queue is full after a few lines.
        let deaf = try DatagramReceiver(.unix(path))
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, global: "log \(path) local0")

        let client = try Connection(to: front.port)
        for number in 1...1000 { #expect(try client.fetch("/\(number)").status == 200) }

        _ = try front.portico.logLine(with: "/1000 ")
        _ = try deaf.receive { $0.contains("/1 ") }
    }
}
