// The commands of HAProxy's runtime socket, to tell one that Portico does not have yet from a misspelling. Names only, of those that
// Portico has too: from the management guide of 3.5, section 9.3, and of the master's socket section 9.4.

internal import Configuration

enum KnownCommands {
    /// The longest command of HAProxy's that the words begin with.
    static func known(_ words: [String]) -> String? {
        for count in stride(from: min(words.count, wordsMax), to: 0, by: -1) {
            guard let name = name(of: words.prefix(count)) else { continue }
            if names.contains(name) { return name }
        }
        return nil
    }

    /// The command that the words begin with a misspelling of; not one of `own`, which Portico has.
    static func meant(by words: [String], except own: [any RuntimeCommand.Type]) -> String? {
        let names = names.subtracting(own.map { $0.name })
        for count in stride(from: min(words.count, wordsMax), to: 0, by: -1) {
            guard let name = name(of: words.prefix(count)) else { continue }
            if let near = nearest(name, among: names) { return near }
        }
        return nil
    }

    /// Nil if a word has a space in it, as no name has.
    private static func name(of words: ArraySlice<String>) -> String? {
        words.contains { $0.contains(" ") } ? nil : words.joined(separator: " ")
    }

    private static let wordsMax = 4

    static let names: Set<String> = Set(
        """
        abort ssl ca-file, abort ssl cert, abort ssl crl-file, acme renew, acme status, add acl, add backend,
        add map, add server, add ssl ca-file, add ssl crt-list, add ssl ech, add ssl jwt, clear acl,
        clear counters, clear counters all, clear counters server, clear map, clear table, commit acl,
        commit map, commit ssl ca-file, commit ssl cert, commit ssl crl-file, debug counters, debug dev,
        del acl, del backend, del map, del server, del ssl ca-file, del ssl cert, del ssl crl-file,
        del ssl crt-list, del ssl ech, del ssl jwt, disable agent, disable dynamic-cookie backend,
        disable frontend, disable health, disable server, dump ssl cert, dump stats-file, echo, enable agent,
        enable dynamic-cookie backend, enable frontend, enable health, enable server, experimental-mode,
        expert-mode, expose-fd listeners, get acl, get map, get var, get weight, hard-reload, help, httpclient,
        new ssl ca-file, new ssl cert, new ssl crl-file, operator, prepare acl, prepare map, prompt, publish backend,
        quit, reload,
        set anon, set anon global-key, set dynamic-cookie-key backend, set map, set maxconn frontend,
        set maxconn global, set maxconn server, set profiling, set rate-limit,
        set rate-limit connections global, set rate-limit http-compression global,
        set rate-limit sessions global, set rate-limit ssl-sessions global, set server, set severity-output,
        set ssl ca-file, set ssl cert, set ssl crl-file, set ssl ech, set ssl ocsp-response, set ssl tls-key,
        set table, set timeout cli, set var, set weight, show acl, show activity, show anon, show backend,
        show cache, show cli level, show cli sockets, show default-server, show defaults, show dev, show env,
        show errors, show events, show fd, show info, show libs, show map, show peers, show pools, show proc, show profiling, show quic,
        show resolvers, show schema json, show servers conn, show servers state, show sess, show ssl ca-file, show ssl cert,
        show ssl crl-file, show ssl crt-list, show ssl ech, show ssl jwt, show ssl ocsp-response,
        show ssl ocsp-updates, show ssl providers, show ssl sni, show startup-logs, show stat, show table, show tasks,
        show threads, show tls-keys, show trace, show version, shutdown frontend, shutdown session, shutdown sessions server,
        trace, unpublish backend, update ssl ocsp-response, user, wait
        """.split(separator: ",").map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") })
}
