// Actions that several families of rules have, tested in each of them: connections, sessions, bytes of both sides,
// requests, responses.

import Foundation
import Testing

@Suite(.staged) struct FamilyScenarios {
    /// Sends something and waits for the end.
    private func speaker(_ text: String = "hello\n") throws -> ScriptedServer {
        try ScriptedServer { connection, _ in
            try connection.send(text)
            _ = try? connection.receiveAll()
        }
    }

    @Test(
        "Before a server is chosen, rules say who the client is, and set variables",
        arguments: ["tcp-request connection", "tcp-request session", "tcp-request content"])
    func clientRules(family: String) throws {
        let server = try speaker()
        let newer = ["set-fc-tos 0x10", "set-fc-mark 7"].map { "    \(family) \($0)" }
        let front = try FrontDoor(
            before: server.port, defaults: "    mode tcp\n    option tcplog",
            frontend: """
                    \(family) set-src ipv4(192.0.2.9)
                    \(family) set-src-port int(4)
                    \(family) set-dst ipv4(192.0.2.8)
                    \(family) set-dst-port int(5)
                    \(family) set-tos 0x10
                    \(family) set-mark 0x7
                    \(family) set-var(sess.a) str(a)
                    \(family) set-var-fmt(sess.b) "<%[var(sess.a)]>"
                    \(family) set-var(sess.c) str(c)
                    \(family) unset-var(sess.c)
                \(Portico.isItself ? newer.joined(separator: "\n") : "")
                    \(family) accept
                    \(family) reject
                    log-format "ends %[src] %[src_port] %[dst] %[dst_port] %[var(sess.a)] %[var(sess.b)] %[var(sess.c)]"
                """)
        let client = try Connection(to: front.port)
        #expect(try client.receive(through: "\n") == "hello\n")
        client.close()
        let line = try front.portico.logLine(with: "ends ")
        #expect(line.contains("ends 192.0.2.9 4 192.0.2.8 5 a <a> -"), "\(line)")
    }

    @Test(
        "A client that is dropped silently hears nothing, whoever drops it",
        arguments: ["tcp-request connection", "tcp-request session", "tcp-request content", "http-request"])
    func droppedClient(family: String) throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, frontend: "    \(family) silent-drop if { dst_port gt 1 }")
        let client = try Connection(to: front.port)
        // The system would respond with a reset to bytes that arrive after a connection was dropped.
        if !family.hasSuffix("connection") && !family.hasSuffix("session") {
            try client.send("GET /dropped HTTP/1.1\r\nHost: a\r\n\r\n")
        }
        #expect(client.staysSilent(for: 0.3))
        #expect(server.connectionCount == 0)
    }

    @Test("A response can be dropped silently")
    func droppedResponse() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, frontend: "    http-response silent-drop if { status 200 }")
        let client = try Connection(to: front.port)
        try client.send("GET /dropped HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.staysSilent(for: 0.3))
        #expect(try front.portico.exchange(with: "/dropped").termination == "PR--")
    }

    @Test("Rules on a server's bytes set variables and mark packets")
    func serverRules() throws {
        let server = try speaker("220 hello\n")
        let newer = ["set-fc-tos 0x10", "set-fc-mark 7"].map { "    tcp-response content \($0)" }
        let front = try FrontDoor(
            before: server.port, defaults: "    mode tcp\n    option tcplog",
            frontend: #"    log-format "said %[var(sess.a)] %[var(sess.b)] %[var(sess.c)] %B""#,
            backend: """
                    tcp-response inspect-delay 5s
                    tcp-response content set-tos 0x10 if { res.payload(0,3) -m found }
                    tcp-response content set-mark 7
                    tcp-response content set-nice 1
                    tcp-response content set-var(sess.a) res.payload(0,3)
                    tcp-response content set-var-fmt(sess.b) "<%[var(sess.a)]>"
                    tcp-response content set-var(sess.c) str(c)
                    tcp-response content unset-var(sess.c)
                \(Portico.isItself ? newer.joined(separator: "\n") : "")
                    tcp-response content accept
                    tcp-response content reject
                """)
        let client = try Connection(to: front.port)
        #expect(try client.receive(through: "\n") == "220 hello\n")
        client.close()
        let line = try front.portico.logLine(with: "said ")
        #expect(line.contains("said 220 <220> -"), "\(line)")
    }

    @Test("A connection can be kept out of the log by what the server says")
    func silentConnection() throws {
        let server = try ScriptedServer { connection, number in
            try connection.send(number == 1 ? "hush\n" : "loud\n")
            _ = try? connection.receiveAll()
        }
        let front = try FrontDoor(
            before: server.port, defaults: "    mode tcp\n    option tcplog",
            frontend: #"    log-format "said %[var(sess.a)] %B""#,
            backend: """
                    tcp-response inspect-delay 5s
                    tcp-response content set-var(sess.a) res.payload(0,4) if { res.payload(0,4) -m found }
                    tcp-response content set-log-level silent if { res.payload(0,4) -m str hush }
                """)
        for text in ["hush\n", "loud\n"] {
            let client = try Connection(to: front.port)
            #expect(try client.receive(through: "\n") == text)
            client.close()
        }
        _ = try front.portico.logLine(with: "said loud")
        #expect(!front.portico.logLines.contains { $0.contains("said hush") })
    }

    // HAProxy sets marks on connections to servers since 3.0, and has set-retries since 3.2.
    @Test("Rules in TCP mode mark the connection to the server, and limit tries", .enabled(if: Portico.isItself))
    func serverMarks() throws {
        let server = try speaker()
        let front = try FrontDoor(
            before: server.port, defaults: "    mode tcp\n    timeout connect 100ms\n    retries 3",
            frontend: """
                    log-format "tried %b %rc"
                    tcp-request content set-nice 1
                    tcp-request content set-priority-offset int(5)
                    tcp-request content set-bc-tos 0x10
                    tcp-request content set-bc-mark int(7)
                """)
        #expect(try Connection(to: front.port).receive(through: "\n") == "hello\n")
        let shut = try FrontDoor(
            before: try freePort(), defaults: "    mode tcp\n    timeout connect 100ms\n    retries 3",
            frontend: #"    log-format "tried %b %rc""#, backend: "    tcp-request content set-retries 1")
        #expect(try Connection(to: shut.port).isClosedByPeer())
        #expect(try shut.portico.logLine(with: "tried app").contains("tried app 1"))
    }

    @Test("A request with marks of its own has a connection of its own", .enabled(if: Portico.isItself))
    func markedRequest() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    http-request set-bc-tos 0x10 if { path_beg /marked }
                    http-request set-bc-mark 7 if { path_beg /marked }
                    http-request set-fc-tos 16
                    http-request set-fc-mark 7
                    http-response set-fc-tos 16
                    http-response set-fc-mark 7
                """)
        let client = try Connection(to: front.port)
        for (path, connections) in [("/", 1), ("/", 1), ("/marked", 2), ("/", 2), ("/marked/again", 3)] {
            #expect(try client.fetch(path).text == "hello")
            #expect(server.connectionCount == connections, "\(path)")
        }
    }

    @Test("Responses change maps and lists that requests read")
    func changedByResponses() throws {
        let server = try ScriptedServer(saying: "hello")
        let map = try Stage.current.file("seen.map", "")
        let list = try Stage.current.file("seen.list", "/nothing\n")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    http-request set-var(txn.path) path
                    http-request deny if { path /listed } { path -f \(list) }
                    http-response set-map(\(map)) %[var(txn.path)] seen-%[status] if { var(txn.path) -m beg /set }
                    http-response del-map(\(map)) /set if { var(txn.path) -m str /forget }
                    http-response add-acl(\(list)) /listed if { var(txn.path) -m str /add }
                    http-response del-acl(\(list)) /listed if { var(txn.path) -m str /remove }
                    http-response set-header x-seen %[str(/set),map(\(map),none)]
                """)
        let steps = [
            ("/other", 200, "none"), ("/set", 200, "seen-200"), ("/other", 200, "seen-200"), ("/forget", 200, "none"),
            ("/listed", 200, "none"), ("/add", 200, "none"), ("/listed", 403, nil), ("/remove", 200, "none"),
            ("/listed", 200, "none"),
        ]
        for (path, status, seen) in steps {
            let answer = try fetch(path, from: front.port)
            #expect(answer.status == status && answer["x-seen"] == seen, "\(path)")
        }
    }

    @Test("A response's rewrite that fails is 500, unless strict-mode is off")
    func strictResponses() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    http-request set-var(txn.path) path
                    http-request set-var(txn.big) req.fhdr(x-big)
                    http-request del-header X-Big
                    http-response strict-mode off if { var(txn.path) -m str /soft }
                    http-response add-header X-One %[var(txn.big)]
                    http-response add-header X-Two %[var(txn.big)]
                    http-response add-header X-Three %[var(txn.big)]
                """)
        let big = "X-Big: " + String(repeating: "b", count: 7_000)
        let soft = try fetch("/soft", from: front.port, headers: big)
        #expect(soft.status == 200 && soft["x-one"]?.count == 7_000 && soft["x-three"] == nil)
        #expect(try fetch("/hard", from: front.port, headers: big).status == 500)
    }

    @Test("Rules on all responses let pass, change values, capture, and change the log")
    func afterResponses() throws {
        let server = try ScriptedServer { connection, _ in
            while true {
                _ = try connection.receiveRequest()
                try connection.send("HTTP/1.1 200 OK\r\nServer: One\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    declare capture response len 10
                    http-request set-var(txn.path) path
                    http-after-response capture res.hdr(server) id 0
                    http-after-response replace-value Server (.).. \\1!
                    http-after-response allow if { var(txn.path) -m str /allowed }
                    http-after-response set-header X-End end
                """)
        let allowed = try fetch("/allowed", from: front.port)
        #expect(allowed["server"] == "O!" && allowed["x-end"] == nil)
        let other = try fetch("/other", from: front.port)
        #expect(other["server"] == "O!" && other["x-end"] == "end")
        #expect(try front.portico.logLine(with: "/other").contains("{One}"))
    }

    // HAProxy has these on all responses in 3.x only.
    @Test("Rules on all responses set the log's level, and change maps", .enabled(if: Portico.isItself))
    func newerAfterResponses() throws {
        let server = try ScriptedServer(saying: "hello")
        let map = try Stage.current.file("after.map", "")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    http-request set-var(txn.path) path
                    http-after-response set-log-level silent if { var(txn.path) -m str /hush }
                    http-after-response set-map(\(map)) key %[status] if { var(txn.path) -m str /set }
                    http-after-response del-map(\(map)) key if { var(txn.path) -m str /forget }
                    http-after-response set-header x-seen %[str(key),map(\(map),none)]
                """)
        for (path, seen) in [("/hush", "none"), ("/set", "200"), ("/", "200"), ("/forget", "none")] {
            #expect(try fetch(path, from: front.port)["x-seen"] == seen, "\(path)")
        }
        _ = try front.portico.exchange(with: "/forget")
        #expect(!front.portico.logLines.contains { $0.contains("/hush") })
    }

    @Test("A response's rule gives what follows a time-out of its own", .enabled(if: Portico.isItself))
    func responseTimeout() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            _ = try? connection.receiveAll(within: 30)
        }
        let front = try FrontDoor(
            before: server.port, defaults: "    timeout server 30s",
            backend: "    http-response set-timeout server 200ms")
        let client = try Connection(to: front.port)
        try client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.receiveAll(within: 10).suffix(5) == Array("hello".utf8))
        #expect(try front.portico.exchange(with: "/slow").termination == "sD--")
    }
}
