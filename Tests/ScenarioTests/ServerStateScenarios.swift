// What live traffic tells of servers (`observe`), and states that outlive a process (`load-server-state-from-file`). HAProxy 2.6 does
// the same.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct ServerStateScenarios {
    @Test("A server whose checks pass goes down by its responses, and comes back by its checks")
    func observed() throws {
        let isIll = Mutex(false)
        let server = try ScriptedServer { request in
            let status = request.target != "/health" && isIll.withLock { $0 } ? "503 Ill" : "200 OK"
            return "HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n"
        }
        let front = try FrontDoor(
            before: server.port, backend: "option httpchk GET /health",
            server: "check inter 1s fall 3 rise 1 observe layer7 error-limit 4 on-error mark-down")
        #expect(try fetch("/", from: front.port).status == 200)
        isIll.withLock { $0 = true }
        for _ in 0..<4 { #expect(try fetch("/", from: front.port).status == 503) }
        let line = try front.portico.logLine(with: "Server app/s1 is DOWN")
        #expect(
            line.contains(
                "reason: Health analyze, info: \"Detected 4 consecutive errors, last one was: Wrong http response\""))
        isIll.withLock { $0 = false }
        _ = try front.portico.logLine(with: "Server app/s1 is UP")
        #expect(eventually { (try? fetch("/", from: front.port).status) == 200 })
    }

    @Test("Servers begin with the states that the process before has written to a file")
    func saved() throws {
        let server = try ScriptedServer(saying: "hello")
        let dead = try freePort()
        let socket = Stage.current.folder + "/admin.sock"
        let file = Stage.current.folder + "/states"
        func front(_ more: String, check: String) throws -> FrontDoor {
            try FrontDoor(
                global: "    stats socket \(socket) mode 600 level admin\n    \(more)",
                backend: """
                        load-server-state-from-file global
                        server alive 127.0.0.1:\(server.port) check inter 50ms
                        server dead 127.0.0.1:\(dead) \(check)
                    """)
        }
        let first = try front("", check: "check inter 50ms fall 1")
        _ = try first.portico.logLine(with: "Server app/dead is DOWN")
        try Data(ask(socket, "show servers state").utf8).write(to: URL(filePath: file))
        first.portico.process.stop()

        // The next process would need minutes to find out.
        let second = try front("server-state-file \(file)", check: "check inter 10m fall 3")
        let rows = try table(ask(socket, "show stat"))
        #expect(rows["app/dead"]?["status"] == "DOWN" && rows["app/alive"]?["status"] == "UP")
        for _ in 0..<4 { #expect(try fetch("/", from: second.port).status == 200) }
        second.portico.process.stop()
        // Without the file, or with one that is none, it begins as ever, and says so.
        try Data("no states\n".utf8).write(to: URL(filePath: file))
        let third = try front("server-state-file \(file)", check: "check inter 10m fall 3")
        #expect(try table(ask(socket, "show stat"))["app/dead"]?["status"]?.hasPrefix("UP") == true)
        third.portico.process.stop()
    }

    @Test("Sections and servers have the numbers that their lines say, others the next free ones, and none twice")
    func numbers() throws {
        let socket = Stage.current.folder + "/admin.sock"
        let port = try freePort()
        _ = try FrontDoor(
            before: port, global: "    stats socket \(socket) mode 600 level admin", frontend: "    id 7",
            backend: "    id 2\n    server one 127.0.0.1:\(port) id 9", server: "\nbackend other\n    mode tcp")
        let rows = try table(ask(socket, "show stat"))
        #expect(rows["www/FRONTEND"]?["iid"] == "7" && rows["app/BACKEND"]?["iid"] == "2")
        #expect(rows["other/BACKEND"]?["iid"] == "4")
        #expect(rows["app/one"]?["sid"] == "9" && rows["app/s1"]?["sid"] == "2")

        let file = try Stage.current.file("twice.cfg", "backend a\n    id 5\nbackend b\n    id 5\n")
        let checked = try Portico.run("-c", "-f", file)
        #expect(checked.exit != .status(0))
        if Portico.isItself { #expect(checked.errors.contains("the number 5 is taken already")) }
    }
}
