// Buffered bodies, so that servers with one request at a time do not wait for slow clients.

import Foundation
import Synchronization
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct RequestBufferScenarios {
    @Test("50 clients that upload a byte at a time do not keep gunicorn's two workers from a fast one")
    func slowUploads() throws {
        let gunicorn = try Application.start(.gunicornSync, named: "sync")
        for isBuffered in [false, true] {
            let front = try FrontDoor(before: gunicorn.port, backend: isBuffered ? "request-buffer 64k" : "")
            let slow = try (1...50).map { _ in
                let client = try Connection(to: front.port)
                try client.send("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n")
                return client
            }
            for _ in 1...10 {
                for client in slow { try client.send("x") }
            }

            let fast = try Connection(to: front.port)
            try fast.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            guard isBuffered else {
                #expect(fast.staysSilent(for: 1), "without a buffer both workers wait")
                for client in slow { client.reset() }
                continue
            }
            #expect(try fast.receiveAnswer().text == "ok\n")
            for client in slow { try client.send("0123456789") }
            for client in slow {
                let answer = try client.receiveAnswer()
                #expect(answer.status == 200)
                #expect(answer.text.contains("\"received\": 20"))
            }
        }
    }

    @Test("A chunked upload reaches Flask with a Content-Length, from memory and from a file")
    func chunkedUpload() throws {
        let gunicorn = try Application.start(.gunicornSync, named: "sync")
        let folder = Stage.current.folder
        let front = try FrontDoor(before: gunicorn.port, backend: "request-buffer 32k spill \(folder) 10m")
        for count in [0, 1_000, 30_000, 3_000_000] {
            let file = try Stage.current.file("upload", String(repeating: "y", count: count))
            let said = try curl(
                "-H", "Transfer-Encoding: chunked", "--data-binary", "@\(file)", "http://127.0.0.1:\(front.port)/upload"
            )
            #expect(said.contains("\"content_length\": \"\(count)\""))
            #expect(said.contains("\"transfer_encoding\": null"))
            #expect(said.contains("\"received\": \(count)"))
        }
    }

    @Test("Every byte arrives, and arrives in its place")
    func wholeBodies() throws {
        let folder = Stage.current.folder
        let front = try FrontDoor(
            before: try Application.shared(.gunicorn).port,
            backend: "request-buffer 32k spill \(folder) 10m\n    response-buffer 32k spill \(folder) 10m")
        let bytes = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 13) }
        let file = try Stage.current.file("body", bytes: bytes)
        for framing in ["Transfer-Encoding: chunked", "X-Framing: length"] {
            let copy = Stage.current.folder + "/copy"
            _ = try curl(
                "-H", framing, "-H", "Content-Type: application/octet-stream", "--data-binary", "@\(file)", "-o", copy,
                "--limit-rate", "1M", "http://127.0.0.1:\(front.port)/echo")
            #expect(FileManager.default.contents(atPath: copy) == Data(bytes))
        }
    }

    @Test("Too much is answered with 413, and the limit is named, without a server being asked")
    func tooLarge() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, backend: "request-buffer 1k")

        let declared = try fetch(
            "/declared", from: front.port, method: "POST", body: String(repeating: "z", count: 5_000))
        #expect(declared.status == 413)
        #expect(declared.text.contains("It has 5000 bytes, and 1024 are allowed."))

        let client = try Connection(to: front.port)
        try client.send("POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        try client.send("600\r\n\(String(repeating: "z", count: 0x600))\r\n")
        let chunked = try client.receiveAnswer()
        #expect(chunked.status == 413)
        #expect(chunked.text.contains("It has more than the 1024 bytes that are allowed."))

        #expect(
            try fetch("/exact", from: front.port, method: "POST", body: String(repeating: "z", count: 1_024)).status
                == 200)
        #expect(server.requests.map(\.target) == ["/exact"])
        #expect(try front.portico.exchange(with: "/declared").termination == "PR--")
    }

    @Test("A client that waits for a 100 gets it from Portico; no server is connected before the body is here")
    func expectContinue() throws {
        let server = try ScriptedServer(saying: "thanks")
        let front = try FrontDoor(before: server.port, backend: "request-buffer 16k")

        let client = try Connection(to: front.port)
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.receive(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        try client.send("1234")
        #expect(client.staysSilent(for: 0.3))
        #expect(server.connectionCount == 0)
        try client.send("5")

        #expect(try client.receiveAnswer().text == "thanks")
        #expect(server.requests.map(\.text) == ["12345"])
        #expect(server.requests.first?["expect"] == nil)
    }

    @Test("An upload that stops is cut by `timeout client`; `timeout http-request` bounds only the head")
    func stalledUpload() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, defaults: "timeout http-request 2s\n    timeout client 5s",
            backend: "request-buffer 16k")

        let client = try Connection(to: front.port)
        let start = ContinuousClock.now
        try client.send("POST /stalled HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n1")
        #expect(client.staysSilent(for: 3))
        try client.send("2")
        #expect(try client.receiveAnswer().status == 408)
        // Longer than one time-out, and than the other counted from the first byte.
        #expect(start.duration(to: .now) > .milliseconds(7_900))
        #expect(try front.portico.exchange(with: "/stalled").termination == "cR--")
        #expect(server.connectionCount == 0)
    }

    @Test("A server that is not there costs no body: another one gets it whole")
    func anotherServer() throws {
        let server = try ScriptedServer(saying: "hello")
        let nobody = try freePort()
        let front = try FrontDoor(
            before: nobody, server.port,
            backend: "request-buffer 16k\n    option redispatch 1\n    balance roundrobin")
        for number in 1...4 {
            let client = try Connection(to: front.port)
            try client.send(
                "POST /\(number) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
            #expect(try client.receiveAnswer().status == 200)
        }
        #expect(server.requests.map(\.text) == ["body", "body", "body", "body"])
        #expect(server.requests.map { $0["content-length"] } == ["4", "4", "4", "4"])
    }

    @Test("A kept server connection that dies with the request costs no body either, if the request may be repeated")
    func diesOnReuse() throws {
        let bodies = Mutex<[String]>([])
        let server = try ScriptedServer { connection, number in
            let first = try connection.receiveRequest()
            bodies.withLock { $0.append(first.text) }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            // The second request on a connection finds it closed by the server.
            let second = try connection.receiveRequest()
            bodies.withLock { $0.append(second.text) }
        }
        let front = try FrontDoor(before: server.port, backend: "request-buffer 16k")
        let client = try Connection(to: front.port)

        #expect(try client.fetch("/1", method: "PUT", body: "one").status == 200)
        #expect(try client.fetch("/2", method: "PUT", body: "two").status == 200)
        #expect(bodies.withLock { $0 } == ["one", "two", "two"])
    }

    @Test("A temporary file is gone with its request, however that ends")
    func filesAreClosed() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequestHead()
            _ = connection.isClosedByPeer(within: 60)
        }
        let folder = Stage.current.folder
        let front = try FrontDoor(
            before: server.port, defaults: "timeout server 4s", backend: "request-buffer 16k spill \(folder) 10m")
        func openFiles() -> Int { deletedFiles(of: front.portico.process.pid, in: folder) }
        let part = String(repeating: "p", count: 500_000)

        let leaving = try Connection(to: front.port)
        try leaving.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n\(part)")
        #expect(eventually { openFiles() == 1 })
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.contains("portico-X") })
        leaving.reset()
        #expect(eventually { openFiles() == 0 })

        let unanswered = try Connection(to: front.port)
        try unanswered.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n\(part)")
        #expect(eventually { openFiles() == 1 })
        #expect(try unanswered.receiveAnswer().status == 504)
        #expect(eventually { openFiles() == 0 })
    }
}

@Suite(.staged, .enabled(if: Portico.isItself)) struct ResponseBufferScenarios {
    @Test("50 clients that do not read do not keep gunicorn's two workers from a fast one")
    func slowReaders() throws {
        let gunicorn = try Application.start(.gunicornSync, named: "sync")
        let folder = Stage.current.folder
        for isBuffered in [false, true] {
            // More than the system's buffers can hold, if Portico does not buffer.
            let count = isBuffered ? 8_000_000 : 50_000_000
            // A client waits for the two workers behind all the others: 400 MB.
            let front = try FrontDoor(
                before: gunicorn.port, defaults: "timeout client 10m\n    timeout server 10m",
                backend: isBuffered ? "response-buffer 256k spill \(folder) 10m" : "")
            let slow = try (1...50).map { _ in
                let client = try Connection(to: front.port)
                try client.send("GET /big?bytes=\(count) HTTP/1.1\r\nHost: a\r\n\r\n")
                return client
            }
            #expect(eventually { slow.count { !$0.staysSilent(for: 0) } >= 2 }, "both workers are busy")

            let fast = try Connection(to: front.port)
            try fast.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            guard isBuffered else {
                #expect(fast.staysSilent(for: 2), "without a buffer both workers wait")
                for client in slow { client.reset() }
                continue
            }
            #expect(try fast.receiveAnswer(within: 300).text == "ok\n")
            for client in slow.prefix(5) {
                #expect(try client.receiveAnswer(within: 60).body.count == count)
            }
            for client in slow.dropFirst(5) { client.reset() }
            #expect(eventually { deletedFiles(of: front.portico.process.pid, in: folder) == 0 })
        }
    }

    @Test("The server's connection serves others while a client still has to read")
    func connectionIsFree() throws {
        let large = String(repeating: "r", count: 8_000_000)
        let server = try ScriptedServer { request in
            let body = request.target == "/large" ? large : "small"
            return "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        let front = try FrontDoor(before: server.port, global: "nbthread 1", backend: "response-buffer 10m")

        let slow = try Connection(to: front.port)
        try slow.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try slow.receive(count: 1)
        let fast = try Connection(to: front.port)
        #expect(try eventually { try fast.fetch("/small").text == "small" && server.requests.count > 3 })
        #expect(server.connectionCount <= 2)
        #expect(try slow.receive(count: large.utf8.count).count == large.utf8.count)
    }

    @Test("What has come is passed on at once: a buffer takes only what the client does not")
    func flowsAtOnce() throws {
        let halfway = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
            halfway.wait()
            try connection.send("later")
        }
        let front = try FrontDoor(before: server.port, backend: "response-buffer 1m")

        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.receive(through: "\r\n\r\nfirst").hasSuffix("first"))
        halfway.signal()
        #expect(try client.receive(count: 5) == Array("later".utf8))
    }

    @Test(
        "Events, and what says `X-Accel-Buffering: no`, wait in the server, not in Portico",
        arguments: [
            ("Content-Type: text/plain", true), ("Content-Type: text/event-stream", false),
            ("Content-Type: Text/Event-Stream; charset=utf-8", false), ("X-Accel-Buffering: no", false),
            ("X-Accel-Buffering: yes", true),
        ])
    func neverHeld(field: String, isHeld: Bool) throws {
        let whole = [UInt8](repeating: 0x65, count: 30_000_000)
        let isDone = Mutex(false)
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\n\(field)\r\nContent-Length: \(whole.count)\r\n\r\n")
            try connection.send(bytes: whole, within: 60)
            isDone.withLock { $0 = true }
        }
        let folder = Stage.current.folder
        let front = try FrontDoor(before: server.port, backend: "response-buffer 64k spill \(folder) 40m")

        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.receiveHead().status == 200)
        #expect(eventually(within: isHeld ? patience : 1.5) { isDone.withLock { $0 } } == isHeld)
        if isHeld { #expect(try client.receive(count: whole.count) == whole) }
    }

    @Test("A server-sent event from gevent arrives although the next one is a minute away")
    func serverSentEvents() throws {
        let front = try FrontDoor(before: try Application.shared(.gevent).port, backend: "response-buffer 1m")
        let client = try Connection(to: front.port)
        try client.send("GET /events?count=2&seconds=60 HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try client.receive(through: "data: 1\n\n")
    }

    @Test("Beyond the maximum the server waits, and nothing is lost")
    func backPressure() throws {
        let whole = (0..<20_000_000).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 15) }
        let isDone = Mutex(false)
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(whole.count)\r\n\r\n")
            try connection.send(bytes: whole, within: 60)
            isDone.withLock { $0 = true }
        }
        let folder = Stage.current.folder
        let front = try FrontDoor(before: server.port, backend: "response-buffer 64k spill \(folder) 1m")

        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.receiveHead().status == 200)
        #expect(!eventually(within: 1) { isDone.withLock { $0 } })
        #expect(try client.receive(count: whole.count) == whole)
    }

    @Test("A client that reads nothing is cut by `timeout client`, although the server goes on")
    func silentReader() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "10000\r\n" + String(repeating: "c", count: 0x10000) + "\r\n"
            for _ in 1...400 {
                try connection.send(chunk)
                usleep(20_000)
            }
        }
        let folder = Stage.current.folder
        let front = try FrontDoor(
            before: server.port, defaults: "timeout http-request 60s\n    timeout client 1s",
            backend: "response-buffer 64k spill \(folder) 100m")

        let client = try Connection(to: front.port)
        try client.send("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.receiveHead().status == 200)
        #expect(try front.portico.exchange(with: "/silent").termination == "cD--")
        #expect(eventually { deletedFiles(of: front.portico.process.pid, in: folder) == 0 })
    }
}

@Suite(.staged) struct HTTPBufferRequestScenarios {
    @Test("With `option http-buffer-request` a server is asked when the body is here, and not before")
    func waitsForTheBody() throws {
        let server = try ScriptedServer(saying: "hello")
        for section in ["frontend", "backend"] {
            let line = "option http-buffer-request"
            let front = try FrontDoor(
                before: server.port, frontend: section == "frontend" ? line : "",
                backend: section == "backend" ? line : "")
            let before = server.connectionCount
            for framing in [
                "Content-Length: 5\r\n\r\n/12345", "Transfer-Encoding: chunked\r\n\r\n5\r\n/12345\r\n0\r\n\r\n",
            ] {
                let parts = framing.split(separator: "/").map(String.init)
                let client = try Connection(to: front.port)
                try client.send("POST / HTTP/1.1\r\nHost: a\r\n\(parts[0])")
                #expect(client.staysSilent(for: 0.3))
                try client.send(parts[1])
                #expect(try client.receiveAnswer().text == "hello")
                #expect(server.requests.last?.text == "12345")
            }
            #expect(server.connectionCount - before <= 2)
        }
    }

    @Test("A body that does not fit into a buffer is not waited for to its end")
    func fullBuffer() throws {
        let server = try ScriptedServer { connection, _ in
            let head = try connection.receiveRequestHead()
            #expect(head["content-length"] == "100000")
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nearly")
            _ = connection.isClosedByPeer()
        }
        let front = try FrontDoor(before: server.port, frontend: "option http-buffer-request")
        let client = try Connection(to: front.port)
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        try client.send(String(repeating: "x", count: 10_000))
        #expect(client.staysSilent(for: 0.3))
        try client.send(String(repeating: "x", count: 10_000))
        #expect(try client.receiveAnswer().text == "early")
    }

    @Test("The wait is bounded by `timeout http-request`")
    func timeout() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, defaults: "timeout http-request 3s", frontend: "option http-buffer-request")
        let client = try Connection(to: front.port)
        try client.send("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
        let sender = Thread {
            for _ in 1...60 {
                try? client.send("x")
                usleep(100_000)
            }
        }
        sender.start()
        #expect(try client.receiveAnswer().status == 408)
        #expect(try front.portico.exchange(with: "/late").termination == "cR--")
        #expect(server.connectionCount == 0)
    }

    @Test("A client that waits for a 100 gets one")
    func expectContinue() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, frontend: "option http-buffer-request")
        let client = try Connection(to: front.port)
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.receive(through: "\r\n\r\n").lowercased() == "http/1.1 100 continue\r\n\r\n")
        try client.send("12345")
        #expect(try client.receiveAnswer().text == "hello")
        #expect(server.requests.map(\.text) == ["12345"])
    }
}

/// Unlinked files in a folder that a process has open.
private func deletedFiles(of pid: Int32, in folder: String) -> Int {
    let descriptors = "/proc/\(pid)/fd"
    let all = (try? FileManager.default.contentsOfDirectory(atPath: descriptors)) ?? []
    return all.filter { number in
        let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\(number)")) ?? ""
        return target.hasPrefix(folder) && target.hasSuffix("(deleted)")
    }.count
}
