// Applications that remember their clients in memory, behind cookies that lead clients back, and the lines that decide when
// such a cookie counts: `cookie … dynamic`, `force-persist`, `ignore-persist`. HAProxy 2.6 answers the same.

import Foundation
import Testing

@Suite(.staged) struct StickinessScenarios {
    /// Two processes of Peers/sticky_app.py.
    private func applications(_ backend: String, server: String = "") throws -> FrontDoor {
        let ports = try (0..<2).map { _ in
            let port = try freePort()
            try startPeer(["/usr/bin/python3", "-B", peer("sticky_app.py"), "\(port)"], on: port)
            return port
        }
        let lines = ports.enumerated().map { "    server app\($0) 127.0.0.1:\($1) cookie app\($0) \(server)" }
        return try FrontDoor(backend: ([backend] + lines).joined(separator: "\n"))
    }

    /// The cookies that an answer sets, as a Cookie field; those of `known` that it does not set stay.
    private func cookies(_ answer: Answer, _ known: String = "") -> String {
        let set = answer.all("set-cookie").map { String($0.prefix { $0 != ";" }) }
        return set.isEmpty ? known : set.joined(separator: "; ")
    }

    @Test("A session in the memory of a Flask process is found again by the application's own cookie (prefix)")
    func sessions() throws {
        let front = try applications("    cookie session prefix")
        for _ in 0..<3 {
            var cookie = ""
            for number in 1...8 {
                let answer = try fetch("/count", from: front.port, headers: "Cookie: \(cookie)")
                #expect(answer.text == "\(number)")
                cookie = cookies(answer, cookie)
            }
            #expect(cookie.hasPrefix("session=app"))
        }
    }

    @Test("Socket.IO's polling stays on the process that made the handshake, also with many clients")
    func polling() throws {
        let front = try applications("    balance leastconn\n    cookie io insert indirect nocache")
        for client in 0..<6 {
            let handshake = try fetch("/socket.io/?EIO=4&transport=polling", from: front.port)
            let sid = handshake.text.split(separator: "\"")[3]
            let cookie = cookies(handshake)
            #expect(cookie.hasPrefix("io=app"))
            for poll in 0..<4 {
                let target = "/socket.io/?EIO=4&transport=polling&sid=\(sid)&t=\(client)\(poll)"
                let answer = try fetch(target, from: front.port, headers: "Cookie: \(cookie)")
                #expect(answer.status == 200 && answer.text == "6" && answer["set-cookie"] == nil)
                let sent = try fetch(
                    target, from: front.port, method: "POST", headers: "Cookie: \(cookie)", body: "42[\"hello\"]")
                #expect(sent.status == 200 && sent.text == "ok")
            }
        }
    }

    @Test("With dynamic a server is named by its address, and one with a cookie by that")
    func dynamicNames() throws {
        let named = try ScriptedServer(saying: "named").port
        let other = try ScriptedServer(saying: "other").port
        func front(_ key: String) throws -> FrontDoor {
            try FrontDoor(
                before: other,
                backend: """
                        cookie SRV insert indirect dynamic
                    \(key)
                        server named 127.0.0.1:\(named) cookie mine
                    """)
        }
        let first = try front("    dynamic-cookie-key secret")
        var values: [String: String] = [:]
        for _ in 0..<2 {
            let answer = try fetch("/", from: first.port)
            values[answer.text] = cookies(answer)
        }
        #expect(values["named"] == "SRV=mine")
        let value = try #require(values["other"])
        #expect(value.wholeMatch(of: /SRV=[0-9a-f]{16}/) != nil)
        for _ in 0..<3 {
            let answer = try fetch("/", from: first.port, headers: "Cookie: \(value)")
            #expect(answer.text == "other" && answer["set-cookie"] == nil)
        }
        // Another proxy with the same key knows the client; one with another key, or none, does not.
        for (key, isKnown) in [
            ("    dynamic-cookie-key secret", true), ("    dynamic-cookie-key other", false), ("", false),
        ] {
            let answer = try fetch("/", from: front(key).port, headers: "Cookie: \(value)")
            #expect((answer["set-cookie"] == nil) == isKnown, "\(key)")
        }
    }

    @Test("force-persist tries the cookie's server even in maintenance, and no other; ignore-persist asks no cookie")
    func forcedAndIgnored() throws {
        let two = try ScriptedServer(saying: "two")
        let out = try ScriptedServer(saying: "out")
        let front = try FrontDoor(
            frontend: "    option httplog",
            backend: """
                    retries 1
                    option redispatch
                    cookie SRV insert indirect
                    force-persist if { hdr(x-force) 1 }
                    ignore-persist if { path_beg /static }
                    use-server out if { hdr(x-force) 1 } { path /rule }
                    server gone 127.0.0.1:\(freePort()) cookie gone backup
                    server out 127.0.0.1:\(out.port) cookie out disabled
                    server two 127.0.0.1:\(two.port) cookie two
                """)
        /// The answer to a request with this cookie, and the log's letters about it.
        func ask(_ target: String, _ cookie: String?, forced: Bool = false) throws -> [String?] {
            let fields = (cookie.map { "Cookie: SRV=\($0)\r\n" } ?? "") + (forced ? "X-Force: 1\r\n" : "") + "X-A: b"
            let answer = try fetch(target, from: front.port, headers: fields)
            let letters = try front.portico.exchange(with: "GET \(target) HTTP").termination
            return ["\(answer.status) \(answer.status == 200 ? answer.text : "")", answer["set-cookie"], letters]
        }
        #expect(try ask("/a", "out") == ["200 two", "SRV=two; path=/", "--DI"])
        #expect(try ask("/b", "out", forced: true) == ["200 out", nil, "--DN"])
        #expect(try ask("/c", "gone", forced: true) == ["503 ", nil, "SCVN"])
        #expect(try ask("/d", "gone") == ["200 two", "SRV=two; path=/", "--DI"])
        #expect(try ask("/static/e", "two") == ["200 two", nil, "--UN"])
        #expect(try ask("/static/f", nil) == ["200 two", nil, "--NN"])
        #expect(try ask("/rule", nil, forced: true).first == "200 out")
    }

    @Test(
        "Lines that say nothing are refused, appsession with the line to write instead",
        arguments: [
            ("appsession JSESSIONID len 52 timeout 3h", "cookie JSESSIONID prefix"),
            ("force-persist", "force-persist"), ("ignore-persist unles { path / }", "ignore-persist"),
            ("dynamic-cookie-key", "dynamic-cookie-key"),
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
        let isExpected = checked.errors.contains(words) || !Portico.isItself
        #expect(checked.exit != .status(0) && isExpected, "\(checked.errors)")
    }
}
