// Actions that rewrite, delay and reject, one per rule, on the real binary: those not covered by ActionScenarios.

import Foundation
import Testing

@Suite(.staged) struct RewriteScenarios {
    @Test("Expressions rewrite the request line and the fields; allow ends the rules")
    func rewrittenRequests() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: #"""
                http-request replace-path /old/(.*) /new/\1
                http-request replace-pathq (.*)\?a=(.*) \1?b=\2
                http-request replace-uri ^/whole.* /other
                http-request replace-header X-Who (.*)@(.*) \2
                http-request replace-value X-List b+ B
                http-request set-dst ipv4(192.0.2.1)
                http-request set-dst-port int(81)
                http-request set-src-port int(4711)
                http-request set-header X-Ends "%[dst]:%[dst_port] %[src_port]"
                http-request wait-for-handshake
                http-request allow if { path /free }
                http-request set-header X-Late yes
                """#)
        let cases = [
            ("/old/x", "/new/x"), ("/q?a=1", "/q?b=1"), ("/whole/thing", "/other"), ("/free", "/free"),
        ]
        for (target, _) in cases {
            _ = try fetch(target, from: front.port, headers: "X-Who: me@home", "X-List: a,bb,c")
        }
        let requests = server.requests
        #expect(requests.map(\.target) == cases.map(\.1))
        #expect(requests.allSatisfy { $0["x-who"] == "home" && $0["x-list"] == "a,B,c" })
        #expect(requests.allSatisfy { $0["x-ends"] == "192.0.2.1:81 4711" })
        #expect(requests.map { $0["x-late"] } == ["yes", "yes", "yes", nil])
    }

    /// Regression: variables of the request line were `<BADREQ>`, and became part of a Location.
    @Test("Log variables have their values in rules of a section that logs nothing")
    func logVariablesWithoutLog() throws {
        let server = try ScriptedServer { _ in "HTTP/1.1 201 Created\r\nX-Res: rv\r\nContent-Length: 0\r\n\r\n" }
        let port = try freePort()
        let portico = try Portico(
            """
            defaults
                mode http
                timeout connect 60s
                timeout client 60s
                timeout server 60s
            frontend front
                bind 127.0.0.1:\(port)
                capture request header X-Who len 9
                capture response header X-Res len 9
                http-request redirect location https://new.example%HU if { path_beg /old }
                http-request deny deny_status 410 if { path /gone }
                http-request set-header X-Line "%HM %HU %HP %HQ %HV|%r|%hr|%ST"
                http-after-response set-header X-Status %ST
                http-after-response set-header X-Line "%HM %HP %hr"
                default_backend pool
            backend pool
                http-request set-header X-Back "%HU"
                http-response set-header X-Backend-Status "%ST %hs"
                server one 127.0.0.1:\(server.port)
            """, listeningOn: port)

        let answer = try fetch("/page?a=1", from: port, headers: "X-Who: site")
        let line = "GET /page?a=1 /page ?a=1 HTTP/1.1|GET /page?a=1 HTTP/1.1|{site}|-1"
        #expect(server.requests.last?["x-line"] == line)
        #expect(server.requests.last?["x-back"] == "/page?a=1")
        #expect(answer["x-backend-status"] == "201 {rv}")
        #expect(answer["x-status"] == "201" && answer["x-line"] == "GET /page {site}")
        #expect(try fetch("/old?x=1", from: port)["location"] == "https://new.example/old?x=1")
        #expect(try fetch("/gone", from: port)["x-status"] == "410")
        withExtendedLifetime(portico) {}
    }

    @Test("A normalized target is one that means the same", .enabled(if: Portico.isItself))
    func normalizedTargets() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, global: "expose-experimental-directives",
            frontend: """
                    http-request normalize-uri path-merge-slashes
                    http-request normalize-uri path-strip-dotdot full
                    http-request normalize-uri query-sort-by-name
                """)
        _ = try fetch("/a//b/../c?z=1&a=2", from: front.port)
        #expect(server.requests.map(\.target) == ["/a/c?a=2&z=1"])
    }

    @Test("Fields of responses are rewritten, and of Portico's own answers by http-after-response")
    func rewrittenResponses() throws {
        let server = try ScriptedServer { _ in
            "HTTP/1.1 200 OK\r\nServer: secret\r\nX-Who: me@home\r\nX-List: a,bb\r\nContent-Length: 2\r\n\r\nok"
        }
        let front = try FrontDoor(
            before: server.port,
            frontend: #"""
                http-request set-var(txn.path) path
                http-request return status 200 if { path /own }
                http-response del-header Server
                http-response add-header X-Seen one
                http-response add-header X-Seen two
                http-response replace-header X-Who (.*)@(.*) \2
                http-response replace-value X-List b+ B
                http-response set-var(txn.a) str(a)
                http-response set-var-fmt(txn.b) "%[var(txn.a)]-%[status]"
                http-response unset-var(txn.a)
                http-response set-header X-Vars "%[var(txn.b)]%[var(txn.a)]"
                http-response redirect location /elsewhere if { var(txn.path) -m str /moved }
                http-response deny deny_status 503 if { var(txn.path) -m str /denied }
                http-response allow if { var(txn.path) -m str /free }
                http-response set-header X-Late yes
                http-after-response add-header X-After one
                http-after-response replace-header X-After o(.*) O\1
                http-after-response del-header X-Gone
                http-after-response set-var(txn.last) str(end)
                http-after-response set-var-fmt(txn.end) "%[var(txn.last)]!"
                http-after-response unset-var(txn.last)
                http-after-response set-header X-End "%[var(txn.end)]%[var(txn.last)]"
                http-after-response strict-mode on
                """#)
        let plain = try fetch("/", from: front.port)
        #expect(plain["server"] == nil)
        #expect(plain.all("x-seen") == ["one", "two"])
        #expect(plain["x-who"] == "home" && plain["x-list"] == "a,B" && plain["x-vars"] == "a-200")
        #expect(plain["x-late"] == "yes" && plain["x-after"] == "One" && plain["x-end"] == "end!")
        #expect(try fetch("/free", from: front.port)["x-late"] == nil)
        let moved = try fetch("/moved", from: front.port)
        #expect(moved.status == 302 && moved["location"] == "/elsewhere" && moved["x-after"] == "One")
        #expect(try fetch("/denied", from: front.port).status == 503)
        #expect(try fetch("/own", from: front.port)["x-end"] == "end!")
    }

    @Test("A level of their own hides lines of the log, from each family of rules")
    func silentLines() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    http-request set-var(txn.path) path
                    tcp-request content set-log-level silent if { path /one }
                    http-request set-log-level silent if { path /two }
                    http-response set-log-level silent if { var(txn.path) -m str /three }
                """)
        for path in ["/one", "/two", "/three", "/four"] { _ = try fetch(path, from: front.port) }
        _ = try front.portico.exchange(with: "/four")
        #expect(front.portico.logLines.filter { $0.contains("\"GET ") }.count == 1)
    }

    @Test("Rules wait for a body, and give an exchange a time-out of its own")
    func waitsAndTimes() throws {
        let server = try ScriptedServer { connection, _ in
            while true {
                let request = try connection.receiveRequest()
                if request.target == "/silent" { _ = try connection.receiveAll() }
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    http-request wait-for-body time 60s if METH_POST
                    http-request deny if { req.body -m sub evil }
                    http-request disable-l7-retry if METH_POST
                """, backend: "    http-request set-timeout server 200ms if { path /silent }")
        let client = try Connection(to: front.port)
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nan e")
        #expect(client.staysSilent(for: 0.2))
        try client.send("vil!")
        #expect(try client.receiveAnswer().status == 403)
        #expect(try fetch("/", from: front.port, method: "POST", body: "good").text == "ok")
        #expect(try fetch("/silent", from: front.port).status == 504)
    }

    @Test("While a rule waits for a response's body, a server that answers early still gets the rest of the request")
    func requestGoesOnWhileResponseIsHeld() throws {
        let length = 1_000_000
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receive(through: "\r\n\r\n")
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nearly")
            _ = try connection.receive(count: length)
            try connection.send("later")
        }
        let front = try FrontDoor(before: server.port, backend: "    http-response wait-for-body time 60s")
        let client = try Connection(to: front.port)
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
        #expect(client.staysSilent(for: 0.1))
        try client.send(String(repeating: "x", count: length - 4) + "last")
        let answer = try client.receiveAnswer()
        #expect(answer.status == 200 && answer.text == "earlylater")
    }

    @Test("A pause, a hint and an exporter that is still to come", .enabled(if: Portico.isItself))
    func pausesAndHints() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    http-request pause 300ms if { path /slow }
                    http-request early-hint Link "</style.css>; rel=preload" if { path /page }
                    http-request use-service prometheus-exporter if { path /metrics }
                    http-response pause 300ms if { status 201 }
                """)
        let start = ContinuousClock.now
        #expect(try fetch("/slow", from: front.port).text == "hello")
        #expect(start.duration(to: .now) >= .milliseconds(290))
        let client = try Connection(to: front.port)
        try client.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
        let hint = try client.receiveHead()
        #expect(hint.status == 103 && hint["link"] == "</style.css>; rel=preload")
        #expect(try client.receiveAnswer().text == "hello")
        #expect(try fetch("/metrics", from: front.port).status == 503)
        #expect(try front.portico.exchange(with: "/metrics").termination == "LR--")
    }

    @Test("Marks on packets and places in queues do an exchange no harm")
    func marksAndPriorities() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    tcp-request connection set-tos 0x10
                    tcp-request connection set-mark 7
                    tcp-request content set-priority-class int(3)
                    http-request set-priority-class int(-5)
                    http-request set-priority-offset int(100)
                    http-request set-tos 16
                    http-request set-mark 0x7
                    http-request set-nice 5
                    http-response set-tos 8
                    http-response set-mark 8
                    http-response set-nice 0
                """, server: "maxconn 1")
        #expect(try fetch("/", from: front.port).text == "hello")
    }

    @Test("Rules on bytes set variables that later rules and the log see")
    func tcpVariables() throws {
        let server = try ScriptedServer { connection, _ in
            try connection.send("hello\n")
            _ = try connection.receiveAll()
        }
        let front = try FrontDoor(
            before: server.port, defaults: "mode tcp\n    option tcplog",
            frontend: """
                    log-format "%ci %[var(sess.a)] %[var(txn.b)] %[var(txn.c)] %ts"
                    tcp-request connection set-var(sess.a) str(a)
                    tcp-request session accept if { var(sess.a) -m str a }
                    tcp-request session reject
                    tcp-request content set-var(txn.b) str(b)
                    tcp-request content set-var-fmt(txn.c) "%[var(txn.b)]c"
                    tcp-request content unset-var(txn.b)
                    tcp-request content accept
                """,
            backend: """
                    tcp-response inspect-delay 60s
                    tcp-response content set-var(txn.b) res.len
                    tcp-response content reject if { res.payload(0,5) -m str hello }
                """)
        let client = try Connection(to: front.port)
        #expect(try client.receiveAll().isEmpty)
        #expect(try front.portico.logLine(with: "127.0.0.1 a").hasPrefix("127.0.0.1 a 6 bc "))
    }
}
