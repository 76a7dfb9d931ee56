// Messages that are unusual but lawful, and unlawful ones that an operator has asked to let through.

import Foundation
import Testing

@Suite(.staged) struct OddMessageScenarios {
    // MARK: Trailers

    @Test(
        "Trailers of the body pass in both directions; those that would change the message do not",
        .enabled(if: Portico.isItself))
    func trailers() throws {
        let server = try ScriptedServer { connection, _ in
            let head = try connection.receiveRequestHead()
            #expect(head["trailer"] == "x-sum")
            // The client's word that it reads trailers, which pass.
            #expect(head["te"] == "trailers" && head["connection"] == "te")
            #expect(try connection.receive(through: "\r\n\r\n") == "3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n")
            try connection.send(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: server-timing\r\n\r\n"
                    + "2\r\nhi\r\n0\r\nServer-Timing: db;dur=1\r\nSet-Cookie: a=b\r\nContent-Length: 9\r\n\r\n")
        }
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        try client.send(
            "POST / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: TE\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Forwarded-For: 1.2.3.4\r\nAuthorization: Basic eA==\r\n\r\n")
        let head = try client.receiveHead()

        #expect(head["trailer"] == "server-timing")
        #expect(try client.receive(through: "\r\n\r\n") == "2\r\nhi\r\n0\r\nserver-timing: db;dur=1\r\n\r\n")
    }

    @Test("Trailers end here where the backend, or the frontend, wants none", .enabled(if: Portico.isItself))
    func droppedTrailers() throws {
        let server = try ScriptedServer { connection, _ in
            let head = try connection.receiveRequestHead()
            #expect(head["trailer"] == nil && head["te"] == nil)
            #expect(try connection.receive(through: "\r\n\r\n") == "3\r\nabc\r\n0\r\n\r\n")
            try connection.send(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: server-timing\r\n\r\n"
                    + "2\r\nhi\r\n0\r\nServer-Timing: db;dur=1\r\n\r\n")
        }
        let front = try FrontDoor(
            before: server.port, frontend: "option http-drop-response-trailers",
            backend: "option http-drop-request-trailers")

        let client = try Connection(to: front.port)
        try client.send(
            "POST / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")
        #expect(try client.receiveHead()["trailer"] == nil)
        #expect(try client.receive(through: "\r\n\r\n") == "2\r\nhi\r\n0\r\n\r\n")
    }

    @Test("A client of HTTP/1.0 gets the body and no trailers")
    func noTrailersForOldClients() throws {
        let server = try ScriptedServer { _ in
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n"
        }
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.0\r\n\r\n")
        #expect(String(decoding: try client.receiveAll(), as: UTF8.self).hasSuffix("\r\n\r\nhi"))
    }

    // MARK: Answers of our own

    @Test(
        "A refused request whose body is here leaves the connection open for the next one",
        arguments: ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"])
    func deniedWithBody(body: String) throws {
        let server = try ScriptedServer(saying: "next")
        let front = try FrontDoor(before: server.port, frontend: "http-request deny if { path /denied }")

        let client = try Connection(to: front.port)
        try client.send("POST /denied HTTP/1.1\r\nHost: x\r\n\(body)")
        let denied = try client.receiveAnswer()
        #expect(denied.status == 403)
        #expect(denied["connection"] == nil)
        #expect(try client.fetch("/next").text == "next")
    }

    @Test("A refused request whose body is still to come closes the connection")
    func deniedBeforeBody() throws {
        let server = try ScriptedServer(saying: "never")
        let front = try FrontDoor(before: server.port, frontend: "http-request deny if { path /denied }")

        let client = try Connection(to: front.port)
        try client.send("POST /denied HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nhello")
        #expect(try client.receiveAnswer()["connection"] == "close")
        #expect(client.isClosedByPeer())
    }

    @Test(
        "A client that sends no more in the middle of a head is told so",
        arguments: ["", "GET", "GET / HTTP/1.1\r\nHo"])
    func halfClosedInHead(text: String) throws {
        let server = try ScriptedServer(saying: "never")
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        try client.send(text)
        client.finishSending()

        #expect(try client.receiveAnswer().status == 400)
        #expect(client.isClosedByPeer())
        let line = try front.portico.exchange(status: 400)
        #expect(line.termination == "CR--")
        #expect(line.server == "<NOSRV>")
    }

    @Test("Chunks that are none, behind an answer's head, cut the answer off and are shown to the operator")
    func badChunks() throws {
        let mayGoOn = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
            mayGoOn.wait()
            try connection.send("what?\r\n")
        }
        Stage.current.atTheEnd { mayGoOn.signal() }
        let path = Stage.current.folder + "/admin"
        let front = try FrontDoor(before: server.port, global: "stats socket \(path) mode 600 level admin")

        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        _ = try client.receive(through: "hi\r\n")
        mayGoOn.signal()
        #expect(client.isClosedByPeer())
        #expect(try front.portico.exchange(with: "GET /").termination == "PD--")
        let admin = try Connection(toUnixSocket: path)
        try admin.send("show errors\n")
        #expect(String(decoding: try admin.receiveAll(), as: UTF8.self).contains("what?"))
    }

    // MARK: Versions

    @Test("The log has the version that the client wrote")
    func versionInLog() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, frontend: "log-format \"%r|%HV|%[req.ver]\"\n    http-response set-header v %[req.ver]"
        )

        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.7\r\nHost: x\r\n\r\n")
        let answer = try client.receiveAnswer()
        #expect(answer.version == "HTTP/1.1")
        #expect(try front.portico.logLine(with: "HTTP/1.7|HTTP/1.7").contains("GET / "))
    }

    // MARK: accept-invalid

    @Test("accept-invalid-http-request lets odd requests through and shows them to the operator")
    func acceptInvalidRequest() throws {
        let server = try ScriptedServer(saying: "hello")
        let path = Stage.current.folder + "/admin"
        let front = try FrontDoor(
            before: server.port, global: "stats socket \(path) mode 600 level admin",
            frontend: "option accept-invalid-http-request")

        let client = try Connection(to: front.port)
        try client.send("GET /a#b HTTP/1.1\r\nHost: x\r\nX(y): 1\r\n\r\n")
        #expect(try client.receiveAnswer().status == 200)
        #expect(server.requests.first?.target == "/a#b")
        #expect(server.requests.first?["x(y)"] == "1")
        let admin = try Connection(toUnixSocket: path)
        try admin.send("show errors\n")
        let errors = String(decoding: try admin.receiveAll(), as: UTF8.self)
        #expect(errors.contains("GET /a#b"))
        #expect(errors.contains("frontend www"))

        let old = try Connection(to: front.port)
        try old.send("GET /old\r\n")
        #expect(try old.receiveAnswer().text == "hello")
        #expect(old.isClosedByPeer())
    }

    @Test(
        "accept-invalid-http-request leaves what could be read in two ways refused", .enabled(if: Portico.isItself),
        arguments: [
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nA\u{1}: 1\r\n\r\n",
        ])
    func stillRefused(request: String) throws {
        let server = try ScriptedServer(saying: "never")
        let front = try FrontDoor(before: server.port, frontend: "option accept-invalid-http-request")

        let client = try Connection(to: front.port)
        try client.send(request)
        #expect(try client.receiveAnswer().status == 400)
        #expect(server.requests.isEmpty)
    }

    @Test("accept-invalid-http-response lets an odd answer through, which is 502 otherwise", arguments: [false, true])
    func acceptInvalidResponse(accepts: Bool) throws {
        let server = try ScriptedServer { _ in "HTTP/1.1 200 OK\r\nX(y): 1\r\ncontent-length: 2\r\n\r\nhi" }
        let front = try FrontDoor(
            before: server.port, backend: accepts ? "option accept-invalid-http-response" : "")

        let answer = try fetch("/", from: front.port)
        #expect(answer.status == (accepts ? 200 : 502))
        #expect(answer["x(y)"] == (accepts ? "1" : nil))
    }
}
