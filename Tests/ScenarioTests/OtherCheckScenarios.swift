// Checks that are not only a dialogue: programs, sections of their own, and servers that are busy rather than dead.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct OtherCheckScenarios {
    /// A program for a shell.
    private func script(_ name: String, _ lines: String) throws -> String {
        let path = Stage.current.folder + "/" + name
        try ("#!/bin/sh\n" + lines + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    @Test("A program checks each server, is told which, and its exit code decides")
    func programs() throws {
        let good = try ScriptedServer(saying: "good")
        let bad = try ScriptedServer(saying: "bad")
        let notes = Stage.current.folder + "/notes"
        let program = try script(
            "probe",
            """
            echo "$1 $2 $3 $HAPROXY_PROXY_NAME $HAPROXY_SERVER_NAME $HAPROXY_SERVER_MAXCONN $PATH" >> \(notes).$4
            test "$4" = \(good.port) || exit 3
            """)
        let front = try FrontDoor(
            before: good.port, bad.port, global: "    external-check\n    insecure-fork-wanted",
            backend:
                "    option log-health-checks\n    option external-check\n    external-check path /usr/bin:/bin\n    external-check command \(program)",
            server: "check inter 100ms fall 1 rise 1 maxconn 7")
        _ = try front.portico.logLine(
            with: "Health check for server app/s1 succeeded, reason: External check passed, code: 0")
        _ = try front.portico.logLine(
            with: "Health check for server app/s2 failed, reason: External check error, code: 3")
        for _ in 1...4 { #expect(try fetch("/", from: front.port).text == "good") }
        let note = try String(contentsOfFile: "\(notes).\(good.port)", encoding: .utf8)
        #expect(note.hasPrefix("NOT_USED NOT_USED 127.0.0.1 app s1 7 /usr/bin:/bin\n"), "\(note)")
    }

    @Test("A program that does not end is ended, with what it has started, and one that is missing fails")
    func stuckPrograms() throws {
        let server = try ScriptedServer(saying: "hello")
        let pids = Stage.current.folder + "/pids"
        let stuck = try script("stuck", "sleep 600 &\necho $! >> \(pids)\nwait")
        let front = try FrontDoor(
            before: server.port, global: "    external-check", defaults: "    timeout check 300ms",
            backend:
                "    option log-health-checks\n    option external-check\n    external-check path /usr/bin:/bin\n    external-check command \(stuck)",
            server: "check inter 100ms fall 1")
        _ = try front.portico.logLine(with: "Health check for server app/s1 failed, reason: External check timeout")
        let first = try #require(
            try String(contentsOfFile: pids, encoding: .utf8).split(separator: "\n").first.flatMap { Int32($0) })
        #expect(eventually { kill(first, 0) != 0 })
        let missing = try FrontDoor(
            before: server.port, global: "    external-check",
            backend:
                "    option log-health-checks\n    option external-check\n    external-check command /nonexistent/probe",
            server: "check inter 100ms fall 1")
        let line = try missing.portico.logLine(
            with: "Health check for server app/s1 failed, reason: External check error")
        if Portico.isItself { #expect(line.contains("No such file or directory")) }
    }

    @Test("Servers of one backend may be checked by healthcheck sections", .enabled(if: Portico.isItself))
    func sections() throws {
        let web = try ScriptedServer { request in
            let status = request.target == "/health/s1" ? "204 No Content" : "404 Not Found"
            return "HTTP/1.1 \(status)\r\ncontent-length: 0\r\n\r\n"
        }
        let redis = try ScriptedServer { connection, _ in
            _ = try connection.receive(count: 14, within: 10)
            try connection.send("+PONG\r\n")
        }
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening())
            healthcheck web
                type httpchk
                http-check send meth GET uri-lf /health/%[srv_name] ver HTTP/1.1 hdr host a.example
                http-check expect status 204
            healthcheck redis
                type redis-check
            frontend www
                bind 127.0.0.1:\(port)
                default_backend app
            backend app
                option log-health-checks
                server s1 127.0.0.1:\(web.port) check inter 100ms healthcheck web
                server s2 127.0.0.1:\(redis.port) check inter 100ms healthcheck redis
                server s3 127.0.0.1:\(web.port) check inter 100ms fall 1 healthcheck web
            """, listeningOn: port)
        _ = try portico.logLine(with: "server app/s1 succeeded, reason: Layer7 check passed, code: 204")
        _ = try portico.logLine(
            with: "server app/s2 succeeded, reason: Layer7 check passed, info: \"Redis server is ok\"")
        _ = try portico.logLine(with: "server app/s3 failed, reason: Layer7 wrong status, code: 404")
    }

    @Test(
        "A server whose one worker is busy stays up with check-passive, and without it goes down",
        .enabled(if: Portico.isItself))
    func busy() throws {
        // One connection at a time, as a sync worker has it: checks wait behind requests that each take a while.
        let turn = Mutex(())
        let isStuck = Mutex(false)
        let checks = Mutex(0)
        let server = try ScriptedServer { connection, _ in
            let request = try connection.receiveRequest(within: 60)
            let isCheck = request.target == "/check"
            if isCheck { checks.withLock { $0 += 1 } }
            turn.withLock { _ in
                if isCheck || isStuck.withLock({ $0 }) { _ = connection.staysSilent(for: 0.3) }
            }
            if isStuck.withLock({ $0 }) { return }
            try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        }
        // The first check may come before any request was answered.
        let front = try FrontDoor(
            before: server.port, defaults: "    timeout check 100ms\n    timeout server 5s",
            backend: "    option check-passive\n    option httpchk GET /check",
            server: "check inter 1s fall 2 rise 1 init-state fully-up")
        // Requests are answered all the while, and checks are not.
        let deadline = Date().addingTimeInterval(30)
        while checks.withLock({ $0 }) < 5, Date() < deadline {
            #expect(try fetch("/", from: front.port, within: 10).status == 200)
        }
        #expect(checks.withLock { $0 } >= 5)
        #expect(!front.portico.logLines.contains { $0.contains("app/s1 is DOWN") })
        isStuck.withLock { $0 = true }
        // Without an answer to live requests the time-outs count.
        _ = try front.portico.logLine(with: "app/s1 is DOWN")
    }
}
