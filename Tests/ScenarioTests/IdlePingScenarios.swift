// `idle-ping`: peers of idle HTTP/2 connections that answer, and such that do not. Frames are written byte by byte here, so that an
// answer can be left out.

import Foundation
import Testing

// HAProxy has it since 3.2.
@Suite(.staged, .enabled(if: Portico.isItself)) struct IdlePingScenarios {
    private static let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
    private static let settingsAck: [UInt8] = [0, 0, 0, 4, 1, 0, 0, 0, 0]

    /// The next frame that satisfies the condition: its payload. Settings are acknowledged on the way.
    private func frame(
        _ connection: Connection, where isWanted: (_ type: UInt8, _ flags: UInt8) -> Bool
    ) throws -> [UInt8] {
        while true {
            let head = try connection.receive(count: 9)
            let payload = try connection.receive(count: Int(head[0]) << 16 + Int(head[1]) << 8 + Int(head[2]))
            if isWanted(head[3], head[4]) { return payload }
            if head[3] == 4, head[4] == 0 { try connection.send(bytes: Self.settingsAck) }
        }
    }

    private func ping(_ connection: Connection) throws -> [UInt8] {
        try frame(connection) { type, flags in type == 6 && flags == 0 }
    }

    @Test("A client that answers is kept beyond `timeout client`, and one that does not is left")
    func clients() throws {
        let port = try freePort()
        _ = try Portico(
            """
            \(opening(defaults: "timeout client 1s"))
            frontend www
                bind 127.0.0.1:\(port) proto h2 idle-ping 300ms
                http-request return status 200
            """, listeningOn: port)
        let client = try Connection(to: port)
        // GET / of no authority that matters, in HPACK: :method, :scheme, :path, :authority "a".
        let request: [UInt8] = [0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 0x41, 0x01, 0x61]
        try client.send(bytes: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.settings + request)
        _ = try frame(client) { type, _ in type == 1 }
        let begin = Date()
        for _ in 1...8 { try client.send(bytes: [0, 0, 8, 6, 1, 0, 0, 0, 0] + ping(client)) }
        #expect(Date().timeIntervalSince(begin) > 2)
        _ = try ping(client)
        // GOAWAY, and the end.
        _ = try frame(client) { type, _ in type == 7 }
        #expect(client.isClosedByPeer())
    }

    @Test("An idle connection whose server does not answer is given up, and the next request gets another")
    func servers() throws {
        let answer: [UInt8] = [0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88]
        let server = try ScriptedServer { [self] connection, number in
            _ = try connection.receive(count: 24)
            try connection.send(bytes: Self.settings)
            _ = try frame(connection) { type, _ in type == 1 }
            try connection.send(bytes: answer)
            if number == 1 {
                try connection.send(bytes: [0, 0, 8, 6, 1, 0, 0, 0, 0] + ping(connection))
                _ = try ping(connection)
            }
            _ = try? connection.receiveAll(within: 30)
        }
        let front = try FrontDoor(
            before: server.port, defaults: "    http-reuse always",
            server: "proto h2 idle-ping 200ms pool-purge-delay 60s")
        #expect(try fetch("/1", from: front.port).status == 200)
        // One that is gone is missing among the idle ones.
        #expect(eventually { server.connectionCount == 1 && !hasConnection(to: server.port, of: front) })
        #expect(try fetch("/2", from: front.port).status == 200)
        #expect(server.connectionCount == 2)
    }

    /// Whether Portico has an open connection to the port.
    private func hasConnection(to port: Int, of front: FrontDoor) -> Bool {
        guard let ended = try? play(["ss", "-tnp", "state", "established", "dport", "=", ":\(port)"]) else {
            return true
        }
        return ended.output.contains("pid=\(front.portico.process.pid),")
    }
}
