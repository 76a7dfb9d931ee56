// Custom error pages: from files, by redirect, or none at all.

import Foundation
import Testing

@Suite(.staged) struct ErrorPageScenarios {
    private func page(_ status: Int, _ text: String, more: String = "") throws -> String {
        try Stage.current.file(
            "\(text).http", "HTTP/1.1 \(status) Page\r\ncontent-type: text/plain\r\n\(more)\r\n\(text)")
    }

    /// A site without servers, with these lines in its sections.
    private func front(
        defaults: String = "", frontend: String = "", backend: String = "", above: String = ""
    ) throws -> FrontDoor {
        // Lines after those of `global` may start sections of their own.
        try FrontDoor(
            before: freePort(), global: above, defaults: "retries 0\n    \(defaults)", frontend: frontend,
            backend: backend)
    }

    @Test("The backend's page is sent, or the frontend's if it has none, or else Portico's own")
    func order() throws {
        let front = try front(
            frontend: """
                    errorfile 503 \(page(503, "frontend"))
                    errorfile 403 \(page(403, "forbidden"))
                    http-request deny if { path /denied }
                    http-request deny deny_status 429 if { path /often }
                """,
            backend: """
                    errorfile 503 \(page(503, "backend"))
                    http-request deny if { path /later }
                    http-request deny deny_status 404 if { path /none }
                """)
        #expect(try fetch("/", from: front.port).text == "backend")
        #expect(try fetch("/denied", from: front.port).text == "forbidden")
        #expect(try fetch("/later", from: front.port).text == "forbidden")
        #expect(try fetch("/often", from: front.port).text.contains("You have sent too many requests"))
        #expect(try fetch("/none", from: front.port).text.contains("could not be found"))
    }

    @Test("A page's own status and reason go to the client, the error's status into the log")
    func ownStatus() throws {
        let front = try front(defaults: "errorfile 503 \(page(200, "sorry", more: "connection: close\r\n"))")
        let client = try Connection(to: front.port)
        try client.send("GET /here HTTP/1.1\r\nHost: example.test\r\n\r\n")
        let answer = try client.receiveAnswer()
        #expect(answer.status == 200)
        #expect(answer.reason == "Page")
        #expect(answer["content-length"] == "5")
        #expect(answer["connection"] == "close")
        #expect(client.isClosedByPeer())
        #expect(try front.portico.exchange(with: "/here").status == 503)
    }

    @Test("An empty page is no answer at all, and the log still has the status")
    func silence() throws {
        let front = try front(defaults: "timeout http-request 3s\n    errorfile 408 /dev/null")
        let client = try Connection(to: front.port)
        try client.send("GET /sl")
        #expect(try client.receiveAll() == [])
        let line = try front.portico.exchange(status: 408)
        #expect(line.termination == "cR--")
        #expect(line.bytes == 0)
    }

    @Test("errorloc sends the client elsewhere, with 302 or 303")
    func locations() throws {
        let front = try front(
            defaults: "errorloc 503 /sorry\n    errorloc303 403 http://status.test/",
            frontend: "http-request deny if { path /denied }")
        let unavailable = try fetch("/", from: front.port)
        #expect(unavailable.status == 302)
        #expect(unavailable["location"] == "/sorry")
        let denied = try fetch("/denied", from: front.port)
        #expect(denied.status == 303)
        #expect(denied["location"] == "http://status.test/")
    }

    @Test("An http-errors section is a set of pages that others use, all or some; the last line wins")
    func sets() throws {
        let front = try front(
            frontend: """
                    errorfile 403 \(page(403, "replaced"))
                    errorfiles site 403 404
                    http-request deny if { path /403 }
                    http-request deny deny_status 404 if { path /404 }
                    http-request deny deny_status 500 if { path /500 }
                """,
            above: """
                http-errors site
                    errorfile 403 \(page(403, "site-403"))
                    errorfile 404 \(page(404, "site-404"))
                    errorfile 500 \(page(500, "site-500"))
                """)
        #expect(try fetch("/403", from: front.port).text == "site-403")
        #expect(try fetch("/404", from: front.port).text == "site-404")
        #expect(try fetch("/500", from: front.port).text.contains("internal server error"))
    }

    @Test("Rules answer with a page of an http-errors section, whatever pages the frontend uses")
    func setsInRules() throws {
        let front = try front(
            frontend: """
                    errorfile 403 \(page(403, "own-403"))
                    http-error status 503 errorfiles site
                    http-request return status 403 errorfiles site if { path /return }
                    http-request deny errorfiles site if { path /deny }
                    http-request deny if { path /own }
                    http-request deny deny_status 503 if { path /error }
                    http-response return status 404 errorfiles site
                """,
            above: """
                http-errors site
                    errorfile 403 \(page(403, "site-403"))
                    errorfile 404 \(page(404, "site-404"))
                    errorfile 503 \(page(503, "site-503"))
                """)
        for (path, text) in [
            ("/return", "site-403"), ("/deny", "site-403"), ("/own", "own-403"), ("/error", "site-503"),
        ] {
            #expect(try fetch(path, from: front.port).text == text, "\(path)")
        }
    }

    @Test("An empty page of a rule closes the connection without a word, and the log has the status")
    func silentAnswers() throws {
        let front = try FrontDoor(
            before: freePort(),
            global: "http-errors site\n        errorfile 500 /dev/null\n",
            frontend: """
                    http-request deny deny_status 500 errorfile /dev/null if { path /deny }
                    http-request return errorfile /dev/null status 404 if { path /return }
                    http-request deny deny_status 500 errorfiles site if { path /section }
                """)
        for (path, status) in [("/deny", 500), ("/return", 404), ("/section", 500)] {
            let client = try Connection(to: front.port)
            try client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try client.receiveAll().isEmpty)
            #expect(try front.portico.exchange(with: path).status == status)
        }
    }

    @Test("Mistakes about pages are found at start, each at its place")
    func mistakes() throws {
        let large = try Stage.current.file(
            "large.http", "HTTP/1.1 503 x\r\n\r\n" + String(repeating: "x", count: 16_384))
        let file = try Stage.current.file(
            "wrong.cfg",
            """
            defaults
                mode http
                timeout client 1s
                errorfile 503 \(large)
                errorfile 418 /dev/null
                errorfiles sight
            http-errors site
                errorfile 404 /dev/null
            http-errors site
                balance roundrobin
            listen a
                bind 127.0.0.1:\(freePort())
                errorfile 500 /nowhere.http
                errorfiles site 404 500
                http-request deny errorfiles sights
                http-request deny deny_status 404 errorfiles site
                http-request deny deny_status 500 errorfiles site
                http-request capture path id 3
            listen b
                bind 127.0.0.1:\(freePort())
                errorfile 500 \(Stage.current.file("text.http", "only words\n"))
            """)
        let said = try Portico.run("-c", "-f", file)
        #expect(said.exit == .status(1))
        for text in [
            ":4:19: error: '\(large)' is longer than a buffer (tune.bufsize): more than 16384 bytes",
            ":5:15: error: '418' is no status that Portico says by itself",
            ":6:16: error: no http-errors section named 'sight'",
            ":9:13: error: there is an http-errors 'site' already, at",
            ":10:5: error: 'balance' is not allowed in an http-errors section",
            ":13:19: error: cannot read '/nowhere.http': No such file or directory",
            ":14:16: error: http-errors section 'site' has no page for 500",
            ":15:34: error: no http-errors section named 'sights'",
            ":17:50: warning: http-errors section 'site' has no page for 500: the usual one is sent",
            ":18:34: error: 'a' has no request capture 3",
            "text.http' has no empty line between head and body",
        ] {
            #expect(said.errors.contains(text), "\(text)")
        }
        // Reported once for the defaults section, not for each section that inherits it.
        #expect(said.errors.components(separatedBy: "longer than a buffer").count == 2)
    }

    @Test(
        "An empty file in a rule or an http-error line is an answer of nothing: the connection is closed, the log has the status"
    )
    func silentRules() throws {
        let front = try freePort()
        let portico = try Portico(
            """
            \(opening())
            http-errors none
                errorfile 403 /dev/null
            frontend www
                bind 127.0.0.1:\(front)
                http-request deny deny_status 503 errorfile /dev/null if { path /deny }
                http-request return status 404 errorfile /dev/null if { path /return }
                http-request deny errorfiles none if { path /section }
                http-error status 500 errorfile /dev/null
                http-request deny deny_status 500 if { path /page }
                http-request return status 200
            """, listeningOn: front)
        for (path, status) in [("deny", 503), ("return", 404), ("section", 403), ("page", 500)] {
            let client = try Connection(to: front)
            try client.send("GET /\(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.receiveAll() == [], "\(path)")
            let line = try portico.exchange(with: "/\(path) ")
            #expect(line.status == status && line.bytes == 0, "\(line.line)")
        }
        #expect(try fetch("/", from: front).status == 200)
    }

    @Test("A file without frontends starts if it has a runtime socket, as the one that Debian installs")
    func onlySocket() throws {
        let socket = Stage.current.folder + "/admin.sock"
        let file = try Stage.current.file(
            "stock.cfg",
            "global\n    stats socket \(socket)\ndefaults\n    mode http\n    errorfile 503 \(page(503, "x"))\n")
        #expect(try Portico.run("-c", "-f", file).exit == .status(0))
    }
}
