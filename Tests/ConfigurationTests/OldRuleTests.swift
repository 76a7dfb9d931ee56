// Old rules (`reqrep` and so on): the lines that they are converted to, and those that cannot be converted.

import Chance
import Configuration
import Testing

@Suite struct OldRuleTests {
    /// The line that a warning shows, or else the error.
    private func outcome(_ line: String) -> String? {
        let problems = load("listen a\n \(line)\n").problems
        guard let warning = problems.first(where: { $0.severity == .warning }) else { return problems.first?.message }
        return warning.message.firstRange(of: "lines: ").map { String(warning.message[$0.upperBound...]) }
    }

    @Test(arguments: [
        (#"reqadd X-Proto:\ https"#, "http-request add-header X-Proto https"),
        (#"reqadd X:a\ 100% if b"#, "http-request add-header X 'a 100%%' if b"),
        (
            #"rspadd 'Strict-Transport-Security: max-age=1'"#,
            "http-response add-header Strict-Transport-Security max-age=1"
        ),
        (#"reqdel ^X-Forwarded-For:"#, "http-request del-header X-Forwarded-For"),
        (#"reqidel ^X-Forwarded-For:.* unless a"#, "http-request del-header X-Forwarded-For unless a"),
        (#"reqidel ^X\-Forwarded\-For:\s*.*"#, "http-request del-header X-Forwarded-For"),
        (#"reqdel ^X-Secret"#, "http-request del-header X-Secret -m beg"),
        (#"rspidel ^Server:\ .*"#, "http-response del-header Server"),
        (#"reqrep ^Host:\ (.*) Host:\ www.\1"#, #"http-request replace-header Host ^(.*) 'www.\1'"#),
        (#"reqirep ^host: Host:\ x"#, #"http-request replace-header host (?i)^.* x"#),
        (
            #"rsprep ^Location:\ http://(.*) Location:\ https://\1 if a"#,
            #"http-response replace-header Location ^http://(.*) 'https://\1' if a"#
        ),
        (#"reqrep ^([^\ :]*)\ /static/(.*) \1\ /\2"#, #"http-request replace-pathq ^/static/(.*) '/\1'"#),
        (#"reqrep ^([^\ ]*)\ (.*)/old/(.*)$ \1\ \2/new/\3"#, #"http-request replace-pathq ^(.*)/old/(.*) '\1/new/\2'"#),
        (
            #"reqrep ^(\S+)\s+/a(/.*)?\ HTTP/1\.[01]$ \1\ /b\2\ HTTP/1.1"#,
            #"http-request replace-pathq '^/a(/.*)?$' '/b\1'"#
        ),
        (
            #"reqirep ^([^\ ]*)\ /(.*)\ (.*) \1\ http://x/%20\2\ \3"#,
            #"http-request replace-uri '(?i)^/(.*)$' 'http://x/%%20\1'"#
        ),
        (#"reqrep ^([^\ ]*\ /)BI[/]?(.*) \1\2"#, #"http-request replace-pathq ^/BI[/]?(.*) '/\1'"#),
        (
            #"reqirep ^(GET|POST)\ /a/(.*) \1\ /\2 if x"#,
            #"http-request replace-pathq '(?i)^/a/(.*)' '/\1' if { method GET POST } x"#
        ),
        (#"reqrep ^GET\ (.*) GET\ /x\1"#, #"http-request replace-pathq ^(.*) '/x\1' if { method GET }"#),
        (#"reqirep ^([^\ ]*)\ [^\ ]*\ (.*) \1\ /down\ \2"#, #"http-request replace-pathq '(?i)^[^ ]*$' /down"#),
        (
            #"rspirep ^(set-cookie:.*) \1;\ Secure"#,
            #"http-response replace-header set-cookie '(?i)^(.*)' '\1; Secure'"#
        ),
        (#"reqdeny ^(GET|HEAD)\ /x"#, "http-request deny if { pathq -m reg ^/x } { method GET HEAD }"),
        (
            #"rsprep ^(Location:\ )http:(?://a)(.*) \1https://b\2"#,
            #"http-response replace-header Location ^()http:(?://a)(.*) '\1https://b\2'"#
        ),
        (#"reqdeny ^X-Bad:"#, "http-request deny if { req.hdr(X-Bad) -m found }"),
        (#"reqdeny ^User-Agent:\ evil"#, "http-request deny if { req.fhdr(User-Agent) -m reg ^evil }"),
        (#"reqideny ^[^:\ ]*\ .*\.\. unless a"#, #"http-request deny if { pathq -m reg -i '^.*\.\.' } !a"#),
        (#"reqitarpit ^[^:\ ]*\ /x if a !b"#, "http-request tarpit if { pathq -m reg -i ^/x } a !b"),
        (
            #"reqiallow ^Host:\ a unless { src 10.0.0.0/8 }"#,
            "http-request allow if { req.fhdr(Host) -m reg -i ^a } !{ src 10.0.0.0/8 }"
        ),
        (#"rspideny ^X-Leak:\ .+"#, "http-response deny if { res.fhdr(X-Leak) -m reg -i ^.+ }"),
    ])
    func `A pattern that says what it is about becomes a rule on that`(_ line: String, _ new: String) {
        // Words are quoted only where needed.
        let plain = { (text: String) in text.split(separator: "'", omittingEmptySubsequences: false).joined() }
        #expect(outcome(line).map(plain) == plain(new))
    }

    @Test(arguments: [
        ("reqadd X", 9, "'X' is not a field"), ("reqadd", 8, "lacks an argument"),
        ("reqrep ^Host:", 2, "lacks an argument"),
        ("reqdel bad", 9, "only a pattern for a field's name"),
        (#"reqdel ^X:\ a"#, 9, "only a pattern for a field's name"),
        ("reqdel ^X:|^Y:", 9, "only a pattern for a field's name"), ("reqpass ^X:", 2, "there is no equivalent today"),
        ("reqsetbe ^X: b", 2, "there is no equivalent today"), ("reqdeny bad", 10, "the pattern is neither"),
        ("reqdeny ^X:(", 10, "the pattern is neither"), ("reqdeny ^[a", 10, "the pattern is neither"),
        (#"rspirep ^(Location): x Location:\ y"#, 10, "the pattern is not for one field"),
        (#"rspirep ^(Location:\ x) Location:\ \1"#, 26, "the new line is not one of the field"),
        (#"rspirep ^(Set-Cookie:\ a|X:\ b) \1;\ Secure"#, 10, "the pattern is not for one field"),
        (#"rspirep ^(Set-Cookie:\ a)? \1;\ Secure"#, 10, "the pattern is not for one field"),
        (#"reqrep ^([^\ ]*\ /a)?(.*) \1\2"#, 9, "the pattern is neither"),
        (#"reqrep ^Get\ /(.*) Get\ /x\1"#, 9, "the pattern is neither"),
        (#"reqrep ^[^\ ]*\ /(.*) GET\ /x\1"#, 24, "does not keep the request's method"),
        (#"reqrep ^([^\ ]*\ /a.b)(.*) \1\2"#, 9, "the pattern is neither"),
        (#"reqrep ^(.*)/a(.*) \1/b\2"#, 9, "the pattern is neither"),
        (#"reqrep ^(.*)\ /(.*) /\2"#, 22, "does not keep the request's method"),
        (#"reqrep ^([^\ ]*)\ /a(.*) \1\ /b"#, 27, "does not keep the request's method"),
        (#"reqrep ^([^\ ]*)\ /a(.*)\ (.*) \1\ \3\ \2"#, 33, "does not keep the request's method"),
        (#"reqrep ^Host:\ (.*) X-Host:\ \1"#, 22, "the new line is not one of the field"),
        ("reqdeny ^X: if a or b", 14, "its condition cannot be joined"),
        ("reqdeny ^X: unless a b", 14, "its condition cannot be joined"),
        (#"rspdeny ^HTTP/1.1\ 500"#, 10, "the pattern is not for one field"),
    ])
    func `What nothing of today says is refused, with a hint`(_ line: String, _ column: Int, _ message: String) {
        let errors = load("listen a\n \(line)\n").problems.filter { $0.severity == .error }
        #expect(errors.count == 1)
        #expect(errors.first?.message.contains(message) == true, "\(errors)")
        #expect(errors.first?.range?.column == column || message == "lacks an argument")
    }

    @Test func `They run behind the section's other rules, additions last`() {
        let loaded = load(
            """
            listen a
                reqadd X:\\ 1
                reqdeny ^X:
                http-request add-header X 2
                mode http
            listen b
                http-request deny
            """)
        #expect(
            loaded.lines(of: "a") == [
                "http-request add-header X 2", "mode http", "http-request deny", "http-request add-header X 1",
            ])
        #expect(loaded.lines(of: "b") == ["http-request deny"])
    }

    @Test func `What 'allow' would let pass them is refused`() {
        let language = Language(
            keywords: TinyLanguage.language.keywords + [
                Keyword("http-request allow", in: .proxies, usage: "", summary: "") { (args, _) throws(ConfigProblem) in
                    _ = args.rest()
                }
            ], parameterGroups: [])
        let errors = { (text: String) in
            language.load(text: text, named: "t.cfg").problems.filter { $0.severity == .error }.map(\.message)
        }
        #expect(
            errors("listen a\n reqadd X:\\ 1\n http-request allow if x\nlisten b\n reqadd X:\\ 1\n") == [
                "'reqadd' also applied to messages that 'http-request allow' accepts, at t.cfg:3"
            ])
        #expect(
            errors("listen a\n http-request allow\n block if x\n") == [
                "'block' also applied to requests that 'http-request allow' accepts, at t.cfg:2"
            ])
        #expect(
            errors("listen a\n reqallow ^X:\n reqadd X:\\ 1\n") == [
                "'reqallow' is an old spelling, gone from HAProxy: 'reqadd' also applied to messages that it accepted"
            ])
        #expect(
            errors("listen a\n reqallow ^X:\n reqdel ^Y:\n reqallow ^Z:\n").allSatisfy { $0.contains("del-header") })
    }

    @Test func `No pattern is too strange`() {
        var random = SeededRandom(seed: 1)
        let parts = [
            "^", "(", ")", "[", "]", "\\", " ", ":", "|", ".*", "X", "-", "?", "<", "$", "\\s", "/", "é", "1", "[:",
        ]
        for _ in 0..<2_000 {
            let pattern = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                parts.randomElement(using: &random) ?? ""
            }
            let text = (0..<Int.random(in: 0...4, using: &random)).map { _ in parts.randomElement(using: &random) ?? ""
            }
            for name in ["reqrep", "reqdel", "reqdeny", "rsprep", "reqadd"] {
                _ = load("listen a\n \(name) '^\(pattern.joined())' '\(text.joined())'\n")
            }
        }
    }
}
