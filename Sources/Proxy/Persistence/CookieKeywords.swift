// The words about persistence by cookies: `cookie` and `option persist`. The parameter `cookie` of servers is in ServerParameters.

internal import Balancing
internal import Basics
internal import Configuration

/// Persistence as one section's lines have it.
struct PersistenceSettings: SectionSettings {
    var cookie: PersistenceCookie?
    /// `option persist`
    var insists = false
    /// `dynamic-cookie-key`
    var key: [UInt8]?

    init() {}

    /// Nil without a `cookie` line, and in TCP mode, which has no messages to read cookies of.
    func persistence(
        among lines: [ServerDraft], _ servers: [Server], mode: ProxyMode
    ) -> CookiePersistence? {
        guard mode == .http, let cookie else { return nil }
        return CookiePersistence(
            cookie, values: lines.map { line in line.cookie.map { Array($0.text.utf8) } }, servers)
    }

    /// What names servers by their addresses is made with; nil if nothing is.
    var keyOfServers: [UInt8]? { cookie?.isDynamic == true ? key : nil }
}

enum CookieKeywords {
    static let table: [Keyword] = [
        Keyword(
            "cookie", in: .backends,
            usage:
                "cookie <name> [insert|rewrite|prefix] [indirect] [nocache] [postonly] [preserve] [httponly] [secure] "
                + "[domain <domain>]... [attr <attribute>]... [maxidle <time>] [maxlife <time>] [dynamic]",
            summary: """
                Sends a client's requests to the same server, by a cookie with the value that `cookie` of the `server` line gives. \
                insert: Portico sets the cookie, unless the client has it. rewrite: the server sets it, and gets its value replaced; \
                prefix: its value is kept behind the server's and a tilde. Without any, the cookie is only read. indirect, with insert: \
                the server does not see the cookie. nocache: what sets the cookie is marked as private. postonly: only responses to POST \
                set it. preserve: one that the server sets stays. maxidle and maxlife, with insert: time after which a cookie does not \
                count, from the last response and from the first. dynamic: servers without a `cookie` are named by their addresses (see \
                dynamic-cookie-key).
                """
        ) { (args, draft) throws(ConfigProblem) in
            draft[PersistenceSettings.self].cookie = try cookie(&args)
        },
        Keyword(
            "dynamic-cookie-key", in: .backends, usage: "dynamic-cookie-key <text>",
            summary:
                "With `cookie … dynamic`, a secret that names each server that has no `cookie` of its own: the name is a hash of the "
                + "secret, the server's IP address and its port, the same in every proxy that has this key. A server whose name gets "
                + "another address is named anew."
        ) { (args, draft) throws(ConfigProblem) in
            let word = try args.next("a text")
            guard !word.text.isEmpty else { throw args.problem("the key is empty", at: word, expected: "a text") }
            draft[PersistenceSettings.self].key = word.text.verbatimBytes
        },
        Keyword(
            "option persist", in: .backends, usage: "option persist",
            summary:
                "Sends a request to the server that its cookie names even if that is down; it goes elsewhere when that has failed, "
                + "where `option redispatch` allows it.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in draft[PersistenceSettings.self].insists = !args.isNegated },
    ]

    private static func cookie(_ args: inout Arguments) throws(ConfigProblem) -> PersistenceCookie {
        let name = try args.next("a cookie's name")
        guard name.text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"()<>@,;:\\\"/[]?={}".utf8.contains($0) }) else {
            throw args.problem("'\(name.text)' cannot be a cookie's name", at: name, expected: "a token, such as SRV")
        }
        var cookie = PersistenceCookie(name: Array(name.text.utf8))
        while let word = args.nextIfPresent() { try take(word, &args, &cookie) }
        if cookie.mode == .rewrite, cookie.isIndirect {
            throw args.problem("'rewrite' and 'indirect' exclude each other", at: name)
        }
        if cookie.preservesServers, cookie.mode != .insert, !cookie.isIndirect {
            throw args.problem("'preserve' has no effect without 'insert' or 'indirect'", at: name)
        }
        if cookie.hasDates, cookie.mode != .insert {
            throw args.problem("'maxidle' and 'maxlife' have no effect without 'insert'", at: name)
        }
        return cookie
    }

    private static func take(
        _ word: Word, _ args: inout Arguments, _ cookie: inout PersistenceCookie
    ) throws(ConfigProblem) {
        switch word.text {
        case "insert": try set(.insert, word, args, &cookie)
        case "rewrite": try set(.rewrite, word, args, &cookie)
        case "prefix": try set(.prefix, word, args, &cookie)
        case "indirect": cookie.isIndirect = true
        case "nocache": cookie.forbidsCaching = true
        case "postonly": cookie.isForPostsOnly = true
        case "preserve": cookie.preservesServers = true
        case "httponly": cookie.isHTTPOnly = true
        case "secure": cookie.isSecure = true
        case "domain": cookie.domains.append(try attribute(&args, "a domain"))
        case "attr": cookie.otherAttributes.append(try attribute(&args, "an attribute"))
        case "maxidle": cookie.idleMax = try seconds(&args)
        case "maxlife": cookie.lifeMax = try seconds(&args)
        case "dynamic": cookie.isDynamic = true
        default:
            throw args.problem(
                "'\(word.text)' says nothing about a cookie", at: word,
                expected:
                    "insert, rewrite, prefix, indirect, nocache, postonly, preserve, httponly, secure, domain, attr, maxidle, maxlife or dynamic"
            )
        }
    }

    private static func set(
        _ mode: PersistenceCookie.Mode, _ word: Word, _ args: Arguments, _ cookie: inout PersistenceCookie
    ) throws(ConfigProblem) {
        guard cookie.mode == .passive else {
            throw args.problem("'insert', 'rewrite' and 'prefix' exclude one another", at: word)
        }
        cookie.mode = mode
    }

    /// A part of the Set-Cookie field.
    private static func attribute(_ args: inout Arguments, _ what: String) throws(ConfigProblem) -> String {
        let word = try args.next(what)
        guard !word.text.isEmpty, word.text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != 0x3B }) else {
            throw args.problem("'\(word.text)' cannot be part of a cookie", at: word, expected: what)
        }
        return word.text
    }

    private static func seconds(_ args: inout Arguments) throws(ConfigProblem) -> Int {
        Int(try args.time("a time", defaultUnit: .seconds).wholeMilliseconds / 1_000)
    }
}
