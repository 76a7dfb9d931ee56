// Help and manual, printed from the tables of the parser.

import Configuration
import Testing

@Suite struct HelpTests {
    private let help = HelpPrinter(TinyLanguage.language)

    @Test func `the overview has every keyword by section, in lines that fit`() {
        let text = help.text(for: [])
        for name in ["daemon", "option httplog", "timeout http-request"] { #expect(text.contains(name)) }
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
        #expect(
            text.hasPrefix(
                """
                global
                  daemon        include       maxconn       resetenv      stats socket
                  default-path  log           presetenv     setenv        unsetenv

                defaults

                """))
        #expect(text.contains("listen\n    everything allowed in a frontend or a backend\n"))
    }

    @Test func `a row has usage, summary, sections and parameters`() {
        #expect(
            help.text(for: ["server"]) == """
                server <name> <address> [<parameter>...]
                    Adds a server.
                    In backend and listen.

                Parameters:
                check
                    Checks the server's health.
                weight <number>
                    Its share of the load.
                inter <time>
                    The time between checks.

                """)
        #expect(help.text(for: ["no", "option", "httpclose"]).contains("'no option httpclose' switches it off."))
        #expect(help.text(for: ["option httpclose"]) == help.text(for: ["option", "httpclose"]))
    }

    @Test func `parameters, families and sections have their pages`() {
        #expect(
            help.text(for: ["server", "weight"])
                == "weight <number>\n    Its share of the load.\n    Belongs to server.\n")
        #expect(help.text(for: ["timeout"]).split(separator: "\n").filter { $0.hasPrefix("timeout") }.count == 5)
        #expect(
            help.text(for: ["maxconn"]).contains("In global.")
                && help.text(for: ["maxconn"]).contains("In defaults, frontend and listen."))
        #expect(
            help.text(for: ["backend"]).contains("balance <algorithm>") && !help.text(for: ["backend"]).contains("bind")
        )
    }

    @Test(arguments: [
        (["blance"], "there is no 'blance'\ndid you mean 'balance'?\n`portico help` lists all keywords\n"),
        (
            ["server", "wieght"],
            "there is no 'server wieght'\ndid you mean 'server weight'?\n`portico help` lists all keywords\n"
        ),
        (["qwertz"], "there is no 'qwertz'\n`portico help` lists all keywords\n"),
        (["server", "ssl"], "'ssl' is known to HAProxy, but Portico's TLS does not do it yet\n"),
        (["balance", "sticky"], "'sticky' is known to HAProxy, but Portico does not do it yet\n"),
        (["block"], "'block' is an old spelling; write: http-request deny\n"),
        (
            ["reqrep"],
            "'reqrep' is an old spelling, gone from HAProxy: it becomes http-request rules where its pattern says what it is about\n"
        ),
        (["stick-table"], "'stick-table' is known to HAProxy, but Portico does not do it yet\n"),
        (["log-forward"], "'log-forward' is known to HAProxy, but Portico does not do it yet\n"),
    ])
    func `an unknown word is answered with what is known of it`(_ words: [String], _ answer: String) {
        #expect(help.text(for: words) == answer)
        #expect(!help.hasPage(for: words))
    }

    @Test(arguments: [
        (
            ["thread-groups"], "'thread-groups' is accepted and has no effect: the kernel schedules the threads",
            false
        ),
        (["tune.idletimer"], "'tune.idletimer' is accepted and has no effect: Portico tunes this itself", false),
        (
            ["tune.ssl.default-dh-param"],
            "'tune.ssl.default-dh-param' is accepted and has no effect: Portico tunes this itself",
            false
        ),
        (
            ["tune.quic.fe.tx.pacing"],
            "'tune.quic.fe.tx.pacing' is accepted and has no effect: Portico has no HTTP/3 yet to which it could apply",
            false
        ),
        (
            ["option", "contstats"], "'option contstats' is accepted and has no effect: counters are always up to date",
            false
        ),
        (
            ["nbproc"],
            "'nbproc' is accepted and has no effect: Portico is a single process with one thread per core, or as many as nbthread sets",
            true
        ),
    ])
    func `a word without effect has a page that says why`(_ words: [String], _ answer: String, _ isWarned: Bool) {
        #expect(help.text(for: words).hasPrefix(answer + "\n"))
        #expect(help.text(for: words).contains("A line with it gets a warning.") == isWarned)
        #expect(help.hasPage(for: words))
    }

    @Test func `the overview names the words without effect`() {
        let text = help.text(for: [])
        let list = text.split(separator: "Accepted without effect").last ?? ""
        for name in ["tune.*", "thread-groups", "cpu-map", "stats bind-process", "option contstats"] {
            #expect(list.contains("  \(name)"), "\(name)")
        }
    }

    @Test func `a word alone is found wherever a keyword ends so, or a parameter has that name`() {
        #expect(help.text(for: ["httplog"]) == help.text(for: ["option", "httplog"]))
        #expect(help.text(for: ["weight"]) == help.text(for: ["server", "weight"]))
        #expect(help.hasPage(for: ["httplog"]) && help.hasPage(for: ["weight"]) && help.hasPage(for: []))
        // A keyword's own page does not include others that end with its name.
        #expect(help.text(for: ["http-request"]) != help.text(for: ["timeout", "http-request"]))
    }

    @Test func `words that no keyword has are groups of their own`() {
        let parameter = Parameter<Void>("%ci", usage: "%ci", summary: "The client's address.") {
            (_, _) throws(ConfigProblem) in
        }
        let groups = [ParameterGroup(of: "log-format", [parameter])]
        let help = HelpPrinter(Language(keywords: ConfigurationKeywords.table, parameterGroups: groups))
        #expect(help.text(for: ["log-format"]) == "%ci\n    The client's address.\n")
        #expect(help.text(for: ["%ci"]) == "%ci\n    The client's address.\n    Belongs to log-format.\n")
        #expect(help.text(for: []).contains("  log-format\n"))
    }

    @Test func `the manual has every row and every parameter, and is the same every time`() {
        let manual = TinyLanguage.language.manual()
        for keyword in TinyLanguage.language.keywords {
            #expect(manual.contains("### \(keyword.name)\n") && manual.contains("```\n\(keyword.usage)\n```"))
        }
        #expect(manual.contains("- `weight <number>`: Its share of the load."))
        #expect(manual.contains("- `contimeout`: `timeout connect`"))
        #expect(manual.contains("\n| [`option httplog`](#option-httplog) | | ● | ● | | ● | |\n"))
        #expect(manual.contains("\n| [`.if`](#if) |"))
        #expect(manual == TinyLanguage.language.manual())
    }
}
