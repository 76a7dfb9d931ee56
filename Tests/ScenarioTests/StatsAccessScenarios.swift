// Access to the stats page: who may see it, how much of it, and the response to other visitors.

import Foundation
import Testing

@Suite(.staged) struct StatsAccessScenarios {
    /// A stats page with `lines` and a backend.
    private func page(_ lines: String) throws -> Int {
        let port = try freePort()
        _ = try Portico(
            """
            \(opening())
            backend whitby
                server s1 127.0.0.1:\(freePort())
            backend yarmouth
                server s1 127.0.0.1:\(freePort())
            listen stats
                bind 127.0.0.1:\(port)
                stats enable
                stats uri /
            \(lines)
            """, listeningOn: port)
        return port
    }

    @Test("A visitor whom stats http-request denies gets 403, whatever he sends")
    func denied() throws {
        let port = try page("    stats http-request deny if { hdr(x-visitor) stranger }")
        #expect(try fetch("/", from: port).status == 200)
        #expect(try fetch("/", from: port, headers: "X-Visitor: stranger").status == 403)
        let body = String(repeating: "x", count: 100_000)
        #expect(try fetch("/", from: port, method: "POST", headers: "X-Visitor: stranger", body: body).status == 403)
    }

    @Test("The first stats http-request line whose condition holds decides: allow lets in, auth asks for a password")
    func firstDecides() throws {
        let port = try page(
            """
                stats http-request allow if { hdr(x-visitor) friend }
                stats http-request auth realm Staff if { hdr(x-visitor) colleague }
                stats http-request deny
            """)
        #expect(try fetch("/;csv", from: port, headers: "X-Visitor: friend").status == 200)
        let asked = try fetch("/;csv", from: port, headers: "X-Visitor: colleague")
        #expect(asked.status == 401 && asked["www-authenticate"] == "Basic realm=\"Staff\"")
        #expect(try fetch("/;csv", from: port).status == 403)
    }

    @Test("What POST asks of the page is refused with 403", .enabled(if: Portico.isItself))
    func post() throws {
        // HAProxy redirects the visitor to a page that says so.
        let port = try page("")
        #expect(try fetch("/", from: port, method: "POST", body: "s=s1&action=maint&b=whitby").status == 403)
    }

    @Test("stats scope bounds every form of the statistics, and scope= asks for a part of it")
    func scope() throws {
        let port = try page("    stats scope whitby\n    stats scope .")
        for form in ["/;csv", "/;json", "/"] {
            let text = try fetch(form, from: port).text
            #expect(text.contains("whitby") && text.contains("stats") && !text.contains("yarmouth"), "\(form)")
            #expect(!(try fetch(form + ";scope=stats", from: port).text.contains("whitby")), "\(form)")
        }
        let everything = try page("")
        let text = try fetch("/?;csv;scope=whit", from: everything).text
        #expect(text.contains("\nwhitby,BACKEND,") && !text.contains("\nyarmouth,BACKEND,"))
    }

    @Test("A backend without servers answers 503, and has counted the failure where it is shown")
    func withoutServers() throws {
        let port = try freePort()
        let stats = try freePort()
        _ = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(port)
                default_backend empty
            backend empty
            listen stats
                bind 127.0.0.1:\(stats)
                stats enable
                stats uri /
            """, listeningOn: port, stats)
        for _ in 1...2 { #expect(try fetch("/", from: port).status == 503) }
        var row: [String: String] = [:]
        #expect(
            try eventually {
                row = try table(fetch("/;csv", from: stats).text)["empty/BACKEND"] ?? [:]
                return row["econ"] == "2"
            })
        #expect(row["hrsp_5xx"] == "2" && row["req_tot"] == "2" && row["stot"] == "2")
        if Portico.isItself { #expect(try fetch("/", from: stats).text.contains("Errors<small>conn. / resp.")) }
    }

    @Test("show errors names the server by its id")
    func serverID() throws {
        let server = try ScriptedServer { _ in "HTTP/1.1 200 OK\r\nwrong name: x\r\n\r\n" }
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(before: server.port, global: "stats socket \(socket) level admin", server: "id 700")
        #expect(try fetch("/", from: front.port).status == 502)
        #expect(try ask(socket, "show errors").contains("server s1 (#700)"))
    }

    @Test("A guid is one thing's alone, whatever has it")
    func uniqueIDs() throws {
        let port = try freePort()
        func check(_ prefix: String, _ backend: String, _ server: String) throws -> Ended {
            let file = try Stage.current.file(
                "ids-\(UUID().uuidString).cfg",
                """
                \(opening(global: "http-err-codes +220 -404\n    http-fail-codes 500-599"))
                frontend www
                    guid front
                    bind 127.0.0.1:\(port),127.0.0.1:\(port + 1) guid-prefix \(prefix)
                    default_backend app
                backend app
                    guid \(backend)
                    server s1 127.0.0.1:80 guid \(server)

                """)
            return try Portico.run("-c", "-f", file)
        }
        #expect(try check("a", "b", "a-3").exit == .status(0))
        for (prefix, backend, server) in [("a", "front", "c"), ("a", "b", "b"), ("a", "b", "a-2")] {
            let ended = try check(prefix, backend, server)
            #expect(ended.exit != .status(0), "\(backend) \(server)")
            if Portico.isItself { #expect(ended.errors.contains("is taken already, at "), "\(ended.errors)") }
        }
    }
}
