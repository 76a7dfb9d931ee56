// Examples for the rows of `LoggingKeywords`, in alphabetical order.

import Configuration

extension Examples {
    static let logging: [Example] = [
        line("description", "\"kept for support\"", not: "a b", in: .ring),
        line("format", "rfc5424", not: "rfc5242", in: .ring),
        line("log", "127.0.0.1:514 len 2048 format rfc5424 local0 info", not: "127.0.0.1:514 local9"),
        line("log-send-hostname", "example", not: "'a b'"),
        line("log-tag", "site", not: "'a b'"),
        line("mailer", "one 127.0.0.1:25", not: "one 127.0.0.1"),
        line("maxlen", "1200", not: "0"),
        line(
            "server", "logs 127.0.0.1:6514 log-proto octet-count", not: "logs 127.0.0.1:6514 log-proto octets",
            in: .ring),
        line("size", "64k", not: "12"),
        line("timeout connect", "5s", not: "0", in: .ring),
        line("timeout mail", "20s", not: "soon"),
        line("timeout server", "10s", not: "0", in: .ring),
    ]
}
