// Long bodies, which the system moves by itself from one connection to the other: not a byte is lost, added or late, and nothing is
// left of the pipes.

import Foundation
import Glibc
import Testing

@Suite(.staged) struct SplicingScenarios {
    /// So long that a pipe pays, with an end in the middle of everything's size.
    private static let long = 3_000_001
    private static let options = [
        "", "option splice-auto", "option splice-response\n    option splice-request", "no option splice-auto",
    ]

    /// Bytes that are nowhere the same as a few kilobytes further on.
    private static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        for i in bytes.indices { bytes[i] = UInt8(truncatingIfNeeded: i &* 31 ^ i >> 8 ^ i >> 16) }
        return bytes
    }

    /// A server that answers each request with as many bytes as its path says, or with those that it was sent.
    private func echoServer() throws -> ScriptedServer {
        try ScriptedServer { connection, _ in
            while true {
                let request = try connection.receiveRequest()
                let body = request.method == "POST" ? request.body : Self.bytes(Int(request.target.dropFirst()) ?? 0)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
                if request.method != "HEAD" { try connection.send(bytes: body) }
            }
        }
    }

    private func pipes(of front: FrontDoor) throws -> Int {
        let folder = "/proc/\(front.portico.process.pid)/fd"
        return try FileManager.default.contentsOfDirectory(atPath: folder).count { name in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)"))?.hasPrefix("pipe:")
                == true
        }
    }

    @Test("Responses and requests of all lengths pass whole, one after the other on one connection", arguments: options)
    func bothWays(option: String) throws {
        let server = try echoServer()
        let front = try FrontDoor(before: server.port, defaults: option)
        let client = try Connection(to: front.port)
        for length in [0, 1, 16_384, 65_536, 81_920, Self.long, 100] {
            try client.send("GET /\(length) HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try client.receiveAnswer()
            #expect(answer.status == 200 && answer.body == Self.bytes(length), "\(length)")
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
            try client.send(bytes: Self.bytes(length))
            #expect(try client.receiveAnswer().body == Self.bytes(length), "\(length) sent")
        }
        try client.send("HEAD /\(Self.long) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.receiveAnswer(to: "HEAD").status == 200)
    }

    @Test("What comes of a long body before its source pauses is not kept back", arguments: options)
    func pauses(option: String) throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequestHead()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(Self.long)\r\n\r\n")
            let body = Self.bytes(Self.long)
            try connection.send(bytes: Array(body[..<1_000_000]))
            // It goes on only once the client has all of that, and says so.
            _ = try connection.receive(through: "more")
            try connection.send(bytes: Array(body[1_000_000...]))
        }
        let front = try FrontDoor(before: server.port, defaults: option)
        let client = try Connection(to: front.port)
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
        _ = try client.receiveHead()
        let body = Self.bytes(Self.long)
        #expect(try client.receive(count: 1_000_000) == Array(body[..<1_000_000]))
        // Meanwhile it has no pipe: those that nothing uses are closed at once.
        front.portico.process.signal(SIGQUIT)
        #expect(eventually { (try? pipes(of: front)) == 0 }, "\((try? pipes(of: front)) ?? -1) ends of pipes")
        try client.send("more")
        #expect(try client.receive(count: body.count - 1_000_000) == Array(body[1_000_000...]))
    }

    @Test("A long request keeps its order while the rules of an early response pause", arguments: options)
    func earlyAnswer(option: String) throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequestHead()
            var body = try connection.receive(count: 300_000)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            body += try connection.receive(count: Self.long - body.count)
            try connection.send(body == Self.bytes(Self.long) ? "equal" : "other")
        }
        let front = try FrontDoor(
            before: server.port, defaults: option, backend: "    http-response pause 200ms")
        for _ in 0..<5 {
            let client = try Connection(to: front.port)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(Self.long)\r\n\r\n")
            let body = Self.bytes(Self.long)
            for start in stride(from: 0, to: body.count, by: 50_000) {
                try client.send(bytes: Array(body[start..<min(start + 50_000, body.count)]))
            }
            #expect(try client.receiveAnswer().text == "equal")
            client.close()
        }
    }

    @Test("A client that leaves in the middle of a long body leaves no pipe behind", .enabled(if: Portico.isItself))
    func leavers() throws {
        let server = try echoServer()
        let front = try FrontDoor(before: server.port, global: "    nbthread 1")
        for _ in 0..<60 {
            let client = try Connection(to: front.port)
            try client.send("GET /20000000 HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try client.receive(count: 200_000)
            client.close()
        }
        // Empty ones may wait for the next body, until they were not needed for a while.
        #expect(eventually { (try? pipes(of: front)) ?? .max <= 64 }, "\((try? pipes(of: front)) ?? -1) ends of pipes")
        front.portico.process.signal(SIGQUIT)
        #expect(eventually { (try? pipes(of: front)) == 0 }, "\((try? pipes(of: front)) ?? -1) ends of pipes")
    }

    @Test("A server that breaks off in the middle of a long body breaks it off for the client", arguments: options)
    func brokenOff(option: String) throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(Self.long)\r\n\r\n")
            try connection.send(bytes: Self.bytes(1_000_000))
        }
        let front = try FrontDoor(before: server.port, defaults: option)
        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try client.receiveHead()
        #expect(throws: (any Error).self) { try client.receive(count: Self.long) }
        _ = try front.portico.logLine(with: " SD-- ")
    }

    @Test("A tunnel passes bulk in both directions, and each side's end", arguments: options)
    func tunnel(option: String) throws {
        let server = try ScriptedServer { connection, _ in
            let bytes = try connection.receive(count: Self.long)
            try connection.send(bytes: bytes.reversed())
            connection.finishSending()
            _ = try? connection.receiveAll()
        }
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening(defaults: "mode tcp\n    \(option)"))
            listen bytes
                bind 127.0.0.1:\(port)
                server s1 127.0.0.1:\(server.port)
            """, listeningOn: port)
        let client = try Connection(to: port)
        try client.send(bytes: Self.bytes(Self.long))
        #expect(try client.receiveAll() == Self.bytes(Self.long).reversed())
        client.close()
        withExtendedLifetime(portico) {}
    }
}
