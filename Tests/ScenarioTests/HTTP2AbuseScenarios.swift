// Clients of HTTP/2 that attack: each attack ends with a GOAWAY frame or the connection, costs little memory, and other clients are
// served beside it.

import Foundation
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct HTTP2AbuseScenarios {
    /// What Peers/h2_attacks.py tells.
    private struct Outcome: Decodable {
        let sent: Int
        let seconds: Double
        /// Whether Portico ended the connection.
        let ended: Bool
        let goaway: HTTP2Conversation.Goaway?
        let answers: Int
        let resets: Int
    }

    /// A server that answers, except for /hold; /large/N has N bytes.
    private func victim() throws -> FrontDoor {
        let long = String(repeating: "x", count: 1_000_000)
        let server = try ScriptedServer { connection, _ in
            while true {
                let target = try connection.receiveRequest(within: 60).target
                if target == "/hold" {
                    _ = connection.isClosedByPeer(within: 60)
                    return
                }
                let body = target.hasPrefix("/large/") ? String(long.prefix(Int(target.dropFirst(7)) ?? 0)) : "hello"
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)", within: 60)
            }
        }
        return try FrontDoor(
            before: server.port, global: "    nbthread 1\n    tune.h2.fe.glitches-threshold 1000",
            defaults: "    timeout client 3s\n    timeout http-request 3s")
    }

    /// Lets one attack run, and another client ask meanwhile.
    private func attack(_ front: FrontDoor, _ name: String, limit: Int = 16 << 20) throws -> Outcome {
        for _ in 1...20 { #expect(try fetch("/", from: front.port).text == "hello") }
        let before = front.settledResidentBytes
        var most = before
        let child = try Child(
            ["/usr/bin/python3", "-B", peer("h2_attacks.py"), "\(front.port)", name, "\(limit)"],
            named: "attack-\(name)",
            in: Stage.current.folder)
        Stage.current.atTheEnd { child.stop(patience: 0.5) }
        let deadline = Deadline(in: 120)
        var slowest = 0.0
        repeat {
            let begin = ContinuousClock.now
            #expect(try fetch("/", from: front.port).text == "hello")
            slowest = max(slowest, begin.duration(to: .now) / .seconds(1))
            most = max(most, front.residentBytes)
        } while child.ended() == nil && !deadline.hasPassed
        #expect(child.end(within: 1) == .status(0), "\(child.errors)")
        #expect(most - before < 16 << 20, "\(name): from \(before) to \(most) bytes")
        #expect(slowest < 2, "\(name): another client waited \(slowest) s")
        #expect(front.portico.process.ended() == nil)
        return try JSONDecoder().decode(Outcome.self, from: Data(child.output.utf8))
    }

    @Test(
        "A flood is ended with a GOAWAY frame that says what it was, and one line in the log",
        arguments: [
            "rapid-reset", "made-you-reset", "malformed", "continuation", "empty-continuation", "settings",
            "settings-table",
            "settings-ack", "settings-window", "ping", "empty-data", "padding", "priority", "priority-update",
            "window-update",
            "unknown", "reset-closed", "table-bomb", "half-open",
        ])
    func floods(name: String) throws {
        let front = try victim()
        let outcome = try attack(front, name)
        #expect(outcome.ended, "\(outcome)")
        let goaway = try #require(outcome.goaway, "\(outcome)")
        // PROTOCOL_ERROR, COMPRESSION_ERROR, ENHANCE_YOUR_CALM.
        #expect([1, 9, 11].contains(goaway.code), "\(goaway)")
        #expect(goaway.text.count > 5, "\(goaway)")
        _ = try front.portico.logLine(with: goaway.text)
    }

    @Test("Answers that nobody takes end by `timeout client`, and so does the connection")
    func zeroWindow() throws {
        let front = try victim()
        let outcome = try attack(front, "zero-window")
        #expect(outcome.answers == 100, "\(outcome)")
        #expect(outcome.ended, "\(outcome)")
    }

    @Test("A connection on which nothing ever comes ends by `timeout http-request`")
    func silence() throws {
        #expect(try attack(victim(), "silence").ended)
    }

    @Test("Answers taken byte by byte on a hundred streams: memory is bounded, others are served")
    func drip() throws {
        _ = try attack(victim(), "drip", limit: 60_000)
    }

    @Test(
        "Without a threshold the attacks that cost memory are bounded all the same",
        arguments: ["rapid-reset", "half-open", "settings", "ping"])
    func withoutThreshold(name: String) throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, global: "    nbthread 1")
        _ = try attack(front, name, limit: 4 << 20)
    }
}
