// Peers that disconnect, stay silent, or send invalid data: each gets the right status, the log shows
// which side failed and when, and later exchanges are not affected.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct FaultScenarios {
    // MARK: Clients

    @Test(
        "A request that is not HTTP is refused with 400 and the end of the connection",
        arguments: [
            "nonsense\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon here\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: example.test\r\nbad name: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "GET / HTTP/1.1\r\nHost: example.test\r\nContent-Length: -1\r\n\r\n",
            "GET /\u{1}\u{7f} HTTP/1.1\r\nHost: example.test\r\n\r\n",
        ])
    func badRequest(request: String) throws {
        let server = try ScriptedServer(saying: "never")
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        try client.send(request)
        let answer = try client.receiveAnswer()

        #expect(answer.status == 400)
        #expect(answer["connection"] == "close")
        #expect(client.isClosedByPeer())
        #expect(server.requests.isEmpty)
        let line = try front.portico.exchange(status: 400)
        #expect(line.termination == "PR--")
        #expect(line.server == "<NOSRV>")
    }

    @Test("A header larger than the buffer is refused, not held")
    func headerTooLarge() throws {
        let server = try ScriptedServer(saying: "never")
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        // Portico may respond and close before all of this has been sent.
        try? client.send("GET / HTTP/1.1\r\nHost: example.test\r\nX-Large: ")
        try? client.send(String(repeating: "x", count: 100_000) + "\r\n\r\n")
        let status = try? client.receiveAnswer().status

        #expect(status == nil || [400, 414, 431].contains(status))
        #expect(client.isClosedByPeer())
        #expect(server.requests.isEmpty)
        #expect(try fetch("/", from: front.port).status == 200)
    }

    @Test("A header that drips in too slowly ends with 408")
    func slowHeader() throws {
        let server = try ScriptedServer(saying: "never")
        let front = try FrontDoor(before: server.port, defaults: "timeout http-request 3s")

        let client = try Connection(to: front.port)
        try client.send("GET /slow HTTP/1.1\r\nHost: exam")
        let answer = try client.receiveAnswer()

        #expect(answer.status == 408)
        #expect(client.isClosedByPeer())
        #expect(try front.portico.exchange(status: 408).termination == "cR--")
        #expect(server.connectionCount == 0)
    }

    @Test("A client that disappears in the middle of its upload takes the server connection with it")
    func goneMidUpload() throws {
        let isUnderWay = DispatchSemaphore(value: 0)
        let serverSawTheEnd = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { connection, number in
            if number == 1 {
                _ = try connection.receiveRequestHead()
                isUnderWay.signal()
                if connection.isClosedByPeer() { serverSawTheEnd.signal() }
            } else {
                _ = try connection.receiveRequest()
                try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
            }
        }
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        try client.send("POST /upload HTTP/1.1\r\nHost: example.test\r\nContent-Length: 1000000\r\n\r\npart of it")
        #expect(isUnderWay.wait(timeout: .now() + patience) == .success)
        client.reset()

        #expect(serverSawTheEnd.wait(timeout: .now() + patience) == .success)
        #expect(try front.portico.exchange(with: "/upload").termination.hasPrefix("C"))
        #expect(try fetch("/", from: front.port).text == "hi")
    }

    @Test("A client that disappears in the middle of its download takes the server connection with it")
    func goneMidDownload() throws {
        let serverSawTheEnd = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { connection, number in
            _ = try connection.receiveRequest()
            guard number == 1 else {
                try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
                return
            }
            defer { serverSawTheEnd.signal() }
            try connection.send("HTTP/1.1 200 OK\r\ncontent-length: \(1 << 30)\r\n\r\n")
            while true { try connection.send(bytes: [UInt8](repeating: 0x61, count: 1 << 16)) }
        }
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        try client.send("GET /download HTTP/1.1\r\nHost: example.test\r\n\r\n")
        _ = try client.receive(count: 100_000)
        client.reset()

        #expect(serverSawTheEnd.wait(timeout: .now() + patience) == .success)
        let line = try front.portico.exchange(with: "/download")
        #expect(line.status == 200 && line.termination == "CD--")
        #expect(try fetch("/", from: front.port).text == "hi")
    }

    @Test("A client that connects and says nothing, or leaves at once, disturbs nobody")
    func nothingSaid() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, defaults: "timeout http-request 3s\n option dontlognull")

        let silent = try Connection(to: front.port)
        try Connection(to: front.port).close()
        try Connection(to: front.port).reset()

        #expect(silent.isClosedByPeer())
        #expect(try fetch("/", from: front.port).text == "hello")
    }

    // MARK: Servers

    @Test("Where nobody listens the answer is 503")
    func refused() throws {
        let front = try FrontDoor(before: freePort(), defaults: "retries 0")

        let answer = try fetch("/", from: front.port)

        #expect(answer.status == 503)
        #expect(answer.text.contains("<h1>503 Service Unavailable</h1>"))
        #expect(answer["content-type"] == "text/html")
        let line = try front.portico.exchange(with: "GET / ")
        #expect(line.status == 503 && line.server == "s1" && line.termination == "SC--")
    }

    @Test("When every server is down the answer is 503 at once, without a server's name")
    func allDown() throws {
        let front = try FrontDoor(before: freePort(), server: "check inter 50ms fall 1")
        _ = try front.portico.logLine(with: "app/s1 is DOWN")

        #expect(try fetch("/", from: front.port).status == 503)

        let line = try front.portico.exchange(with: "GET / ")
        #expect(line.status == 503 && line.server == "<NOSRV>" && line.termination == "SC--")
    }

    @Test(
        "An answer that is not HTTP becomes 502",
        arguments: [
            "nonsense\r\n\r\n",
            "HTTP/1.1 abc OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n\r\n",
        ])
    func garbage(answer: String) throws {
        let server = try ScriptedServer { connection, number in
            _ = try connection.receiveRequest()
            try connection.send(number == 1 ? answer : "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        }
        let front = try FrontDoor(before: server.port)

        #expect(try fetch("/broken", from: front.port).status == 502)

        let line = try front.portico.exchange(with: "/broken")
        #expect(line.status == 502 && line.termination == "PH--")
        #expect(try fetch("/", from: front.port).text == "hi")
    }

    @Test(
        "A server that closes without an answer, or within its header, becomes 502", arguments: ["", "HTTP/1.1 200 O"])
    func earlyClose(firstBytes: String) throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send(firstBytes)
        }
        let front = try FrontDoor(before: server.port)

        #expect(try fetch("/", from: front.port).status == 502)

        let line = try front.portico.exchange(with: "GET / ")
        #expect(line.status == 502 && line.termination == "SH--")
    }

    @Test("A server that resets before it answers becomes 502")
    func earlyReset() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            connection.reset()
        }
        let front = try FrontDoor(before: server.port)

        #expect(try fetch("/", from: front.port).status == 502)
        #expect(try front.portico.exchange(with: "GET / ").termination == "SH--")
    }

    @Test("A server that keeps silent becomes 504 after `timeout server`, and is let go")
    func silence() throws {
        let wasLetGo = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            if connection.isClosedByPeer() { wasLetGo.signal() }
        }
        let front = try FrontDoor(before: server.port, defaults: "timeout server 300ms")

        let answer = try fetch("/", from: front.port)

        #expect(answer.status == 504)
        let line = try front.portico.exchange(with: "GET / ")
        #expect(line.status == 504 && line.termination == "sH--")
        #expect(line.timers[3] == -1 && line.timers[4] >= 300)
        #expect(wasLetGo.wait(timeout: .now() + patience) == .success)
    }

    @Test("A server that takes connections and never reads is a silent one")
    func deafServer() throws {
        let server = try ScriptedServer { connection, _ in _ = connection.isClosedByPeer() }
        let front = try FrontDoor(before: server.port, defaults: "timeout server 300ms")
        #expect(try fetch("/", from: front.port, method: "POST", body: "hello").status == 504)
    }

    @Test(
        "A server that breaks off its answer breaks off the client's, and the log says SD",
        arguments: [
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly part",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nonly part\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nonly",
        ], [false, true])
    func brokenOff(answer: String, byReset: Bool) throws {
        let curtain = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { connection, number in
            _ = try connection.receiveRequest()
            guard number == 1 else {
                try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
                return
            }
            try connection.send(answer)
            curtain.wait()
            if byReset { connection.reset() }
        }
        Stage.current.atTheEnd { curtain.signal() }
        let front = try FrontDoor(before: server.port)

        let client = try Connection(to: front.port)
        try client.send("GET /broken HTTP/1.1\r\nHost: example.test\r\n\r\n")
        _ = try client.receive(through: "only")
        curtain.signal()
        // Neither a complete body nor a last chunk may make it look complete.
        let rest = (try? client.receiveAll()) ?? []
        #expect(!String(decoding: rest, as: UTF8.self).contains("0\r\n\r\n"))

        let line = try front.portico.exchange(with: "/broken")
        #expect(line.status == 200 && line.termination == "SD--")
        #expect(try fetch("/", from: front.port).text == "hi")
    }

    @Test("A server that stops in the middle of its answer is cut off after `timeout server`")
    func stopsMidBody() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly part")
            _ = connection.isClosedByPeer()
        }
        // Long enough for the first bytes, even on a slow machine.
        let front = try FrontDoor(before: server.port, defaults: "timeout server 5s")

        let client = try Connection(to: front.port)
        try client.send("GET /stuck HTTP/1.1\r\nHost: example.test\r\n\r\n")
        _ = try client.receive(through: "only part")

        #expect(client.isClosedByPeer())
        #expect(try front.portico.exchange(with: "/stuck").termination == "sD--")
    }

    @Test("After a few hundred broken exchanges nothing is left open")
    func nothingIsLeft() throws {
        let server = try ScriptedServer { connection, number in
            _ = try connection.receiveRequest()
            switch number % 4 {
            case 0: connection.reset()
            case 1: try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly part")
            case 2: try connection.send("nonsense\r\n\r\n")
            default: try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi")
            }
        }
        let front = try FrontDoor(before: server.port)
        _ = try? fetch("/", from: front.port)
        let before = descriptors(of: front.portico.process.pid)

        DispatchQueue.concurrentPerform(iterations: 4) { worker in
            for turn in 0..<75 {
                guard let client = try? Connection(to: front.port) else { continue }
                try? client.send("GET /\(worker)/\(turn) HTTP/1.1\r\nHost: example.test\r\n\r\n")
                if turn % 3 == 0 { client.reset() } else { _ = try? client.receiveAnswer() }
            }
        }

        // A few pooled connections may remain.
        #expect(eventually { descriptors(of: front.portico.process.pid) <= before + 2 })
        #expect(eventually { front.portico.logLines.count >= 301 })
    }
}
