// Rules on connections and on bytes: `tcp-request connection`, `session`, `content`, `tcp-response content`.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct ContentRuleScenarios {
    /// A frontend in TCP mode with the backend `app`, and another backend `other`.
    private func tcpDoor(
        before port: Int, other: Int = 1, frontend: String = "", backend: String = ""
    ) throws -> FrontDoor {
        try FrontDoor(
            before: port,
            defaults: """
                    mode tcp
                    option tcplog
                backend other
                    server o1 127.0.0.1:\(other)
                """, frontend: frontend, backend: backend)
    }

    /// Sends its name and echoes what it receives.
    private func echo(_ name: String) throws -> ScriptedServer {
        try ScriptedServer { connection, _ in
            try connection.send(name + ": ")
            while true { try connection.send(connection.receive(through: "\n")) }
        }
    }

    @Test("A connection to an address that a rule does not accept is closed without a word")
    func rejectedConnection() throws {
        let server = try ScriptedServer(saying: "hello")
        let shut = try freePort()
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    bind 127.0.0.1:\(shut)
                    tcp-request connection accept if ! { dst_port \(shut) }
                    tcp-request connection reject
                """)
        #expect(try fetch("/", from: front.port).text == "hello")
        #expect(try Connection(to: shut).isClosedByPeer())
    }

    @Test("A rule of a session rejects before anything is read")
    func rejectedSession() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, frontend: "    tcp-request session reject if { src 127.0.0.0/8 }")
        let client = try Connection(to: front.port)
        #expect(client.isClosedByPeer())
        #expect(server.connectionCount == 0)
    }

    // HAProxy has not parsed the request line at this point, and logs <BADREQ>.
    @Test(
        "A connection that is dropped silently hears nothing, not even its end", .enabled(if: Portico.isItself))
    func silentDrop() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, frontend: "    tcp-request content silent-drop if { path /secret }")
        let client = try Connection(to: front.port)
        try client.send("GET /secret HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.staysSilent(for: 0.5))
        #expect(try front.portico.exchange(with: "/secret").termination == "PR--")
        #expect(try fetch("/", from: front.port).text == "hello")
    }

    @Test(
        "In HTTP mode content rules see the request's head; what they reject gets no answer and a line with PR",
        .enabled(if: Portico.isItself))
    func rejectedRequest() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    tcp-request inspect-delay 60s
                    tcp-request content accept if { path /open }
                    tcp-request content reject if { method POST }
                """, backend: "    tcp-request content reject if { path /back }")
        #expect(try fetch("/open", from: front.port, method: "POST").text == "hello")
        for (method, path) in [("POST", "/shut"), ("GET", "/back")] {
            let client = try Connection(to: front.port)
            try client.send("\(method) \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            #expect(try client.receiveAll().isEmpty)
            #expect(try front.portico.exchange(with: path).termination == "PR--")
        }
        #expect(server.requests.count <= 1)
    }

    @Test("In TCP mode rules wait for the client's bytes, decide by them, and the server gets them all the same")
    func waitsForBytes() throws {
        let server = try echo("one")
        let front = try tcpDoor(
            before: server.port,
            frontend: """
                    tcp-request inspect-delay 60s
                    tcp-request content reject if { req.payload(0,4) -m str evil }
                    tcp-request content accept if { req.len ge 4 }
                    tcp-request content reject
                """)
        let good = try Connection(to: front.port)
        try good.send("go")
        #expect(good.staysSilent(for: 0.2))
        #expect(server.connectionCount == 0)
        try good.send("od\n")
        #expect(try good.receive(through: "\n") == "one: good\n")

        let evil = try Connection(to: front.port)
        try evil.send("evil\n")
        #expect(try evil.receiveAll().isEmpty)
        #expect(try front.portico.logLine(with: " PR ").contains(" www/<NOSRV> "))
        #expect(server.connectionCount == 1)
    }

    @Test("What does not come within the delay is taken as not coming")
    func delayIsOver() throws {
        let server = try echo("one")
        let front = try tcpDoor(
            before: server.port,
            frontend: """
                    tcp-request inspect-delay 300ms
                    tcp-request content accept if { req.len ge 4 }
                    tcp-request content accept if WAIT_END { src 127.0.0.1 }
                    tcp-request content reject
                """)
        let client = try Connection(to: front.port)
        try client.send("x\n")
        #expect(try client.receive(through: "\n") == "one: x\n")
    }

    @Test("In HTTP mode nothing is waited for: the head is there")
    func waitEnd() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    tcp-request inspect-delay 60s
                    tcp-request content accept if WAIT_END
                """)
        #expect(try fetch("/", from: front.port).text == "hello")
    }

    @Test("A client that finishes sending is not waited for any longer")
    func clientFinishes() throws {
        let server = try ScriptedServer { connection, _ in
            let all = try connection.receiveAll()
            try connection.send("\(all.count)")
        }
        let front = try tcpDoor(
            before: server.port,
            frontend: """
                    tcp-request inspect-delay 60s
                    tcp-request content accept if { req.len ge 100 }
                    tcp-request content accept if { req.len 3 }
                    tcp-request content reject
                """)
        let client = try Connection(to: front.port)
        try client.send("abc")
        client.finishSending()
        #expect(try client.receiveAll() == Array("3".utf8))
    }

    @Test("What a server sends first can be refused before the client sees it")
    func refusedResponse() throws {
        let server = try ScriptedServer { connection, number in
            try connection.send(number == 1 ? "220 hello\n" : "554 no\n")
            _ = try connection.receiveAll()
        }
        let front = try tcpDoor(
            before: server.port,
            backend: """
                    tcp-response inspect-delay 60s
                    tcp-response content accept if { res.payload(0,1) -m str 2 }
                    tcp-response content reject
                """)
        let first = try Connection(to: front.port)
        #expect(try first.receive(through: "\n") == "220 hello\n")
        let second = try Connection(to: front.port)
        #expect(try second.receiveAll().isEmpty)
        #expect(try front.portico.logLine(with: " PD ").contains("app/s1"))
    }

    @Test("A backend is chosen by what the client sent first")
    func routedByBytes() throws {
        let (one, two) = (try echo("one"), try echo("two"))
        let front = try tcpDoor(
            before: one.port, other: two.port,
            frontend: """
                    tcp-request inspect-delay 60s
                    tcp-request content accept if { req.len ge 3 }
                    use_backend other if { req.payload(0,3) -m str two }
                """)
        for name in ["one", "two"] {
            let client = try Connection(to: front.port)
            try client.send("\(name)\n")
            #expect(try client.receive(through: "\n") == "\(name): \(name)\n")
        }
    }

    @Test("In TCP mode a backend is chosen by the request that the client's bytes begin with")
    func routedByRequest() throws {
        let (one, two) = (try echo("one"), try echo("two"))
        let front = try tcpDoor(
            before: one.port, other: two.port,
            frontend: """
                    tcp-request inspect-delay 60s
                    tcp-request content set-var(sess.host) hdr(host) if HTTP
                    tcp-request content accept if HTTP
                    use_backend other if { hdr(host) -i two } { path_beg /a } { var(sess.host) -m str two }
                """)
        let requests = [
            ("GET /a HTTP/1.1\r\nHost: two\r\n\r\n", "two"), ("GET /b HTTP/1.1\r\nHost: two\r\n\r\n", "one"),
            ("GET /a HTTP/1.1\r\nHost: one\r\n\r\n", "one"), ("GET /a HTTP/1.1\nHost: two\n\n", "two"),
            ("EHLO two\r\n", "one"),
        ]
        for (request, name) in requests {
            let client = try Connection(to: front.port)
            let middle = request.utf8.count / 2
            try client.send(String(request.prefix(middle)))
            if name == "two" { #expect(client.staysSilent(for: 0.1)) }
            try client.send(String(request.dropFirst(middle)))
            #expect(try client.receive(through: "\n").hasPrefix("\(name): \(request.first!)"), "\(request)")
        }
    }

    @Test("In TCP mode a request that does not come whole within the delay is none")
    func requestInPart() throws {
        let server = try echo("one")
        let front = try tcpDoor(
            before: server.port, frontend: "tcp-request inspect-delay 3s\n    tcp-request content reject if !HTTP")
        let whole = try Connection(to: front.port)
        try whole.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try whole.receive(through: "\n").hasPrefix("one: GET"))
        let part = try Connection(to: front.port)
        try part.send("GET / HTTP/1.1\r\nHost: a\r\n")
        #expect(try part.receiveAll().isEmpty)
        #expect(try front.portico.logLine(with: " PR ").contains(" www/<NOSRV> "))
        #expect(server.connectionCount == 1)
    }

    @Test("In HTTP mode rules on a server's bytes see the response's head")
    func responseHead() throws {
        let server = try ScriptedServer { connection, number in
            _ = try connection.receive(through: "\r\n\r\n")
            try connection.send("HTTP/1.1 20\(number) OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        let front = try FrontDoor(
            before: server.port,
            backend: "tcp-response inspect-delay 60s\n    tcp-response content reject if { status 202 }")
        #expect(try fetch("/", from: front.port).status == 201)
        #expect(throws: (any Error).self) { try fetch("/", from: front.port) }
    }

    @Test("A server that has said enough is closed, and the client gets what it has said")
    func closedServer() throws {
        let isClosed = Mutex(false)
        let server = try ScriptedServer { connection, _ in
            try connection.send("bye\n")
            _ = try? connection.receiveAll()
            isClosed.withLock { $0 = true }
        }
        let front = try tcpDoor(
            before: server.port,
            backend: """
                    tcp-response inspect-delay 60s
                    tcp-response content close if { res.payload(0,3) -m str bye }
                """)
        let client = try Connection(to: front.port)
        #expect(try client.receiveAll() == Array("bye\n".utf8))
        #expect(try front.portico.logLine(with: " app/s1 ").contains(" 4 -- "))
        #expect(eventually { isClosed.withLock(\.self) })
    }

    @Test("In HTTP mode nothing passes of the response of a server that a rule closes")
    func closedServerInHTTP() throws {
        let server = try ScriptedServer(saying: "secret")
        let front = try FrontDoor(before: server.port, backend: "tcp-response content close")
        for number in 1...2 {
            let answer = try fetch("/\(number)", from: front.port)
            #expect(answer.status == 502 && !answer.text.contains("secret"))
            #expect(try front.portico.exchange(with: "/\(number) ").termination == "SH--")
        }
        #expect(server.connectionCount == 2)
    }

    @Test("What a server says can be dropped without the client hearing of it")
    func droppedResponse() throws {
        let server = try ScriptedServer { connection, _ in
            try connection.send("220 hello\n")
            _ = try connection.receiveAll()
        }
        let front = try tcpDoor(before: server.port, backend: "    tcp-response content silent-drop")
        let client = try Connection(to: front.port)
        #expect(client.staysSilent(for: 0.5))
        #expect(try front.portico.logLine(with: " PR ").contains("app/s1"))
    }

    @Test("Variables that a connection's rules set are there for all its requests")
    func sessionVariables() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    tcp-request connection set-var(sess.who) str(me)
                    http-response set-header X-Who %[var(sess.who)]
                """)
        let client = try Connection(to: front.port)
        for _ in 1...2 { #expect(try client.fetch("/").all("x-who") == ["me"]) }
    }

    @Test("In TCP mode a captured sample and another client's address are in the log")
    func capturedBytes() throws {
        let server = try echo("one")
        let front = try tcpDoor(
            before: server.port,
            frontend: """
                    log-format "%ci %b %hr"
                    tcp-request inspect-delay 60s
                    tcp-request connection set-src ipv4(192.0.2.9)
                    tcp-request content capture req.payload(0,4) len 10 if { req.len ge 4 }
                    tcp-request content accept if { req.len ge 4 }
                """)
        let client = try Connection(to: front.port)
        try client.send("good\n")
        #expect(try client.receive(through: "\n") == "one: good\n")
        client.close()
        #expect(try front.portico.logLine(with: "{").hasPrefix("192.0.2.9 app {good}"))
    }
}
