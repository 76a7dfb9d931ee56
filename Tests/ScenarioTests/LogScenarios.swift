// The log lines of exchanges, and their targets.

import Foundation
import Testing

@Suite(.staged) struct LogScenarios {
    @Test("`option httplog` writes every field where HAProxy does")
    func everyField() throws {
        let server = try ScriptedServer { request in
            usleep(30_000)  // the time that Tr must show
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
        // TR, Tw, Tc are close to 0; Tr is the server's time; Ta is the total.
        #expect(line.timers[..<3].allSatisfy { (0..<10_000).contains($0) })
        #expect((25..<30_000).contains(line.timers[3]))
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
        _ = try front.portico.exchange(with: "/50 ")

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
                timeout connect 60s
                timeout client 60s
                timeout server 60s
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
        // Bound but never read: its queue is full after a few lines.
        let deaf = try DatagramReceiver(.unix(path))
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, global: "log \(path) local0")

        let client = try Connection(to: front.port)
        for number in 1...1000 { #expect(try client.fetch("/\(number)").status == 200) }

        _ = try front.portico.exchange(with: "/1000 ")
        _ = try deaf.receive { $0.contains("/1 ") }
    }

    @Test("The monitor is answered before any rule and without a line, and fails on its conditions")
    func monitor() throws {
        let front = try FrontDoor(
            before: freePort(),
            frontend: """
                    monitor-uri /alive
                    monitor fail if { hdr(x-state) broken }
                    errorfile 503 /dev/null
                    http-request deny
                """)
        let client = try Connection(to: front.port)
        for _ in 1...2 {
            let answer = try client.fetch("/alive")
            #expect(answer.status == 200)
            #expect(answer.text.contains("Service ready."))
        }
        #expect(try client.fetch("http://example.test/alive").status == 200)
        #expect(try client.fetch("/alive?").status == 403)
        try client.send("GET /alive HTTP/1.1\r\nHost: x\r\nX-State: broken\r\n\r\n")
        // Its failure has the section's error page: silence.
        #expect(try client.receiveAll() == [])

        _ = try front.portico.exchange(with: "/alive? ")
        _ = try fetch("/last", from: front.port)
        _ = try front.portico.exchange(with: "/last")
        #expect(!front.portico.logLines.contains { $0.contains("/alive ") })
    }

    @Test("A request's unique name is in the log, and in a field for the server")
    func uniqueName() throws {
        let server = try ScriptedServer { request in
            "HTTP/1.1 200 OK\r\ncontent-length: \(request["x-id"]?.count ?? 0)\r\n\r\n\(request["x-id"] ?? "")"
        }
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    unique-id-format %{+X}o\\ %ci:%cp_%fi:%fp_%Ts_%rt:%pid
                    unique-id-header X-ID
                    log-format "id=%ID %HP"
                """)
        let first = try fetch("/first", from: front.port).text
        let second = try fetch("/second", from: front.port).text
        #expect(
            first.wholeMatch(of: #/7F000001:[0-9A-F]{4}_7F000001:[0-9A-F]{4}_[0-9A-F]{8}_[0-9A-F]{4}:[0-9A-F]{4,}/#)
                != nil)
        #expect(first != second)
        #expect(try front.portico.logLine(with: "/first") == "id=\(first) /first")
        #expect(try front.portico.logLine(with: "/second") == "id=\(second) /second")
    }

    @Test("What headers and rules captured stands in braces")
    func captures() throws {
        let server = try ScriptedServer { _ in
            "HTTP/1.1 200 OK\r\nx-answer: abcdef\r\ncontent-length: 0\r\n\r\n"
        }
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    log-format "%hr %hs %HP"
                    capture request header Host len 7
                    declare capture request len 4
                    http-request capture path len 20
                    capture response header X-Answer len 3
                    declare capture response len 20
                """,
            backend: """
                    http-request capture method id 1
                    http-response capture status id 1
                """)
        let client = try Connection(to: front.port)
        try client.send("OPTIONS /captured HTTP/1.1\r\nHost: example.test\r\n\r\n")
        _ = try client.receiveAnswer()
        #expect(try front.portico.logLine(with: "/captured") == "{example|OPTI|/captured} {abc|200} /captured")
    }

    @Test("With logasap the line comes with the response's head, and has plus signs where it will grow")
    func early() throws {
        let mayEnd = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha")
            mayEnd.wait()
            try connection.send("lf")
        }
        let front = try FrontDoor(before: server.port, frontend: "option logasap")
        let client = try Connection(to: front.port)
        try client.send("GET /early HTTP/1.1\r\nHost: x\r\n\r\n")
        let line = try front.portico.logLine(with: "/early")
        #expect(line.contains(#/\/\+\d+ 200 \+\d+ /#))
        mayEnd.signal()
        #expect(try client.receiveAnswer().text == "half")
        client.close()
        try Connection(to: front.port).close()
        // The line of a connection that arrived later.
        _ = try front.portico.exchange(status: 400)
        #expect(front.portico.logLines.filter { $0.contains("/early") }.count == 1)
    }

    @Test("Lines that a log does not take stop nobody, and are counted", .enabled(if: Portico.isItself))
    func losses() throws {
        let path = Stage.current.folder + "/admin"
        // This log is not read, and datagrams that the socket does not accept are lost.
        let log = try DatagramReceiver(.unix(Stage.current.folder + "/log"))
        let front = try FrontDoor(
            before: freePort(),
            global: "log \(Stage.current.folder)/log local0\nstats socket \(path) mode 600 level admin",
            frontend: "http-request return status 200")
        try withExtendedLifetime(log) {
            let client = try Connection(to: front.port)
            for _ in 1...2_000 { #expect(try client.fetch("/").status == 200) }
            #expect(
                try eventually {
                    let admin = try Connection(toUnixSocket: path)
                    try admin.send("show info\n")
                    let info = String(decoding: try admin.receiveAll(), as: UTF8.self)
                    guard let line = info.split(separator: "\n").first(where: { $0.hasPrefix("DroppedLogs: ") }) else {
                        return false
                    }
                    return (Int(line.dropFirst("DroppedLogs: ".count)) ?? 0) > 100
                })
        }
    }

    @Test("A client that leaves while its request's body or the answer is awaited is logged with 400")
    func abortedWaits() throws {
        let server = try ScriptedServer { connection, _ in _ = try connection.receiveAll() }
        let front = try FrontDoor(
            before: server.port,
            frontend: "http-request wait-for-body time 50s if { path /body }", backend: "option abortonclose")
        for (target, length, termination) in [("/body", 10, "CR--"), ("/answer", 0, "CH--")] {
            let client = try Connection(to: front.port)
            try client.send("POST \(target) HTTP/1.1\r\nHost: x\r\nContent-Length: \(length)\r\n\r\n")
            if length == 0 { #expect(eventually { server.connectionCount == 1 }) }
            client.close()
            let line = try front.portico.exchange(with: target)
            #expect(line.status == 400 && line.termination == termination, "\(target)")
        }
    }

    @Test("dontlognull leaves out connections without a byte, dontlog-normal what went well")
    func left() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    option dontlognull
                    option dontlog-normal
                    http-request deny if { path /denied }
                """)
        try Connection(to: front.port).close()
        _ = try fetch("/well", from: front.port)
        let begun = try Connection(to: front.port)
        try begun.send("GET")
        begun.close()
        #expect(try front.portico.exchange(status: 400).termination == "CR--")
        _ = try fetch("/denied", from: front.port)
        _ = try front.portico.exchange(with: "/denied")
        #expect(front.portico.logLines.filter { $0.contains(" www ") }.count == 2)
    }

    @Test(
        "log-separate-errors raises what failed to the level err, and error-log-format has words for clients without a request"
    )
    func errors() throws {
        let path = Stage.current.folder + "/log"
        let syslog = try DatagramReceiver(.unix(path))
        let front = try FrontDoor(
            before: freePort(), global: "log \(path) local0",
            frontend: """
                    option log-separate-errors
                    error-log-format "odd client %ci: %ST"
                    log-tag door
                    http-request return status 200 if { path /well }
                """)
        _ = try fetch("/well", from: front.port)
        #expect(try syslog.receive { $0.contains("/well") }.hasPrefix("<134>"))
        let client = try Connection(to: front.port)
        try client.send("what?\r\n\r\n")
        let line = try syslog.receive { $0.contains("odd client") }
        #expect(line.hasPrefix("<131>"))
        #expect(line.contains(": odd client 127.0.0.1: 400"))
        #expect(line.contains(" door["))
    }
}
