// Files that Portico serves: what browsers rely on, and what must not be accessible.

import Foundation
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct FileScenarios {
    /// A site in a folder, a secret next to it, and a frontend that serves the site under /static/ and sends all other
    /// requests to a server.
    private struct Site {
        let front: Int
        let server: ScriptedServer
        let folder: String

        init() throws {
            let stage = Stage.current
            folder = stage.folder + "/site"
            _ = try stage.file("secret.txt", "the secret")
            _ = try stage.file("site/index.html", "<h1>index</h1>\n")
            _ = try stage.file("site/style.css", "body {}\n")
            _ = try stage.file("site/empty.txt", "")
            _ = try stage.file("site/with space.txt", "space\n")
            _ = try stage.file("site/sub/index.html", "<h1>sub</h1>\n")
            _ = try stage.file("site/.hidden", "the secret")
            _ = try stage.file("site/.git/config", "the secret")
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/out.txt", withDestinationPath: stage.folder + "/secret.txt")
            try FileManager.default.createSymbolicLink(atPath: folder + "/up", withDestinationPath: "..")
            server = try ScriptedServer(saying: "from the application")
            front = try freePort()
            _ = try Portico(
                """
                \(opening())
                frontend www
                    bind 127.0.0.1:\(front)
                    use_backend static if { path_beg /static/ }
                    default_backend app
                backend app
                    server s1 127.0.0.1:\(server.port)
                backend static
                    files \(folder)
                    files-strip-prefix /static
                """, listeningOn: front)
        }
    }

    @Test("A file is served with its type, length and validators, and no server is asked")
    func plainFile() throws {
        let site = try Site()

        let answer = try fetch("/static/style.css?v=1", from: site.front)

        #expect(answer.status == 200)
        #expect(answer.text == "body {}\n")
        #expect(answer["content-type"]?.hasPrefix("text/css") == true)
        #expect(answer["content-length"] == "8")
        #expect(answer["etag"] != nil)
        #expect(answer["last-modified"]?.hasSuffix(" GMT") == true)
        #expect(site.server.connectionCount == 0)
        #expect(try fetch("/", from: site.front).text == "from the application")
    }

    @Test("A directory answers with its index.html")
    func index() throws {
        let site = try Site()
        #expect(try fetch("/static/", from: site.front).text == "<h1>index</h1>\n")
        #expect(try fetch("/static/sub/", from: site.front).text == "<h1>sub</h1>\n")
        #expect(try fetch("/static/", from: site.front)["content-type"]?.hasPrefix("text/html") == true)
    }

    @Test("A directory without its slash sends the browser to the one with it, by the name that the browser knows")
    func directoryWithoutSlash() throws {
        let site = try Site()
        let answer = try fetch("/static/sub", from: site.front)
        #expect(answer.status == 301)
        #expect(answer["location"]?.hasSuffix("/static/sub/") == true)
    }

    @Test("An empty file and an encoded name are files like others")
    func unusualFiles() throws {
        let site = try Site()
        let client = try Connection(to: site.front)
        let empty = try client.fetch("/static/empty.txt")
        #expect(empty.status == 200 && empty["content-length"] == "0")
        #expect(try client.fetch("/static/with%20space.txt").text == "space\n")
    }

    @Test("What is not there is 404, what cannot be done to a file is 405")
    func notThere() throws {
        let site = try Site()
        let client = try Connection(to: site.front)
        #expect(try client.fetch("/static/nothing.txt").status == 404)
        let refused = try client.fetch("/static/style.css", method: "DELETE")
        #expect(refused.status == 405)
        #expect(refused["allow"]?.contains("GET") == true)
    }

    @Test(
        "Types follow from names",
        arguments: [
            "page.html": "text/html", "code.js": "text/javascript", "data.json": "application/json",
            "image.png": "image/png", "photo.jpg": "image/jpeg", "drawing.svg": "image/svg+xml",
            "font.woff2": "font/woff2", "UPPER.TXT": "text/plain", "unknown.zzz": "application/octet-stream",
        ])
    func types(name: String, type: String) throws {
        let folder = Stage.current.folder + "/types"
        _ = try Stage.current.file("types/\(name)", "x")
        let front = try freePort()
        _ = try Portico(
            """
            \(opening())
            listen www
                bind 127.0.0.1:\(front)
                files \(folder)
            """, listeningOn: front)
        let answer = try fetch("/\(name)", from: front)
        #expect(answer["content-type"]?.split(separator: ";").first.map(String.init) == type)
    }

    @Test("HEAD says what GET would, without the file")
    func head() throws {
        let site = try Site()
        let client = try Connection(to: site.front)
        let head = try client.fetch("/static/style.css", method: "HEAD")
        let get = try client.fetch("/static/style.css")
        #expect(head.status == 200)
        for field in ["content-length", "content-type", "etag", "last-modified"] {
            #expect(head[field] == get[field])
        }
    }

    @Test("A browser that has the file gets 304 and no body")
    func notModified() throws {
        let site = try Site()
        let client = try Connection(to: site.front)
        let fresh = try client.fetch("/static/style.css")
        let etag = try #require(fresh["etag"])
        let date = try #require(fresh["last-modified"])

        let conditions = [
            "If-None-Match: \(etag)", "If-None-Match: \"other\", \(etag)", "If-None-Match: *",
            "If-Modified-Since: \(date)",
        ]
        for condition in conditions {
            let answer = try client.fetch("/static/style.css", headers: condition)
            #expect(answer.status == 304, "\(condition)")
            #expect(answer["etag"] == etag)
        }
        let others = ["If-None-Match: \"other\"", "If-Modified-Since: Mon, 01 Jan 2001 00:00:00 GMT"]
        for condition in others {
            #expect(try client.fetch("/static/style.css", headers: condition).text == "body {}\n", "\(condition)")
        }

        try Data("body { color: red }\n".utf8).write(to: URL(fileURLWithPath: site.folder + "/style.css"))
        let changed = try client.fetch("/static/style.css", headers: "If-None-Match: \(etag)")
        #expect(changed.status == 200 && changed.text == "body { color: red }\n")
    }

    @Test(
        "Nothing outside the folder, and no dotfile, whatever the spelling",
        arguments: [
            "/static/../secret.txt", "/static/%2e%2e/secret.txt", "/static/..%2fsecret.txt",
            "/static/%2e%2e%2fsecret.txt", "/static/sub/../../secret.txt", "/static/sub/%2e%2e/%2e%2e/secret.txt",
            "/static/..\\secret.txt", "/static/..%5csecret.txt", "/static/.%2e/secret.txt", "/static/....//secret.txt",
            "/static/%252e%252e/secret.txt", "/static//etc/passwd", "/static/%2fetc/passwd",
            "/static/style.css%00.html", "/static/..;/secret.txt", "/static/out.txt", "/static/up/secret.txt",
            "/static/.hidden", "/static/%2ehidden", "/static/.git/config", "/static/sub/../.hidden",
            "/static/./.hidden", "/static/up/site/.hidden", "http://example.test/static/../secret.txt",
        ])
    func outOfBounds(target: String) throws {
        let site = try Site()
        let answer = try fetch(target, from: site.front)
        #expect([400, 403, 404].contains(answer.status) || answer.text == "from the application", "\(answer.status)")
        #expect(!answer.text.contains("secret"))
        #expect(!answer.text.contains("root:"))
    }

    @Test("50 MB arrive as they are, on a connection that then goes on")
    func bigFile() throws {
        let site = try Site()
        let big = site.folder + "/big.bin"
        _ = try play(["dd", "if=/dev/urandom", "of=\(big)", "bs=1M", "count=50"])
        let copy = Stage.current.folder + "/copy.bin"

        _ = try curl(
            "-o", copy, "http://127.0.0.1:\(site.front)/static/big.bin", "-o", copy + ".css",
            "http://127.0.0.1:\(site.front)/static/style.css")

        #expect(FileManager.default.contentsEqual(atPath: big, andPath: copy))
        #expect(FileManager.default.contents(atPath: copy + ".css") == Data("body {}\n".utf8))
    }

    @Test("A client that leaves in the middle of a file disturbs nobody")
    func clientLeaves() throws {
        let site = try Site()
        _ = try play(["dd", "if=/dev/zero", "of=\(site.folder)/big.bin", "bs=1M", "count=50"])
        for _ in 1...20 {
            let client = try Connection(to: site.front)
            try client.send("GET /static/big.bin HTTP/1.1\r\nHost: example.test\r\n\r\n")
            _ = try client.receive(count: 100_000)
            client.reset()
        }
        #expect(try fetch("/static/style.css", from: site.front).text == "body {}\n")
    }

    @Test("Files and application requests may follow each other on one connection, also pipelined")
    func mixed() throws {
        let site = try Site()
        let client = try Connection(to: site.front)
        let targets = ["/static/style.css", "/", "/static/style.css", "/static/nothing", "/"]
        try client.send(targets.map { "GET \($0) HTTP/1.1\r\nHost: example.test\r\n\r\n" }.joined())
        let answers = try targets.map { _ in try client.receiveAnswer() }
        #expect(answers.map(\.status) == [200, 200, 200, 404, 200])
        #expect(answers[1].text == "from the application")
        #expect(answers[2].text == "body {}\n")
    }
}
