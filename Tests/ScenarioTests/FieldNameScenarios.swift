// Field names that cause trouble for peers, and the field with the server's name.

import Testing

@Suite(.staged) struct FieldNameScenarios {
    @Test("Fields that CGI would take for others are removed, or their request is refused, behind the section's rules")
    func restricted() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    http-request set-header X-Rule %[req.hdr(x_a)]
                    use_backend delete if { path /delete }
                    use_backend reject if { path /reject }
                """,
            backend: """
                    server s 127.0.0.1:\(server.port)
                backend delete
                    option http-restrict-req-hdr-names delete
                    server s 127.0.0.1:\(server.port)
                backend reject
                    option http-restrict-req-hdr-names reject
                    server s 127.0.0.1:\(server.port)
                backend last
                """)
        _ = try fetch("/", from: front.port, headers: "X_A: 1", "X-B: 2")
        #expect(try fetch("/delete", from: front.port, headers: "X_A: 1", "X-B: 2", "X-C_: 3").text == "hello")
        #expect(try fetch("/reject", from: front.port, headers: "X_A: 1").status == 403)
        #expect(try fetch("/reject", from: front.port, headers: "X-B: 2").text == "hello")
        #expect(server.requests.map { $0["x_a"] } == ["1", nil, nil])
        #expect(server.requests[1]["x-b"] == "2" && server.requests[1]["x-c_"] == nil)
        #expect(server.requests[1]["x-rule"] == "1")
        #expect(try front.portico.exchange(status: 403).termination.hasPrefix("PR"))
    }

    @Test("Each server is told its own name, on another attempt too")
    func serverName() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: freePort(), server.port, defaults: "retries 3\n    option redispatch",
            backend: "    http-send-name-header X-Server\n    balance roundrobin")
        for _ in 1...2 { _ = try fetch("/", from: front.port, headers: "X-Server: mine", "x-server: too") }
        #expect(server.requests.map { $0.all("x-server") } == [["s2"], ["s2"]])
    }

    @Test("Names are written in the case that h1-case-adjust says, where a section asks for it")
    func adjusted() throws {
        let names = try Stage.current.file("names", "# comment\n\n  x-from-file X-From-FILE  \n")
        let server = try ScriptedServer { connection, _ in
            while true {
                let head = try connection.receive(through: "\r\n\r\n")
                let shown = head.split(separator: "\r\n").dropFirst().map { $0.prefix { $0 != ":" } }
                try connection.send(
                    "HTTP/1.1 200 OK\r\nx-from-file: a\r\nx-names: \(shown.joined(separator: " "))\r\n"
                        + "content-length: 0\r\n\r\n")
            }
        }
        let front = try FrontDoor(
            before: server.port,
            global: "h1-case-adjust content-length Content-Length\n    h1-case-adjust-file \(names)",
            frontend: "    option h1-case-adjust-bogus-client", backend: "    option h1-case-adjust-bogus-server")
        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\nX-FROM-FILE: 1\r\nX-Other: 2\r\n\r\n")
        let answer = try client.receive(through: "\r\n\r\n")
        #expect(answer.contains("\r\nX-From-FILE: a\r\n"))
        #expect(answer.contains("\r\nx-names: host X-From-FILE x-other\r\n"))
        #expect(answer.contains("\r\nContent-Length: 0\r\n") || !Portico.isItself)
    }

    @Test("Files of names that are not right are refused with their line", .enabled(if: Portico.isItself))
    func wrongNames() throws {
        for (text, message) in [
            ("x-a X-B", "differ in more than their case"), ("X-A x-a", "is not in lower case"),
            ("x-a X-A\nx-a X-a", "line 2: 'x-a' is adjusted twice"), ("x-a", "there are 1 words"),
        ] {
            let file = try Stage.current.file("wrong", text)
            let configuration = try Stage.current.file("wrong.cfg", "global\n    h1-case-adjust-file \(file)\n")
            let ended = try Portico.run("-c", "-f", configuration)
            #expect(ended.errors.contains(message) && ended.exit == .status(1), "\(ended.errors)")
        }
    }

    @Test("A field that has no value is not in an answer of return, as in HAProxy")
    func emptyField() throws {
        let front = try FrontDoor(
            before: freePort(),
            frontend: "    http-request return status 200 hdr X-A \"%[req.hdr(x-a)]\" hdr X-B \"%[req.hdr(x-b)]\"")
        let answer = try fetch("/", from: front.port, headers: "X-B: 1")
        #expect(answer["x-a"] == nil && answer["x-b"] == "1")
    }
}
