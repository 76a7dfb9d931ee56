// Real programs on either side of Portico, which must not notice it.

import Foundation
import Testing

@Suite(.staged) struct PeerScenarios {
    private func startGunicornWithSockets() throws -> Int {
        let port = try freePort()
        try startPeer(
            [
                "/usr/bin/gunicorn", "--bind", "127.0.0.1:\(port)", "--worker-class",
                "geventwebsocket.gunicorn.workers.GeventWebSocketWorker", "--graceful-timeout", "1", "--pythonpath",
                peer(""), "socket_app:app",
            ], on: port)
        return port
    }

    // MARK: WebSockets and events

    @Test("Python's websockets talk through Portico to a server made with them")
    func websockets() throws {
        let port = try freePort()
        try startPeer(["/usr/bin/python3", peer("websocket_server.py"), "\(port)"], on: port)
        let front = try FrontDoor(before: port, defaults: "timeout tunnel 1h")
        expectAllIsWell(try python("websocket_client.py", ["\(front.port)"]))
        #expect(eventually { front.portico.logLines.count { $0.contains(" 101 ") } == 10 })
    }

    @Test("And to an application under gunicorn with gevent")
    func websocketsThroughGunicorn() throws {
        let front = try FrontDoor(before: startGunicornWithSockets(), defaults: "timeout tunnel 1h")
        // gevent-websocket closes without a code, also without a proxy.
        expectAllIsWell(try python("websocket_client.py", ["\(front.port)", "without a code"]))
        #expect(try fetch("/", from: front.port).text == "ok\n")
    }

    @Test("Server-sent events of gunicorn with gevent come one by one, held by no buffer", arguments: [false, true])
    func events(isBuffered: Bool) throws {
        let words = isBuffered && Portico.isItself ? "response-buffer 1m" : ""
        let front = try FrontDoor(before: startGunicornWithSockets(), backend: words)
        let reader = try Connection(to: front.port)
        try reader.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        for number in 1...20 {
            // The next event is sent only on request: so each of them has arrived separately.
            _ = try reader.receive(through: "data: \(number)\n\n")
            #expect(try fetch("/next", from: front.port).status == 204)
        }
        _ = try reader.receive(through: "data: 21\n\n")
    }

    // MARK: Clients

    @Test("A session of Python's requests: kept connections, uploads with a length and in chunks, a long download")
    func requests() throws {
        for server in [Application.Server.gunicornSync, .gevent, .uwsgi] {
            // WSGI servers cannot read chunks: Portico adds a length.
            let words = Portico.isItself ? "request-buffer 2m" : ""
            guard !words.isEmpty || server == .gevent else { continue }
            let front = try FrontDoor(before: Application.shared(server).port, backend: words)
            expectAllIsWell(try python("requests_client.py", ["\(front.port)"]))
        }
    }

    @Test("curl: one connection for many, an upload that waits for a word, a range, a HEAD")
    func curlInAllItsWays() throws {
        let front = try FrontDoor(before: Application.shared(.gevent).port)
        let base = "http://127.0.0.1:\(front.port)"
        let many = try curl("-o", "/dev/null", "-w", "%{num_connects} ", "\(base)/health?[1-20]", "-o", "/dev/null")
        #expect(many.hasPrefix("1 0 0 "), "\(many)")
        let file = try Stage.current.file("upload", String(repeating: "u", count: 3_000_000))
        let said = try curl("-H", "Expect: 100-continue", "--data-binary", "@\(file)", "\(base)/upload")
        #expect(said.contains("\"received\": 3000000"))
        #expect(try curl("--head", "\(base)/health").hasPrefix("HTTP/1.1 200 "))
        #expect(try curl("--http1.0", "\(base)/health") == "ok\n")
    }

    // MARK: Under load

    private static let page = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

    @Test("ab -k: every request answered on kept connections, as HTTP/1.0 does it")
    func ab() throws {
        let server = try ScriptedServer(respond: { _ in Self.page })
        let front = try FrontDoor(before: server.port)
        let ended = try play([
            "ab", "-q", "-k", "-s", "100", "-n", "5000", "-c", "20", "http://127.0.0.1:\(front.port)/",
        ])
        let said = ended.output.split(separator: "\n").map {
            $0.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
        #expect(ended.exit == .status(0), "\(ended.errors)")
        #expect(said.contains("Complete requests: 5000"))
        #expect(said.contains("Failed requests: 0"))
        #expect(said.contains("Keep-Alive requests: 5000"))
    }

    @Test("wrk: no errors")
    func wrk() throws {
        let server = try ScriptedServer(respond: { _ in Self.page })
        let front = try FrontDoor(before: server.port)
        let ended = try play([
            "wrk", "-t", "1", "-c", "32", "-d", "1s", "--timeout", "60s", "http://127.0.0.1:\(front.port)/",
        ])
        #expect(ended.exit == .status(0), "\(ended.errors)")
        #expect(ended.output.contains("requests in"), "\(ended.output)")
        #expect(!ended.output.contains("Socket errors"), "\(ended.output)")
        #expect(!ended.output.contains("Non-2xx"), "\(ended.output)")
    }

    // MARK: A browser

    private static let browser = ["/usr/bin/chromium", "/usr/bin/google-chrome"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    @Test(
        "A browser loads a page with all that belongs to it", .enabled(if: browser != nil, "no Chromium is installed"))
    func chromium() throws {
        let server = try ScriptedServer(respond: { request in
            func answer(_ type: String, _ body: String) -> String {
                "HTTP/1.1 200 OK\r\ncontent-type: \(type)\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            let path = request.target
            if path == "/" {
                let images = (1...20).map { "<img src='/\($0).svg'>" }.joined()
                return answer(
                    "text/html",
                    "<title>waiting</title><link rel=stylesheet href=/style.css><body>\(images)<script src=/script.js></script>"
                )
            }
            if path.hasSuffix(".css") { return answer("text/css", "body { width: 123px }") }
            if path.hasSuffix(".js") { return answer("text/javascript", Self.script) }
            if path.hasPrefix("/echo") { return answer("text/plain", String(request.body.count)) }
            return answer("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' width='7' height='7'/>")
        })
        let front = try FrontDoor(before: server.port)
        let browser = try #require(Self.browser)
        let ended = try play(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--user-data-dir=\(Stage.current.folder)/browser", "--virtual-time-budget=20000", "--dump-dom",
                "http://127.0.0.1:\(front.port)/",
            ], within: 60)
        #expect(
            ended.output.contains("<title>20 images, 123px, 100000 bytes</title>"), "\(ended.output)\(ended.errors)")
    }

    private static let script = """
        onload = async () => {
            const images = [...document.images].filter(image => image.naturalWidth == 7).length;
            const answer = await fetch("/echo", { method: "POST", body: "z".repeat(100000) });
            document.title = `${images} images, ${getComputedStyle(document.body).width}, ${await answer.text()} bytes`;
        };
        """
}
