// Agents: programs beside servers that say what becomes of them.

import Foundation
import Synchronization
import Testing

/// What an agent is to say now.
private final class Line: Sendable {
    private let text: Mutex<String>
    init(_ text: String) { self.text = Mutex(text) }
    var now: String { text.withLock { $0 } }
    func become(_ text: String) { self.text.withLock { $0 = text } }
}

@Suite(.staged) struct AgentScenarios {
    /// A server with an agent, which is asked for it by name, and another server without.
    private struct House {
        let front: Int
        let stats: Int
        let portico: Portico
        let line: Line

        init(saying first: String, check: String = "check inter 50ms") throws {
            let line = Line(first)
            self.line = line
            let agent = try ScriptedServer { connection, _ in
                let question = try connection.receive(count: 5, within: 10)
                try connection.send(question == Array("main\n".utf8) ? line.now : "fail#not asked as said\n")
            }
            let servers = try [ScriptedServer(saying: "one"), ScriptedServer(saying: "two")]
            front = try freePort()
            stats = try freePort()
            portico = try Portico(
                """
                \(opening())
                frontend www
                    bind 127.0.0.1:\(front)
                    default_backend app
                backend app
                    option log-health-checks
                    server one 127.0.0.1:\(servers[0].port) weight 100 maxconn 50 \(check) agent-check \\
                        agent-addr localhost agent-port \(agent.port) agent-inter 50ms agent-send "main\\n"
                    server two 127.0.0.1:\(servers[1].port) weight 100
                listen stats
                    bind 127.0.0.1:\(stats)
                    stats enable
                    stats uri /
                """, listeningOn: front, stats)
        }

        func row() throws -> [String: String] {
            try #require(try table(try fetch("/;csv", from: stats).text)["app/one"])
        }

        /// Waits for a value in a column of the server's row.
        func shows(_ column: String, _ value: String) throws -> Bool {
            try eventually { try row()[column] == value }
        }
    }

    @Test("An agent's words about weight, limit and state count, and stay until it says otherwise")
    func words() throws {
        let house = try House(saying: "up 25%,maxconn:7\n")
        #expect(try house.shows("agent_status", "L7OK"))
        let row = try house.row()
        #expect(row["weight"] == "25" && row["slim"] == "7" && row["status"] == "UP")
        #expect(row["agent_health"] == "1" && row["agent_rise"] == "1" && row["agent_fall"] == "1")
        house.line.become("drain\n")
        #expect(try house.shows("status", "DRAIN"))
        for _ in 1...4 { #expect(try fetch("/", from: house.front).text == "two") }
        house.line.become("maint\r\nup ready")
        #expect(try house.shows("status", "MAINT"))
        house.line.become("ready")
        #expect(try house.shows("status", "UP"))
        #expect(try house.row()["weight"] == "25")
    }

    @Test("A server is down as long as its agent says so, whatever checks find, and the log has the reason")
    func down() throws {
        let house = try House(saying: "up\n")
        _ = try house.portico.logLine(with: "Agent check for server app/one succeeded, reason: Layer7 check passed")
        house.line.become("stopped#for the night\n")
        let line = try house.portico.logLine(with: "Agent check for server app/one failed, reason: Layer7 wrong status")
        #expect(line.contains("stopped") && line.contains("for the night") && line.contains("status: 0/1 DOWN."))
        _ = try house.portico.logLine(with: "Server app/one is DOWN")
        #expect(try house.shows("status", "DOWN (agent)"))
        #expect(try house.row()["check_status"] == "L4OK")
        for _ in 1...4 { #expect(try fetch("/", from: house.front).text == "two") }
        house.line.become("up\n")
        _ = try house.portico.logLine(with: "Server app/one is UP")
        #expect(try house.shows("status", "UP"))
    }

    @Test("Nonsense, silence and a flood from an agent change nothing")
    func nonsense() throws {
        let house = try House(saying: "up 50%\n")
        #expect(try house.shows("weight", "50"))
        house.line.become("\u{1}\u{2}rubbish\n")
        #expect(try house.shows("agent_status", "L7RSP"))
        house.line.become(String(repeating: "x", count: 1 << 20))
        _ = try eventually { try house.row()["last_agt"]?.contains("too long") == true }
        let row = try house.row()
        #expect(row["status"] == "UP" && row["weight"] == "50")
        #expect(try fetch("/", from: house.front).status == 200)
    }
}
