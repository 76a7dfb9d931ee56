// Examples for the rows of `LoggingKeywords`, in alphabetical order.

import Configuration

extension Examples {
    static let logging: [Example] = [
        line("log", "127.0.0.1:514 len 2048 format rfc5424 local0 info", not: "127.0.0.1:514 local9"),
        line("log-send-hostname", "example", not: "'a b'"),
        line("log-tag", "site", not: "'a b'"),
    ]
}
