// Examples for the rows of `RulesKeywords` except actions, in alphabetical order.

import Configuration

extension Examples {
    static let rules: [Example] = [
        line("acl", "is_static path_beg /static /img", not: "is_static path_begin /static"),
        line("capture request header", "User-Agent len 64", not: "User-Agent length 64"),
        line("capture response header", "Server len 64", not: "Server len 0"),
        line("declare capture", "request len 64", not: "both len 64"),
        line("default_backend", "back", not: "bakc"),
        line("error-log-format", "\"%ci %ST\"", not: "%nosuch"),
        line("force-be-switch", "if { src 127.0.0.1 }", not: ""),
        line("force-persist", "if { src 10.0.0.0/8 }", not: "always", in: .backend),
        line("group", "others users member", not: "others members member", in: .userlist),
        line("ignore-persist", "if { path_end .png }", not: "", in: .backend),
        line("log-format", "\"%ci %[path]\"", not: "\"%[path\""),
        line("log-format-sd", "\"[a@1 path=%[path]]\"", not: "\"%[path\""),
        line("log-steps", "accept,close", not: "accept,end"),
        line("monitor fail", "if { path /x }", not: ""),
        line("monitor-uri", "/alive", not: "'/a b'"),
        line("on", "close format \"%ci\" sd \"[a@1]\"", not: "closing drop"),
        line("option dontlog-normal", not: "yes"),
        line("option dontlognull", not: "yes"),
        line(
            "option forwarded", "proto host-expr str(a.test) for for_port", not: "host-expr nosuch",
            in: .backend),
        line("option httplog", "clf", not: "clg"),
        line("option httpslog", not: "yes"),
        line("option log-separate-errors", not: "yes"),
        line("option logasap", not: "yes"),
        line("option tcplog", not: "yes"),
        line("redirect", "prefix http://example.com code 301 if { path / }", not: "prefix http://example.com code 299"),
        line("set-var", "proc.x int(1)", not: "txn.x int(1)"),
        line("set-var-fmt", "proc.x \"a b\"", not: "proc.x"),
        line("unique-id-format", "%{+X}o%ci:%cp", not: "%{+Y}o%ci"),
        line("unique-id-header", "X-Request-ID", not: "Content-Length"),
        line("use-server", "one if { path / }", not: "none if { path / }", in: .backend),
        line("use_backend", "back if { path / }", not: "back if { path / "),
        line("user", "other insecure-password x groups members", not: "other password $9$x", in: .userlist),
    ]
}
