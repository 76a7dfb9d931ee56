// Pattern files and maps in the running program.

import Testing

@Suite(.staged) struct PatternScenarios {
    @Test("A map says which backend a host belongs to")
    func mapChoosesTheBackend() throws {
        let shop = try ScriptedServer(saying: "shop")
        let blog = try ScriptedServer(saying: "blog")
        let other = try ScriptedServer(saying: "other")
        let hosts = (0..<1_000).map { "host\($0).example.test bk_\($0 % 2 == 0 ? "shop" : "blog")" }
        let map = try Stage.current.file("hosts.map", "# host backend\n" + hosts.joined(separator: "\n"))
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(port)
                use_backend %[req.hdr(host),lower,map(\(map),bk_other)]
            backend bk_shop
                server s1 127.0.0.1:\(shop.port)
            backend bk_blog
                server s1 127.0.0.1:\(blog.port)
            backend bk_other
                server s1 127.0.0.1:\(other.port)
            """, listeningOn: port)

        let asked = ["host0.example.test", "HOST1.example.test", "host998.Example.test", "host1000.example.test"]
        let said = try asked.map { host in
            let connection = try Connection(to: port)
            defer { connection.close() }
            try connection.send("GET / HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
            return try connection.receiveAnswer(to: "GET").text
        }
        #expect(said == ["shop", "blog", "shop", "other"])
        withExtendedLifetime(portico) {}
    }

    @Test("Addresses and paths are looked up in files")
    func lists() throws {
        let server = try ScriptedServer(saying: "hello")
        let networks = try Stage.current.file("networks", "192.0.2.0/24\n127.0.0.0/8\n")
        let paths = try Stage.current.file("paths", "/admin\n/internal\n")
        let front = try FrontDoor(
            before: server.port,
            frontend: "http-request deny if { path -m beg -f \(paths) } { src -f \(networks) } !{ path -i /ADMIN/ping }"
        )

        let statuses = try ["/", "/admin", "/internal/x", "/admin/ping", "/Admin"].map { path in
            try fetch(path, from: front.port).status
        }
        #expect(statuses == [200, 403, 403, 200, 200])
    }

    @Test("What one connection writes into a map, all others read, on every thread")
    func changes() throws {
        let server = try ScriptedServer(saying: "hello")
        let map = try Stage.current.file("flags.map", "")
        let banned = try Stage.current.file("banned", "nobody\n")
        let front = try FrontDoor(
            before: server.port, global: "    nbthread 4",
            frontend: """
                    http-request set-map(\(map)) %[req.hdr(x-key)] %[req.hdr(x-value)] if { path /set }
                    http-request del-map(\(map)) %[req.hdr(x-key)] if { path /clear }
                    http-request add-acl(\(banned)) %[req.hdr(x-key)] if { path /ban }
                    http-request del-acl(\(banned)) %[req.hdr(x-key)] if { path /pardon }
                    http-request deny if { path /do } { req.hdr(x-key) -f \(banned) }
                    http-request set-header x-flag %[req.hdr(x-key),map(\(map),none)]
                """)
        // One connection each, so that they are distributed over the threads.
        func ask(_ path: String, _ key: String, _ value: String = "") throws -> Int {
            try fetch(path, from: front.port, headers: "X-Key: \(key)", "X-Value: \(value)").status
        }

        for round in 0..<8 { _ = try ask("/set", "key\(round)", "value\(round)") }
        for round in 0..<16 { _ = try ask("/do", "key\(round % 8)") }
        #expect(server.requests.suffix(16).map { $0.all("x-flag") } == (0..<16).map { ["value\($0 % 8)"] })

        _ = try ask("/set", "key1", "another value")
        _ = try ask("/clear", "key2")
        _ = try ask("/do", "key1")
        _ = try ask("/do", "key2")
        #expect(server.requests.suffix(2).map { $0.all("x-flag") } == [["another value"], ["none"]])

        _ = try ask("/ban", "key3")
        #expect(try (0..<4).map { _ in try ask("/do", "key3") } == [403, 403, 403, 403])
        #expect(try ask("/do", "key4") == 200)
        _ = try ask("/pardon", "key3")
        #expect(try ask("/do", "key3") == 200)
    }

    @Test("A map with a wrong line is refused with the line", .enabled(if: Portico.isItself))
    func wrongLine() throws {
        let map = try Stage.current.file("numbers.map", "one 1\ntwo 2\nthree drei\n")
        let file = try Stage.current.file(
            "site.cfg",
            """
            \(opening())
            listen www
                bind 127.0.0.1:\(try freePort())
                http-request set-header x-number %[path,map_str_int(\(map))]
            """)
        let refused = try Portico.run("-c", "-f", file)
        #expect(refused.exit == .status(1))
        #expect((refused.output + refused.errors).contains("\(map):3:1: error: the value 'drei' is not a whole number"))
    }
}
