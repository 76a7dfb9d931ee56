// The keywords that say how servers are checked: by what, and how long it may take. The steps' own are in `CheckStepKeywords`.

internal import Basics
internal import Configuration

enum CheckKeywords {
    static let table: [Keyword] = [
        Keyword(
            "option httpchk", in: .backends, usage: "option httpchk [<uri> | <method> <uri> [<version> [<host>]]]",
            summary:
                "Checks servers with an HTTP request instead of a mere connection; a status from 200 to 399 passes. "
                + "Without a method it is OPTIONS in HTTP/1.0; with one it is HTTP/1.1 with a Host field, unless a version "
                + "is given. Over HTTP/2 (`proto`, `check-proto`, `check-alpn`) the version has no effect. `http-check` lines say more of "
                + "it. The first 'option httpchk' or 'http-check' line of a section forgets those of defaults.",
            negatable: true, parse: parseHTTPCheck),
        Keyword(
            "option tcp-check", in: .backends, usage: "option tcp-check",
            summary:
                "Checks servers as the `tcp-check` lines say; without any, by connecting to them, which is the default.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            if !args.isNegated {
                draft[BalancingSettings.self].checkMethod = .steps
            } else if case .steps = draft[BalancingSettings.self].checkMethod {
                draft[BalancingSettings.self].checkMethod = .connecting
            }
        },
        Keyword(
            "option check-passive", in: .backends, usage: "option check-passive",
            summary:
                "Busy is not dead: a check that is not answered in time does not count if the server has answered a live request within "
                + "the last `inter`, or in mode tcp taken a connection. A refused connection or a wrong answer always counts.",
            negatable: true
        ) { (args, draft) in draft[BalancingSettings.self].checksArePassive = !args.isNegated },
        Keyword(
            "timeout check", in: .backends, usage: "timeout check <time>",
            summary: "Bounds the wait for a check's answer once connected; without it, the check's interval does."
        ) { (args, draft) throws(ConfigProblem) in
            let time = try args.longTime("a time")
            draft[BalancingSettings.self].checkTimeout = time == .zero ? nil : time
        },
    ]

    private static func parseHTTPCheck(_ args: inout Arguments, _ draft: inout Draft) throws(ConfigProblem) {
        if args.isNegated {
            if draft[BalancingSettings.self].checksWithHTTP { draft[BalancingSettings.self].checkMethod = .connecting }
            return
        }
        draft[BalancingSettings.self].checkMethod = .http
        draft.forgetHTTPChecks()
        var check = draft[BalancingSettings.self].httpCheck.request
        let words = args.rest()
        switch words.count {
        case 0: break
        case 1: check.target = words[0].text
        default:
            check.method = words[0].text
            check.target = words[1].text
            if words.count == 4, !words[2].text.contains("\r\n") {
                check.version = words[2].text
                try check.addField("host", words[3], &draft[BalancingSettings.self].checkFormats)
                break
            }
            // Header lines may follow the version, as HAProxy's manual once had it: HTTP/1.1\r\nHost:\ example.org
            let lines = words.dropFirst(2).map(\.text).joined(separator: " ").split(separator: "\r\n")
            if let version = lines.first { check.version = String(version) }
            check.headers += lines.dropFirst().map(String.init)
        }
        if !words.isEmpty { try HTTPCheck.requireTarget(words.count > 1 ? words[1] : words[0]) }
        draft[BalancingSettings.self].httpCheck.request = check
    }
}

extension Draft {
    /// As in HAProxy, a section with such a line inherits nothing of the request and its steps.
    mutating func forgetHTTPChecks() {
        guard self[BalancingSettings.self].httpCheck.section != range else { return }
        self[BalancingSettings.self].httpCheck = HTTPCheckLines()
        self[BalancingSettings.self].httpCheck.section = range
    }

    /// The same for the steps of `tcp-check`.
    mutating func forgetTCPChecks() {
        guard self[BalancingSettings.self].tcpCheck.section != range else { return }
        self[BalancingSettings.self].tcpCheck = CheckLines(keyword: "tcp-check")
        self[BalancingSettings.self].tcpCheck.section = range
    }
}
