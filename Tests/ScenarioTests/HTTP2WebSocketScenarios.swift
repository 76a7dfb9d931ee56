// WebSockets where one side, or both, speak HTTP/2: extended CONNECT (RFC 8441) and Upgrade become one another.

import Foundation
import Testing

@Suite(.staged) struct HTTP2WebSocketScenarios {
    private static let tunnel = "timeout tunnel 1h"

    private func startWebSocketServer() throws -> Int {
        let port = try freePort()
        try startPeer(["/usr/bin/python3", "-B", peer("websocket_server.py"), "\(port)"], on: port)
        return port
    }

    @Test("A client of HTTP/1 and a server of HTTP/2")
    func oldClient() throws {
        let front = try FrontDoor(before: HTTP2Server().port, defaults: Self.tunnel, server: "proto h2")
        expectAllIsWell(try python("websocket_client.py", ["\(front.port)"]))
        #expect(eventually { front.portico.logLines.count { $0.contains(" 101 ") } == 10 })
    }

    @Test("A client of HTTP/2 and a server of HTTP/1: many sockets on one connection")
    func oldServer() throws {
        let socket = try startWebSocketServer()
        let page = try ScriptedServer(saying: "an ordinary page")
        let port = try freePort()
        _ = try Portico(
            """
            \(opening(defaults: Self.tunnel))
            frontend www
                bind 127.0.0.1:\(port) proto h2
                use_backend sockets if { path /echo }
                default_backend pages
            backend sockets
                server s1 127.0.0.1:\(socket)
            backend pages
                server s1 127.0.0.1:\(page.port)
            """, listeningOn: port)
        expectAllIsWell(try python("h2_websocket.py", ["\(port)"]))
        if Portico.isItself {
            // HAProxy lets the field through, which means nothing in HTTP/2.
            let answer = try ask(
                port,
                HTTP2Request(
                    "/echo", method: "CONNECT", protocol: "websocket", fields: [["sec-websocket-version", "13"]],
                    cancel: true, open: true))
            #expect(answer.status == 200 && answer["sec-websocket-accept"] == nil)
        }
    }

    @Test("Both of HTTP/2, in clear and over TLS", arguments: [false, true])
    func throughout(isSecure: Bool) throws {
        let authority = try TestAuthority()
        let certificate = try authority.issue(for: "example.test")
        let server = try isSecure ? HTTP2Server("certificate=\(certificate)") : HTTP2Server()
        let front = try FrontDoor(
            before: server.port, defaults: Self.tunnel,
            server: isSecure ? "ssl verify none alpn h2 ws h2" : "proto h2",
            bind: isSecure ? "ssl crt \(certificate) alpn h2" : "proto h2")
        expectAllIsWell(try python("h2_websocket.py", ["\(front.port)"] + (isSecure ? [authority.certificate] : [])))
    }

    @Test(
        "`ws` chooses the version for WebSockets, whatever the others get",
        arguments: ["ws h1", "ws h2", "ws auto", "", "alpn h2 ws auto"])
    func chosen(words: String) throws {
        let certificate = try TestAuthority().issue(for: "example.test")
        let front = try FrontDoor(
            before: HTTP2Server("certificate=\(certificate)", "alpn=h2,http/1.1").port,
            frontend: "    log-format \"%ST %[bc_http_major]\"",
            server: "ssl verify none alpn h2,http/1.1 \(words)")
        let client = try Connection(to: front.port)
        try client.send(
            "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        let head = try client.receiveHead()
        if words.contains("h2") {
            #expect(head.status == 101)
            #expect(head["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            try client.send(bytes: [0x81, 0x82, 0, 0, 0, 0] + Array("hi".utf8))
            #expect(try client.receive(count: 4) == [0x81, 2] + Array("hi".utf8))
            client.close()
            _ = try front.portico.logLine(with: "101 2")
        } else {
            // The server knows no WebSocket in HTTP/1.1, and says so.
            #expect(head.status == 200)
            _ = try front.portico.logLine(with: "200 1")
        }
        #expect(try HTTP2Facts(fetch("/", from: front.port).text).protocol == nil)
    }

    @Test("A server that takes no extended CONNECT is not asked for one: 502", arguments: [true, false])
    func notSupported(isOld: Bool) throws {
        let front = try FrontDoor(before: HTTP2Server("connect=no").port, server: "proto h2")
        if isOld {
            let answer = try fetch(
                "/echo", from: front.port, headers: "Connection: upgrade", "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
            #expect(answer.status == 502)
        } else {
            let request = HTTP2Request("/echo", method: "CONNECT", protocol: "websocket", open: true)
            #expect(try ask(front.port, request).status == 502)
        }
        #expect(try fetch("/sized/2", from: front.port).text == "xx")
    }

    @Test("A server of HTTP/1 that does not change protocols: its answer goes to the client of HTTP/2")
    func refused() throws {
        let server = try ScriptedServer(respond: { request in
            #expect(request["upgrade"] == "websocket" && request["sec-websocket-key"] != nil)
            return "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
        })
        let front = try FrontDoor(before: server.port, bind: "proto h2")
        let request = HTTP2Request(
            "/echo", method: "CONNECT", protocol: "websocket", fields: [["sec-websocket-version", "13"]], open: true)
        let answer = try ask(front.port, request)
        #expect(answer.status == 403 && answer.body == "no")
    }

    @Test("A server of HTTP/1 whose answer to the key is wrong is not believed: 502", .enabled(if: Portico.isItself))
    func wrongAccept() throws {
        let server = try ScriptedServer(respond: { _ in
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Accept: bm90IHRoZSByaWdodCBvbmU=\r\n\r\n"
        })
        let front = try FrontDoor(before: server.port, bind: "proto h2")
        let request = HTTP2Request(
            "/echo", method: "CONNECT", protocol: "websocket", fields: [["sec-websocket-version", "13"]], open: true)
        #expect(try ask(front.port, request).status == 502)
    }

    @Test("An ordinary CONNECT makes a tunnel, or is answered as the server likes")
    func connect() throws {
        let server = try ScriptedServer { connection, _ in
            let request = try connection.receiveRequestHead()
            #expect(request.method == "CONNECT" && request.target == "example.test:443")
            try connection.send("HTTP/1.1 200 OK\r\n\r\n")
            let text = try connection.receive(through: "!")
            try connection.send("you said \(text)")
        }
        let front = try FrontDoor(before: server.port, bind: "proto h2")
        var request = HTTP2Request("/", method: "CONNECT", pieces: ["hello!"], omit: ["path", "scheme"])
        request.authority = "example.test:443"
        let answer = try converse(front.port, [request]).answers.first
        #expect(answer?.status == 200)
        #expect(answer?.body == "you said hello!")
    }
}
