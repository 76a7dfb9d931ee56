// Persistence by cookies: which server a client gets, what its server sees of the cookie, and what the client is told. HAProxy 2.6
// answers the same.

import Testing

@Suite(.staged) struct CookiePersistenceScenarios {
    /// Servers `one` and `two`, which answer with their names and the Cookie fields that they got; to /set with cookies of their own.
    private func front(_ words: String, backend: String = "") throws -> FrontDoor {
        let ports = try ["one", "two"].map { name in
            try ScriptedServer { request in
                let cookies = request.all("cookie").joined(separator: " + ")
                let own = request.target == "/set" ? "Set-Cookie: SRV=own; Path=/x\r\nSet-Cookie: app=1\r\n" : ""
                let body = "\(name) [\(cookies)]"
                return "HTTP/1.1 200 OK\r\n\(own)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }.port
        }
        return try FrontDoor(
            before: ports[0], frontend: "    option httplog",
            backend: """
                    cookie SRV \(words)
                \(backend)
                    server other 127.0.0.1:\(ports[1]) cookie two
                """, server: "cookie one")
    }

    /// Asks with a cookie: the body, and the values of Set-Cookie.
    private func ask(
        _ front: FrontDoor, _ cookie: String?, _ target: String = "/", method: String = "GET"
    ) throws -> [String] {
        let answer =
            try cookie.map { try fetch(target, from: front.port, method: method, headers: "Cookie: \($0)") }
            ?? fetch(target, from: front.port, method: method)
        return [answer.text] + answer.all("set-cookie")
    }

    @Test("insert, indirect: the client comes back to its server, which does not see the cookie")
    func insertIndirect() throws {
        let front = try front("insert indirect nocache")
        let first = try fetch("/", from: front.port)
        #expect(first.text == "two []" && first.all("set-cookie") == ["SRV=two; path=/"])
        if Portico.isItself { #expect(first["cache-control"] == "private") }
        for _ in 0..<3 { #expect(try ask(front, "a=b; SRV=one; c=d") == ["one [a=b; c=d]"]) }
        #expect(try ask(front, "SRV=one") == ["one []"])
        #expect(try ask(front, "SRV=two; x=y") == ["two [x=y]"])
        #expect(try ask(front, "x=y; SRV=two") == ["two [x=y]"])
        // A name that no server has: it is told anew.
        let stranger = try ask(front, "SRV=three")
        #expect(stranger.count == 2 && stranger[0].hasSuffix("[]") && stranger[1].hasSuffix("; path=/"))
        // What the server sets in this name is removed.
        #expect(try ask(front, "SRV=two", "/set") == ["two []", "app=1"])
    }

    @Test("Four letters of the log say what the client's cookie was and what became of it")
    func letters() throws {
        let front = try front("insert")
        for (cookie, target, letters) in [
            (nil, "/none", "--NI"), ("SRV=two", "/valid", "--VN"), ("SRV=zwei", "/invalid", "--II"),
        ] as [(String?, String, String)] {
            _ = try ask(front, cookie, target)
            #expect(try front.portico.exchange(with: target).termination == letters, "\(target)")
        }
    }

    @Test("rewrite and prefix change the cookie that the server sets, and none else")
    func serversCookie() throws {
        let rewriting = try front("rewrite")
        #expect(try ask(rewriting, "SRV=two") == ["two [SRV=two]"])
        #expect(try ask(rewriting, "SRV=two", "/set") == ["two [SRV=two]", "SRV=two; Path=/x", "app=1"])
        let prefixing = try front("prefix")
        #expect(
            try ask(prefixing, "a=b; SRV=two~own; c=d", "/set")
                == ["two [a=b; SRV=own; c=d]", "SRV=two~own; Path=/x", "app=1"])
    }

    @Test("preserve leaves the server's cookie as it is, and postonly sets none but behind POST")
    func preserveAndPostonly() throws {
        let preserving = try front("insert preserve")
        #expect(try ask(preserving, "SRV=two", "/set") == ["two [SRV=two]", "SRV=own; Path=/x", "app=1"])
        let posting = try front("insert postonly")
        #expect(try ask(posting, nil).count == 1)
        #expect(try ask(posting, nil, method: "POST").count == 2)
    }

    @Test("A cookie has its dates and attributes; with a date that is too old, or from the future, it does not count")
    func dates() throws {
        let front = try front("insert maxidle 10m maxlife 1h httponly secure domain .a.test attr SameSite=Lax")
        let attributes = "; path=/; domain=.a.test; HttpOnly; Secure; SameSite=Lax"
        let set = try #require(try ask(front, nil).last)
        #expect(set.hasPrefix("SRV=two|") && set.hasSuffix(attributes))
        let value = set.dropFirst(4).prefix { $0 != ";" }
        // One that is a few seconds old goes on, and may be told again.
        #expect(try ask(front, "SRV=\(value)").first == "two [SRV=\(value)]")
        for (number, old) in ["BAAAA|BAAAA", "/////|/////"].enumerated() {
            let answer = try ask(front, "SRV=two|\(old)", "/old/\(number)")
            #expect(answer.count == 2 && answer[1].hasSuffix(attributes))
            #expect(try front.portico.exchange(with: "/old/\(number)").termination == "--EI")
        }
    }

    @Test("Whose server is down goes to another one, and is told")
    func serverDown() throws {
        let gone = "    option redispatch\n    retries 1\n    server gone 127.0.0.1:\(try freePort()) cookie gone"
        let front = try front("insert indirect", backend: gone)
        let answer = try ask(front, "SRV=gone", "/gone")
        #expect(answer.count == 2 && !answer[1].hasPrefix("SRV=gone"))
        let line = try front.portico.exchange(with: "/gone")
        #expect(line.status == 200 && line.termination == "--DI")
    }

    @Test("A client of HTTP/2 comes back too")
    func http2() throws {
        let front = try front("insert indirect")
        let answer = try converse(
            front.port, [HTTP2Request("/", fields: [["cookie", "a=b"], ["cookie", "SRV=two"]])]
        ).answers[0]
        #expect(answer.body == "two [a=b]")
    }

    @Test(
        "What makes no sense is refused, with the words that would",
        arguments: [
            ("cookie SRV insert rewrite", "exclude one another"),
            ("cookie SRV preserve", "without 'insert' or 'indirect'"),
            ("cookie SRV maxidle 1m", "without 'insert'"), ("cookie SRV rewrite indirect", "exclude each other"),
            ("cookie S;V insert", "cannot be a cookie's name"), ("cookie SRV instert", "says nothing about a cookie"),
        ])
    func mistakes(line: String, words: String) throws {
        let file = try Stage.current.file(
            "mistake.cfg",
            """
            backend b
                mode http
                timeout connect 1s
                timeout server 1s
                \(line)
                server s 127.0.0.1:1

            """)
        let checked = try Portico.run("-c", "-f", file)
        #expect(checked.exit != .status(0) && checked.errors.contains(words), "\(checked.errors)")
    }
}
