// Examples for the rows of `AdminKeywords` and of `stats socket`'s parameters, in alphabetical order.

import Configuration

extension Examples {
    static let admin: [Example] = [
        line("description", "\"the first floor\"", not: "'not closed", in: .global),
        line("node", "one", not: ""),
        line("stats admin", "if TRUE", not: "TRUE"),
        line("stats auth", "admin:secret", not: "admin"),
        line("stats enable", not: "yes"),
        line("stats hide-version", not: "yes"),
        line("stats maxconn", "10", not: "0"),
        line("stats realm", "Site", not: ""),
        line("stats refresh", "10s", not: "often"),
        line("stats scope", ".", not: "one two"),
        line("stats show-desc", "\"the site\"", not: "'not closed"),
        line("stats show-legends", not: "yes"),
        line("stats show-node", "one", not: "one two"),
        line("stats socket", "127.0.0.1:10097 level admin", not: "127.0.0.1"),
        parameter("stats socket", "expose-fd", "listeners", not: "everything"),
        parameter("stats socket", "gid", "65534", not: "-1"),
        parameter("stats socket", "group", "root", not: "no-such-group-here"),
        parameter("stats socket", "level", "operator", not: "root"),
        parameter("stats socket", "mode", "600", not: "9"),
        parameter("stats socket", "severity-output", "number", not: "words"),
        parameter("stats socket", "uid", "65534", not: "root"),
        parameter("stats socket", "user", "root", not: "no-such-user-here"),
        line("stats timeout", "1m", not: "long"),
        line("stats uri", "/stats", not: "stats"),
    ]
}
