// Header fields as seen by the server and the client.

import Testing

@Suite(.staged) struct HeaderScenarios {
    @Test("`option forwardfor` adds the client's address behind what the client claims")
    func forwardFor() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, defaults: "option forwardfor")

        _ = try fetch("/", from: front.port)
        _ = try fetch("/", from: front.port, headers: "X-Forwarded-For: 192.0.2.7")

        #expect(server.requests.map { $0.all("x-forwarded-for") }[0] == ["127.0.0.1"])
        #expect(server.requests[1].all("x-forwarded-for").joined(separator: ", ") == "192.0.2.7, 127.0.0.1")
    }

    @Test(
        "`option forwarded-headers` tells the application the truth, whatever the client claims",
        .enabled(if: Portico.isItself))
    func forwardedHeaders() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port, defaults: "option forwarded-headers")

        _ = try fetch(
            "/", from: front.port, headers: "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https",
            "x-forwarded-host: evil.test", "X-Forwarded-Port: 443", "X-Forwarded-For: 192.0.2.8")

        let request = try #require(server.requests.first)
        #expect(request.all("x-forwarded-for") == ["127.0.0.1"])
        #expect(request.all("x-forwarded-proto") == ["http"])
        #expect(request.all("x-forwarded-host") == ["example.test"])
        #expect(request.all("x-forwarded-port") == ["\(front.port)"])
    }

    @Test(
        "A Flask application sees the client's address, whatever server runs it", arguments: Application.Server.allCases
    )
    func flaskSeesTheClient(server: Application.Server) throws {
        let front = try FrontDoor(before: Application.shared(server).port, defaults: "option forwardfor")
        let seen = try fetch("/headers", from: front.port, headers: "X-Custom: kept").text
        #expect(seen.contains("x-forwarded-for: 127.0.0.1\n"))
        #expect(seen.contains("x-custom: kept\n"))
        #expect(seen.contains("host: example.test\n"))
    }

    @Test("Rules that HAProxy had before 2.1 do what they did", .enabled(if: Portico.isItself))
    func oldRules() throws {
        let server = try ScriptedServer { _ in
            "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: http://x.test/a\r\nserver: secret\r\n\r\n"
        }
        let front = try FrontDoor(
            before: server.port,
            frontend: #"""
                reqadd X-Forwarded-Proto:\ https
                reqdel ^X-Forwarded-Proto:
                reqrep ^([^\ :]*)\ /static/(.*)     \1\ /files/\2
                reqirep ^Host:\ (.*) Host:\ www.\1
                reqideny ^[^\ ]*\ .*\.PHP
                rspdel ^Server:.*
                rsprep ^Location:\ http://(.*) Location:\ https://\1
                """#)

        let answer = try fetch("/static/a.css?b=%20", from: front.port, headers: "X-Forwarded-Proto: http")
        #expect(answer.status == 302)
        #expect(answer["server"] == nil)
        #expect(answer["location"] == "https://x.test/a")
        #expect(try fetch("/static/x.php", from: front.port).status == 403)

        let request = try #require(server.requests.first)
        #expect(request.target == "/files/a.css?b=%20")
        #expect(request["host"] == "www.example.test")
        #expect(request.all("x-forwarded-proto") == ["https"])
        #expect(server.requests.count == 1)
        #expect(front.portico.process.errors.contains("http-request add-header X-Forwarded-Proto https"))
    }

    @Test("What belongs to one connection does not cross to the next", .enabled(if: Portico.isItself))
    func hopByHop() throws {
        let server = try ScriptedServer { _ in
            """
            HTTP/1.1 200 OK\r
            content-length: 2\r
            connection: x-of-the-server\r
            x-of-the-server: secret\r
            keep-alive: timeout=5\r
            x-kept: yes\r
            \r
            hi
            """
        }
        let front = try FrontDoor(before: server.port)

        let answer = try fetch(
            "/", from: front.port, headers: "Connection: x-of-the-client", "X-Of-The-Client: secret",
            "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: trailers", "X-Kept: yes")

        let request = try #require(server.requests.first)
        for gone in ["x-of-the-client", "keep-alive", "proxy-connection"] { #expect(request[gone] == nil) }
        #expect(request["x-kept"] == "yes")
        for gone in ["x-of-the-server", "keep-alive"] { #expect(answer[gone] == nil) }
        #expect(answer["x-kept"] == "yes")
    }

    @Test("Fields of the same name stay apart and in order")
    func repeatedFields() throws {
        let server = try ScriptedServer { _ in
            "HTTP/1.1 200 OK\r\nset-cookie: a=1; path=/\r\nset-cookie: b=2, c\r\nvia: x\r\ncontent-length: 0\r\n\r\n"
        }
        let front = try FrontDoor(before: server.port)

        let answer = try fetch("/", from: front.port, headers: "X-Many: 1", "X-Other: 0", "X-Many: 2")

        #expect(answer.all("set-cookie") == ["a=1; path=/", "b=2, c"])
        #expect(server.requests.first?.all("x-many") == ["1", "2"])
    }
}
