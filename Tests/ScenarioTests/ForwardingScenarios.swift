// Information about the client for servers: by options of the frontend and the backend, and by rules.

import Testing

@Suite(.staged) struct ForwardingScenarios {
    @Test(
        "A rule's X-Forwarded-Proto is not overwritten by `option forwarded-headers`, in whichever section it stands",
        .enabled(if: Portico.isItself), arguments: ["frontend", "backend", "both"])
    func rulesHaveTheLastWord(place: String) throws {
        let server = try ScriptedServer(saying: "hello")
        let option = "    option forwarded-headers\n"
        let front = try FrontDoor(
            before: server.port,
            frontend: (place == "backend" ? "" : option)
                + "    http-request set-header X-Forwarded-Proto https if { path /secure }",
            backend: (place == "frontend" ? "" : option)
                + "    http-request set-header X-Seen %[req.hdr(x-forwarded-for)]/%[req.hdr(x-forwarded-port)]\n"
                + "    http-request set-header X-Forwarded-Port 8443 if { path /secure }")
        for path in ["/", "/secure"] {
            _ = try fetch(
                path, from: front.port, headers: "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: ftp",
                "X-Forwarded-Host: evil.test", "X-Forwarded-Port: 1", "X-Forwarded-Proto: gopher")
        }
        #expect(server.requests.map { $0.all("x-forwarded-proto") } == [["http"], ["https"]])
        #expect(server.requests.map { $0.all("x-forwarded-port") } == [["\(front.port)"], ["8443"]])
        for request in server.requests {
            #expect(request.all("x-forwarded-for") == ["127.0.0.1"])
            #expect(request.all("x-forwarded-host") == ["example.test"])
            #expect(request["x-seen"] == "127.0.0.1/\(front.port)")
        }
    }

    @Test(
        "From a trusted proxy what it says is kept, and the chain of addresses continued",
        .enabled(if: Portico.isItself))
    func trust() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, frontend: "    option forwarded-headers trust 10.0.0.0/8 127.0.0.0/8")
        _ = try fetch(
            "/", from: front.port, headers: "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https",
            "X-Forwarded-For: 192.0.2.8, 192.0.2.9", "X-Forwarded-Host: shop.test", "X-Forwarded-Port: 8443")
        _ = try fetch("/", from: front.port, headers: "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.test:444")
        _ = try fetch("/", from: front.port, headers: "X-Forwarded-Proto: http", "X-Forwarded-Proto: https")
        _ = try fetch("/", from: front.port)
        let seen = server.requests
        #expect(seen.map { $0.all("x-forwarded-for") }[0] == ["192.0.2.7, 192.0.2.8, 192.0.2.9, 127.0.0.1"])
        #expect(seen.dropFirst().allSatisfy { $0.all("x-forwarded-for") == ["127.0.0.1"] })
        #expect(seen.map { $0.all("x-forwarded-proto") } == [["https"], ["https"], ["https"], ["http"]])
        #expect(
            seen.map { $0.all("x-forwarded-host") } == [
                ["shop.test"], ["shop.test:444"], ["example.test"], ["example.test"],
            ])
        #expect(seen.map { $0.all("x-forwarded-port") } == [["8443"], ["444"], ["443"], ["\(front.port)"]])
    }

    @Test("Nobody outside the trusted networks is believed", .enabled(if: Portico.isItself))
    func noTrust() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, defaults: "option forwarded-headers trust 10.0.0.0/8 ::1 unix",
            frontend: "    http-request set-src req.hdr(x-src) if { path /src }")
        _ = try fetch("/", from: front.port, headers: "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https")
        // An address that a rule sets from the request is not that of a proxy.
        _ = try fetch("/src", from: front.port, headers: "X-Src: 10.0.0.1", "X-Forwarded-Proto: https")
        for request in server.requests {
            #expect(request.all("x-forwarded-for") == ["127.0.0.1"])
            #expect(request.all("x-forwarded-proto") == ["http"])
        }
    }

    @Test("`option forwardfor` of both sections: the backend's name, either's exception, if-none only of both")
    func forwardForOfBothSections() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    option forwardfor if-none except 10.0.0.0/8
                    http-request set-src req.hdr(x-src)
                    use_backend named if { path /named }
                    use_backend plain if { path /plain }
                    use_backend must if { path /must }
                    use_backend excepts if { path /excepts }
                """,
            backend: """
                    server s 127.0.0.1:\(server.port)
                backend named
                    option forwardfor header X-Client
                    server s 127.0.0.1:\(server.port)
                backend plain
                    server s 127.0.0.1:\(server.port)
                backend must
                    option forwardfor
                    server s 127.0.0.1:\(server.port)
                backend excepts
                    option forwardfor if-none except 192.0.2.0/24
                """)
        func sent(_ path: String, _ headers: String...) throws -> [[String]] {
            let count = server.requests.count
            let connection = try Connection(to: front.port)
            let lines = headers.map { $0 + "\r\n" }.joined()
            try connection.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\(lines)\r\n")
            _ = try connection.receiveAnswer()
            let request = try #require(server.requests.dropFirst(count).first)
            return [request.all("x-forwarded-for"), request.all("x-client")]
        }
        let theirs = "X-Forwarded-For: 1.1.1.1"
        #expect(try sent("/named", "X-Src: 192.0.2.1", theirs) == [["1.1.1.1"], ["192.0.2.1"]])
        #expect(try sent("/named", "X-Src: 10.0.0.1") == [[], []])
        #expect(try sent("/plain", "X-Src: 192.0.2.1", theirs) == [["1.1.1.1"], []])
        #expect(try sent("/plain", "X-Src: 192.0.2.1") == [["192.0.2.1"], []])
        #expect(try sent("/must", "X-Src: 192.0.2.1", theirs) == [["1.1.1.1", "192.0.2.1"], []])
        #expect(try sent("/excepts", "X-Src: 192.0.2.1") == [[], []])
        #expect(try sent("/excepts", "X-Src: 10.0.0.1") == [[], []])
        #expect(try sent("/excepts", "X-Src: 198.51.100.1") == [["198.51.100.1"], []])
    }

    // `option forwarded` came with HAProxy 2.8.
    @Test(
        "`option originalto` tells where the client connected, `option forwarded` who it is",
        .enabled(if: Portico.isItself))
    func originalAndForwarded() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    option originalto
                    http-request set-src req.hdr(x-src)
                    http-request set-dst req.hdr(x-dst)
                """,
            backend: """
                    option originalto except 10.0.0.0/8 header X-To
                    option forwarded proto host for for_port-expr str(id)
                """)
        _ = try fetch("/", from: front.port, headers: "X-Src: 192.0.2.1", "X-Dst: 198.51.100.1")
        _ = try fetch("/", from: front.port, headers: "X-Src: 192.0.2.1", "X-Dst: 10.0.0.1", "Forwarded: for=_x")
        #expect(server.requests.map { $0.all("x-to") } == [["198.51.100.1"], []])
        #expect(server.requests.allSatisfy { $0["x-original-to"] == nil })
        let ours = "proto=http;host=\"example.test\";for=\"192.0.2.1:_id\""
        #expect(server.requests.map { $0.all("forwarded") } == [[ours], ["for=_x,\(ours)"]])
    }

    @Test("A client's own unique-id-header is replaced", .enabled(if: Portico.isItself))
    func uniqueID() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                    unique-id-format made-%[path]
                    unique-id-header X-Request-ID
                    http-request set-header X-Request-ID kept-%[req.hdr(x-request-id)] if { path /kept }
                """)
        for path in ["/a", "/kept"] {
            _ = try fetch(path, from: front.port, headers: "X-Request-ID: 1", "x-request-id: 2")
        }
        #expect(server.requests.map { $0.all("x-request-id") } == [["made-/a"], ["kept-2"]])
    }
}
