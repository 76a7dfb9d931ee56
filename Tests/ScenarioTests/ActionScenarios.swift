// Actions on requests and responses, one per rule, as seen by a client and a server.

import Testing

@Suite(.staged) struct ActionScenarios {
    @Test("The server sees the request line and the fields that the rules have made")
    func requests() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, global: "set-var proc.site str(east)\nset-var-fmt proc.long \"<%[var(proc.site)]>\"",
            frontend: #"""
                http-request set-var(txn.path) path
                http-request set-var-fmt(txn.both) %[method]-%[var(txn.path)]
                http-request set-var(txn.gone) str(x)
                http-request unset-var(txn.gone)
                http-request set-header X-Vars "%[var(txn.both)] %[var(txn.gone)] %[var(proc.long)]"
                http-request set-method POST if { path /method }
                http-request set-path /new%[path] if { path /path }
                http-request set-pathq /pq?z=1 if { path /pathq }
                http-request set-query q=%[query] if { path /query }
                http-request set-uri /uri?u if { path /uri.old }
                http-request del-header X-Secret- -m beg
                http-request set-src req.hdr(x-real-ip)
                http-request set-header X-Src %[src]
                """#)
        let cases = [
            ("/method", "POST /method"), ("/path?a", "GET /new/path?a"), ("/pathq?a", "GET /pq?z=1"),
            ("/query?a", "GET /query?q=a"), ("/uri.old?a", "GET /uri?u"),
        ]
        for (target, _) in cases {
            _ = try fetch(
                target, from: front.port, headers: "X-Secret-One: 1", "X-Secret-Two: 2", "X-Real-IP: 192.0.2.9")
        }
        let requests = server.requests
        #expect(requests.map { "\($0.method) \($0.target)" } == cases.map(\.1))
        #expect(requests[0]["x-vars"] == "GET-/method  <east>")
        #expect(requests.allSatisfy { $0["x-secret-one"] == nil && $0["x-secret-two"] == nil })
        #expect(requests.allSatisfy { $0["x-src"] == "192.0.2.9" })
    }

    @Test("The client sees the status and the fields that the rules have made, in Portico's own answers too")
    func responses() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: #"""
                http-request set-var(txn.path) path
                http-request deny if { path /deny }
                http-response set-status 418 reason "Short and stout" if { var(txn.path) -m str /teapot }
                http-after-response set-header X-After "%[status] %[res.hdr(x-after)]"
                http-after-response set-status 404 if { status 403 }
                """#, backend: "http-after-response set-header X-After app")
        let teapot = try fetch("/teapot", from: front.port)
        #expect((teapot.status, teapot.reason) == (418, "Short and stout"))
        #expect(teapot["x-after"] == "418 app")
        let denied = try fetch("/deny", from: front.port)
        #expect(denied.status == 404)
        #expect(denied["x-after"] == "403")
    }

    @Test("Rules refuse in their ways: with an answer, later, or with none at all")
    func refusals() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, defaults: "timeout tarpit 200ms",
            frontend: #"""
                http-request tarpit deny_status 429 if { path /tarpit }
                http-request reject if { path /reject }
                http-request auth realm Staff if { path /auth }
                http-request return status 201 content-type text/plain lf-string "%[path]" hdr X-A a if { path /return }
                http-request redirect location /elsewhere code 301 if { path /redirect }
                """#)
        #expect(try fetch("/tarpit", from: front.port).status == 429)
        #expect(throws: (any Error).self) { try fetch("/reject", from: front.port) }
        let asked = try fetch("/auth", from: front.port)
        #expect(asked.status == 401 && asked["www-authenticate"] == "Basic realm=\"Staff\"")
        let returned = try fetch("/return", from: front.port)
        #expect(returned.status == 201 && returned.text == "/return" && returned["x-a"] == "a")
        let moved = try fetch("/redirect", from: front.port)
        #expect(moved.status == 301 && moved["location"] == "/elsewhere")
        #expect(server.requests.isEmpty)
    }

    @Test("A rewrite that fails is 500, unless strict-mode is off", .enabled(if: Portico.isItself))
    func strictMode() throws {
        // HAProxy accepts and forwards any target.
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: #"""
                http-request strict-mode off if { path /soft }
                http-request set-uri nonsense
                """#)
        #expect(try fetch("/soft", from: front.port).text == "hello")
        #expect(try fetch("/hard", from: front.port).status == 500)
        #expect(server.requests.map(\.target) == ["/soft"])
    }

    @Test("use-server chooses past the algorithm")
    func useServer() throws {
        let (first, second) = (try ScriptedServer(saying: "first"), try ScriptedServer(saying: "second"))
        let front = try FrontDoor(before: first.port, second.port, backend: "use-server s2 if { path /two }")
        for _ in 0..<3 { #expect(try fetch("/two", from: front.port).text == "second") }
    }
}
