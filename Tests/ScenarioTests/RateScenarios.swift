// Rates in rules: requests and sessions per second, evaluated in the middle of a burst.

import Foundation
import Testing

@Suite(.staged) struct RateScenarios {
    /// Values of a header field in every response.
    private func rates(_ answers: [Answer], _ header: String) throws -> [Int] {
        try answers.map { try #require(Int($0[header] ?? "")) }
    }

    @Test("A burst is refused from the request on that is one too many, and a lone request later is not")
    func burst() throws {
        let socket = Stage.current.folder + "/admin.sock"
        let front = try freePort()
        _ = try Portico(
            """
            \(opening(global: "stats socket \(socket) level admin"))
            frontend www
                bind 127.0.0.1:\(front)
                http-request deny deny_status 429 if { fe_req_rate gt 20 }
                http-request return status 200
            """, listeningOn: front)
        // Sent at once, so that a slow machine does not stretch the burst.
        let client = try Connection(to: front)
        try client.send(String(repeating: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", count: 100))
        var statuses: [Int] = []
        while statuses.count < 100, let answer = try? client.receiveAnswer() {
            statuses.append(answer.status)
            // HAProxy closes the connection with a denial.
            if answer["connection"] == "close" { break }
        }

        // Requests at the end of a second weigh slightly less in the next.
        let accepted = statuses.prefix { $0 == 200 }.count
        #expect((20...25).contains(accepted), "\(accepted) of the burst were let in")
        #expect(statuses.dropFirst(accepted).allSatisfy { $0 == 429 })

        #expect(try eventually { try table(ask(socket, "show stat"))["www/FRONTEND"]?["req_rate"] == "0" })
        #expect(try fetch("/", from: front).status == 200)
    }

    @Test("Each session counts at once in the rate of its frontend, its backend and its server")
    func sessions() throws {
        let server = try ScriptedServer(saying: "x")
        let front = try FrontDoor(
            before: server.port, global: "nbthread 2",
            frontend: """
                http-response set-header x-frontend %[fe_sess_rate]
                http-response set-header x-requests %[fe_req_rate(www)]
                http-response set-header x-backend %[be_sess_rate(app)]
                http-response set-header x-server %[srv_sess_rate(app/s1)]
                """)
        let count = 30
        // Each over a connection of its own, so that both workers get some.
        let answers = try (0..<count).map { _ in try fetch("/", from: front.port) }
        for header in ["x-frontend", "x-requests", "x-backend", "x-server"] {
            let seen = try rates(answers, header)
            #expect(seen[0] == 1, "\(header)")
            // On a slow machine, the first requests no longer count when the last are sent.
            for (before, rate) in seen.enumerated() { #expect((1...before + 1).contains(rate), "\(header): \(seen)") }
            #expect(seen.max() ?? 0 > 1, "\(header): \(seen)")
        }
    }

    @Test("A rate is what is asked for at that moment, not what a clock has sampled")
    func twoBursts() throws {
        let front = try freePort()
        let socket = Stage.current.folder + "/admin.sock"
        _ = try Portico(
            """
            \(opening(global: "stats socket \(socket) level admin"))
            frontend www
                bind 127.0.0.1:\(front)
                http-request return status 200 hdr x-rate %[fe_req_rate]
            """, listeningOn: front)
        for _ in 1...2 {
            let client = try Connection(to: front)
            try client.send(String(repeating: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", count: 10))
            let seen = try rates((1...10).map { _ in try client.receiveAnswer() }, "x-rate")
            // The second burst starts when the first no longer counts.
            #expect(seen.first == 1)
            #expect(seen.last ?? 0 > 5 && seen.last ?? 0 <= 10, "\(seen)")
            #expect(try eventually { try table(ask(socket, "show stat"))["www/FRONTEND"]?["req_rate"] == "0" })
        }
        let row = try #require(try table(ask(socket, "show stat"))["www/FRONTEND"])
        #expect((5...10).contains(Int(row["req_rate_max"] ?? "") ?? -1))
    }
}
