// Problems that `-c` reports in files with valid lines: lines without effect, unreachable rules, loops.

import Foundation
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct ValidityScenarios {
    /// The messages that `-c` prints about a configuration, joined.
    private func said(of text: String, _ arguments: String..., exit: Int32 = 0) throws -> String {
        let file = try Stage.current.file("checked-\(UUID().uuidString.prefix(4)).cfg", text + "\n")
        let ended = try Portico.run(["-c", "-f", file] + arguments)
        #expect(ended.exit == .status(exit), "\(ended.errors)")
        return ended.output + ended.errors
    }

    @Test(
        "A deny, auth or redirect in TCP mode is an error, other words of HTTP are warned about, inherited ones are noticed"
    )
    func httpWordsInTCPMode() throws {
        let text = """
            \(opening(defaults: "    option forwardfor"))
            frontend web
                mode tcp
                bind 127.0.0.1:\(try freePort())
                default_backend raw
                http-request set-header a b
                option http-buffer-request
            backend raw
                mode tcp
                server s1 127.0.0.1:9
            """
        let warned = try said(of: text)
        #expect(warned.contains("warning: 'http-request' needs mode http: in frontend 'web', which is in tcp mode"))
        #expect(warned.contains("warning: 'option http-buffer-request' needs mode http"))
        #expect(warned.contains("notice: 'option forwardfor' needs mode http: in sections in tcp mode that start"))
        for line in [
            "http-request deny if { src 10.0.0.1 }", "http-request auth", "redirect location /x", "http-request tarpit",
            "http-response deny", "http-request redirect location /x",
        ] {
            let refused = try said(of: text.replacing("http-request set-header a b", with: line), exit: 1)
            #expect(refused.contains("which is in tcp mode, it never runs"), "\(line)")
        }
        // In HTTP mode all of it is valid.
        #expect(try !said(of: text.replacing("mode tcp", with: "mode http")).contains("needs mode"))
    }

    @Test("Rules that run before the lines above them, and rules that are never reached, are warned about")
    func order() throws {
        let words = try said(
            of: """
                \(opening())
                frontend web
                    bind 127.0.0.1:\(try freePort())
                    use_backend app if { path /x }
                    http-request deny if { path /x }
                    http-request return status 200
                    http-request set-header a b
                    tcp-request connection reject if { src 10.0.0.1 }
                    use_backend app
                    default_backend app
                backend app
                    server s1 127.0.0.1:9
                """)
        #expect(words.contains("'http-request' lines run before 'use_backend' lines"))
        #expect(words.contains("'tcp-request connection' lines run before 'http-request' lines"))
        #expect(
            words.contains(
                "warning: this line is never reached: line 17 has no condition, and ends the http-request lines"))
        #expect(words.contains("notice: this line is never reached: line 20 sends all requests to 'app'"))
    }

    @Test("A backend that nothing leads to and a frontend that leads nowhere are noticed, and -dW does not mind")
    func reach() throws {
        let words = try said(
            of: """
                \(opening())
                frontend web
                    bind 127.0.0.1:\(try freePort())
                    http-request set-header a b
                frontend answering
                    bind 127.0.0.1:\(try freePort())
                    http-request return status 200
                backend app
                    server s1 127.0.0.1:9
                """, "-dW")
        #expect(words.contains("notice: nothing leads to backend 'app'"))
        #expect(
            words.contains(
                "notice: frontend 'web' leads nowhere, and none of its rules answers: every request gets 503"))
        #expect(!words.contains("'answering'"))
    }

    @Test("No time-outs and times that are hardly meant in milliseconds are warned about")
    func times() throws {
        let words = try said(
            of: """
                defaults
                    mode http
                    timeout client 30
                frontend web
                    bind 127.0.0.1:\(try freePort())
                    default_backend app
                backend app
                    server s1 127.0.0.1:9 check inter 5
                """)
        #expect(
            words.contains("warning: '30' without a unit is 30 milliseconds") && words.contains("expected 30s or 30ms"))
        #expect(words.contains("warning: '5' without a unit is 5 milliseconds"))
        #expect(words.contains("warning: no 'timeout connect' is set for 'app': 5s applies"))
        #expect(words.contains("warning: no 'timeout server' is set for 'app': 60s applies"))
    }

    @Test("A server that is the frontend itself is refused, another listener of the same process is not")
    func loops() throws {
        let (one, two) = (try freePort(), try freePort())
        func site(_ first: String, _ second: String = "server s 127.0.0.1:9", bind: String = "127.0.0.1") -> String {
            """
            \(opening())
            listen one
                bind \(bind):\(one)
                \(first)
            listen two
                bind 127.0.0.1:\(two)
                \(second)
            """
        }
        for line in ["server a 127.0.0.1", "server a 127.0.0.1:\(one)", "server a *", "server a localhost:\(one)"] {
            let bind = line.contains("localhost") ? "*" : "127.0.0.1"
            #expect(
                try said(of: site(line, bind: bind), exit: 1).contains(
                    "server 'one/a' leads frontend 'one' back to itself"),
                "\(line)")
        }
        #expect(try said(of: site("server a 127.0.0.1:\(one)", bind: "*"), exit: 1).contains("back to itself"))
        // A loop through another section.
        #expect(
            try said(of: site("server a 127.0.0.1:\(two)", "server b 127.0.0.1:\(one)"), exit: 1)
                .contains("back to itself by way of 'two'"))
        // From one section to the next is not unusual, and where a rule may respond, a loop is not certain.
        #expect(try !said(of: site("server a 127.0.0.1:\(two)")).contains("back to"))
        #expect(
            try said(of: site("http-request deny if { path /x }\n    server a 127.0.0.1:\(one)"))
                .contains("warning: server 'one/a' leads frontend 'one' back to itself"))
        #expect(try !said(of: site("http-request set-dst str(127.0.0.2)\n    server a *")).contains("back to"))
    }

    @Test("A log target that is no socket is noticed, with those that there are")
    func logTarget() throws {
        let file = try Stage.current.file("x.log", "")
        let words = try said(
            of: """
                \(opening(global: "    log \(file) local0"))
                frontend web
                    bind 127.0.0.1:\(try freePort())
                    http-request return status 200
                """, "-dW")
        #expect(
            words.contains("notice: there is no log socket at '\(file)'") && words.contains("expected stdout, stderr"))
    }

    @Test("A file for nginx or for Caddy gets one error, with the page to read")
    func otherLanguages() throws {
        let nginx = try said(
            of:
                "http {\n  upstream x { server 10.0.0.1:80; }\n  server {\n    listen 80;\n    location / {\n      proxy_pass http://x;\n    }\n  }\n}",
            exit: 1)
        #expect(nginx.contains("this looks like a file for nginx") && nginx.contains("portico help mode"))
        #expect(nginx.components(separatedBy: "error: ").count == 2)
        let caddy = try said(of: "example.com {\n  reverse_proxy 10.0.0.1:80\n}", exit: 1)
        #expect(caddy.contains("this looks like a file for Caddy or nginx"))
        #expect(caddy.components(separatedBy: "error: ").count == 2)
        let mixed = try said(
            of: "\(opening())\nfrontend web\n    bind 127.0.0.1:\(try freePort())\n    proxy_pass http://x;", exit: 1)
        #expect(mixed.contains("portico help server"))
    }

    @Test("`-c` says what it has understood, and HAProxy's line; a start says one line when it listens")
    func summary() throws {
        let front = try freePort()
        let text = """
            \(opening())
            frontend web
                bind 127.0.0.1:\(front)
                default_backend app
            listen other
                bind *:\(try freePort())
                server s1 127.0.0.1:9
                maxconn 20000000
            backend app
                server s1 127.0.0.1:9
                server s2 127.0.0.1:9
            """
        let words = try said(of: text)
        #expect(words.contains("listens on 127.0.0.1:\(front) and :"))
        #expect(
            words.contains(
                "1 frontend, 1 listen section, 1 backend, 3 servers, 1 warning.\nConfiguration file is valid\n"))

        let portico = try Portico(text, listeningOn: front)
        #expect(eventually { portico.process.errors.contains(" is ready: listens on 127.0.0.1:\(front) and :") })
        #expect(portico.process.errors.components(separatedBy: "is ready").count == 2)
    }
}
