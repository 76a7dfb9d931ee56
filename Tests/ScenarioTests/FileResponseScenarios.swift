// Responses from files go through the same steps as a server's: rules, error pages, log and counters.

import Foundation
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct FileResponseScenarios {
    /// A site with a folder that has `app.css` (3 bytes) and a directory `sub` without an index.
    private func front(
        global: String = "", defaults: String = "", frontend: String = "", backend: String = ""
    ) throws -> FrontDoor {
        _ = try Stage.current.file("site/app.css", "css")
        _ = try Stage.current.file("site/sub/page.txt", "page")
        return try FrontDoor(
            global: global, defaults: defaults, frontend: frontend,
            backend: "    files \(Stage.current.folder)/site\n\(backend)")
    }

    private func page(_ status: Int, _ text: String, more: String = "") throws -> String {
        try Stage.current.file(
            "\(text).http", "HTTP/1.1 \(status) Page\r\ncontent-type: text/plain\r\n\(more)\r\n\(text)")
    }

    @Test("http-response rules see and change every answer of a directory: they once were read and never run")
    func rulesRun() throws {
        let front = try front(
            frontend: "    http-response add-header X-Order frontend",
            backend: """
                    http-response add-header X-Order backend
                    http-response set-header Cache-Control max-age=60
                    http-response set-header X-Status %[status]
                    http-response set-header X-Length %[res.hdr(content-length)]
                    http-response del-header Last-Modified
                """)
        let client = try Connection(to: front.port)
        let file = try client.fetch("/app.css")
        #expect(file.status == 200 && file.text == "css")
        #expect(file["cache-control"] == "max-age=60")
        #expect(file["x-status"] == "200")
        #expect(file["x-length"] == "3")
        #expect(file["last-modified"] == nil)
        #expect(file.all("x-order") == ["backend", "frontend"])
        let etag = try #require(file["etag"])

        let head = try client.fetch("/app.css", method: "HEAD")
        #expect(head["x-status"] == "200" && head["content-length"] == "3")
        #expect(try client.fetch("/app.css", headers: "If-None-Match: \(etag)")["x-status"] == "304")
        #expect(try client.fetch("/app.css", headers: "If-Match: \"other\"")["x-status"] == "412")
        #expect(try client.fetch("/sub")["x-status"] == "301")
        #expect(try client.fetch("/sub/")["x-status"] == "403")
        #expect(try client.fetch("/none")["x-status"] == "404")
        #expect(try client.fetch("/app.css", method: "DELETE")["x-status"] == "405")
        #expect(try client.fetch("/app.css").text == "css")
    }

    @Test("A rule on a file's response may refuse, answer, redirect, change the status or let it wait")
    func rulesDecide() throws {
        let front = try front(
            frontend: "    http-request set-var(txn.path) path",
            backend: """
                    http-response deny deny_status 502 if { status 404 } { var(txn.path) -m beg /sub/refuse }
                    http-response return status 410 content-type text/plain string gone if { status 404 }
                    http-response redirect location /elsewhere if { status 403 }
                    http-response set-status 203 if { method HEAD }
                    http-response pause 10 if { status 203 }
                    http-response wait-for-body time 1s
                    http-response set-header X-Seen %[res.body_len] if { status 405 }
                """)
        let client = try Connection(to: front.port)
        #expect(try client.fetch("/sub/refuse").status == 502)
        let gone = try client.fetch("/none")
        #expect(gone.status == 410 && gone.text == "gone")
        #expect(try client.fetch("/sub/")["location"] == "/elsewhere")
        #expect(try client.fetch("/app.css", method: "HEAD").status == 203)
        #expect(try client.fetch("/app.css").text == "css")
        #expect(try front.portico.exchange(with: "/sub/refuse").termination.hasPrefix("P"))
    }

    @Test("A rule that cannot change a file's response makes it 500, as a server's")
    func failedRewrite() throws {
        let long = String(repeating: "x", count: 4_000)
        let front = try front(
            global: "tune.bufsize 4096",
            backend: "    http-response set-header X-Long \(long)%[res.hdr(etag)]\(long)")
        #expect(try fetch("/app.css", from: front.port).status == 500)
    }

    @Test("Error pages stand for what a directory refuses, and 405 still says what is allowed")
    func errorPages() throws {
        let front = try front(
            frontend: "    errorfile 404 \(page(404, "frontend"))\n    errorloc 412 /changed",
            backend: """
                    errorfile 403 \(page(403, "forbidden"))
                    errorfile 404 \(page(200, "none", more: "connection: close\r\n"))
                    errorfile 405 \(page(405, "method"))
                    http-error status 400 content-type text/plain lf-string "bad %[path]"
                    http-response set-header X-Status %[status]
                """)
        let forbidden = try fetch("/sub/", from: front.port)
        #expect(forbidden.status == 403 && forbidden.text == "forbidden" && forbidden["x-status"] == "403")
        let method = try fetch("/app.css", from: front.port, method: "POST")
        #expect(method.status == 405 && method.text == "method")
        #expect(method.all("allow") == ["GET, HEAD"])
        #expect(try fetch("/a%00", from: front.port).text == "bad /a%00")
        #expect(try fetch("/app.css", from: front.port, headers: "If-Match: \"x\"")["location"] == "/changed")

        let client = try Connection(to: front.port)
        let none = try client.fetch("/none")
        #expect(none.status == 200 && none.text == "none")
        #expect(none["date"] != nil)
        #expect(none["connection"] == "close")
        #expect(client.isClosedByPeer())
        #expect(try front.portico.exchange(with: "/none").status == 404)
    }

    @Test("errorfiles gives a directory its pages, and an empty page closes without a word")
    func errorSections() throws {
        _ = try Stage.current.file("empty", "")
        let front = try front(
            global: "http-errors mine\n    errorfile 404 \(page(404, "mine"))\ndefaults base",
            backend: "    errorfiles mine\n    errorfile 403 \(Stage.current.folder)/empty")
        #expect(try fetch("/none", from: front.port).text == "mine")
        let client = try Connection(to: front.port)
        try client.send("GET /sub/ HTTP/1.1\r\nHost: example.test\r\n\r\n")
        #expect(client.isClosedByPeer())
        #expect(try front.portico.exchange(with: "/sub/").status == 403)
    }

    @Test("Every answer of a directory says when it was made")
    func date() throws {
        let front = try front()
        let client = try Connection(to: front.port)
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let etag = try #require(try client.fetch("/app.css")["etag"])
        for (target, condition) in [
            ("/app.css", "X: y"), ("/app.css", "If-None-Match: \(etag)"), ("/sub", "X: y"), ("/sub/", "X: y"),
            ("/none", "X: y"), ("/app.css", "If-Match: \"x\""),
        ] {
            let text = try #require(try client.fetch(target, headers: condition)["date"])
            let date = try #require(formatter.date(from: text))
            #expect(abs(date.timeIntervalSinceNow) < 60, "\(text)")
        }
    }

    @Test("Captures, variables, status and bytes of a file's response are in the log, and its counters count")
    func logAndCounters() throws {
        let admin = Stage.current.folder + "/admin"
        let front = try front(
            global: "stats socket \(admin)",
            frontend: """
                    log-format "%ST %hs %[var(txn.type)] %B %Td %[server_status] %HP"
                    capture response header Content-Type len 8
                """,
            backend: """
                    http-response set-var(txn.type) res.hdr(content-length)
                """)
        _ = try fetch("/app.css", from: front.port)
        let line = try front.portico.logLine(with: "/app.css").split(separator: " ")
        #expect(line[0] == "200" && line[1] == "{text/css}" && line[2] == "3")
        #expect(try #require(Int(line[3])) > 100)
        #expect(try #require(Int(line[4])) >= 0)
        #expect(line[5] == "200")
        #expect(try fetch("/none", from: front.port).status == 404)
    }

    @Test("A denied file's response is counted, and a backend's httpclose closes behind a file")
    func denied() throws {
        let admin = Stage.current.folder + "/admin"
        let front = try front(
            global: "stats socket \(admin)",
            backend: """
                    option httpclose
                    http-response deny if { status 404 }
                """)
        #expect(try fetch("/none", from: front.port).status == 502)
        #expect(
            eventually {
                (try? ask(admin, "show stat"))?.split(separator: "\n").first { $0.hasPrefix("app,BACKEND,") }
                    .map { $0.split(separator: ",", omittingEmptySubsequences: false)[11] == "1" } ?? false
            })
        let client = try Connection(to: front.port)
        let file = try client.fetch("/app.css")
        #expect(file["connection"] == "close")
        #expect(client.isClosedByPeer())
    }

    @Test("option logasap writes a file's line before the file is sent")
    func logEarly() throws {
        let front = try front(defaults: "option logasap")
        _ = try play(["dd", "if=/dev/zero", "of=\(Stage.current.folder)/site/big.bin", "bs=1M", "count=30"])
        let client = try Connection(to: front.port)
        try client.send("GET /big.bin HTTP/1.1\r\nHost: example.test\r\n\r\n")
        #expect(try front.portico.exchange(with: "/big.bin").status == 200)
        client.reset()
    }
}
