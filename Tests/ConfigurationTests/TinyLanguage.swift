// A small language for these tests, with all shapes of keywords; its parsers only
// record their arguments.

import Basics
import Configuration

/// The recorded lines of a section, in order.
struct Said: SectionSettings {
    var lines: [String] = []
    var servers: [Box] = []
}

/// A `server` or `bind` line being parsed.
struct Box: Equatable, Sendable {
    var name = ""
    var weight = 1
    var isChecked = false
    var interval = TimeSpan.zero
}

enum TinyLanguage {
    static let language = Language(
        sections: ["http-errors", "userlist", "resolvers", "ring", "log-profile", "mailers"],
        keywords: ConfigurationKeywords.table + keywords,
        parameterGroups: [
            ParameterGroup(of: "server", serverParameters), ParameterGroup(of: "bind", bindParameters),
        ])

    static let keywords: [Keyword] =
        [
            Keyword("mode", in: .proxies, usage: "mode http|tcp", summary: "Says which protocol is spoken.") {
                (args, draft) throws(ConfigProblem) in
                let mode = try args.choice("a mode", of: ["http": "http", "tcp": "tcp"])
                draft[Said.self].lines.append("mode \(mode)")
            },
            Keyword(
                "bind", in: [.frontend, .listen], usage: "bind <address> [<parameter>...]",
                summary: "Listens at an address."
            ) { (args, draft) throws(ConfigProblem) in
                let address = try args.next("an address")
                _ = try AddressText(address)
                var box = Box()
                try args.parameters(bindParameters, of: "bind", into: &box)
                draft[Said.self].lines.append("bind \(address.text) \(box.name)".trimmed)
            },
            Keyword(
                "server", in: [.backend, .listen], usage: "server <name> <address> [<parameter>...]",
                summary: "Adds a server."
            ) { (args, draft) throws(ConfigProblem) in
                var box = Box(name: try args.next("a server name").text)
                _ = try AddressText(try args.next("an address"))
                try args.parameters(serverParameters, of: "server", into: &box)
                draft[Said.self].servers.append(box)
            },
            Keyword("log", in: [.global, .proxies], usage: "log <target>", summary: "Logs.", negatable: true) {
                (args, draft) throws(ConfigProblem) in
                if args.isNegated {
                    draft[Said.self].lines.removeAll { $0.hasPrefix("log") }
                } else {
                    draft[Said.self].lines.append("log \(try args.next("a target").text)")
                }
            },
            Keyword("stats", in: .proxies, usage: "stats <what>", summary: "Shows statistics.") {
                (args, draft) throws(ConfigProblem) in
                draft[Said.self].lines.append("stats \(args.rest().map(\.text).joined(separator: " "))")
            },
            Keyword("use_backend", in: .frontends, usage: "use_backend <name>", summary: "Names the backend.") {
                (args, draft) throws(ConfigProblem) in
                draft[Said.self].lines.append("use_backend \(try args.next("a backend's name").text)")
            },
        ] + [
            noting("daemon", in: .global), noting("stats socket", in: .global, takes: "an address"),
            noting("maxconn", in: .global, takes: "a number"), noting("maxconn", in: .frontends, takes: "a number"),
            noting("balance", in: .backends, takes: "an algorithm"),
            noting("option httplog", in: .frontends), noting("option httpclose", in: .proxies, negatable: true),
            noting("option redispatch", in: .backends, negatable: true),
            noting("http-request deny", in: .proxies),
            noting("http-request add-header", in: .proxies, takes: "a name", "a value"),
            Keyword(
                "http-request set-var", in: .proxies, usage: "http-request set-var(<name>) <value>",
                summary: "Sets a variable.", takesParentheses: true
            ) { (args, draft) throws(ConfigProblem) in
                let name = try args.inParentheses("a variable").text
                if name == "x" { throw args.problem("'x' is bad", at: try args.next("a value")) }
                draft[Said.self].lines.append("set-var \(name) to \(try args.next("a value").text)")
            },
        ]
        + ["connect", "server", "queue"].map { timeout($0, in: .backends) }
        + ["client", "http-request"].map { timeout($0, in: .frontends) }

    static let serverParameters: [Parameter<Box>] = [
        Parameter("check", usage: "check", summary: "Checks the server's health.") { (_, box) throws(ConfigProblem) in
            box.isChecked = true
        },
        Parameter("weight", usage: "weight <number>", summary: "Its share of the load.") {
            (args, box) throws(ConfigProblem) in
            if args.peek?.text == "0" { args.warn("a server of weight 0 gets nothing", at: args.peek) }
            box.weight = try args.integer("a weight", in: 0...256)
        },
        Parameter("inter", usage: "inter <time>", summary: "The time between checks.") {
            (args, box) throws(ConfigProblem) in
            box.interval = try args.time("a time")
        },
    ]

    static let bindParameters: [Parameter<Box>] = [
        Parameter("name", usage: "name <name>", summary: "What it is called.") { (args, box) throws(ConfigProblem) in
            box.name = try args.next("a name").text
        }
    ]

    private static func timeout(_ name: String, in sections: Sections) -> Keyword {
        Keyword("timeout \(name)", in: sections, usage: "timeout \(name) <time>", summary: "Bounds a wait.") {
            (args, draft) throws(ConfigProblem) in
            let time = try args.time("a time")
            draft[Said.self].lines.append("timeout \(name) \(time.wholeMilliseconds)ms")
        }
    }

    /// A keyword whose arguments are recorded unchanged.
    private static func noting(
        _ name: String, in sections: Sections, takes what: String..., negatable: Bool = false
    ) -> Keyword {
        let usage = ([name] + what.map { "<\($0.split(separator: " ").last ?? "")>" }).joined(separator: " ")
        return Keyword(name, in: sections, usage: usage, summary: "Notes itself.", negatable: negatable) {
            (args, draft) throws(ConfigProblem) in
            var words = [args.isNegated ? "no " + name : name]
            for what in what { words.append(try args.next(what).text) }
            draft[Said.self].lines.append(words.joined(separator: " "))
        }
    }
}

extension String {
    var trimmed: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        while text.first == " " { text.removeFirst() }
        return String(text)
    }
}

/// Parses a text in the tiny language.
func load(_ text: String, environment: [String: String] = [:]) -> LoadedConfiguration {
    TinyLanguage.language.load(text: text, named: "t.cfg", environment: environment)
}

extension LoadedConfiguration {
    /// Its problems, one line each, without the file's name.
    var complaints: [String] {
        let printer = ProblemPrinter(sources: sources)
        return printer.sorted(problems).map { problem in
            let line = printer.line(problem)
            return line.hasPrefix("t.cfg:") ? String(line.dropFirst("t.cfg:".count)) : line
        }
    }

    func lines(of name: String) -> [String]? { proxies.first { $0.name == name }?[Said.self].lines }
}
