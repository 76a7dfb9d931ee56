// Streams of one connection share it: none waits for one that is not read, and urgency is obeyed (RFC 9218).

import Foundation
import Testing

@Suite(.staged) struct HTTP2FairnessScenarios {
    /// What Peers/h2_fairness.py has measured of one case.
    private func measure(_ name: String) throws -> [String: Double] {
        let long = String(repeating: "0123456789abcdef", count: 62_500)
        let server = try ScriptedServer { connection, _ in
            while true {
                let target = try connection.receiveRequest(within: 60).target
                let size = target.hasPrefix("/large/") ? Int(target.dropFirst(7)) ?? 0 : 5
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
                for _ in 0..<(size / long.utf8.count) { try connection.send(long, within: 60) }
                try connection.send(String(long.prefix(size % long.utf8.count)))
            }
        }
        let front = try FrontDoor(before: server.port, global: "    nbthread 1", bind: "proto h2")
        let ended = try python("h2_fairness.py", ["\(front.port)", name])
        try #require(ended.exit == .status(0), "\(ended.errors)")
        return try JSONDecoder().decode([String: Double].self, from: Data(ended.output.utf8))
    }

    @Test("A slow reader among a hundred fast ones costs them nothing, and gets all of it when it reads")
    func slow() throws {
        let result = try measure("slow")
        // Milliseconds; the absolute term is what a busy machine adds to a short measurement.
        #expect(result["beside", default: .infinity] < 2 * result["before", default: 0] + 50, "\(result)")
        #expect(result["received", default: 0] <= 65_535, "\(result)")
    }

    @Test("Two incremental answers of equal urgency come at the same pace", .enabled(if: Portico.isItself))
    func equal() throws {
        let share = try measure("equal")["other", default: 0]
        #expect(share > 0.6, "the first had \(share) of its content when the second was whole")
    }

    @Test(
        "The more urgent answer is whole first, whether its request says so or a PRIORITY_UPDATE frame",
        .enabled(if: Portico.isItself), arguments: ["urgent", "updated"])
    func urgent(name: String) throws {
        let share = try measure(name)["other", default: 1]
        #expect(share < 0.5, "the first had \(share) of its content when the second was whole")
    }
}
