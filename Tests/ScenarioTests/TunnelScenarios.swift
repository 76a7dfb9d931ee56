// Tunnels: protocol upgrades, CONNECT, and `mode tcp`.

import Foundation
import Testing

@Suite(.staged) struct TunnelScenarios {
    @Test(
        "A frontend in TCP mode that leads nowhere closes its connections, and goes on", .enabled(if: Portico.isItself))
    func tunnelToNowhere() throws {
        let port = try freePort()
        let portico = try Portico(
            """
            defaults
                mode tcp
                timeout connect 5s
                timeout client 5s
                timeout server 5s
            frontend nowhere
                bind 127.0.0.1:\(port)
            """, listeningOn: port)
        for _ in 1...3 {
            let client = try Connection(to: port)
            try? client.send("hello")
            #expect(client.isClosedByPeer())
        }
        #expect(!portico.process.errors.contains("crashed"))
    }

    /// A server that switches protocols and then echoes.
    private func switchingServer(_ head: String) throws -> ScriptedServer {
        try ScriptedServer { connection, _ in
            let request = try connection.receiveRequestHead()
            #expect(request.all("upgrade") == ["chat"] || request.method == "CONNECT")
            try connection.send(head + "\r\n\r\nready")
            while true {
                let word = try connection.receive(through: "!")
                try connection.send("you said " + word)
            }
        }
    }

    @Test(
        "A switch of protocols makes a tunnel that both sides can talk through at any time, past every other time-out")
    func upgrade() throws {
        let server = try switchingServer(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat")
        let front = try FrontDoor(
            before: server.port, defaults: "timeout server 4s\n    timeout client 4s\n    timeout tunnel 60s")

        let client = try Connection(to: front.port)
        try client.send("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nearly!")
        let head = try client.receive(through: "\r\n\r\n").lowercased()
        #expect(head.hasPrefix("http/1.1 101 "))
        #expect(head.contains("upgrade: chat") && head.contains("connection: upgrade"))
        #expect(try client.receive(through: "early!") == "readyyou said early!")
        // Longer than the time-outs that apply to an exchange.
        #expect(client.staysSilent(for: 5))
        try client.send("late!")
        #expect(try client.receive(through: "late!") == "you said late!")
        client.close()
        #expect(eventually { front.portico.process.output.contains(" 101 ") })
    }

    @Test("A server that does not want to switch answers as ever, and the connection goes on")
    func refusedUpgrade() throws {
        let server = try ScriptedServer(saying: "no")
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        for _ in 1...2 {
            let answer = try client.fetch("/chat", headers: "Connection: Upgrade", "Upgrade: chat")
            #expect(answer.status == 200 && answer.text == "no")
        }
    }

    @Test("A server that switches unasked is broken: 502")
    func unaskedUpgrade() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequestHead()
            try connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        }
        let front = try FrontDoor(before: server.port)
        #expect(try Connection(to: front.port).fetch("/").status == 502)
    }

    @Test("CONNECT becomes a tunnel when the server agrees", .enabled(if: Portico.isItself))
    func connect() throws {
        let server = try switchingServer("HTTP/1.1 200 Connection established")
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        try client.send("CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\n")
        #expect(try client.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
        try client.send("hello!")
        #expect(try client.receive(through: "hello!") == "readyyou said hello!")
    }

    /// A TCP-mode frontend with one server.
    private func tcpDoor(before port: Int) throws -> (portico: Portico, port: Int) {
        let front = try freePort()
        let portico = try Portico(
            """
            \(opening(defaults: "mode tcp\n    option tcplog"))
            listen tcp
                bind 127.0.0.1:\(front)
                server s1 127.0.0.1:\(port)
            """, listeningOn: front)
        return (portico, front)
    }

    @Test("`mode tcp` passes bytes on unread; each side may finish before the other")
    func tcp() throws {
        let server = try ScriptedServer { connection, _ in
            let all = try connection.receiveAll()
            try connection.send("\(all.count) bytes, ")
            try connection.send("and goodbye")
            connection.close()
        }
        let (portico, front) = try tcpDoor(before: server.port)

        let client = try Connection(to: front)
        try client.send(bytes: Array(repeating: 0x78, count: 500_000))
        client.finishSending()

        #expect(try client.receiveAll() == Array("500000 bytes, and goodbye".utf8))
        #expect(eventually { portico.process.output.contains(" tcp tcp/s1 ") })
    }

    @Test("In `mode tcp` the server may speak first, and its reset is the client's")
    func tcpServerFirst() throws {
        let server = try ScriptedServer { connection, _ in
            try connection.send("220 welcome\n")
            _ = try connection.receive(through: "bye\n")
            connection.reset()
        }
        let (_, front) = try tcpDoor(before: server.port)

        let client = try Connection(to: front)
        #expect(try client.receive(through: "\n") == "220 welcome\n")
        try client.send("bye\n")
        #expect(client.isClosedByPeer())
    }
}
