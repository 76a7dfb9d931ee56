// HAProxy's words that change nothing one could see from outside if they are left out: accepted, with a
// warning that says why they have no effect. A word that gets a row of its own is no longer looked up here.

/// A word that is accepted and has no effect.
public struct IgnoredKeyword: Sendable {
    public let name: String
    public let sections: Sections
    /// Why nothing is lost, as the end of the sentence "is ignored: …".
    public let reason: String

    var wordCount: Int { name.split(separator: " ").count }

    /// Every such word, but for those that begin with `tune.`.
    public static let table: [IgnoredKeyword] =
        rows(
            in: .global, "threads run where the kernel puts them",
            "cpu-map", "numa-cpu-mapping")
        + rows(
            in: .global, "one process does it all, with one thread a core or as nbthread says",
            "nbproc", "master-worker", "mworker-max-reloads")
        + rows(
            in: .global, "Portico has one way to wait for events",
            "busy-polling", "noepoll", "nopoll", "noevports", "nokqueue")
        + rows(
            in: .global, "Portico sizes this itself",
            "maxpipes", "maxcompcpuusage", "maxcomprate", "maxzlibmem", "no-memory-trimming")
        + rows(
            in: .global, "Portico has no TLS yet to which it could apply",
            "ca-base", "crt-base", "issuers-chain-path", "maxsslconn", "maxsslrate", "ssl-default-bind-ciphers",
            "ssl-default-bind-ciphersuites", "ssl-default-bind-client-sigalgs", "ssl-default-bind-curves",
            "ssl-default-bind-options", "ssl-default-bind-sigalgs", "ssl-default-server-ciphers",
            "ssl-default-server-ciphersuites", "ssl-default-server-client-sigalgs", "ssl-default-server-curves",
            "ssl-default-server-options", "ssl-default-server-sigalgs", "ssl-dh-param-file", "ssl-engine",
            "ssl-mode-async", "ssl-propquery", "ssl-provider", "ssl-provider-path", "ssl-security-level",
            "ssl-server-verify", "ssl-skip-self-issued-ca")
        + rows(in: .global, "the system's own limits decide", "set-dumpable", "strict-limits")
        + rows(in: .global, "each check keeps its own interval", "spread-checks", "max-spread-checks")
        + rows(in: .global, "Portico has no peers yet to which it could matter", "localpeer")
        + rows(in: .global, "profiling is left to the system's tools", "profiling.tasks", "profiling.memory")
        + rows(in: .global, "nothing is spliced", "nosplice")
        + rows(
            in: .global, "whatever Portico has may be used", "expose-experimental-directives",
            "expose-deprecated-directives")
        + rows(
            in: .proxies, "nothing is spliced", "option splice-auto", "option splice-request", "option splice-response")
        + rows(in: .frontends, "counters are always up to date", "option contstats")
        + rows(in: .frontends, "statistics are kept for each frontend", "option socket-stats")
        + rows(in: .frontends, "a reload keeps idle connections", "option idle-close-on-response")
        + rows(in: .frontends, "the kernel does what is best", "option tcp-smart-accept")
        + rows(in: .proxies, "connections are closed in the proper way, which is safe", "option nolinger")
        + rows(in: .backends, "servers are always asked to keep their connections", "option http-pretend-keepalive")
        + rows(
            in: .backends, "it is a hint for speed, and every server answers as well", "option prefer-last-server")
        + rows(in: .backends, "no server is chosen by a cookie yet", "option persist")
        + rows(in: .backends, "the kernel does what is best", "option tcp-smart-connect")
        + rows(in: .proxies, "there is only one way to handle HTTP", "option http-use-htx")
        + rows(in: .proxies, "there is only one process", "bind-process")

    private static let byFirstWord = Dictionary(grouping: table) { $0.name.prefix { $0 != " " } }

    static func of(_ words: ArraySlice<Word>) -> IgnoredKeyword? {
        guard let first = words.first?.text else { return nil }
        if first.hasPrefix("tune."), HAProxyKeywords.known(words) != nil {
            return IgnoredKeyword(name: first, sections: .global, reason: tuningReason(first))
        }
        return byFirstWord[first[...]]?.first { row in
            words.starts(with: row.name.split(separator: " "), by: { $0.text == $1 })
        }
    }

    private static func tuningReason(_ name: String) -> String {
        for (prefix, what) in [
            ("ssl", "TLS"), ("h2", "HTTP/2"), ("quic", "HTTP/3"), ("lua", "Lua"), ("peers", "peers"),
        ]
        where name.hasPrefix("tune.\(prefix).") {
            return "Portico has no \(what) yet to which it could apply"
        }
        return "Portico tunes this itself"
    }

    private static func rows(in sections: Sections, _ reason: String, _ names: String...) -> [IgnoredKeyword] {
        names.map { IgnoredKeyword(name: $0, sections: sections, reason: reason) }
    }
}
