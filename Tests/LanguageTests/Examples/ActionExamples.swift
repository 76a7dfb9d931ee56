// Examples for the rows of the action table, one for each list of rules they may be in, in alphabetical order.

import Configuration

extension Examples {
    static let actions: [Example] = [
        line("http-request add-header", "X-A %[src]", not: "X-A"),
        line("http-request allow", "if { path / }", not: "when { path / }"),
        line("http-request capture", "path len 10", not: "path len 0"),
        line("http-request del-header", "X-A", not: ""),
        line("http-request deny", "deny_status 429 if { path / }", not: "deny_status 99"),
        line("http-request redirect", "scheme https code 301", not: "scheme https code 200"),
        line("http-request replace-header", "Host (.*) \\1.example.com", not: "Host '(' x"),
        line("http-request replace-path", "^/a /b", not: "'[' /b"),
        line("http-request replace-pathq", "^/a /b", not: "'[' /b"),
        line("http-request replace-uri", "^/a /b", not: "^/a"),
        line("http-request replace-value", "X-A a b", not: "X-A '*' b"),
        line("http-request return", "status 200 content-type text/plain string hello", not: "status 99"),
        line("http-request set-header", "X-A %[path]", not: "X-A %[res.hdr(a)]"),
        line("http-request set-path", "/x%[path]", not: ""),
        line("http-response add-header", "X-A %[status]", not: "X-A %[nosuch]"),
        line("http-response allow", not: "if"),
        line(
            "http-response capture", "res.hdr(server) id 0", not: "res.hdr(server) id x",
            before: "declare capture response len 10"),
        line("http-response del-header", "Server", not: ""),
        line("http-response deny", "if { status 500 }", not: "if { status 500"),
        line("http-response redirect", "location /x", not: "elsewhere /x"),
        line("http-response replace-header", "Server a b", not: "Server a"),
        line("http-response replace-value", "Server a b", not: "Server '(' b"),
        line("http-response return", "status 200", not: "status"),
        line("http-response set-header", "X-A b", not: "X-A"),
    ]
}
