// Servers that follow others (`track`), and sessions that end when servers go down or come up (`on-marked-down`, `on-marked-up`).
// HAProxy 2.6 does the same.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct TrackingScenarios {
    /// The status and `tracked` columns of each server.
    private func states(_ socket: String) throws -> [String: [String]] {
        try table(ask(socket, "show stat")).mapValues { [$0["status"] ?? "", $0["tracked"] ?? ""] }
    }

    @Test("A chain of servers goes down and comes up with the one that is checked, and the log says via which")
    func chain() throws {
        let server = try ScriptedServer(saying: "hello")
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(
            before: server.port, global: "    stats socket \(socket) mode 600 level admin",
            backend: "",
            server:
                "track base/checked\nbackend second\n    server t2 127.0.0.1:\(server.port) track app/s1\nbackend base\n"
                + "    server checked 127.0.0.1:\(server.port) check inter 50ms fall 2 rise 2\n"
                + "    server out 127.0.0.1:\(server.port) check disabled\n    server follows 127.0.0.1:\(server.port) track out"
        )
        let portico = front.portico
        #expect(try fetch("/", from: front.port).status == 200)
        #expect(eventually { (try? states(socket)["app/s1"]) == ["UP", "base/checked"] })
        #expect(try states(socket)["second/t2"] == ["UP", "app/s1"])
        #expect(try states(socket)["base/out"]?.first == "MAINT")
        #expect(try states(socket)["base/follows"] == ["MAINT (via base/out)", "base/out"])

        server.stop()
        #expect(try portico.logLine(with: "Server app/s1 is DOWN").contains("DOWN via base/checked"))
        #expect(try portico.logLine(with: "Server second/t2 is DOWN").contains("DOWN via app/s1"))
        #expect(try fetch("/", from: front.port).status == 503)
        #expect(try states(socket)["second/t2"]?.first == "DOWN")

        try server.start()
        #expect(try portico.logLine(with: "Server second/t2 is UP").contains("UP via app/s1"))
        #expect(eventually { (try? fetch("/", from: front.port).status) == 200 })
    }

    @Test(
        "Lines that lead to nothing that is checked are refused",
        arguments: [
            ("server s 127.0.0.1:1 track t\n    server t 127.0.0.1:1 track s", "track one another"),
            ("server s 127.0.0.1:1 track t\n    server t 127.0.0.1:1", "no checks"),
            ("server s 127.0.0.1:1 track nowhere/t", "no backend 'nowhere'"),
            ("server s 127.0.0.1:1 track t", "no server 't'"),
            ("server s 127.0.0.1:1 check track t\n    server t 127.0.0.1:1 check", "checks of its own"),
            ("server s 127.0.0.1:1 on-marked-down shutdown", "shutdown-sessions"),
        ])
    func mistakes(lines: String, words: String) throws {
        let file = try Stage.current.file(
            "mistake.cfg",
            """
            backend b
                mode http
                timeout connect 1s
                timeout server 1s
                \(lines)

            """)
        let checked = try Portico.run("-c", "-f", file)
        let isExpected = checked.errors.contains(words) || !Portico.isItself
        #expect(checked.exit != .status(0) && isExpected, "\(checked.errors)")
    }

    /// A server whose connections stay open, and whether its checks pass.
    private func lastingServer(_ name: String, _ isWell: Lamp) throws -> ScriptedServer {
        try ScriptedServer { request in
            if request.target == "/health" {
                return "HTTP/1.1 \(isWell.isOn ? "200 OK" : "503 Ill")\r\nContent-Length: 0\r\n\r\n"
            }
            // The rest of the body never comes.
            return "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n\(name)"
        }
    }

    private final class Lamp: Sendable {
        private let state: Mutex<Bool>
        init(_ isOn: Bool) { state = Mutex(isOn) }
        var isOn: Bool {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    @Test("Sessions end when their server goes down, and those on a backup when another server comes up")
    func sessions() throws {
        let (main, spare) = (Lamp(true), Lamp(true))
        let first = try lastingServer("first", main)
        let second = try lastingServer("second", spare)
        let front = try FrontDoor(
            backend: """
                    option httpchk GET /health
                    default-server check inter 50ms fall 2 rise 2
                    server first 127.0.0.1:\(first.port) on-marked-down shutdown-sessions on-marked-up shutdown-backup-sessions
                    server second 127.0.0.1:\(second.port) backup
                """)
        func session(_ target: String, from name: String) throws -> Connection {
            let connection = try Connection(to: front.port)
            try connection.send("GET \(target) HTTP/1.1\r\nHost: a.test\r\n\r\n")
            #expect(try connection.receive(through: name).hasSuffix(name))
            return connection
        }
        let cut = try session("/cut", from: "first")
        main.isOn = false
        #expect(cut.isClosedByPeer())
        #expect(try front.portico.exchange(with: "/cut").termination.hasPrefix("D"))

        let onBackup = try session("/backup", from: "second")
        main.isOn = true
        #expect(onBackup.isClosedByPeer())
        #expect(try front.portico.exchange(with: "/backup").termination.hasPrefix("U"))
        cut.close()
        onBackup.close()
    }
}
