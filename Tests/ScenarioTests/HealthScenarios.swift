// Health: a failing server is taken out before clients notice, a recovering one is used again, and the log
// says when and why.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct HealthScenarios {
    @Test("An instance killed with -9 costs no request once it is marked down; restarted, it comes back")
    func killedAndRestarted() throws {
        let first = try Application.start(.gunicorn, named: "first")
        let second = try Application.start(.gevent, named: "second")
        let front = try FrontDoor(
            before: first.port, second.port, backend: "balance roundrobin\n option httpchk GET /health",
            server: "check inter 100ms fall 2 rise 2")
        let crowd = Crowd(at: front.port)
        #expect(eventually { crowd.answered > 20 })

        first.crash()
        let line = try front.portico.logLine(with: "Server app/s1 is DOWN")
        #expect(line.contains("reason: Layer4 connection problem"))
        // Requests that were in progress may have been lost; from here on none may be.
        crowd.forgetFailures()
        let answered = crowd.answered
        #expect(eventually(within: 60) { crowd.answered > answered + 200 })
        #expect(crowd.failures == [])
        #expect(try fetch("/", from: front.port).text.contains("second"))

        let again = try Application.start(.gunicorn, named: "first, again", on: first.port)
        _ = try front.portico.logLine(with: "Server app/s1 is UP")
        let names = try (1...10).map { _ in try fetch("/", from: front.port).text }
        #expect(names.contains { $0.contains(again.name) })
        crowd.leave()
        #expect(crowd.failures == [])
    }

    @Test(
        "With safe-retry, an instance of three that is killed with -9 costs no request at all, over and over",
        .enabled(if: Portico.isItself))
    func killedUnderLoad() throws {
        var instances = try (1...3).map { try Application.start(.gunicorn, named: "number \($0)") }
        let front = try FrontDoor(
            before: instances[0].port, instances[1].port, instances[2].port,
            backend: "option safe-retry\n option httpchk GET /health", server: "check inter 100ms fall 2 rise 1")
        let crowd = Crowd(at: front.port)
        for round in 0..<6 {
            let answered = crowd.answered
            #expect(eventually { crowd.answered > answered + 50 })
            let port = instances[round % 3].port
            instances[round % 3].crash()
            instances[round % 3] = try Application.start(.gunicorn, named: "again", on: port)
            _ = try front.portico.logLine(with: "Server app/s\(round % 3 + 1) is UP")
        }
        crowd.leave()
        #expect(crowd.failures == [])
    }

    @Test("Without httpchk it is enough to accept a connection")
    func connectCheck() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, server: "check inter 50ms fall 2 rise 2")
        #expect(try fetch("/", from: front.port).status == 200)

        server.stop()
        _ = try front.portico.logLine(with: "Server app/s1 is DOWN")
        _ = try front.portico.logLine(with: "backend app has no server available!")
        #expect(try fetch("/", from: front.port).status == 503)

        try server.start()
        _ = try front.portico.logLine(with: "Server app/s1 is UP")
        #expect(try fetch("/", from: front.port).status == 200)
    }

    @Test("A server with slowstart that comes back has little at first, and its whole weight when the time is over")
    func slowStart() throws {
        let first = try ScriptedServer(saying: "first")
        let second = try ScriptedServer(saying: "second")
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(
            before: first.port, second.port, global: "    stats socket \(socket) mode 600 level admin",
            backend: "balance roundrobin", server: "check inter 50ms fall 2 rise 2 weight 32 slowstart 6s")
        func columns(_ names: String...) throws -> [String?] {
            let row = try table(ask(socket, "show stat"))["app/s1"]
            return names.map { row?[$0] }
        }
        #expect(try columns("throttle", "weight", "uweight") == ["", "32", "32"])
        first.stop()
        _ = try front.portico.logLine(with: "Server app/s1 is DOWN")
        try first.start()
        _ = try front.portico.logLine(with: "Server app/s1 is UP")
        let early = try columns("throttle", "weight", "uweight")
        let numbers = early.map { $0.flatMap { Int($0) } ?? 1_000 }
        #expect(numbers[0] < 100 && numbers[1] < 32, "\(early)")
        #expect(early[2] == "32")
        #expect(eventually { (try? columns("throttle", "weight")) == ["", "32"] })
    }

    @Test("A server that answers its check with 500 is out although it accepts connections")
    func failingCheck() throws {
        let isWell = Mutex(true)
        let server = try ScriptedServer { request in
            let status = request.target != "/health" || isWell.withLock { $0 } ? "200 OK" : "500 Sick"
            return "HTTP/1.1 \(status)\r\ncontent-length: 0\r\n\r\n"
        }
        let front = try FrontDoor(
            before: server.port, backend: "option httpchk GET /health", server: "check inter 50ms fall 3 rise 2")
        #expect(eventually { server.requests.contains { $0.target == "/health" } })
        #expect(try fetch("/", from: front.port).status == 200)

        isWell.withLock { $0 = false }
        let line = try front.portico.logLine(with: "Server app/s1 is DOWN")
        #expect(line.contains("reason: Layer7 wrong status, code: 500"))
        #expect(try fetch("/", from: front.port).status == 503)

        isWell.withLock { $0 = true }
        let up = try front.portico.logLine(with: "Server app/s1 is UP")
        #expect(up.contains("reason: Layer7 check passed, code: 200"))
        #expect(try fetch("/", from: front.port).status == 200)
    }

    @Test("A server is out when its answers would be 502 for clients, and the log has its own reason")
    func malformedAnswer() throws {
        let answer = Mutex("HTTP/1.1 200 OK\r\nthis is no field\r\n\r\n")
        let server = try ScriptedServer { request in
            request.target == "/health" ? answer.withLock { $0 } : "HTTP/1.1 200 OK\r\nthis is no field\r\n\r\n"
        }
        let front = try FrontDoor(
            before: server.port, backend: "option httpchk GET /health", server: "check inter 50ms fall 2 rise 1")
        let down = try front.portico.logLine(with: "Server app/s1 is DOWN")
        if Portico.isItself { #expect(down.contains("info: \"header line without colon\"")) }

        answer.withLock { $0 = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" }
        _ = try front.portico.logLine(with: "Server app/s1 is UP")
        #expect(try fetch("/", from: front.port).status == 502)

        answer.withLock { $0 = "HTTP/1.1 500 \"disk full\"\r\ncontent-length: 0\r\n\r\n" }
        #expect(eventually { front.portico.logLines.count { $0.contains("Server app/s1 is DOWN") } == 2 })
        let reason = #"reason: Layer7 wrong status, code: 500, info: "<22>disk full<22>", check duration: "#
        #expect(front.portico.logLines.last { $0.contains("Server app/s1 is DOWN") }?.contains(reason) == true)
    }

    @Test("Lines about backup servers say so, and with log-health-checks the reason stands once")
    func backupServers() throws {
        let first = try ScriptedServer(saying: "first")
        let second = try ScriptedServer(saying: "second")
        let front = try FrontDoor(
            before: first.port,
            backend: """
                option log-health-checks
                    server spare 127.0.0.1:\(second.port) backup check inter 50ms fall 1 rise 1
                """, server: "check inter 50ms fall 1 rise 1")
        _ = try front.portico.logLine(with: "Health check for backup server app/spare succeeded, reason: Layer4 check")
        _ = try front.portico.logLine(with: "Health check for server app/s1 succeeded")
        first.stop()
        _ = try front.portico.logLine(
            with: "Server app/s1 is DOWN. 0 active and 1 backup servers left. Running on backup. 0 sessions active, ")
        #expect(try fetch("/", from: front.port).text == "second")
        second.stop()
        _ = try front.portico.logLine(
            with: "Backup Server app/spare is DOWN. 0 active and 0 backup servers left. 0 sessions active, ")
        try second.start()
        _ = try front.portico.logLine(
            with: "Backup Server app/spare is UP. 0 active and 1 backup servers online. Running on backup. "
                + "0 sessions requeued, 0 total in queue.")
    }

    @Test("A server that accepts its check and never answers it is out")
    func silentCheck() throws {
        let server = try ScriptedServer { connection, _ in _ = connection.isClosedByPeer() }
        let front = try FrontDoor(
            before: server.port, defaults: "timeout check 200ms", backend: "option httpchk GET /health",
            server: "check inter 100ms fall 2")
        let line = try front.portico.logLine(with: "Server app/s1 is DOWN")
        #expect(line.contains("reason: Layer7 timeout"))
    }

    @Test("Checks speak HTTP/2 in clear where the line says so, with a body too, and take leave of the server")
    func checksOverHTTP2() throws {
        let server = try HTTP2Server()
        for words in ["proto h2 check", "check check-proto h2"] {
            let front = try FrontDoor(
                before: server.port,
                backend: """
                    option log-health-checks
                        option httpchk
                        http-check send meth POST uri /status/204 hdr Host example.test body hello
                    """, server: words + " inter 50ms")
            _ = try front.portico.logLine(with: "succeeded, reason: Layer7 check passed, code: 204")
        }
        if Portico.isItself { #expect(try eventually { try server.counts().goaways >= 2 }) }
        let down = try FrontDoor(
            before: server.port, backend: "option httpchk GET /status/503 HTTP/1.1 example.test",
            server: "proto h2 check inter 50ms fall 2")
        #expect(try down.portico.logLine(with: "is DOWN").contains("reason: Layer7 wrong status, code: 503"))
        let old = try ScriptedServer(saying: "hello")
        let other = try FrontDoor(
            before: old.port, backend: "option httpchk GET /", server: "proto h2 check inter 50ms fall 2")
        let line = try other.portico.logLine(with: "is DOWN")
        if Portico.isItself { #expect(line.contains("Layer7 invalid response, info: \"the answer is not HTTP/2\"")) }
    }

    @Test("Checks over TLS speak what ALPN chooses", arguments: [("h2,http/1.1", "204"), ("http/1.1", "200")])
    func checksThatNegotiate(_ protocols: String, _ status: String) throws {
        let certificate = try TestAuthority().issue(for: "example.test")
        let server = try HTTP2Server("certificate=\(certificate)", "alpn=\(protocols)")
        let front = try FrontDoor(
            before: server.port,
            backend: "option log-health-checks\n    option httpchk GET /status/204 HTTP/1.1 example.test",
            server: "ssl verify none alpn h2,http/1.1 check inter 50ms")
        _ = try front.portico.logLine(with: "succeeded, reason: Layer7 check passed, code: \(status)")
    }

    @Test("`fall` failures in a row take a server out, fewer do not")
    func fallCounts() throws {
        let checks = Mutex(0)
        let server = try ScriptedServer { request in
            let number = checks.withLock { checks in
                checks += 1
                return checks
            }
            // A success, two failures, and so on for a while; then only failures.
            let isWell = number <= 30 && number % 3 == 1
            return "HTTP/1.1 \(isWell ? "200 OK" : "500 Sick")\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        }
        let front = try FrontDoor(
            before: server.port, backend: "option httpchk GET /health",
            server: "check inter 20ms fall 3 rise 1")
        _ = try front.portico.logLine(with: "Server app/s1 is DOWN")
        #expect(checks.withLock { $0 } > 30)
    }

    @Test("Two servers down in turn, then both: the third gets everything, then nobody")
    func oneAfterTheOther() throws {
        let servers = try ["one", "two", "three"].map { try ScriptedServer(saying: $0) }
        let front = try FrontDoor(
            before: servers[0].port, servers[1].port, servers[2].port, backend: "balance roundrobin",
            server: "check inter 50ms fall 1 rise 1")

        servers[0].stop()
        _ = try front.portico.logLine(with: "Server app/s1 is DOWN")
        let two = Set(try (1...6).map { _ in try fetch("/", from: front.port).text })
        servers[1].stop()
        _ = try front.portico.logLine(with: "Server app/s2 is DOWN")
        let one = Set(try (1...6).map { _ in try fetch("/", from: front.port).text })
        servers[2].stop()
        _ = try front.portico.logLine(with: "Server app/s3 is DOWN")

        #expect(two == ["two", "three"])
        #expect(one == ["three"])
        #expect(try fetch("/", from: front.port).status == 503)
    }

    @Test("log-health-checks logs each change of what a check finds, in HAProxy's words")
    func everyChange() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, backend: "option log-health-checks", server: "check inter 50ms fall 2 rise 2")
        let said = "Health check for server app/s1"
        let passed = "reason: Layer4 check passed, check duration: "
        // Those of today; 2.6 has fewer.
        let words = Portico.isItself ? "ECONNREFUSED returned by OS (Connection refused)" : "Connection refused"
        let refused = "reason: Layer4 connection problem, info: \"\(words)\", check duration: "
        let first = try front.portico.logLine(with: "\(said) succeeded, \(passed)")
        #expect(first.hasSuffix("status: 2/2 UP."))
        server.stop()
        _ = try front.portico.logLine(with: "status: 1/2 UP.")
        _ = try front.portico.logLine(with: "app/s1 is DOWN")
        let failed = front.portico.logLines.filter { $0.contains("\(said) failed, \(refused)") }
        #expect(failed.count == 2)
        #expect(failed.last?.hasSuffix("status: 0/2 DOWN.") == true)
    }
}
