// Where HAProxy only warns, Portico does not fail either.

import Foundation
import Testing

@Suite(.staged) struct CompatibilityScenarios {
    /// Checks a configuration with `arguments` in addition to `-c -f`.
    private func check(_ text: String, _ arguments: String...) throws -> Ended {
        let file = try Stage.current.file("checked-\(UUID().uuidString.prefix(4)).cfg", text + "\n")
        return try Portico.run(["-c", "-f", file] + arguments)
    }

    @Test("A frontend or listen without a bind line is warned about, and the others start")
    func withoutBind() throws {
        let front = try freePort()
        let text = """
            \(opening())
            frontend nowhere
                default_backend app
            listen everywhere
                bind 127.0.0.1:\(front)
                http-request return status 200 content-type text/plain string "here"
            backend app
                server s1 127.0.0.1:9
            """
        let checked = try check(text)
        #expect(checked.exit == .status(0))
        #expect(checked.errors.lowercased().contains("warning"))
        #expect(checked.errors.contains("'nowhere' has no"))
        #expect(try check(text, "-dW").exit == .status(1))

        _ = try Portico(text, listeningOn: front)
        #expect(try fetch("/", from: front).text == "here")
    }

    @Test(
        "Without a frontend a file is valid, even with -dW, and the runtime socket answers",
        .enabled(if: Portico.isItself))
    func withoutFrontend() throws {
        let socket = Stage.current.folder + "/admin.sock"
        let backend = "backend app\n    server s1 127.0.0.1:9"
        let checked = try check("\(opening())\n\(backend)", "-dW")
        #expect(checked.exit == .status(0))
        #expect(checked.errors.contains("notice: there is no frontend: nothing listens"))

        _ = try Portico("\(opening(global: "    stats socket \(socket) level admin"))\n\(backend)")
        #expect(try ask(socket, "show stat").contains("app,s1,"))
    }

    @Test("A process that would listen nowhere at all does not start")
    func nothingListens() throws {
        let file = try Stage.current.file("deaf.cfg", "\(opening())\nbackend app\n    server s1 127.0.0.1:9\n")
        let ended = try Portico.run("-db", "-f", file)
        #expect(ended.exit == .status(1))
        #expect(ended.errors.contains("isten"))
    }

    @Test("Two bind lines of one address share its connections, and -dW does not mind")
    func boundTwice() throws {
        let front = try freePort()
        let answer = "http-request return status 200 content-type text/plain string \"here\""
        let text = """
            \(opening())
            frontend one
                bind 127.0.0.1:\(front)
                bind 127.0.0.1:\(front)
                \(answer)
            frontend two
                bind 127.0.0.1:\(front)
                bind *:\(front)
                \(answer)
            """
        #expect(try check(text, "-dW").exit == .status(0))
        _ = try Portico(text, listeningOn: front)
        for _ in 1...8 { #expect(try fetch("/", from: front).text == "here") }
    }

    @Test(
        "An address that somebody else has is refused, though Portico's own lines may share one",
        .enabled(if: Portico.isItself))
    func boundByAnother() throws {
        let front = try freePort()
        let text = """
            \(opening())
            frontend one
                bind 127.0.0.1:\(front)
                bind 127.0.0.1:\(front)
                http-request return status 200
            """
        _ = try Portico(text, listeningOn: front)
        let file = try Stage.current.file("second.cfg", text + "\n")
        let second = try Portico.run("-db", "-f", file)
        #expect(second.exit == .status(1))
        #expect(second.errors.contains("cannot listen on 127.0.0.1:\(front)"))
    }

    @Test("A frontend in TCP mode leads to an HTTP backend: its connections are read as HTTP from then on")
    func upgrade() throws {
        let tunnelled = try ScriptedServer { connection, _ in
            #expect(try connection.receive(through: "!") == "raw bytes!")
            try connection.send("seen")
        }
        let server = try ScriptedServer(saying: "hello")
        let front = try freePort()
        let text = """
            defaults
                mode http
                timeout connect 60s
                timeout client 60s
                timeout server 60s
            frontend www
                mode tcp
                bind 127.0.0.1:\(front)
                tcp-request inspect-delay 60s
                tcp-request content accept if { req.payload(0,3) -m str raw } || { req.payload(0,3) -m str GET }
                use_backend raw if { req.payload(0,3) -m str raw }
                default_backend app
            backend app
                http-request deny if { path /secret }
                http-response set-header x-seen yes
                server s1 127.0.0.1:\(server.port)
            backend raw
                mode tcp
                server s1 127.0.0.1:\(tunnelled.port)
            """
        #expect(try check(text, "-dW").exit == .status(0))
        _ = try Portico(text, listeningOn: front)

        let client = try Connection(to: front)
        for _ in 1...2 {
            let answer = try client.fetch("/some")
            #expect(answer.status == 200 && answer.text == "hello")
        }
        #expect(try client.fetch("/secret").status == 403)

        let raw = try Connection(to: front)
        try raw.send("raw bytes!")
        #expect(try raw.receive(through: "seen") == "seen")
    }

    @Test("Behind a frontend in TCP mode, what an HTTP backend cannot read gets 400, and a silent client 408")
    func upgradeOfNoRequest() throws {
        let front = try freePort()
        _ = try Portico(
            """
            \(opening(defaults: "    timeout http-request 300ms"))
            frontend www
                mode tcp
                bind 127.0.0.1:\(front)
                default_backend app
            backend app
                server s1 127.0.0.1:9
            """, listeningOn: front)
        let client = try Connection(to: front)
        try client.send("this is no request\r\n\r\n")
        #expect(try client.receive(through: "\r\n").hasPrefix("HTTP/1.1 400 "))
        #expect(try Connection(to: front).receive(through: "\r\n").hasPrefix("HTTP/1.1 408 "))
        // A connection that is closed without sending anything leaves no trace.
        try Connection(to: front).close()
        #expect(try fetch("/", from: front).status == 503)
    }

    @Test("Variables in addresses stand for their values without quotes: bind, server, log, stats socket, nameserver")
    func addressVariables() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try freePort()
        let folder = Stage.current.folder
        let file = try Stage.current.file(
            "variables.cfg",
            """
            global
                setenv TARGET \(server.port)
                log ${IP}:514 local0
                stats socket ${FOLDER}/admin.sock
            defaults
                mode http
                timeout client 60s
                timeout server 60s
                timeout connect 60s
            resolvers dns
                nameserver one $IP:53
            frontend www
                bind ${IP}:$FRONT
                default_backend app
            backend app
                server s1 $IP:${TARGET} check addr ${IP}

            """)
        let process = try Child(
            [Portico.binary, "-db", "-f", file], named: "variables", in: folder,
            environment: ["IP": "127.0.0.1", "FRONT": "\(front)", "FOLDER": folder])
        Stage.current.atTheEnd { process.stop(patience: 1) }
        Stage.current.inCaseOfFailure { process.errors }
        #expect(eventually { isListening(on: front) && isListening(at: folder + "/admin.sock") })
        #expect(try fetch("/", from: front).text == "hello")
    }

    @Test("A number that is too large becomes the largest, and a colon behind a field's name is left out")
    func warned() throws {
        let server = try ScriptedServer { connection, _ in
            let request = try connection.receiveRequest()
            let seen = request.all("x-seen").joined(separator: ",") + request.all("x-drop").joined()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(seen.utf8.count)\r\n\r\n\(seen)")
        }
        let front = try freePort()
        let text = """
            \(opening(defaults: "    maxconn 20000000\n    retries 5000\n    fullconn 0\n    backlog 0"))
            frontend www
                bind 127.0.0.1:\(front) backlog 10000000
                http-request del-header x-drop:
                http-request set-header x-seen: yes
                default_backend app
            backend app
                server s1 127.0.0.1:\(server.port) maxconn 20000000 rise 5000 inter 100us
            """
        #expect(try check(text).exit == .status(0))
        // HAProxy does send the colon.
        guard Portico.isItself else { return }
        _ = try Portico(text, listeningOn: front)
        let client = try Connection(to: front)
        #expect(try client.fetch("/", headers: "x-drop: here").text == "yes")
    }
}
