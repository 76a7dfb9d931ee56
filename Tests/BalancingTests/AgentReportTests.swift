// What agents say, in every word, and what becomes of the server.

import BalancingTesting
import Basics
import Testing

@testable import Balancing

@Suite struct AgentReportTests {
    private func report(_ line: String) -> AgentReport {
        let bytes = Array(line.utf8)
        return unsafe AgentReport(bytes.span.bytes)
    }

    /// The report in words.
    private func words(_ line: String) -> String {
        let report = report(line)
        var parts: [String] = []
        if let weight = report.weight(of: 40) { parts.append("weight \(weight)") }
        if let most = report.connectionsMax { parts.append("maxconn \(most)") }
        if let state = report.administrative { parts.append("\(state)") }
        parts.append("\(report.result.outcome) \(report.result.code.rawValue) \(report.result.info)")
        return parts.joined(separator: ", ")
    }

    @Test(arguments: [
        ("up", "passed L7OK via agent : up"), ("UP", "passed L7OK via agent : up"),
        ("down", "failed L7STS via agent : down"), ("fail#disk, full", "failed L7STS via agent : fail (disk, full)"),
        ("stopped # by hand", "failed L7STS via agent : stopped ( by hand)"),
        ("75%", "weight 30, unchanged CHECKED "), ("0%", "weight 0, unchanged CHECKED "),
        ("weight:12", "weight 12, unchanged CHECKED "), ("weight:50%", "weight 20, unchanged CHECKED "),
        ("9999%", "weight 256, unchanged CHECKED "), ("maxconn:30", "maxconn 30, unchanged CHECKED "),
        ("ready", "ready, unchanged CHECKED "), ("drain", "drain, unchanged CHECKED "),
        ("75%,maxconn:30,maint,down", "weight 30, maxconn 30, maintenance, failed L7STS via agent : down"),
        ("up ready\t100% maxconn:0", "weight 40, maxconn 0, ready, passed L7OK via agent : up"),
        ("", "unchanged CHECKED "), (" , ,", "unchanged CHECKED "),
        ("upp", "unchanged L7RSP unknown word 'upp' of the agent"),
        ("weight:257", "unchanged L7RSP unknown word 'weight:257' of the agent"),
        ("-5%", "unchanged L7RSP unknown word '-5%' of the agent"),
        ("+5%", "unchanged L7RSP unknown word '+5%' of the agent"),
        ("10001%", "unchanged L7RSP unknown word '10001%' of the agent"),
        ("maxconn:", "unchanged L7RSP unknown word 'maxconn:' of the agent"),
        ("%", "unchanged L7RSP unknown word '%' of the agent"),
        // The known words count all the same.
        ("nonsense drain up", "drain, passed L7OK via agent : up"),
    ])
    func `each word has its meaning`(_ line: String, _ expected: String) {
        #expect(words(line) == expected)
    }

    @Test(arguments: ["\n", "\r\n", "\r", "\n up ready", ""])
    func `a line ends with its first line end, or where the agent closes`(_ end: String) throws {
        let script = CheckScript.askingAgent(nil)
        let talk = try TalkWithCheck(script)
        let bytes = Array(("down#why" + end).utf8)
        for size in [1, 3, Int.max] {
            let result = talk.judge(bytes, ended: true, piecesOf: size)
            #expect(result == CheckResult(.failed, .layer7Status, info: "via agent : down (why)"))
        }
        #expect(talk.judge(Array("down#why".utf8)) == nil, "more may follow")
    }

    @Test func `an agent that says nothing, or endlessly, says nothing of the server`() throws {
        let talk = try TalkWithCheck(CheckScript.askingAgent(nil))
        #expect(talk.judge([], ended: true)?.code == .layer7Response)
        let flood = talk.judge([UInt8](repeating: 0x78, count: 100_000))
        #expect(flood?.code == .layer7Response)
        #expect(flood?.info == "the answer stops before its end, or is too long")
        var record = HealthRecord(thresholds: HealthThresholds(), since: Instant(nanoseconds: 0))
        if let flood { #expect(record.add(agentResult: flood, at: Instant(nanoseconds: 1)) == nil) }
        #expect(record.isUp)
    }

    @Test func `an agent sets weight, limit and state, and only it takes them back`() throws {
        let now = Instant(nanoseconds: 0)
        let backend = try settings("server a 127.0.0.1:80 check weight 40 maxconn 10", "server b 127.0.0.1:81")
            .backend()
        let server = backend.servers[0]
        func say(_ line: String) -> HealthRecord.Transition? {
            let report = report(line)
            return backend.record(report.result, reporting: report, of: server, at: now)
        }
        #expect(say("75%,maxconn:3,drain") == nil)
        #expect(server.weight == 30 && server.limits.maxConnections == 3 && server.state.administrative == .drain)
        #expect(say("50% maxconn:0") == nil)
        #expect(server.weight == 20 && server.limits.maxConnections == nil && server.state.administrative == .drain)
        #expect(say("ready down") == .wentDown)
        #expect(server.state == ServerState(health: .down) && backend.choices(2) == "bb")
        #expect(backend.record(CheckResult(.passed, .layer4OK), of: server, at: now) == nil)
        #expect(server.state.health == .down, "checks do not undo what the agent has said")
        #expect(say("80%") == nil)
        #expect(say("stopped") == nil)
        #expect(say("up") == .wentUp)
        #expect(server.state.health == .up && server.record.falls == 1 && server.record.failures == 1)
        // Nor does the agent undo what checks have found.
        for _ in 0..<3 { _ = backend.record(CheckResult(.failed, .layer4Connection), of: server, at: now) }
        #expect(say("up") == nil)
        #expect(server.state.health == .down)
    }

    @Test func `a server without checks is what its agent says`() throws {
        let backend = try settings("server a 127.0.0.1:80 agent-check agent-port 81").backend()
        let server = backend.servers[0]
        for (line, health) in [("down", HealthState.down), ("up", .unchecked), ("fail", .down), ("80%", .down)] {
            let report = report(line)
            _ = backend.record(report.result, reporting: report, of: server, at: Instant(nanoseconds: 0))
            #expect(server.state.health == health, "\(line)")
        }
    }
}
