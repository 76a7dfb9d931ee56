// HAProxy's words that change nothing one could see from outside if they are left out: accepted, without a message, or with a
// warning where a file may count on what they do. A word that gets a row of its own is no longer looked up here.

/// A word that is accepted and has no effect.
public struct IgnoredKeyword: Sendable {
    public let name: String
    public let sections: Sections
    /// Why nothing is lost, as the end of the sentence "has no effect: …".
    public let reason: String
    /// Whether a line with it is warned about: where a file may count on what the word does, or HAProxy itself has dropped it.
    /// Without a warning, `-dW` accepts the line.
    public let isWarnedAbout: Bool

    var wordCount: Int { name.split(separator: " ").count }

    /// What help and manual say of it.
    var explanation: String { "'\(name)' is accepted and has no effect: \(reason)" }

    /// Every such word, but for those that begin with `tune.`.
    public static let table: [IgnoredKeyword] = silent + warned

    private static let silent: [IgnoredKeyword] =
        rows(
            in: .global, "threads run where the kernel puts them",
            "cpu-affinity", "cpu-map", "cpu-policy", "cpu-set", "max-threads-per-group", "numa-cpu-mapping",
            "thread-group", "thread-groups", "thread-hard-limit")
        + rows(
            in: .global, "one process does it all, with one thread a core or as nbthread says",
            "master-worker", "mworker-max-reloads", "stats bind-process")
        + rows(
            in: .global, "Portico has one way to wait for events",
            "busy-polling", "noepoll", "nopoll", "noevports", "nokqueue")
        + rows(
            in: .global, "Portico sizes this itself",
            "maxpipes", "maxcompcpuusage", "maxcomprate", "maxzlibmem", "no-memory-trimming", "prealloc-fd")
        + rows(
            in: .global, "Portico has no TLS yet to which it could apply",
            "ca-base", "crt-base", "issuers-chain-path", "maxsslconn", "maxsslrate", "noktls",
            "ssl-default-bind-ciphers", "ssl-default-bind-ciphersuites", "ssl-default-bind-client-sigalgs",
            "ssl-default-bind-curves", "ssl-default-bind-options", "ssl-default-bind-sigalgs",
            "ssl-default-server-ciphers", "ssl-default-server-ciphersuites", "ssl-default-server-client-sigalgs",
            "ssl-default-server-curves", "ssl-default-server-options", "ssl-default-server-sigalgs",
            "ssl-dh-param-file", "ssl-engine", "ssl-mode-async", "ssl-propquery", "ssl-provider", "ssl-provider-path",
            "ssl-security-level", "ssl-server-verify", "ssl-skip-self-issued-ca")
        + rows(in: .global, "Portico has no QUIC yet to which it could apply", "limited-quic", "no-quic")
        + rows(in: .global, "the system's own limits decide", "set-dumpable", "strict-limits")
        + rows(in: .global, "each check keeps its own interval", "spread-checks", "max-spread-checks")
        + rows(in: .global, "Portico has no peers yet to which it could matter", "localpeer")
        + rows(
            in: .global, "profiling is left to the system's tools", "profiling.tasks", "profiling.memory",
            "warn-blocked-traffic-after")
        + rows(in: .global, "nothing is spliced", "nosplice")
        + rows(
            in: .global, "Portico starts no other programs", "insecure-fork-wanted", "insecure-setuid-wanted")
        + rows(
            in: .global, "whatever Portico has may be used", "expose-experimental-directives",
            "expose-deprecated-directives")
        + rows(
            in: .proxies, "nothing is spliced", "option splice-auto", "option splice-request", "option splice-response")
        + rows(in: .frontends, "counters are always up to date", "option contstats")
        + rows(in: .frontends, "statistics are kept for each frontend", "option socket-stats")
        + rows(in: .frontends, "Portico has no HTTP/2 yet to which it could apply", "option disable-h2-upgrade")
        + rows(in: .proxies, "what has come is passed on at once", "option http-no-delay")
        + rows(in: .frontends, "a reload keeps idle connections", "option idle-close-on-response")
        + rows(in: .frontends, "the kernel does what is best", "option tcp-smart-accept")
        + rows(in: .backends, "servers are always asked to keep their connections", "option http-pretend-keepalive")
        + rows(in: .backends, "the kernel does what is best", "option tcp-smart-connect")

    private static let warned: [IgnoredKeyword] =
        rows(
            in: .global, "one process does it all, with one thread a core or as nbthread says", warned: true, "nbproc")
        + rows(
            in: .proxies, "connections are closed in the proper way, which is safe", warned: true, "option nolinger")
        + rows(
            in: .backends, "it is a hint for speed, and every server answers as well", warned: true,
            "option prefer-last-server")
        + rows(
            in: .proxies, "each side's time-out runs while nothing moves there, and bytes sent count", warned: true,
            "option independent-streams")
        + rows(
            in: .frontends, "Proxy-Connection says nothing to Portico, and is passed on to nobody", warned: true,
            "option http-use-proxy-header")
        + rows(in: .backends, "no server is chosen by a cookie yet", warned: true, "option persist")
        + rows(in: .proxies, "there is only one way to handle HTTP", warned: true, "option http-use-htx")
        + rows(in: .proxies, "there is only one process", warned: true, "bind-process")

    private static let byFirstWord = Dictionary(grouping: table) { $0.name.prefix { $0 != " " } }

    static func of(_ words: ArraySlice<Word>) -> IgnoredKeyword? {
        guard let first = words.first?.text else { return nil }
        if first.hasPrefix("tune."), HAProxyKeywords.known(words) != nil {
            return IgnoredKeyword(
                name: first, sections: .global, reason: tuningReason(first),
                isWarnedAbout: visibleTuning.contains { first.hasPrefix($0) })
        }
        return byFirstWord[first[...]]?.first { row in
            words.starts(with: row.name.split(separator: " "), by: { $0.text == $1 })
        }
    }

    /// Limits that cut off what a log or a rule would otherwise show whole, and a file of secrets that is not written.
    private static let visibleTuning = [
        "tune.http.cookielen", "tune.http.logurilen", "tune.ssl.keylog", "tune.vars.",
    ]

    private static func tuningReason(_ name: String) -> String {
        for (prefix, what) in [
            ("ssl", "TLS"), ("h2", "HTTP/2"), ("quic", "HTTP/3"), ("lua", "Lua"), ("peers", "peers"),
        ]
        where name.hasPrefix("tune.\(prefix).") {
            return "Portico has no \(what) yet to which it could apply"
        }
        return "Portico tunes this itself"
    }

    private static func rows(
        in sections: Sections, _ reason: String, warned: Bool = false, _ names: String...
    ) -> [IgnoredKeyword] {
        names.map { IgnoredKeyword(name: $0, sections: sections, reason: reason, isWarnedAbout: warned) }
    }
}
