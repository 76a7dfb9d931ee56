// Configuration files: their sources, and the messages about invalid ones.

import Foundation
import Testing

@Suite(.staged) struct ConfigurationScenarios {
    @Test("`-c` says that a good file is valid, and starts nothing")
    func valid() throws {
        let port = try freePort()
        let file = try Stage.current.file(
            "good.cfg",
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(port)
                default_backend app
            backend app
                server s1 127.0.0.1:9

            """)

        let checked = try Portico.run("-c", "-f", file)

        #expect(checked.exit == .status(0))
        #expect((checked.output + checked.errors).contains("Configuration file is valid"))
        #expect(!isListening(on: port))
    }

    @Test("A userlist whose lines do not fit together is refused")
    func userlist() throws {
        let file = try Stage.current.file(
            "users.cfg",
            """
            \(opening())
            userlist staff
                group admins users tom,ann
                user tom password $5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA groups editors
            listen www
                bind 127.0.0.1:\(try freePort())
                server s1 127.0.0.1:9

            """)

        let checked = try Portico.run("-c", "-f", file)

        #expect(checked.exit == .status(1))
        let words = checked.output + checked.errors
        #expect(words.contains("editors"))
        // HAProxy stops at the first.
        #expect(words.contains("ann") || !Portico.isItself)
    }

    @Test("Conditions choose lines, and messages are printed with their place")
    func conditions() throws {
        let file = try Stage.current.file(
            "conditions.cfg",
            """
            \(opening())
            global
                setenv STAGE test
            frontend www
                bind 127.0.0.1:\(try freePort())
            .if streq("$STAGE",live) && feature(NO_SUCH_THING)
                this is not judged
                .alert "not reached"
            .elif version_atleast(2.4) && !version_before(2.4)
                .warning "this is the $STAGE"
                .diag "a hint"
            .else
                nor is this
            .endif
                default_backend app
            backend app
                server s1 127.0.0.1:9

            """)

        let checked = try Portico.run("-c", "-f", file)
        #expect(checked.exit == .status(0))
        let said = checked.output + checked.errors
        #expect(said.contains("this is the test") && !said.contains("a hint") && !said.contains("not reached"))

        let diagnosed = try Portico.run("-c", "-dD", "-f", file)
        #expect(diagnosed.exit == .status(0))
        #expect((diagnosed.output + diagnosed.errors).contains("a hint"))

        // Warnings are errors.
        #expect(try Portico.run("-c", "-dW", "-f", file).exit == .status(1))
    }

    @Test(
        "`-cc` tells by its exit status whether a condition holds",
        arguments: [
            ("1", 0), ("0", 1), ("", 1), ("version_atleast(2.6) && !version_atleast(99)", 0), ("defined(PATH)", 0),
            ("feature(NO_SUCH_THING)", 1), ("streq(\"$HOME\",x)", 1), ("nosuch(1)", 2), ("1 &&", 2), ("(1", 2),
        ])
    func condition(_ condition: String, _ status: Int) throws {
        let ended = try Portico.run("-cc", condition)
        #expect(ended.exit == .status(Int32(status)))
        #expect((ended.output + ended.errors).isEmpty == (status != 2))
    }

    @Test("Every wrong line is reported in one run, each with its place, and a word that may have been meant")
    func mistakes() throws {
        let front = try freePort()
        // Line, column, and the suggested word, if there is one.
        var expected: [(line: Int, column: Int, hint: String)] = []
        var text = ""
        var line = 0
        func write(_ words: String, column: Int? = nil, meant hint: String = "") {
            text += words + "\n"
            line += 1
            if let column { expected.append((line, column, hint)) }
        }
        write("global")
        write("    maxcon 100", column: 5, meant: "maxconn")
        write("    nbthread none", column: 14)
        write("defaults")
        write("    mode htp", column: 10, meant: "http")
        write("    timeout client 5x", column: 20)
        write("    timeout conect 5s", column: 13, meant: "connect")
        write("    option httplg", column: 12, meant: "httplog")
        write("frontend www")
        write("    bind 127.0.0.1:99999", column: 10)
        write("    bind 127.0.0.1:\(front) nmae front", column: 21 + "\(front)".count, meant: "name")
        write("    default_backend ap", column: 21, meant: "app")
        write("    use_backend app iff TRUE", column: 21, meant: "if")
        write("    server s9 127.0.0.1:9", column: 5)
        write("frontend www", column: 10)
        write("    bind 127.0.0.1:\(front)")
        write("frontend nowhere", column: 10)
        write("backend app")
        write("    balance roundrobbin", column: 13, meant: "roundrobin")
        write("    option httpchk GET /health")
        write("    server s1", column: 14)
        write("    server s2 127.0.0.1:9 chekc", column: 27, meant: "check")
        write("    server s3 127.0.0.1:9")
        write("    server s3 127.0.0.1:9", column: 12)
        write("    server s4 127.0.0.1:9 weight 1000", column: 34)
        write("    server \"s5 127.0.0.1:9", column: 12)
        let file = try Stage.current.file("mistakes.cfg", text)

        let checked = try Portico.run("-c", "-f", file)

        let said = checked.errors + checked.output
        #expect(checked.exit == .status(1))
        #expect(!said.contains("Configuration file is valid"))
        let lines = said.split(separator: "\n").map(String.init)
        for mistake in expected {
            // HAProxy prints no column, and stops before it resolves names.
            guard Portico.isItself else { break }
            let place = "mistakes.cfg:\(mistake.line):\(mistake.column)"
            let first = lines.firstIndex { $0.contains(place + ":") || $0.hasSuffix(place) }
            #expect(first != nil, "nothing said about \(place)")
            guard let first else { continue }
            let next = lines[(first + 1)...].firstIndex { $0.contains("mistakes.cfg:") } ?? lines.endIndex
            let report = lines[first..<next].joined(separator: "\n")
            if mistake.hint.isEmpty { continue }
            #expect(report.contains(mistake.hint), "\(mistake.hint) is not suggested: \(report)")
        }
        if Portico.isItself {
            let reports = lines.filter { $0.contains(/mistakes\.cfg:\d+:\d+/) }.count
            #expect(reports == expected.count, "\(said)")
        }
    }

    @Test("A file that cannot be read is named")
    func unreadable() throws {
        let ended = try Portico.run("-c", "-f", Stage.current.folder + "/nothing-here.cfg")
        #expect(ended.exit == .status(1))
        #expect((ended.errors + ended.output).contains("nothing-here.cfg"))
    }

    @Test("Several `-f` are one configuration, in their order; a folder stands for its .cfg files")
    func severalFiles() throws {
        let stage = Stage.current
        let front = try freePort()
        let server = try ScriptedServer(saying: "hello")
        let first = try stage.file("first.cfg", opening() + "\n")
        // Read in the order of their names; files that do not end in .cfg are ignored.
        _ = try stage.file("conf.d/10-frontend.cfg", "frontend www\n bind 127.0.0.1:\(front)\n default_backend app\n")
        _ = try stage.file("conf.d/20-backend.cfg", "backend app\n server s1 127.0.0.1:\(server.port)\n")
        _ = try stage.file("conf.d/notes.txt", "this is no configuration\n")

        let process = try Child(
            [Portico.binary, "-db", "-f", first, "-f", stage.folder + "/conf.d"], named: "several", in: stage.folder)
        stage.atTheEnd { process.stop(patience: 1) }

        #expect(eventually { isListening(on: front) })
        #expect(try fetch("/", from: front).text == "hello")
    }

    @Test("Quotes, escapes, comments and variables mean what they mean in HAProxy")
    func lexicalRules() throws {
        let front = try freePort()
        let file = try Stage.current.file(
            "words.cfg",
            ##"""
            \##(opening()) # a comment
            frontend "www"  # quotes around a name
                bind "127.0.0.1:${FRONT_PORT}"
                http-request return status 200 content-type text/plain string "${GREETING-hello} it\'s \"quoted\" # no comment" if { path /weak }
                http-request return status 200 content-type text/plain string '${GREETING} \n "strong"' if { path /strong }
                http-request return status 200 content-type text/plain string escaped\ space\#hash if { path /bare }

            """##)
        let process = try Child(
            [Portico.binary, "-db", "-f", file], named: "words", in: Stage.current.folder,
            environment: ["FRONT_PORT": "\(front)"])
        Stage.current.atTheEnd { process.stop(patience: 1) }
        Stage.current.inCaseOfFailure { process.errors }
        #expect(eventually { isListening(on: front) })

        #expect(try fetch("/weak", from: front).text == #"hello it's "quoted" # no comment"#)
        #expect(try fetch("/strong", from: front).text == #"${GREETING} \n "strong""#)
        #expect(try fetch("/bare", from: front).text == "escaped space#hash")
    }

    @Test("A section takes the defaults before it, or those it names with `from`")
    func namedDefaults() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest()
            _ = connection.isClosedByPeer()
        }
        let patient = try freePort()
        let hasty = try freePort()
        _ = try Portico(
            """
            \(opening())
            defaults hasty
                mode http
                timeout connect 60s
                timeout client 60s
                timeout server 200ms
            defaults patient
                mode http
                timeout connect 60s
                timeout client 60s
                timeout server 60s
            listen one
                bind 127.0.0.1:\(patient)
                server s1 127.0.0.1:\(server.port)
            listen two from hasty
                bind 127.0.0.1:\(hasty)
                server s1 127.0.0.1:\(server.port)
            """, listeningOn: patient, hasty)

        let waiting = try Connection(to: patient)
        try waiting.send("GET / HTTP/1.1\r\nHost: example.test\r\n\r\n")
        #expect(try fetch("/", from: hasty).status == 504)
        #expect(waiting.staysSilent(for: 0.2))
    }

    @Test("`portico help` explains the language", .enabled(if: Portico.isItself))
    func help() throws {
        let all = try Portico.run("help")
        #expect(all.exit == .status(0))
        for keyword in ["balance", "bind", "option httplog", "files"] { #expect(all.output.contains(keyword)) }

        let one = try Portico.run("help", "balance")
        #expect(one.exit == .status(0))
        for word in ["balance", "roundrobin", "leastconn"] { #expect(one.output.contains(word)) }

        for (word, text) in [
            ("httplog", "option httplog"), ("criteria", "path_beg"), ("path_beg", "begins with"), ("%ci", "log-format"),
            ("samples", "req.hdr"), ("converters", "lower"), ("log-format", "%ci"),
        ] {
            let page = try Portico.run("help", word)
            #expect(page.exit == .status(0) && page.output.contains(text), "help \(word)")
        }

        let unknown = try Portico.run("help", "balence")
        #expect(unknown.exit == .status(1))
        #expect(unknown.errors.contains("did you mean 'balance'") && unknown.errors.contains("lists all keywords"))
    }

    @Test("A file that cannot be read is the only complaint", .enabled(if: Portico.isItself))
    func unreadableAlone() throws {
        let ended = try Portico.run("-c", "-f", "/nonexistent")
        #expect(ended.exit == .status(1))
        let complaints = ended.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
        #expect(complaints == ["error: cannot read /nonexistent: No such file or directory"])
    }

    @Test("Without a file it is the demonstration that is checked, and said so", .enabled(if: Portico.isItself))
    func demonstrationIsChecked() throws {
        let ended = try Portico.run("-c")
        #expect(ended.exit == .status(0))
        #expect(ended.output.contains("checking the demonstration"))
    }

    @Test("An `include`d file reads as if it stood there", .enabled(if: Portico.isItself))
    func include() throws {
        let front = try freePort()
        _ = try Stage.current.file(
            "parts/answer.cfg", "    http-request return status 200 content-type text/plain string \"included\"\n")
        _ = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(front)
                include \(Stage.current.folder)/parts/*.cfg
            """, listeningOn: front)
        #expect(try fetch("/", from: front).text == "included")
    }

    @Test("A disabled backend may be named, and is reached only by those who may force their way")
    func disabledBackend() throws {
        let front = try freePort()
        func site(_ more: String) -> String {
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(front)
            \(more)
                use_backend new if { path_beg /new }
                default_backend old
            backend new
                disabled
                http-request return status 200 content-type text/plain string "new"
            backend old
                http-request return status 200 content-type text/plain string "old"
            """
        }
        let closed = try Portico(site(""), listeningOn: front)
        #expect(try fetch("/new", from: front).text == "old")
        closed.process.stop()
        // HAProxy has the keyword since 3.4.
        guard Portico.isItself else { return }
        _ = try Portico(site("    force-be-switch if { hdr(x-test) yes }"), listeningOn: front)
        #expect(try fetch("/new", from: front).text == "old")
        let client = try Connection(to: front)
        try client.send("GET /new HTTP/1.1\r\nHost: a\r\nX-Test: yes\r\n\r\n")
        #expect(try client.receiveAnswer().text == "new")
    }

    @Test("`default-path` says where relative paths begin, for files of every kind")
    func defaultPath() throws {
        let stage = Stage.current
        let front = try freePort()
        _ = try stage.file("site/maps/names.map", "one first\n")
        _ = try stage.file("site/conf/lists/names.lst", "one\n")
        _ = try stage.file("site/conf/page.http", "HTTP/1.1 403 Forbidden\r\n\r\nby a file")
        _ = try stage.file("elsewhere/body.txt", "from elsewhere")
        func site(_ base: String, _ rule: String) -> String {
            """
            global
                default-path \(base)
            \(opening())
            frontend www
                bind 127.0.0.1:\(front)
                \(rule)
                http-request return status 404
            """
        }
        let cases: [(String, String, String)] = [
            (
                "config",
                "http-request return status 200 content-type text/plain string listed if { str(one) -f lists/names.lst }",
                "listed"
            ),
            ("config", "errorfile 403 page.http\n    http-request deny", "by a file"),
            (
                "parent",
                "http-request return status 200 content-type text/plain lf-string %[str(one),map(maps/names.map)]",
                "first"
            ),
            (
                "origin \(stage.folder)/elsewhere",
                "http-request return status 200 content-type text/plain file body.txt", "from elsewhere"
            ),
        ]
        for (base, rule, text) in cases {
            let file = try stage.file("site/conf/main.cfg", site(base, rule) + "\n")
            // From another folder, and by a relative name.
            let process = try Child(
                [Portico.binary, "-db", "-f", "site/conf/main.cfg"], named: "base-\(text.prefix(4))", in: stage.folder,
                workingFolder: stage.folder)
            stage.atTheEnd { process.stop(patience: 1) }
            #expect(eventually { isListening(on: front) || process.ended() != nil }, "\(process.errors) \(file)")
            #expect(try fetch("/", from: front).text == text, "\(base)")
            process.stop()
        }
        let wrong = try stage.file("wrong.cfg", site("origin /nowhere/at/all", "") + "\n")
        let said = try Portico.run("-c", "-f", wrong)
        #expect(said.exit == .status(1))
        #expect(said.errors.contains("/nowhere/at/all"))
    }

    @Test("`zero-warning` is -dW, `quiet` is -q")
    func quietAndStrict() throws {
        func check(_ words: String, _ arguments: String...) throws -> Ended {
            let file = try Stage.current.file(
                "global.cfg",
                "global\n    \(words)\n\(opening(defaults: "option nolinger"))\nlisten a\n    bind 127.0.0.1:\(freePort())\n"
            )
            return try Portico.run(["-c", "-f", file] + arguments)
        }
        if Portico.isItself { #expect(try check("zero-warning").exit == .status(1)) }
        let quiet = try check("quiet")
        #expect(quiet.exit == .status(0) && quiet.output.isEmpty && quiet.errors.isEmpty)
        if Portico.isItself { #expect(try check("quiet", "-V").errors.contains("option nolinger")) }
    }

    @Test("Options of files in the field load: done, without effect, or ignored with a reason")
    func optionsOfTheField() throws {
        let done = [
            "option tcpka", "option clitcpka", "option srvtcpka", "no option tcpka", "option http-ignore-probes",
            "option log-health-checks", "backlog 100", "option splice-auto", "option splice-request",
            "option splice-response", "no option splice-auto", "option persist",
        ]
        let harmless = [
            "option contstats", "option socket-stats", "option http-pretend-keepalive", "option idle-close-on-response",
        ]
        let ignored = ["option nolinger", "option prefer-last-server"]
        let file = try Stage.current.file(
            "field.cfg",
            """
            defaults
                mode http
                timeout client 1s
                timeout server 1s
                timeout connect 1s
            \((done + harmless + ignored).map { "    " + $0 }.joined(separator: "\n"))
            listen a
                bind 127.0.0.1:\(freePort())
                server s 127.0.0.1:\(freePort())
            """)
        let said = try Portico.run("-c", "-f", file)
        #expect(said.exit == .status(0), "\(said.errors)")
        for line in ignored {
            let name = line.replacing(" 100", with: "")
            #expect(said.errors.contains("warning: '\(name)' is ignored: "), "\(name)")
        }
        #expect(said.errors.components(separatedBy: "warning: ").count == ignored.count + 1)
    }
}
