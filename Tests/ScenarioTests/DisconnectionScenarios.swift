// Twenty thousand requests whose clients and servers disconnect at any time; afterwards all counters add up, and the
// process has not grown.

import Foundation
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct DisconnectionScenarios {
    fileprivate struct House {
        let front: Int
        let server: Int
        let socket: String
        let portico: Portico

        init() throws {
            front = try freePort()
            server = try freePort()
            socket = Stage.current.folder + "/admin.sock"
            portico = try Portico(
                """
                \(opening(global: "nbthread 2\n    stats socket \(socket) mode 600 level admin"))
                frontend www
                    bind 127.0.0.1:\(front)
                    default_backend app
                backend app
                    server one 127.0.0.1:\(server)
                    server two 127.0.0.1:\(server)
                """, listeningOn: front)
        }

        /// Starts the clients; returns the number of requests with complete heads.
        func rush(_ count: Int, seed: Int) throws -> Int {
            let script = projectFolder + "/Tests/ScenarioTests/Peers/disconnections.py"
            let ended = try play(
                ["/usr/bin/python3", script, "\(front)", "\(server)", "\(count)", "\(seed)"], within: 900)
            return try #require(Int(ended.output.trimmingCharacters(in: .whitespacesAndNewlines)), "\(ended.errors)")
        }

        func statistics() throws -> [String: [String: String]] { try table(ask(socket, "show stat")) }

        func info(_ name: String) throws -> Int? {
            try ask(socket, "show info").split(separator: "\n").first { $0.hasPrefix("\(name):") }
                .flatMap { Int($0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)) }
        }

        /// Whether no client is left, and no connection waits for one.
        func isAtRest() throws -> Bool {
            let rows = try statistics()
            return try rows.values.allSatisfy { ($0["scur"] ?? "").isEmpty || $0["scur"] == "0" }
                && info("CurrConns") == 0
                && ["one", "two"].allSatisfy { rows["app/\($0)"]?["srv_icur"] ?? "0" == "0" }
        }

        var residentKilobytes: Int {
            let status = (try? String(contentsOfFile: "/proc/\(portico.process.pid)/status", encoding: .utf8)) ?? ""
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
            return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
        }

        var descriptors: Int {
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(portico.process.pid)/fd").count) ?? 0
        }
    }

    @Test("20,000 requests with random disconnections leave the counters adding up and memory where it was")
    func randomDisconnections() throws {
        let house = try House()
        var requests = try house.rush(4_000, seed: 1)
        #expect(try eventually(within: 120) { try house.isAtRest() })
        let before = (memory: house.residentKilobytes, descriptors: house.descriptors)

        requests += try house.rush(20_000, seed: 2)
        #expect(try eventually(within: 120) { try house.isAtRest() })
        #expect(eventually { house.descriptors <= before.descriptors })
        // About 2 MiB more are the log's rings, which the first 4,000 lines do not fill.
        #expect(house.residentKilobytes < before.memory + 6_144, "\(before.memory) KiB before")

        let rows = try house.statistics()
        func count(_ row: String, _ column: String) -> Int { rows[row]?[column].flatMap { Int($0) } ?? -1 }
        // As in HAProxy, an incomplete head is counted too. If a client resets the connection, its request may be
        // discarded before it is read.
        let counted = count("www/FRONTEND", "req_tot")
        #expect(eventually(within: 120) { house.exchanges.count == counted })
        let understood = house.exchanges.count { !$0.hasSuffix("\"<BADREQ>\"") }
        #expect(
            understood <= requests && understood > requests * 9 / 10, "\(requests) were sent, \(understood) understood")
        let lines = try house.exchanges.map { try Line($0) }
        for (row, column) in [("www/FRONTEND", "bout"), ("app/BACKEND", "bout")] {
            let logged = lines.filter { row.hasPrefix("www") || $0.backend == "app" }.reduce(0) { $0 + $1.bytes }
            #expect(count(row, column) == logged, "\(row) \(column)")
        }
        for hundred in 1...5 {
            let logged = lines.count { $0.status / 100 == hundred }
            #expect(count("www/FRONTEND", "hrsp_\(hundred)xx") == logged, "\(hundred)xx")
        }
        #expect(count("app/BACKEND", "stot") == lines.count { $0.backend == "app" })
        #expect(count("app/one", "lbtot") + count("app/two", "lbtot") == count("app/BACKEND", "lbtot"))
        #expect(lines.contains { $0.termination.hasPrefix("CD") } && lines.contains { $0.termination.hasPrefix("SD") })
    }
}

extension DisconnectionScenarios.House {
    fileprivate var exchanges: [String] { portico.logLines.filter { $0.contains(" www ") } }
}

/// The relevant parts of a line of `option httplog`; a regular expression would be slow for so many.
private struct Line {
    let backend: Substring
    let status: Int
    let bytes: Int
    let termination: Substring

    init(_ line: String) throws {
        let words = line.split(separator: " ")
        guard words.count > 9, let status = Int(words[5]), let bytes = Int(words[6]) else {
            throw StageFault("not a line of option httplog: \(line)")
        }
        backend = words[3].prefix { $0 != "/" }
        self.status = status
        self.bytes = bytes
        termination = words[9]
    }
}
