// Examples for the rows of `ProcessKeywords`, in alphabetical order.

import Configuration

extension Examples {
    static let process: [Example] = [
        line("chroot", "/var/empty", not: ""),
        line("daemon", not: "yes"),
        line("gid", "65534", not: "-1"),
        line("group", "root", not: "no-such-group-here", in: .global),
        line("pidfile", "/run/example.pid", not: ""),
        line("quiet", not: "yes"),
        line("uid", "65534", not: "root"),
        line("ulimit-n", "1000", not: "-1"),
        line("user", "root", not: "no-such-user-here", in: .global),
        line("zero-warning", not: "yes"),
    ]
}
