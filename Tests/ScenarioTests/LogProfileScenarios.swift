// Lines in the format of each target: profiles, structured data, and lines at several steps. HAProxy has them since 3.1.

import Foundation
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct LogProfileScenarios {
    /// The part of a line after its rfc5424 header: `tag: structured data text`.
    private func texts(of lines: [String]) -> [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ", maxSplits: 6).map(String.init)
            return words.count == 7 ? "\(words[3]): \(words[6])" : nil
        }
    }

    private func site(_ frontend: String, _ profiles: String, server: Int, mode: String = "http") throws -> FrontDoor {
        try FrontDoor(
            before: server, defaults: "    mode \(mode)\n    no log", frontend: frontend, server: "\n\(profiles)")
    }

    @Test("Each target has its own line: the frontend's, that of its profile, or none")
    func profiles() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try site(
            """
                log-format "own %HM"
                log-format-sd "[own@1 status=\\"%ST\\"]"
                log-tag plain
                log stdout format rfc5424 local0
                log stdout format rfc5424 profile closing local0
                log stdout format rfc5424 profile named local0
                log stdout format rfc5424 profile silent local0
                log stdout format raw profile closing local0
            """,
            """
            log-profile closing
                log-tag closing
                on close format "closed %ST" sd "[c@1]"
            log-profile named
                log-tag named
                on error format "failed"
                on any format "%OG"
            log-profile silent
                log-tag silent
                on any drop
                on error format "failed"
            """, server: server.port)
        #expect(try fetch("/", from: front.port).status == 200)
        _ = try front.portico.logLine(with: "named")
        #expect(
            eventually {
                texts(of: front.portico.logLines) == [
                    #"plain: [own@1 status="200"] own GET"#, "closing: [c@1] closed 200",
                    #"named: [own@1 status="200"] txn_close"#,
                ] && front.portico.logLines.contains("closed 200")
            }, "\(front.portico.logLines)")

        // An invalid head, which does not start an exchange.
        let client = try Connection(to: front.port)
        try client.send("nonsense\r\n\r\n")
        _ = try client.receiveAll()
        _ = try front.portico.logLine(with: "silent")
        let failed = texts(of: front.portico.logLines)
        #expect(failed.contains(#"named: [own@1 status="400"] failed"#), "\(failed)")
        #expect(failed.contains(#"silent: [own@1 status="400"] failed"#))
        #expect(failed.contains(#"closing: [own@1 status="400"] own <BADREQ>"#))
    }

    @Test("log-steps writes a line at each step, in the profile's format where it has one")
    func steps() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try site(
            """
                log-format "%OG"
                log-steps all
                log stdout format raw local0
                log stdout format raw profile told local0
            """,
            """
            log-profile told
                on accept format "accept from %ci"
                on connect format "connect to %s"
                on request drop
                on response format "response %ST"
            """, server: server.port)
        #expect(try fetch("/", from: front.port).status == 200)
        #expect(
            eventually { front.portico.logLines.filter { $0.hasPrefix("txn_close") }.count == 2 },
            "\(front.portico.logLines)")
        #expect(
            front.portico.logLines == [
                "txn_accept", "accept from 127.0.0.1", "txn_request", "txn_connect", "connect to s1", "txn_response",
                "response 200", "txn_close", "txn_close",
            ])
    }

    @Test("log-steps without close writes nothing at the end; a TCP connection has steps too")
    func someSteps() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try site(
            """
                log-format "%OG to %s"
                log-steps accept,connect
                log stdout format raw local0
            """, "", server: server.port, mode: "tcp")
        for _ in 1...2 { #expect(try fetch("/", from: front.port).text == "hello") }
        #expect(eventually { front.portico.logLines.count >= 4 })
        // Lines of different workers have no defined order.
        #expect(
            front.portico.logLines.sorted() == [
                "txn_accept to <NOSRV>", "txn_accept to <NOSRV>", "txn_connect to s1", "txn_connect to s1",
            ])
    }
}
