// Sections, inheritance, and the environment: the result for valid files.

import Configuration
import Testing

@Suite struct LoaderTests {
    @Test func `sections stand in file order, global ones add up`() {
        let loaded = load(
            """
            global#first
                maxconn 10
            frontend www
                bind :80
            backend www
            global
                daemon
            listen all
                mode tcp
            """)
        #expect(loaded.complaints == [])
        #expect(loaded.global[Said.self].lines == ["maxconn 10", "daemon"])
        #expect(
            loaded.proxies.map { "\($0.kind) \($0.name) \($0.range.line):\($0.range.column)" } == [
                "frontend www 3:10", "backend www 5:9", "listen all 8:8",
            ])
        #expect(loaded.lines(of: "all") == ["mode tcp"])
    }

    @Test func `a proxy starts with the last defaults, or with those it names`() {
        let loaded = load(
            """
            frontend first
            defaults
                mode http
            backend a
                balance x
            defaults slow
                mode tcp
                timeout server 5m
            backend b
            defaults slower from slow
                timeout connect 1m
            backend c
            backend d from slow
                log x
            defaults
            backend e
            """)
        #expect(loaded.complaints == [])
        #expect(loaded.lines(of: "first") == [])
        #expect(loaded.lines(of: "a") == ["mode http", "balance x"])
        #expect(loaded.lines(of: "b") == ["mode tcp", "timeout server 300000ms"])
        #expect(loaded.lines(of: "c") == ["mode tcp", "timeout server 300000ms", "timeout connect 60000ms"])
        #expect(loaded.lines(of: "d") == ["mode tcp", "timeout server 300000ms", "log x"])
        #expect(loaded.lines(of: "e") == [])
    }

    @Test func `a name may have an argument in parentheses`() {
        let loaded = load(
            "listen a\n    http-request set-var(txn.x,ifnotexists) 1\n    http-request \"set-var(a b)\" 2")
        #expect(loaded.complaints == [])
        #expect(loaded.lines(of: "a") == ["set-var txn.x,ifnotexists to 1", "set-var a b to 2"])
    }

    @Test func `userlists are kept by themselves and start from nothing`() {
        let loaded = load("defaults\n    mode http\nuserlist staff\nuserlist guests\nlisten staff\nuserlist staff")
        #expect(loaded.complaints == ["6:10: error: there is a userlist 'staff' already, at t.cfg:3"])
        #expect(loaded.sections.map(\.name) == ["staff", "guests"])
        #expect(loaded.sections.map { $0[Said.self].lines } == [[], []])
        #expect(loaded.lines(of: "staff") == ["mode http"])
    }

    @Test func `resolvers sections are kept by themselves and start from nothing`() {
        let loaded = load(
            "defaults\n    mode http\nresolvers a\nresolvers b\nlisten a\nresolvers a\nresolvers b from c")
        #expect(
            loaded.complaints == [
                "6:11: error: there is a resolvers 'a' already, at t.cfg:3",
                "7:11: error: there is a resolvers 'b' already, at t.cfg:4",
            ])
        #expect(loaded.sections.map(\.name) == ["a", "b"])
        #expect(loaded.sections.map { $0[Said.self].lines } == [[], []])
        #expect(loaded.lines(of: "a") == ["mode http"])
    }

    @Test func `the longest name that fits the section wins`() {
        let loaded = load(
            """
            global
                stats socket /x
                maxconn 5
            listen a
                stats socket /x
                maxconn 6
                option httplog
                no option httpclose
                no log
            """)
        #expect(loaded.complaints == [])
        #expect(loaded.global[Said.self].lines == ["stats socket /x", "maxconn 5"])
        #expect(loaded.lines(of: "a") == ["stats socket /x", "maxconn 6", "option httplog", "no option httpclose"])
    }

    @Test func `no forgets what defaults said`() {
        let loaded = load("defaults\n log x\nbackend a\n no log\nbackend b\n")
        #expect(loaded.lines(of: "a") == [])
        #expect(loaded.lines(of: "b") == ["log x"])
    }

    @Test func `default before an option puts it back as no does`() {
        let loaded = load("defaults\n option httpclose\nbackend a\n default option httpclose\n")
        #expect(loaded.lines(of: "a") == ["option httpclose", "no option httpclose"])
        #expect(loaded.complaints == [])
    }

    @Test func `variables of global lines are there in the next line`() {
        let loaded = load(
            """
            global
                setenv NAME web
                presetenv PORT 80
                presetenv HOST other
                setenv BOTH "$NAME:$PORT"
            frontend "$NAME"
                bind "$HOST:$PORT" name "${.SECTION}-$.LINE"
            global
                unsetenv NAME BOTH
            frontend "x${NAME}"
            global
                resetenv HOST
            frontend "y${PORT-gone}"
            """, environment: ["HOST": "127.0.0.1", "SECRET": "x"])
        #expect(loaded.complaints == [])
        #expect(loaded.lines(of: "web") == ["bind 127.0.0.1:80 web-7"])
        #expect(loaded.proxies.map(\.name) == ["web", "x", "ygone"])
        #expect(loaded.environment == ["HOST": "127.0.0.1"])
    }

    @Test func `old spellings go through as their new form, and the new line is printed`() {
        let loaded = load(
            """
            global
                nbproc 4
                tune.maxaccept 10
            listen a :80
                contimeout 5s
                clitimeout 50s
                srvtimeout 1m
                option forceclose
                no option forceclose
                option http-use-htx
                redispatch
                block if a
                reqadd X-Proto:\\ 100%
            frontend b 127.0.0.1:81 name "x y"
            """)
        #expect(
            loaded.complaints == [
                "2:5: warning: 'nbproc' is ignored: Portico is a single process with one thread per core, or as many as nbthread sets",
                "4:10: warning: an address after a section's name is an old form; write in a line of its own: bind :80",
                "5:5: warning: 'contimeout' is an old spelling; write: timeout connect 5s",
                "6:5: warning: 'clitimeout' is an old spelling; write: timeout client 50s",
                "7:5: warning: 'srvtimeout' is an old spelling; write: timeout server 1m",
                "8:5: warning: 'option forceclose' is an old spelling; write: option httpclose",
                "9:8: warning: 'option forceclose' is an old spelling; write: option httpclose",
                "10:5: warning: 'option http-use-htx' is ignored: there is only one way to handle HTTP",
                "11:5: warning: 'redispatch' is an old spelling; write: option redispatch",
                "12:5: warning: 'block' is an old spelling; write: http-request deny if a",
                "12:11: error: unexpected 'if' in the line of 'http-request deny'; expected http-request deny",
                "13:5: warning: 'reqadd' is an old spelling; write, after the section's other http-request lines: http-request add-header X-Proto 100%%",
                "14:12: warning: an address after a section's name is an old form; "
                    + "write in a line of its own: bind 127.0.0.1:81 name 'x y'",
            ])
        #expect(
            loaded.lines(of: "a") == [
                "bind :80", "timeout connect 5000ms", "timeout client 50000ms", "timeout server 60000ms",
                "option httpclose",
                "no option httpclose", "option redispatch", "http-request deny",
                "http-request add-header X-Proto 100%%",
            ])
        #expect(loaded.lines(of: "b") == ["bind 127.0.0.1:81 x y"])
    }

    @Test func `what Portico never does need not be switched off`() {
        #expect(load("listen a\n no option checkcache\n").complaints == [])
    }

    @Test func `ten thousand servers are ten thousand servers`() {
        let lines = (0..<10_000).map { " server s\($0) 127.0.0.1:\(1 + $0 % 65_535) check weight \($0 % 257)\n" }
        let loaded = load("backend app\n" + lines.joined())
        #expect(loaded.complaints.filter { $0.contains("error") } == [])
        #expect(loaded.proxies[0][Said.self].servers.count == 10_000)
        #expect(loaded.proxies[0][Said.self].servers[9_999] == Box(name: "s9999", weight: 9_999 % 257, isChecked: true))
    }

    @Test func `references find backends and listens, and name what was meant`() throws {
        let loaded = load("frontend www\nbackend static\nlisten both\nbackend app\n")
        let backends = NameIndex.backends(loaded.proxies)
        let place = SourceRange(file: "t.cfg", line: 9)
        #expect(try backends.position(of: Reference(name: "both", range: place)) == 2)
        #expect(try backends.position(of: Reference(Word("app", at: place))) == 3)
        #expect(backends["www"] == nil && NameIndex.frontends(loaded.proxies)["www"] == 0)

        let misspelt = #expect(throws: ConfigProblem.self) {
            try backends.position(of: Reference(name: "statc", range: place))
        }
        #expect(misspelt == ConfigProblem("no backend named 'statc'", at: place, suggestion: "static"))
        let wrongKind = #expect(throws: ConfigProblem.self) {
            try backends.position(of: Reference(name: "www", range: place))
        }
        #expect(wrongKind?.expected == "a backend; 'www' is a frontend")
        #expect(NameIndex(of: "server", ["s1", "s2"])["s2"] == 1)
    }
}
