// Recognises files for nginx or Caddy by the braces and semicolons at their line ends, and reports them with a single
// error that refers to a help page.

/// The syntax of other programs' configurations.
enum ForeignSyntax {
    /// The program and Portico's equivalent for a keyword, with the help page.
    private static let counterparts: [String: (program: String, page: String)] = [
        "server": ("nginx", "frontend with 'bind', and server lines in a backend: portico help bind"),
        "http": ("nginx", "'mode http' in a defaults section: portico help mode"),
        "stream": ("nginx", "'mode tcp' in a defaults section: portico help mode"),
        "events": ("nginx", "nothing of the kind, or nbthread: portico help nbthread"),
        "upstream": ("nginx", "a backend with server lines: portico help server"),
        "location": ("nginx", "use_backend with a condition on path_beg: portico help use_backend"),
        "listen": ("nginx", "bind in a frontend: portico help bind"),
        "server_name": ("nginx", "use_backend with a condition on hdr(host): portico help use_backend"),
        "proxy_pass": ("nginx", "default_backend, and a backend with server lines: portico help server"),
        "proxy_set_header": ("nginx", "http-request set-header: portico help http-request set-header"),
        "add_header": ("nginx", "http-response set-header: portico help http-response set-header"),
        "return": ("nginx", "http-request return or redirect: portico help http-request return"),
        "rewrite": ("nginx", "http-request replace-path or redirect: portico help http-request replace-path"),
        "root": ("nginx", "files in a backend: portico help files"),
        "worker_processes": ("nginx", "nbthread: portico help nbthread"),
        "user": ("nginx", "user in the global section, without a semicolon: portico help user"),
        "include": ("nginx", "include, without a semicolon: portico help include"),
        "reverse_proxy": ("Caddy", "default_backend, and a backend with server lines: portico help server"),
        "file_server": ("Caddy", "files in a backend: portico help files"),
        "respond": ("Caddy", "http-request return: portico help http-request return"),
        "redir": ("Caddy", "http-request redirect: portico help http-request redirect"),
        "handle": ("Caddy", "use_backend with a condition on path_beg: portico help use_backend"),
        "encode": ("Caddy", "nothing of the kind yet"),
        "tls": ("Caddy", "nothing of the kind yet"),
    ]

    /// Whether a line ends with a brace or a semicolon, as no valid line does.
    static func isLikely(_ words: [Word]) -> Bool {
        guard let last = words.last?.text else { return false }
        return last.hasSuffix("{") || last.hasSuffix(";") || words.count == 1 && last == "}"
    }

    /// The problem for the first invalid line of such a file.
    static func problem(_ words: [Word]) -> ConfigProblem {
        let first = words[0]
        let name = first.text.prefix { $0 != "{" && $0 != ";" }
        let known = counterparts[String(name)]
        let program = known?.program ?? (words.last?.text.hasSuffix(";") == true ? "nginx" : "Caddy or nginx")
        return ConfigProblem(
            "this looks like a file for \(program), with braces and semicolons; Portico reads HAProxy's language, a line for each statement",
            at: first.range,
            expected: known?.page ?? "sections like frontend and backend: portico help, and docs/configuration.md")
    }
}
