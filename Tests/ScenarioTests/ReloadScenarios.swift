// The configuration is read again while clients, servers and tunnels go on: `reload` on the runtime socket, and SIGUSR2.

import Foundation
import Glibc
import Synchronization
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct ReloadScenarios {
    /// A process whose file is written anew.
    private struct Site {
        let portico: Portico
        let port: Int
        let socket = Stage.current.folder + "/admin.sock"
        private let file = Stage.current.folder + "/site.cfg"

        /// - Parameter sections: with `PORT` for the port that the first frontend listens on.
        init(_ sections: String, global: String = "nbthread 2") throws {
            port = try freePort()
            let (port, socket) = (port, socket)
            try Self.text(sections, global, port, socket).write(toFile: file, atomically: true, encoding: .utf8)
            // The first file only names the second, which is written anew.
            portico = try Portico("# see site.cfg", listeningOn: port, arguments: ["-f", file])
            #expect(eventually { isListening(at: socket) })
        }

        private static func text(_ sections: String, _ global: String, _ port: Int, _ socket: String) -> String {
            opening(global: "stats socket \(socket) level admin\n\(global)") + "\n"
                + sections.replacing("PORT", with: "\(port)") + "\n"
        }

        func write(_ sections: String, global: String = "nbthread 2") throws {
            try Self.text(sections, global, port, socket).write(toFile: file, atomically: true, encoding: .utf8)
        }

        /// What `reload` answers.
        func reload(_ sections: String, global: String = "nbthread 2") throws -> String {
            try write(sections, global: global)
            return try ask(socket, "reload")
        }

        func info(_ name: String) throws -> Int? {
            try ask(socket, "show info").split(separator: "\n").first { $0.hasPrefix(name + ":") }
                .flatMap { Int($0.dropFirst(name.utf8.count + 2)) }
        }
    }

    /// Where a server waits before it answers.
    private final class Gate: Sendable {
        private let isOpen = Mutex(false)

        func open() { isOpen.withLock { $0 = true } }

        func answer(_ text: String) -> String {
            _ = eventually { isOpen.withLock { $0 } }
            return Self.text(text)
        }

        static func text(_ text: String) -> String {
            "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
        }
    }

    private func page(_ text: String) -> String {
        """
        frontend www
            bind 127.0.0.1:PORT
            http-request return status 200 content-type text/plain string "\(text)"
        """
    }

    private func proxy(to servers: String..., frontend: String = "", backend: String = "") -> String {
        """
        frontend www
            bind 127.0.0.1:PORT
            \(frontend)
            default_backend app
        backend app
            \(backend)
            \(servers.joined(separator: "\n    "))
        """
    }

    @Test func `a client that stays connected gets the new answer`() throws {
        let site = try Site(page("old"))
        let client = try Connection(to: site.port)
        #expect(try client.fetch("/").text == "old")
        #expect(try site.reload(page("new")).hasPrefix("Success=1\n"))
        #expect(try client.fetch("/").text == "new")
        #expect(try client.fetch("/").text == "new")
        #expect(try fetch("/", from: site.port).text == "new")
        #expect(eventually { (try? site.info("Plans")) == 1 })
    }

    @Test func `SIGUSR2 reads the configuration again, and the log says so`() throws {
        let site = try Site(page("old"))
        try site.write(page("new"))
        site.portico.process.signal(SIGUSR2)
        _ = try site.portico.logLine(with: "Reloaded the configuration: 1 frontend")
        #expect(try fetch("/", from: site.port).text == "new")
    }

    @Test func `a file with mistakes changes nothing, and all of them come back`() throws {
        let site = try Site(page("old"))
        let answer = try site.reload(page("new") + "\n    balance sourse\n    timeout client 1 parsec\n")
        #expect(answer.hasPrefix("Success=0\n--\n"))
        #expect(answer.contains("sourse") && answer.contains("1 parsec") && answer.contains("^"))
        #expect(try fetch("/", from: site.port).text == "old")
        #expect(eventually { (try? site.info("Plans")) == 1 })
        #expect(try site.reload(page("new")).hasPrefix("Success=1\n"))
        #expect(try fetch("/", from: site.port).text == "new")
    }

    @Test func `an address that cannot be had leaves everything as it was`() throws {
        let site = try Site(page("old"))
        let server = try ScriptedServer(saying: "mine")
        let answer = try site.reload(page("new") + "\n    bind 127.0.0.1:\(server.port)\n")
        #expect(answer.hasPrefix("Success=0\n--\n") && answer.contains("\(server.port)"))
        #expect(try fetch("/", from: site.port).text == "old")
        #expect(try fetch("/", from: server.port).text == "mine")
    }

    @Test func `new addresses listen, those that are gone refuse, and their clients are served to the end`() throws {
        let gate = Gate()
        let server = try ScriptedServer { (_: Request) in gate.answer("late") }
        let (second, third) = (try freePort(), try freePort())
        func sections(_ port: Int) -> String {
            page("one") + "\nfrontend f\(port)\n    bind 127.0.0.1:\(port)\n    default_backend app\nbackend app\n"
                + "    server s1 127.0.0.1:\(server.port)"
        }
        let site = try Site(sections(second))
        let client = try Connection(to: second)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { server.requests.count == 1 })
        #expect(try site.reload(sections(third)).hasPrefix("Success=1\n"))
        #expect(eventually { !isListening(on: second) } && isListening(on: third))
        gate.open()
        let answer = try client.receiveAnswer()
        #expect(answer.text == "late" && answer.all("connection") == ["close"])
        #expect(client.isClosedByPeer())
        #expect(try fetch("/", from: third).text == "late")
        #expect(eventually { (try? site.info("Plans")) == 1 })
    }

    @Test func `no client is refused, reset or left waiting by thirty reloads`() throws {
        let server = try ScriptedServer(saying: "ok")
        let site = try Site(proxy(to: "server s1 127.0.0.1:\(server.port)"))
        let crowd = Crowd(at: site.port, of: 4)
        let kept = try Connection(to: site.port)
        for round in 1...30 {
            let more = (0..<round % 3).map { "server t\($0) 127.0.0.1:\(server.port)" }
            let answer = try site.reload(
                proxy(
                    to: (["server s1 127.0.0.1:\(server.port)"] + more).joined(separator: "\n    "),
                    frontend: "http-response set-header round \(round)"))
            #expect(answer.hasPrefix("Success=1\n"))
            let answered = try kept.fetch("/")
            #expect(answered.text == "ok" && answered.all("round") == ["\(round)"])
        }
        let before = crowd.answered
        #expect(eventually { crowd.answered > before + 20 })
        crowd.leave()
        #expect(crowd.failures == [])
        kept.close()
        #expect(eventually { (try? site.info("Plans")) == 1 })
    }

    @Test func `what was changed at run time stays as long as the file says the same of it`() throws {
        let agent = try ScriptedServer { connection, _ in try connection.send("25%\n") }
        let (one, two) = (try ScriptedServer(saying: "1"), try ScriptedServer(saying: "2"))
        func sections(weight: Int, _ more: String = "") -> String {
            proxy(
                to: "server s1 127.0.0.1:\(one.port) weight \(weight) agent-check agent-port \(agent.port) "
                    + "agent-inter 20ms",
                "server s2 127.0.0.1:\(two.port)", more)
        }
        func weight(_ site: Site) throws -> String? {
            try ask(site.socket, "show servers state app").split(separator: "\n")
                .first { $0.contains(" app ") && $0.contains(" s1 ") }
                .map { String($0.split(separator: " ")[7]) }
        }
        let site = try Site(sections(weight: 100))
        #expect(eventually { (try? weight(site)) == "25" })
        agent.stop()
        #expect(try site.reload(sections(weight: 100, "server s3 127.0.0.1:\(one.port)")).hasPrefix("Success=1\n"))
        #expect(try weight(site) == "25")
        #expect(try site.reload(sections(weight: 80)).hasPrefix("Success=1\n"))
        #expect(try weight(site) == "80")
    }

    @Test func `a request that waits for a server goes on waiting, and is served`() throws {
        let gate = Gate()
        let server = try ScriptedServer { (_: Request) in gate.answer("ok") }
        let line = "server s1 127.0.0.1:\(server.port) maxconn 1"
        let site = try Site(proxy(to: line, backend: "timeout queue 60s"))
        let clients = try (0..<3).map { _ in try Connection(to: site.port) }
        for client in clients { try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        #expect(eventually { server.requests.count == 1 })
        for _ in 1...3 {
            #expect(try site.reload(proxy(to: line, backend: "timeout queue 50s")).hasPrefix("Success=1\n"))
        }
        gate.open()
        for client in clients { #expect(try client.receiveAnswer().text == "ok") }
    }

    @Test func `an upload that a reload meets arrives whole`() throws {
        let server = try ScriptedServer { (request: Request) in Gate.text("\(request.body.count)") }
        let line = "server s1 127.0.0.1:\(server.port)"
        let site = try Site(proxy(to: line))
        let client = try Connection(to: site.port)
        let half = String(repeating: "x", count: 300_000)
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n" + half)
        for _ in 1...3 { #expect(try site.reload(proxy(to: line, "server s2 127.0.0.1:1")).hasPrefix("Success=1\n")) }
        try client.send(half)
        #expect(try client.receiveAnswer().text == "600000")
    }

    @Test func `a tunnel lasts, keeps one plan, and the connection of a server that is gone ends with it`() throws {
        let echo = try ScriptedServer { connection, _ in
            while true { try connection.send(String(decoding: connection.receive(count: 4), as: UTF8.self)) }
        }
        func sections(_ server: String) -> String {
            "listen www\n    mode tcp\n    bind 127.0.0.1:PORT\n    server \(server)"
        }
        let site = try Site(sections("s1 127.0.0.1:\(echo.port)"))
        let client = try Connection(to: site.port)
        try client.send("ping")
        #expect(try client.receive(count: 4) == Array("ping".utf8))
        for round in 1...5 {
            #expect(try site.reload(sections("t\(round) 127.0.0.1:\(echo.port)")).hasPrefix("Success=1\n"))
        }
        try client.send("pong")
        #expect(try client.receive(count: 4) == Array("pong".utf8))
        #expect(eventually { (try? site.info("Plans")) == 2 })
        client.close()
        #expect(eventually { (try? site.info("Plans")) == 1 })
    }

    @Test func `what cannot change while the process runs is said`() throws {
        let site = try Site(page("old"))
        let answer = try site.reload(page("new"), global: "nbthread 2\n    user nobody\n    chroot /var/empty")
        #expect(answer.hasPrefix("Success=1\n--\n"))
        #expect(answer.contains("user") && answer.contains("chroot"))
        #expect(try fetch("/", from: site.port).text == "new")
    }
}
