// The control thread does not block: neither on standard error nor on clients of the runtime socket.

import Foundation
import Glibc
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct ControlScenarios {
    /// A named pipe that is full and whose reader does not read.
    private func fullPipe() throws -> String {
        let path = Stage.current.folder + "/pipe"
        let isMade = unsafe mkfifo(path, 0o600) == 0
        try #require(isMade)
        let descriptor = unsafe open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        try #require(descriptor >= 0)
        Stage.current.atTheEnd { close(descriptor) }
        let block = [UInt8](repeating: 0x2E, count: 4_096)
        while unsafe write(descriptor, block, block.count) > 0 {}
        return path
    }

    @Test("A standard error that is not read stops neither checks nor the runtime socket nor SIGTERM")
    func stuckStandardError() throws {
        // Regression: the first message that found the pipe full blocked the control thread for good.
        let server = try ScriptedServer(saying: "hello")
        let (port, socket) = (try freePort(), Stage.current.folder + "/admin.sock")
        let file = try Stage.current.file(
            "stuck.cfg",
            """
            global
                stats socket \(socket) level admin
            defaults
                mode http
                timeout connect 60s
                timeout client 60s
                timeout server 60s
            frontend www
                bind 127.0.0.1:\(port)
                default_backend app
            backend app
                server s1 127.0.0.1:\(server.port) check inter 50ms fall 1 rise 1

            """)
        let process = try Child(
            ["sh", "-c", "exec \"$0\" \"$@\" 2>\(try fullPipe())", Portico.binary, "-db", "-f", file], named: "stuck",
            in: Stage.current.folder)
        Stage.current.atTheEnd { process.stop(patience: 1) }
        // A notice at start-up is not read either.
        #expect(eventually { isListening(on: port) && isListening(at: socket) })
        func state() throws -> String {
            let asking = try Connection(toUnixSocket: socket)
            try asking.send("show stat\n")
            let table = String(decoding: try asking.receiveAll(), as: UTF8.self)
            let line = table.split(separator: "\n").first { $0.hasPrefix("app,s1,") }
            return line.map { String($0.split(separator: ",", omittingEmptySubsequences: false)[17]) } ?? table
        }

        // Each change of state logs a message, and so do these signals.
        server.stop()
        #expect(try eventually { try state() == "DOWN" })
        process.signal(SIGHUP)
        process.signal(SIGTTOU)
        #expect(eventually { !FileManager.default.fileExists(atPath: socket) })
        process.signal(SIGTTIN)
        #expect(eventually { FileManager.default.fileExists(atPath: socket) })
        try server.start()
        #expect(try eventually { try state() == "UP" })
        #expect(try fetch("/", from: port).text == "hello")

        process.signal(SIGTERM)
        #expect(process.end() != nil)
    }

    @Test("SIGTTOU gives the runtime sockets up too, and SIGTTIN takes them back", arguments: ["path", "port", "name"])
    func runtimeSocketIsGivenUp(kind: String) throws {
        let (port, admin) = (try freePort(), try freePort())
        let path = Stage.current.folder + "/admin.sock"
        let name = "portico-\(UUID().uuidString)"
        let address =
            switch kind {
            case "path": path
            case "port": "127.0.0.1:\(admin)"
            default: "abns@\(name)"
            }
        func configuration(_ port: Int) -> String {
            """
            \(opening(global: "stats socket \(address) level admin"))
            frontend www
                bind 127.0.0.1:\(port)
                http-request return
            """
        }
        let first = try Portico(configuration(port), listeningOn: port)
        func isThere() -> Bool {
            switch kind {
            case "path": isListening(at: path)
            case "port": isListening(on: admin)
            default: isListening(at: "@" + name)
            }
        }
        #expect(eventually { isThere() })

        first.process.signal(SIGTTOU)
        #expect(eventually { kind == "path" ? !FileManager.default.fileExists(atPath: path) : !isThere() })
        let second = try freePort()
        let other = try Portico(configuration(second), listeningOn: second)
        #expect(eventually { isThere() })
        first.process.signal(SIGTTIN)
        _ = try first.logLine(with: "Cannot listen again on the runtime socket")
        other.process.signal(SIGTERM)
        #expect(other.process.end() != nil)

        first.process.signal(SIGTTIN)
        #expect(eventually { kind == "path" ? FileManager.default.fileExists(atPath: path) : isThere() })
        if kind == "path" {
            #expect(
                try eventually {
                    guard let asking = try? Connection(toUnixSocket: path) else { return false }
                    try asking.send("show info\n")
                    return String(decoding: try asking.receiveAll(), as: UTF8.self).contains("Name: ")
                })
        }
        first.process.signal(SIGTERM)
        #expect(first.process.end() != nil)
        for left in [path, path + ".paused"] { #expect(!FileManager.default.fileExists(atPath: left)) }
    }
}
