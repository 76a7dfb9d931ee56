// Proxies in front of Portico that send the PROXY protocol: curl, HAProxy, and scripts that send valid
// and invalid headers.

import Foundation
import Testing

@Suite(.staged) struct ProxyProtocolScenarios {
    @Test("`proxy-v2-options`: each request's name is in the header of the connection that carries it")
    func uniqueIDs() throws {
        let (front, back) = (try freePort(), try freePort())
        _ = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(front)
                unique-id-format %{+X}o\\ ID-%[req.hdr(in)]
                unique-id-header x-id
                default_backend app
            backend app
                server s1 127.0.0.1:\(back) send-proxy-v2 proxy-v2-options unique-id,crc32c
            frontend receiver
                bind 127.0.0.1:\(back) accept-proxy
                http-request return status 200 hdr x-header %[fc_pp_unique_id] hdr x-field %[req.hdr(x-id)]
            """, listeningOn: front, back)
        let client = try Connection(to: front)
        for name in ["one", "two", "two"] {
            try client.send("GET / HTTP/1.1\r\nHost: a\r\nIn: \(name)\r\n\r\n")
            let answer = try client.receiveAnswer()
            #expect(answer["x-header"] == "ID-\(name)" && answer["x-field"] == "ID-\(name)")
        }
    }

    /// A server that responds with the client address of the request.
    private func server() throws -> ScriptedServer {
        try ScriptedServer { request in
            let text = "for \(request["x-forwarded-for"] ?? "nobody"), \(request["x-said"] ?? "nothing")"
            return "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
        }
    }

    private static let tells =
        "    option forwardfor\n    http-request set-header X-Said %[src]:%[src_port]>%[dst_port]"

    /// Version 2: 192.0.2.`last`:`port` to 198.51.100.1:443.
    private func block(last: UInt8, port: UInt16) -> [UInt8] {
        Array("\r\n\r\n\0\r\nQUIT\n!".utf8) + [0x11, 0, 12, 192, 0, 2, last, 198, 51, 100, 1]
            + [UInt8(port >> 8), UInt8(port & 255), 0x01, 0xBB]
    }

    private func line(last: UInt8, port: UInt16) -> [UInt8] {
        Array("PROXY TCP4 192.0.2.\(last) 198.51.100.1 \(port) 443\r\n".utf8)
    }

    @Test("Many clients behind a proxy, over several threads: each is told apart, on each of its requests")
    func manyClients() throws {
        let server = try server()
        let front = try FrontDoor(before: server.port, global: "nbthread 4", frontend: Self.tells, bind: "accept-proxy")

        let clients = try (1...30).map { number in
            let client = try Connection(to: front.port)
            let (last, port) = (UInt8(number), UInt16(4_000 + number))
            try client.send(
                bytes: number.isMultiple(of: 2) ? line(last: last, port: port) : block(last: last, port: port))
            return client
        }
        for round in 1...3 {
            for (index, client) in clients.enumerated() {
                let answer = try client.fetch("/\(round)/\(index)")
                #expect(answer.text == "for 192.0.2.\(index + 1), 192.0.2.\(index + 1):\(4_001 + index)>443")
            }
        }
        #expect(try front.portico.exchange(with: "/3/29 ").client == "192.0.2.30:4030")
    }

    @Test(
        "The header and the first request in one packet, and a header cut in the middle", .enabled(if: Portico.isItself)
    )
    func packets() throws {
        let server = try server()
        let front = try FrontDoor(before: server.port, frontend: Self.tells, bind: "accept-proxy")
        let request = Array("GET /at-once HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        for header in [line(last: 7, port: 77), block(last: 7, port: 77)] {
            let client = try Connection(to: front.port)
            try client.send(bytes: header + request)
            #expect(try client.receiveAnswer().text == "for 192.0.2.7, 192.0.2.7:77>443")

            // HAProxy requires a header to arrive in one piece.
            let slow = try Connection(to: front.port)
            try slow.send(bytes: Array(header[..<9]))
            #expect(slow.staysSilent(for: 0.05))
            try slow.send(bytes: Array(header[9...]) + request)
            #expect(try slow.receiveAnswer().text == "for 192.0.2.7, 192.0.2.7:77>443")
        }
    }

    @Test("curl --haproxy-protocol is answered")
    func curlSpeaksForItself() throws {
        let server = try server()
        let front = try FrontDoor(before: server.port, frontend: Self.tells, bind: "accept-proxy")
        let text = try curl("--haproxy-protocol", "http://127.0.0.1:\(front.port)/curl")
        #expect(text.hasPrefix("for 127.0.0.1, 127.0.0.1:") && text.hasSuffix(">\(front.port)"))
    }

    @Test("Behind HAProxy, the client is HAProxy's client", .enabled(if: HAProxy.isInstalled), arguments: [1, 2])
    func behindHAProxy(version: Int) throws {
        let server = try server()
        let front = try FrontDoor(
            before: server.port,
            frontend: Self.tells + "\n    http-request set-header X-Said %[src]:%[src_port],%[fc_pp_unique_id]",
            bind: "accept-proxy")
        let port = try freePort()
        let options = version == 1 ? "send-proxy" : "send-proxy-v2 proxy-v2-options crc32c,unique-id"
        _ = try HAProxy(
            """
            defaults
                mode tcp
                timeout connect 60s
                timeout client 60s
                timeout server 60s
            listen entry
                bind 127.0.0.1:\(port)
                unique-id-format connection-%lc
                tcp-request connection set-src str(192.0.2.9)
                tcp-request connection set-src-port int(4711)
                server portico 127.0.0.1:\(front.port) \(options) check inter 100ms
            """, listeningOn: port)

        let client = try Connection(to: port)
        for target in ["/1", "/2"] {
            let said = version == 1 ? "" : "connection-0"
            #expect(try client.fetch(target).text == "for 192.0.2.9, 192.0.2.9:4711,\(said)")
        }
        #expect(try front.portico.exchange(with: "GET /2 ").client == "192.0.2.9:4711")
    }

    @Test("Who sends no header, or another, is closed before anything is asked of anybody, and has a line in the log")
    func strangers() throws {
        let server = try server()
        let front = try FrontDoor(before: server.port, frontend: Self.tells, bind: "accept-proxy name entry")
        for (bytes, words) in [
            (Array("GET /stranger HTTP/1.1\r\nHost: a\r\n\r\n".utf8), "does not look like a PROXY protocol header"),
            (
                Array("PROXY TCP7 1.2.3.4 1.2.3.4 1 2\r\nGET / HTTP/1.1\r\n\r\n".utf8),
                "an unhandled protocol in the PROXY"
            ),
            (block(last: 1, port: 1).map { $0 == 0x21 ? 0x22 : $0 }, "an invalid PROXY protocol header"),
        ] {
            let client = try Connection(to: front.port)
            try client.send(bytes: bytes)
            #expect(client.isClosedByPeer())
            #expect(try front.portico.logLine(with: words).contains("] www/entry: Received "))
        }
        let empty = try Connection(to: front.port)
        empty.close()
        _ = try front.portico.logLine(with: "www/entry: Connection closed while waiting for PROXY protocol header")
        #expect(server.connectionCount == 0)
    }

    @Test("A header that does not come in time ends the connection; connections without a byte may pass unsaid")
    func silence() throws {
        let server = try server()
        let front = try FrontDoor(
            before: server.port, frontend: "    timeout client 200ms\n    bind 127.0.0.1:\(try freePort())",
            bind: "accept-proxy")
        let client = try Connection(to: front.port)
        #expect(client.isClosedByPeer())
        _ = try front.portico.logLine(with: "www/1: Timeout while waiting for PROXY protocol header")

        let quiet = try FrontDoor(
            before: server.port, frontend: "    timeout client 3s\n    option dontlognull", bind: "accept-proxy")
        let probe = try Connection(to: quiet.port)
        #expect(probe.isClosedByPeer())
        let other = try Connection(to: quiet.port)
        try other.send("what is this that comes?")
        #expect(other.isClosedByPeer())
        _ = try quiet.portico.logLine(with: "does not look like")
        #expect(quiet.portico.logLines.allSatisfy { !$0.contains("Timeout") })
    }

    @Test("Only those who are proxies are asked for a header")
    func trustedProxies() throws {
        let server = try server()
        for (condition, isTrusted) in [("if { src 127.0.0.0/8 }", true), ("if { src 10.0.0.0/8 }", false)] {
            let front = try FrontDoor(
                before: server.port,
                frontend: Self.tells + "\n    tcp-request connection expect-proxy layer4 \(condition)")
            let client = try Connection(to: front.port)
            if isTrusted { try client.send(bytes: line(last: 3, port: 33)) }
            #expect(try client.fetch("/").text.hasPrefix(isTrusted ? "for 192.0.2.3," : "for 127.0.0.1,"))
            // A missing setting is a mistake on either side.
            let wrong = try Connection(to: front.port)
            if !isTrusted { try wrong.send(bytes: line(last: 3, port: 33)) }
            try wrong.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            if isTrusted {
                #expect(wrong.isClosedByPeer())
            } else {
                #expect(try wrong.receiveAnswer().status == 400)
            }
        }
    }

    @Test("In mode tcp the server gets the client's bytes and nothing of the header")
    func tcp() throws {
        let echo = try ScriptedServer { connection, _ in
            try connection.send("hello ")
            try connection.send(connection.receive(through: "\n"))
        }
        let front = try FrontDoor(
            before: echo.port, defaults: "    mode tcp\n    option tcplog", bind: "accept-proxy")
        for header in [line(last: 5, port: 55), block(last: 5, port: 55)] {
            let client = try Connection(to: front.port)
            try client.send(bytes: header + Array("to the server\n".utf8))
            #expect(try client.receive(through: "\n") == "hello to the server\n")
            client.close()
        }
        #expect(try front.portico.logLine(with: "app/s1").hasPrefix("192.0.2.5:55 "))
    }

    @Test("A proxy on the same machine comes through a socket file")
    func socketFile() throws {
        let server = try server()
        let path = Stage.current.folder + "/entry.socket"
        let front = try FrontDoor(before: server.port, frontend: Self.tells + "\n    bind unix@\(path) accept-proxy")
        let client = try Connection(toUnixSocket: path)
        try client.send(bytes: block(last: 8, port: 88))
        #expect(try client.fetch("/unix").text == "for 192.0.2.8, 192.0.2.8:88>443")
        #expect(try front.portico.exchange(with: "/unix").client == "192.0.2.8:88")
    }

    @Test(
        "Behind Portico, HAProxy knows Portico's client, each on connections of its own, and its checks do no harm",
        .enabled(if: HAProxy.isInstalled), arguments: ["send-proxy", "send-proxy-v2"])
    func beforeHAProxy(words: String) throws {
        let server = try server()
        let port = try freePort()
        let haproxy = try HAProxy(
            """
            global
                log stdout format raw local0
            defaults
                mode http
                log global
                timeout connect 60s
                timeout client 60s
                timeout server 60s
            listen entry
                bind 127.0.0.1:\(port) accept-proxy
                http-request return status 200 if { path /health }
                http-request set-header X-Said %[src]:%[src_port]>%[dst_port]
                option forwardfor
                server s 127.0.0.1:\(server.port)
            """, listeningOn: port)
        let front = try FrontDoor(
            before: port, frontend: "    http-request set-src hdr(x-client)\n    http-request set-src-port int(7)",
            backend: "    option httpchk GET /health\n    http-reuse always", server: "\(words) check inter 50ms")

        let clients = try (1...3).map { _ in try Connection(to: front.port) }
        for _ in 1...4 {
            for (index, client) in clients.enumerated() {
                let address = "192.0.2.\(index + 1)"
                let answer = try client.fetch("/", headers: "X-Client: \(address)")
                #expect(answer.text == "for \(address), \(address):7>\(front.port)")
            }
        }
        #expect(!haproxy.output.contains("PROXY protocol"))
        #expect(!front.portico.logLines.contains { $0.contains("DOWN") })
    }

    @Test("Two proxies in a row: the second knows the client of the first")
    func chain() throws {
        let server = try server()
        let inner = try FrontDoor(before: server.port, frontend: Self.tells, bind: "accept-proxy")
        let outer = try FrontDoor(
            before: inner.port, server: "send-proxy-v2 check inter 50ms", bind: "accept-proxy")
        for number: UInt8 in 1...5 {
            let client = try Connection(to: outer.port)
            try client.send(bytes: line(last: number, port: UInt16(number)))
            for _ in 1...2 {
                #expect(try client.fetch("/").text == "for 192.0.2.\(number), 192.0.2.\(number):\(number)>443")
            }
        }
        #expect(!inner.portico.logLines.contains { $0.contains("PROXY protocol") })
    }

    @Test("A connection that had come in before a soft stop may still say who it is, and is served")
    func softStop() throws {
        let server = try server()
        let front = try FrontDoor(before: server.port, frontend: Self.tells, bind: "accept-proxy")
        let client = try Connection(to: front.port)
        try client.send(bytes: line(last: 6, port: 66))
        #expect(try client.fetch("/before").text.hasPrefix("for 192.0.2.6"))
        let waiting = try Connection(to: front.port)
        // A later connection is accepted later.
        let witness = try Connection(to: front.port)
        try witness.send(bytes: line(last: 6, port: 67))
        #expect(try witness.fetch("/witness").status == 200)
        front.portico.process.signal(SIGUSR1)
        #expect(eventually { !isListening(on: front.port) })
        try waiting.send(bytes: line(last: 7, port: 68))
        #expect(try waiting.fetch("/after").text.hasPrefix("for 192.0.2.7"))
        #expect(front.portico.process.end() == .status(0))
    }
}

/// A real HAProxy next to Portico.
final class HAProxy {
    static let path = "/usr/sbin/haproxy"
    static let isInstalled = FileManager.default.isExecutableFile(atPath: path)

    private let process: Child
    /// Its output, which starts with its log.
    var output: String { process.output }

    init(_ configuration: String, listeningOn port: Int) throws {
        let stage = Stage.current
        let file = try stage.file("haproxy-\(port).cfg", configuration + "\n")
        let process = try Child([Self.path, "-db", "-f", file], named: "haproxy-\(port)", in: stage.folder)
        self.process = process
        stage.atTheEnd { process.stop(patience: 1) }
        stage.inCaseOfFailure { "\(configuration)\n-- HAProxy\n\(process.output)\(process.errors)" }
        guard eventually({ process.ended() != nil || isListening(on: port) }), process.ended() == nil else {
            throw StageFault("HAProxy did not start; it said: \(process.errors)")
        }
    }
}
