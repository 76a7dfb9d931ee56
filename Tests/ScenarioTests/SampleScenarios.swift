// Samples that need more than a head: bodies, captures, the site, logins.

import Foundation
import Testing

@Suite(.staged) struct SampleScenarios {
    @Test("Rules look into a body that was waited for, out of its framing")
    func bodies() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                option http-buffer-request
                http-request deny if { req.body_param(user) -m str mallory }
                http-request set-header x-length %[req.body_len]
                http-request set-header x-user %[req.body_param(user)]
                """)
        for (user, status) in [("alice", 200), ("mallory", 403)] {
            let body = "a=1&user=\(user)&b=2"
            let half = body.index(body.startIndex, offsetBy: 7)
            let chunks = [body[..<half], body[half...]].map { "\(String($0.count, radix: 16))\r\n\($0)\r\n" }.joined()
            for framing in [
                "Content-Length: \(body.count)\r\n\r\n\(body)", "Transfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\r\n",
            ] {
                let client = try Connection(to: front.port)
                try client.send("POST / HTTP/1.1\r\nHost: a\r\n\(framing)")
                #expect(try client.receiveAnswer().status == status)
                guard status == 200 else { continue }
                #expect(server.requests.last?["x-length"] == "\(body.count)")
                #expect(server.requests.last?["x-user"] == user)
                #expect(server.requests.last?.text == body)
            }
        }
    }

    @Test("Rules look into a response's body that was waited for, and into the bodies of Portico's own answers")
    func responseBodies() throws {
        let server = try ScriptedServer { connection, _ in
            while true {
                let isChunked = try connection.receive(through: "\r\n\r\n").hasPrefix("GET /chunks")
                try connection.send("HTTP/1.1 200 OK\r\n")
                if isChunked {
                    try connection.send("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
                    try connection.send("5\r\nworld\r\n0\r\n\r\n")
                } else {
                    try connection.send("Content-Length: 10\r\n\r\nhello")
                    try connection.send("world")
                }
            }
        }
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                http-request deny if { path /deny }
                http-after-response set-header x-end %[res.body_len]
                """,
            backend: """
                http-response set-header x-size %[res.body_size]
                http-response wait-for-body time 60s
                http-response set-header x-body "%[res.body] %[res.body_len] %[res.body_size]"
                """)
        let whole = try fetch("/length", from: front.port)
        #expect(whole["x-size"] == "10")
        #expect(whole["x-body"] == "helloworld 10 10" && whole["x-end"] == "10" && whole.text == "helloworld")
        let chunked = try fetch("/chunks", from: front.port)
        #expect(chunked["x-body"] == "helloworld 10 10" && chunked["x-end"] == "10" && chunked.text == "helloworld")
        let denied = try fetch("/deny", from: front.port)
        #expect(denied["x-end"] == "\(denied.body.count)")
    }

    @Test("Rules and logs know how the connections are, and which rule had the last word")
    func connections() throws {
        let server = try ScriptedServer(saying: "hello")
        let other = try freePort()
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                bind 127.0.0.1:\(other)
                log-format "%HP rule=%[last_rule_line] rtt=%[fc_rtt(us)]"
                http-request deny if { path /deny }
                http-response set-header x-conn "%[dst_conn] %[fc_err] %[bc_err_str] %[ssl_bc]"
                http-response set-header x-rtt "%[fc_rtt(us)] %[fc_reordering] %[fc_lost]"
                """)
        let (first, second) = (try Connection(to: front.port), try Connection(to: front.port))
        _ = try first.fetch("/")
        let answer = try second.fetch("/x")
        #expect(answer["x-conn"] == "2 0 Success 0")
        let numbers = answer["x-rtt"]?.split(separator: " ").compactMap { Int($0) } ?? []
        #expect(numbers.count == 3 && numbers[0] > 0 && numbers[1] > 0)
        #expect(try fetch("/", from: other)["x-conn"] == "1 0 Success 0")
        let passed = try front.portico.logLine(with: "/x rule=")
        #expect(passed.wholeMatch(of: /.*rule=- rtt=[0-9]+\s*/) != nil, "\(passed)")
        _ = try fetch("/deny", from: front.port)
        let denied = try front.portico.logLine(with: "/deny rule=")
        #expect(denied.wholeMatch(of: /.*rule=[0-9]+ rtt=[0-9]+\s*/) != nil, "\(denied)")
    }

    // HAProxy has these since 3.x.
    @Test("A connection's age, and retries that a rule allows", .enabled(if: Portico.isItself))
    func newerSamples() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            defaults: """
                    timeout connect 100ms
                    retries 2
                backend shut
                    http-request set-retries int(0) if { path /once }
                    http-response set-header x-retries none
                    server s1 127.0.0.1:\(try freePort())
                """,
            frontend: """
                log-format "%HP retries=%rc %[cur_max_retries] %[be_max_retries]"
                use_backend shut if { path /once } or { path /thrice }
                http-response set-header x-conn "%[bc_reused] %[bc_nb_streams] %[bc_srv_queue] %[last_entity]"
                """)
        let client = try Connection(to: front.port)
        #expect(try client.fetch("/")["x-conn"] == "0 1 0")
        #expect(try client.fetch("/")["x-conn"] == "1 1 0")
        #expect(try fetch("/once", from: front.port).status == 503)
        #expect(try front.portico.logLine(with: "/once retries=").contains("retries=0 0 2"))
        #expect(try fetch("/thrice", from: front.port).status == 503)
        #expect(try front.portico.logLine(with: "/thrice retries=").contains("retries=2 2 2"))
    }

    @Test("What was captured is there for the response's rules, also without a log")
    func captures() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port,
            frontend: """
                no log
                capture request header User-Agent len 4
                http-response set-header x-agent %[capture.req.hdr(0)]
                http-response set-header x-target %[capture.req.uri]
                http-response set-header x-server %[srv_name]/%[be_conn(app)]/%[nbsrv(app)]
                """)
        let client = try Connection(to: front.port)
        try client.send("GET /x?y HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8\r\n\r\n")
        let answer = try client.receiveAnswer()
        #expect(answer["x-agent"] == "curl")
        #expect(answer["x-target"] == "/x?y")
        #expect(answer["x-server"] == "s1/1/1")
    }
}
