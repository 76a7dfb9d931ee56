// The keywords that say how servers are checked: the request, what passes, and how long it may take.

internal import Basics
internal import Configuration

enum CheckKeywords {
    static let table: [Keyword] = [
        Keyword(
            "option httpchk", in: .backends, usage: "option httpchk [<uri> | <method> <uri> [<version> [<host>]]]",
            summary:
                "Checks servers with an HTTP request instead of a mere connection; a status from 200 to 399 passes. "
                + "Without a method it is OPTIONS in HTTP/1.0; with one it is HTTP/1.1 with a Host field, unless a version "
                + "is given. Over HTTP/2 (`proto`, `check-proto`, `check-alpn`) the version has no effect. The first 'option httpchk' "
                + "or 'http-check' line of a section forgets those of defaults.",
            negatable: true, parse: parseHTTPCheck),
        Keyword(
            "http-check connect", in: .backends,
            usage:
                "http-check connect [default] [port <port>] [addr <ip>] [send-proxy] [ssl] [sni <name>] [alpn <protocols>] "
                + "[proto h1|h2] [linger] [comment <text>]",
            summary:
                "Says how the check of `option httpchk` connects: with what the `server` line says, where `default` is there; "
                + "otherwise to its address in plain, but for what is said here. One such line, before `http-check send`."
        ) { (args, draft) throws(ConfigProblem) in
            var check = httpCheck(of: draft)
            if check.connection != nil { throw args.problem("a check has one connection") }
            check.connection = try CheckConnection(&args)
            set(check, in: &draft)
        },
        Keyword(
            "http-check send", in: .backends,
            usage: "http-check send [meth <method>] [uri <uri>] [ver <version>] [hdr <name> <value>]... [body <text>]",
            summary: "Says what the request of `option httpchk` looks like.", parse: parseCheckSend),
        Keyword(
            "http-check expect", in: .backends, usage: "http-check expect status <code|range>[,<code|range>...]",
            summary: "Says which statuses pass `option httpchk`.", parse: parseCheckExpect),
        Keyword(
            "option tcp-check", in: .backends, usage: "option tcp-check",
            summary: "Checks servers by connecting to them, which is the default.", negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            if !args.isNegated { draft[BalancingSettings.self].checksWithHTTP = false }
        },
        Keyword(
            "timeout check", in: .backends, usage: "timeout check <time>",
            summary: "Bounds the wait for a check's answer once connected; without it, the check's interval does."
        ) { (args, draft) throws(ConfigProblem) in
            let time = try args.longTime("a time")
            draft[BalancingSettings.self].checkTimeout = time == .zero ? nil : time
        },
    ]

    private static func parseHTTPCheck(_ args: inout Arguments, _ draft: inout Draft) throws(ConfigProblem) {
        draft[BalancingSettings.self].checksWithHTTP = !args.isNegated
        guard !args.isNegated else { return }
        var check = httpCheck(of: draft)
        let words = args.rest()
        switch words.count {
        case 0: break
        case 1: check.target = words[0].text
        default:
            check.method = words[0].text
            check.target = words[1].text
            if words.count == 4, !words[2].text.contains("\r\n") {
                check.version = words[2].text
                check.headers.append("host: \(words[3].text)")
                break
            }
            // Header lines may follow the version, as HAProxy's manual once had it: HTTP/1.1\r\nHost:\ example.org
            let lines = words.dropFirst(2).map(\.text).joined(separator: " ").split(separator: "\r\n")
            if let version = lines.first { check.version = String(version) }
            check.headers += lines.dropFirst().map(String.init)
        }
        if !words.isEmpty { try checkTarget(words.count > 1 ? words[1] : words[0]) }
        set(check, in: &draft)
    }

    private static func checkTarget(_ word: Word) throws(ConfigProblem) {
        guard word.text.hasPrefix("/") || word.text == "*" else {
            throw ConfigProblem("a check's URI begins with '/'", at: word.range)
        }
    }

    /// The request as this section's lines have it so far. As in HAProxy, a section with such a line inherits nothing of it.
    private static func httpCheck(of draft: Draft) -> HTTPCheck {
        let settings = draft[BalancingSettings.self]
        return settings.httpCheckSection == draft.range ? settings.httpCheck : HTTPCheck()
    }

    private static func set(_ check: HTTPCheck, in draft: inout Draft) {
        draft[BalancingSettings.self].httpCheck = check
        draft[BalancingSettings.self].httpCheckSection = draft.range
    }

    /// Changes the request of `option httpchk`, which may come before or after.
    private static func parseCheckSend(_ args: inout Arguments, _ draft: inout Draft) throws(ConfigProblem) {
        var check = httpCheck(of: draft)
        while let word = args.nextIfPresent() {
            switch word.text {
            case "meth": check.method = try args.next("a method").text
            case "uri":
                let target = try args.next("a URI")
                try checkTarget(target)
                check.target = target.text
            case "ver": check.version = try args.next("a version").text
            case "hdr":
                let name = try args.nextFieldName("a header name").text
                check.headers.append("\(name): \(try args.next("a header value").text)")
            case "body": check.body = try args.next("a text").text
            default:
                throw args.problem(
                    "unknown part '\(word.text)' of a check's request", at: word,
                    expected: "meth, uri, ver, hdr or body",
                    suggestion: nearest(word.text, among: ["meth", "uri", "ver", "hdr", "body"]))
            }
        }
        set(check, in: &draft)
    }

    private static func parseCheckExpect(_ args: inout Arguments, _ draft: inout Draft) throws(ConfigProblem) {
        let kind = try args.next("what to expect")
        guard kind.text == "status" else {
            throw args.problem("Portico expects only a status so far", at: kind, expected: "status")
        }
        let word = try args.next("a status")
        var statuses: [ClosedRange<Int>] = []
        for part in word.text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map(status)
            guard ends.count <= 2, let low = ends[0], let high = ends[ends.count - 1], low <= high else {
                throw args.problem("'\(part)' is not a status", at: word, expected: "100 to 999, or a range")
            }
            statuses.append(low...high)
        }
        var check = httpCheck(of: draft)
        check.statuses = statuses
        set(check, in: &draft)
    }

    private static func status(_ text: Substring) -> Int? {
        // Int also reads "+200".
        guard text.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let status = Int(text), (100...999).contains(status) else {
            return nil
        }
        return status
    }
}
