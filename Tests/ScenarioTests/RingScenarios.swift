// Logs in rings and over streams: what a syslog server receives over TCP, and what the runtime socket shows.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct RingScenarios {
    @Test("A ring keeps lines for the runtime socket, and sends them to its server with their length before them")
    func ring() throws {
        let syslog = try StreamCollector()
        let server = try ScriptedServer(saying: "hello")
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(
            before: server.port,
            global: """
                    stats socket \(socket) level admin
                    log ring@recent local0
                ring recent
                    description "what happened lately"
                    format priority
                    maxlen 1200
                    size 32764
                    timeout connect 60s
                    timeout server 60s
                    server collector 127.0.0.1:\(syslog.port) log-proto octet-count
                """)
        for number in 1...3 { _ = try fetch("/\(number)", from: front.port) }
        #expect(eventually { syslog.text.contains("GET /3 HTTP/1.1") })
        let frames = try syslog.octetCountedFrames().filter { $0.contains("\"GET /") }
        #expect(frames.count == 3)
        #expect(frames.allSatisfy { $0.hasPrefix("<134>127.0.0.1:") && $0.hasSuffix(" HTTP/1.1\"") })

        func ask(_ line: String) throws -> String {
            let asking = try Connection(toUnixSocket: socket)
            try asking.send(line + "\n")
            return String(decoding: try asking.receiveAll(), as: UTF8.self)
        }
        #expect(try ask("show events").contains("    recent     : type=buffer, 0 dropped, what happened lately\n"))
        let shown = try ask("show events recent").split(separator: "\n").map(String.init)
        #expect(shown.filter { $0.contains("\"GET /") } == frames)
        #expect(try ask("show events resent") == "No such event sink\n\n")
    }

    @Test("show events -w shows new lines as they come, until the operator presses a key")
    func following() throws {
        let server = try ScriptedServer(saying: "hello")
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(
            before: server.port,
            global: """
                    stats socket \(socket) level admin
                    log ring@recent local0
                ring recent
                """)
        _ = try fetch("/before", from: front.port)
        let watching = try Connection(toUnixSocket: socket)
        try watching.send("show events recent -w\n")
        _ = try watching.receive(through: "/before HTTP/1.1\"\n")
        let fresh = try Connection(toUnixSocket: socket)
        try fresh.send("show events recent -nw\n")
        // The second reader has found the end of the ring once it shows a line; until then requests are repeated.
        #expect(
            eventually {
                _ = try? fetch("/after", from: front.port)
                return (try? fresh.receive(through: "/after HTTP/1.1\"\n")) != nil
            })
        _ = try watching.receive(through: "/after HTTP/1.1\"\n")
        for connection in [watching, fresh] {
            try connection.send("q\n")
            let rest = String(decoding: try connection.receiveAll(), as: UTF8.self)
            #expect(rest.hasSuffix("\n\n") || rest == "\n")
            #expect(!rest.contains("/before"))
        }
    }

    @Test("log tcp@ sends lines over TCP; a syslog server that is restarted has them again")
    func overTCP() throws {
        let syslog = try StreamCollector()
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, global: "log tcp@127.0.0.1:\(syslog.port) local0")
        _ = try fetch("/one", from: front.port)
        #expect(eventually { syslog.text.contains("\"GET /one HTTP/1.1\"\n") })
        #expect(syslog.text.hasPrefix("<"))

        syslog.stop()
        _ = try fetch("/two", from: front.port)
        try syslog.start()
        #expect(
            eventually {
                _ = try? fetch("/three", from: front.port)
                return syslog.text.contains("\"GET /three HTTP/1.1\"\n")
            })
    }

    @Test("A syslog server on TCP that takes nothing holds no request up; what is lost is counted")
    func deafServer() throws {
        let end = DispatchSemaphore(value: 0)
        let deaf = try ScriptedServer(takesLittle: true) { _, _ in end.wait() }
        Stage.current.atTheEnd { end.signal() }
        let server = try ScriptedServer(saying: "hello")
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(
            before: server.port,
            global: """
                    stats socket \(socket) level admin
                    log ring@recent local0
                ring recent
                    size 4k
                    timeout server 60s
                    server deaf 127.0.0.1:\(deaf.port)
                """)
        let target = "/" + String(repeating: "x", count: 4_000)
        func dropped() throws -> UInt64 {
            let asking = try Connection(toUnixSocket: socket)
            try asking.send("show info\n")
            let info = String(decoding: try asking.receiveAll(), as: UTF8.self)
            let line = info.split(separator: "\n").first { $0.hasPrefix("DroppedLogs: ") }
            return try #require(line.flatMap { UInt64($0.dropFirst("DroppedLogs: ".count)) })
        }
        // The kernel's buffers take the first of it.
        var statuses: Set<Int> = []
        #expect(
            eventually {
                // A connection that was lost must not make every request behind it wait.
                guard let client = try? Connection(to: front.port) else { return false }
                for number in 1...200 {
                    guard let status = try? client.fetch("\(target)\(number)").status else { return false }
                    statuses.insert(status)
                }
                return (try? dropped()) ?? 0 > 0
            })
        #expect(statuses == [200])
        #expect(try fetch("/after", from: front.port).status == 200)
    }
}

/// A syslog server on TCP that records what it receives.
private final class StreamCollector: Sendable {
    private let received = Mutex<[UInt8]>([])
    private let server: Mutex<ScriptedServer?> = Mutex(nil)
    let port: Int

    init() throws {
        port = try freePort()
        try start()
    }

    func start() throws {
        let server = try ScriptedServer(port: port) { [self] connection, _ in
            while true {
                let part = try connection.receive(count: 1)
                received.withLock { $0 += part }
            }
        }
        self.server.withLock { $0 = server }
    }

    func stop() { server.withLock { $0?.stop() } }

    var text: String { String(decoding: received.withLock { $0 }, as: UTF8.self) }

    /// The received bytes, split by the lengths before each line.
    func octetCountedFrames() throws -> [String] {
        var frames: [String] = []
        var rest = received.withLock { $0 }[...]
        while let space = rest.firstIndex(of: 0x20) {
            let count = try #require(Int(String(decoding: rest[..<space], as: UTF8.self)))
            rest = rest[(space + 1)...]
            frames.append(String(decoding: rest.prefix(count), as: UTF8.self))
            rest = rest.dropFirst(count)
        }
        return frames
    }
}
