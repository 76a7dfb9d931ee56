// Checks of several steps and of other protocols, with servers that speak them, slowly, wrongly, or without end.

import Foundation
import Synchronization
import Testing

/// A server of Redis, where Debian's package is installed.
private enum Redis {
    static let program = "/usr/bin/redis-server"
    static let isInstalled = FileManager.default.isExecutableFile(atPath: program)

    static func start(on port: Int, _ more: String...) throws -> Child {
        let stage = Stage.current
        let arguments = [program, "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        return try Child(
            arguments + more, named: "redis-\(port)", in: stage.folder, workingFolder: stage.folder)
    }
}

@Suite(.staged) struct CheckScriptScenarios {
    @Test(
        "A server of Redis is up, one that wants a password is down in its own words", .enabled(if: Redis.isInstalled))
    func redis() throws {
        let ports = try [freePort(), freePort()]
        let servers = try [Redis.start(on: ports[0]), Redis.start(on: ports[1], "--requirepass", "secret")]
        defer { for server in servers { server.stop() } }
        let front = try FrontDoor(
            before: ports[0], ports[1], backend: "option log-health-checks\n    option redis-check",
            server: "check inter 100ms rise 1 fall 3")
        _ = try front.portico.logLine(
            with: "server app/s1 succeeded, reason: Layer7 check passed, info: \"Redis server is ok\"")
        _ = try front.portico.logLine(with: "Server app/s2 is DOWN")
        _ = try front.portico.logLine(with: "Layer7 wrong status, info: \"-NOAUTH Authentication required.\"")
        let scripted = try FrontDoor(
            before: ports[0],
            backend: """
                option log-health-checks
                    option tcp-check
                    tcp-check connect
                    tcp-check send PING\\r\\n
                    tcp-check expect string +PONG
                    tcp-check send info\\ replication\\r\\n
                    tcp-check expect string role:master
                    tcp-check send QUIT\\r\\n
                    tcp-check expect string +OK
                """, server: "check inter 100ms rise 1")
        _ = try scripted.portico.logLine(with: "server app/s1 succeeded, reason: Layer7 check passed")
    }

    @Test("A check of several requests asks several ports, and its log says which step failed")
    func severalRequests() throws {
        let web = try ScriptedServer(saying: "all is well")
        let admin = try ScriptedServer(saying: "disk full")
        let front = try FrontDoor(
            before: web.port,
            backend: """
                option log-health-checks
                    option httpchk
                    http-check connect
                    http-check send meth GET uri / ver HTTP/1.1 hdr host a.example
                    http-check expect string well
                    http-check connect port \(admin.port)
                    http-check comment 'the disk'
                    http-check send meth GET uri /disk ver HTTP/1.1 hdr host a.example
                    http-check expect ! string full
                """, server: "check inter 100ms fall 1")
        let line = try front.portico.logLine(with: "Health check for server app/s1 failed")
        #expect(line.contains("Layer7 invalid response") && line.contains("code: 200"))
        if Portico.isItself { #expect(line.contains("at step 7 of http-check (expect string 'full')")) }
    }

    @Test("Rubbish, a byte at a time, and a flood: down, for the reason that it is")
    func strangeServers() throws {
        let rubbish = try ScriptedServer { connection, _ in try connection.send("\u{1}\u{2}rubbish\r\n") }
        let slow = try ScriptedServer { connection, _ in
            while true {
                try connection.send("x")
                _ = connection.staysSilent(for: 0.05)
            }
        }
        let flood = try ScriptedServer { connection, _ in
            let much = String(repeating: "x", count: 1 << 20)
            while true { try connection.send(much) }
        }
        let front = try FrontDoor(
            before: rubbish.port, slow.port, flood.port, defaults: "timeout check 500ms",
            backend: """
                option log-health-checks
                    option tcp-check
                    tcp-check connect
                    tcp-check expect rstring ^220
                """, server: "check inter 200ms fall 1")
        for (server, reason) in [
            ("s1", "Layer7 invalid response"), ("s2", "Layer7 timeout"), ("s3", "Layer7 invalid response"),
        ] {
            let line = try front.portico.logLine(with: "Health check for server app/\(server) failed")
            #expect(line.contains(reason), "\(server): \(line)")
        }
    }

    @Test("A server that answers its check with 404 finishes what it has, and comes back")
    func drained() throws {
        let isLeaving = Mutex(false)
        let server = try ScriptedServer { request in
            let status = isLeaving.withLock { $0 } ? "404 Leaving" : "200 OK"
            return "HTTP/1.1 \(status)\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        }
        let front = try FrontDoor(
            before: server.port,
            backend: "option log-health-checks\n    option httpchk GET /\n    http-check disable-on-404",
            server: "check inter 50ms fall 2 rise 1")
        _ = try front.portico.logLine(with: "server app/s1 succeeded, reason: Layer7 check passed, code: 200")
        isLeaving.withLock { $0 = true }
        _ = try front.portico.logLine(with: "reason: Layer7 check conditionally passed, code: 404")
        #expect(try eventually { try fetch("/", from: front.port).status == 503 })
        isLeaving.withLock { $0 = false }
        #expect(try eventually { try fetch("/", from: front.port).status == 200 })
    }
}
