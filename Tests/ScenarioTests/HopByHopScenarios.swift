// A peer's hop-by-hop fields, and fields of the same names that rules write.

import Testing

@Suite(.staged) struct HopByHopScenarios {
    @Test(
        "A client's Connection list takes nothing away that rules and options have written",
        .enabled(if: Portico.isItself))
    func clientsList() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    unique-id-format id-%rt
                    unique-id-header X-Trace
                    option forwardfor header X-Client-Address
                    http-request set-header X-Authenticated-User none
                    http-request set-header X-Seen %[req.hdr(x-peer)]
                """, backend: "http-request set-header X-Backend yes")
        let client = try Connection(to: front.port)
        let list = "x-authenticated-user, x-trace, x-client-address, x-backend, x-seen, x-peer"
        _ = try client.fetch("/", headers: "Connection: \(list)", "X-Peer: forged", "X-Backend: forged")

        let request = try #require(server.requests.first)
        #expect(request.all("x-authenticated-user") == ["none"])
        #expect(request.all("x-backend") == ["yes"])
        #expect(request["x-trace"]?.hasPrefix("id-") == true)
        #expect(request["x-client-address"] == "127.0.0.1")
        // The fields that the peer has listed are removed before the first rule.
        #expect(request["x-peer"] == nil)
        #expect(request["x-seen"] == "")
    }

    @Test(
        "A server's Connection list takes nothing away that rules have written", .enabled(if: Portico.isItself))
    func serversList() throws {
        let server = try ScriptedServer { _ in
            "HTTP/1.1 200 OK\r\nconnection: content-security-policy, x-after, x-own\r\nx-own: 1\r\n"
                + "x-after: forged\r\ncontent-length: 0\r\n\r\n"
        }
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    http-response set-header Content-Security-Policy "default-src 'self'"
                    http-after-response set-header X-After yes
                """)
        let answer = try fetch("/", from: front.port)
        #expect(answer["content-security-policy"] == "default-src 'self'")
        #expect(answer.all("x-after") == ["yes"])
        #expect(answer["x-own"] == nil)
    }

    @Test("Rules know a WebSocket by its Connection field, and it goes through")
    func websocketIsKnown() throws {
        let plain = try ScriptedServer(saying: "plain")
        let server = try ScriptedServer { connection, _ in
            let request = try connection.receiveRequestHead()
            #expect(request["connection"]?.lowercased() == "upgrade" && request["upgrade"] == "websocket")
            try connection.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhi!")
            try connection.send("you said " + connection.receive(through: "!"))
        }
        let port = try freePort()
        _ = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(port)
                acl is_websocket hdr(Connection) -i upgrade
                acl is_websocket hdr(Upgrade) -i websocket
                use_backend chat if is_websocket { hdr(Connection) -i upgrade } { hdr(upgrade) -i websocket }
                default_backend plain
            backend chat
                server s 127.0.0.1:\(server.port)
            backend plain
                server s 127.0.0.1:\(plain.port)
            """, listeningOn: port)
        #expect(try fetch("/", from: port).text == "plain")
        let client = try Connection(to: port)
        try client.send(
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        #expect(try client.receive(through: "hi!").hasPrefix("HTTP/1.1 101 "))
        try client.send("yes!")
        #expect(try client.receive(through: "yes!") == "you said yes!")
    }

    @Test(
        "A rule that removes Upgrade forbids the switch", .enabled(if: Portico.isItself),
        arguments: ["Upgrade", "Connection"])
    func upgradeForbidden(name: String) throws {
        let server = try ScriptedServer(saying: "plain")
        let front = try FrontDoor(before: server.port, frontend: "http-request del-header \(name)")
        let client = try Connection(to: front.port)
        #expect(try client.fetch("/", headers: "Connection: Upgrade", "Upgrade: chat").text == "plain")
        let request = try #require(server.requests.first)
        #expect(request["upgrade"] == nil && request["connection"] == nil)
    }

    @Test("A 426 names the protocols to change to", .enabled(if: Portico.isItself))
    func upgradeRequired() throws {
        let server = try ScriptedServer { request in
            request.target == "/426"
                ? "HTTP/1.1 426 No\r\nUpgrade: websocket\r\nConnection: Upgrade\r\ncontent-length: 0\r\n\r\n"
                : "HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: Upgrade\r\ncontent-length: 0\r\n\r\n"
        }
        let front = try FrontDoor(
            before: server.port,
            frontend: "http-request return status 426 hdr Upgrade TLS/1.0 if { path /own }")
        let client = try Connection(to: front.port)
        var answer = try client.fetch("/426")
        #expect(answer.status == 426 && answer["upgrade"] == "websocket" && answer["connection"] == "upgrade")
        answer = try client.fetch("/own")
        #expect(answer.status == 426 && answer["upgrade"] == "TLS/1.0" && answer["connection"] == "upgrade")
        // A server's Upgrade field in an ordinary response applies to this hop.
        answer = try client.fetch("/200")
        #expect(answer.status == 200 && answer["upgrade"] == nil && answer["connection"] == nil)
    }

    @Test("A rule can have the connections closed, and what it writes is written once")
    func closedByRules() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    http-request set-header Connection close if { path /server }
                    http-response set-header Connection close if { capture.req.uri /client }
                    http-response set-header Keep-Alive timeout=9
                """)
        let client = try Connection(to: front.port)
        var answer = try client.fetch("/server")
        #expect(answer["connection"] == nil && answer["keep-alive"] == "timeout=9")
        #expect(server.requests[0].all("connection") == ["close"])
        answer = try client.fetch("/client")
        #expect(answer.all("connection") == ["close"])
        #expect(server.requests[1]["connection"] == nil)
        #expect(client.isClosedByPeer())
    }
}
