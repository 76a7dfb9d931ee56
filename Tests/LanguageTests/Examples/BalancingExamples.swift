// Examples for the rows of `BalancingKeywords` and of `server`'s parameters, in alphabetical order.

import Configuration

extension Examples {
    static let balancing: [Example] = [
        line("balance", "leastconn", not: "leastcon"),
        line("default-server", "inter 1s weight 10", not: "inter"),
        line("fullconn", "1000", not: "0"),
        line("http-check expect", "status 200-299,404", not: "status 99"),
        line("http-check send", "meth GET uri /health hdr Host example.com", not: "uri health"),
        line("option allbackups", not: "yes"),
        line("option httpchk", "GET /health", not: "GET health"),
        line("option tcp-check", not: "yes"),
        line("server", "another 127.0.0.1:10099 check", not: "one 127.0.0.1:10099"),
        parameter("server", "addr", "127.0.0.2 port 80", not: "example"),
        parameter("server", "backup", not: "1"),
        parameter("server", "check", not: "1"),
        parameter("server", "disabled", not: "1"),
        parameter("server", "downinter", "10s", not: "0"),
        parameter("server", "enabled", not: "1"),
        parameter("server", "fall", "5", not: "0"),
        parameter("server", "fastinter", "500ms", not: "fast"),
        parameter("server", "id", "7", not: "0"),
        parameter("server", "init-addr", "last,none", not: ""),
        parameter("server", "inter", "3s", not: "3x"),
        parameter("server", "max-reuse", "100", not: "-2"),
        parameter("server", "maxconn", "30", not: "-1"),
        parameter("server", "maxqueue", "100", not: "-1"),
        parameter("server", "minconn", "5", not: "few"),
        parameter("server", "no-backup", not: "1"),
        parameter("server", "no-check", not: "1"),
        parameter("server", "pool-max-conn", "10", not: "-2"),
        parameter("server", "pool-purge-delay", "30s", not: "later"),
        parameter("server", "port", "8080", not: "65536"),
        parameter("server", "rise", "1", not: "0"),
        parameter("server", "weight", "100", not: "257"),
        line("timeout check", "2s", not: "2x"),
    ]
}
