// HAProxy's keywords that Portico accepts without effect, because omitting them changes nothing observable; with a
// warning where a user may rely on their effect. A keyword with a row in a keyword table is not looked up here.

/// A keyword that is accepted and has no effect.
public struct IgnoredKeyword: Sendable {
    public let name: String
    public let sections: Sections
    /// Why it has no effect, as the end of the sentence "has no effect: …".
    public let reason: String
    /// Whether it gets a warning, because a user may rely on its effect or HAProxy itself has removed it. With `-dW`, a
    /// line with a warning is rejected.
    public let isWarnedAbout: Bool

    var wordCount: Int { name.split(separator: " ").count }

    /// The text in help and manual.
    var explanation: String { "'\(name)' is accepted and has no effect: \(reason)" }

    /// All such keywords, except those that begin with `tune.`.
    public static let table: [IgnoredKeyword] = silent + warned

    private static let silent: [IgnoredKeyword] =
        rows(
            in: .global, "the kernel schedules the threads",
            "cpu-affinity", "cpu-map", "cpu-policy", "cpu-set", "max-threads-per-group", "numa-cpu-mapping",
            "thread-group", "thread-groups", "thread-hard-limit")
        + rows(
            in: .global, "Portico is a single process with one thread per core, or as many as nbthread sets",
            "master-worker", "mworker-max-reloads", "stats bind-process")
        + rows(
            in: .global, "Portico always uses epoll",
            "busy-polling", "noepoll", "nopoll", "noevports", "nokqueue")
        + rows(
            in: .global, "Portico sizes this itself",
            "maxpipes", "maxcompcpuusage", "maxcomprate", "maxzlibmem", "no-memory-trimming", "prealloc-fd")
        + rows(in: .global, "Portico lets OpenSSL compute at once", "ssl-mode-async")
        + rows(in: .global, "Portico has no QUIC yet to which it could apply", "limited-quic", "no-quic")
        + rows(in: .global, "the system's own limits decide", "set-dumpable", "strict-limits")
        + rows(in: .global, "Portico has no peers yet to which it could apply", "localpeer")
        + rows(
            in: .global, "profiling is left to the system's tools", "profiling.tasks", "profiling.memory",
            "warn-blocked-traffic-after")
        + rows(
            in: .global, "Portico starts programs only where external-check says so", "insecure-fork-wanted",
            "insecure-setuid-wanted")
        + rows(
            in: .global, "all of Portico's keywords are available", "expose-experimental-directives",
            "expose-deprecated-directives")
        + rows(in: .frontends, "counters are always up to date", "option contstats")
        + rows(in: .frontends, "statistics are kept for each frontend", "option socket-stats")
        + rows(in: .proxies, "data is always forwarded at once", "option http-no-delay")
        + rows(in: .frontends, "a reload keeps idle connections", "option idle-close-on-response")
        + rows(in: .frontends, "this is left to the kernel", "option tcp-smart-accept")
        + rows(in: .backends, "servers are always asked to keep connections open", "option http-pretend-keepalive")
        + rows(in: .backends, "this is left to the kernel", "option tcp-smart-connect")

    private static let warned: [IgnoredKeyword] =
        rows(
            in: .global, "Portico is a single process with one thread per core, or as many as nbthread sets",
            warned: true, "nbproc")
        + rows(
            in: .global, "engines are gone from OpenSSL; providers, which took their place, are named by ssl-provider",
            warned: true, "ssl-engine")
        + rows(
            in: .proxies, "connections are always closed cleanly", warned: true, "option nolinger")
        + rows(
            in: .backends, "it is only an optimisation", warned: true, "option prefer-last-server")
        + rows(
            in: .proxies, "the time-out of a side is restarted by bytes received and sent on that side", warned: true,
            "option independent-streams")
        + rows(
            in: .frontends, "Portico ignores Proxy-Connection and does not forward it", warned: true,
            "option http-use-proxy-header")
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

    /// `tune.` keywords with a visible effect in HAProxy: limits that truncate logs and variables.
    private static let visibleTuning = [
        "tune.http.cookielen", "tune.http.logurilen", "tune.vars.",
    ]

    private static func tuningReason(_ name: String) -> String {
        for (prefix, what) in [
            ("quic", "HTTP/3"), ("lua", "Lua"), ("peers", "peers"),
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
