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
