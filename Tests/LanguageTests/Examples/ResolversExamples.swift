// Examples for the rows of `ResolversKeywords`, in alphabetical order.

import Configuration

extension Examples {
    static let resolvers: [Example] = [
        line("accepted_payload_size", "4096", not: "100"),
        line("hold", "valid 10s", not: "vaild 10s"),
        line("nameserver", "two tcp@127.0.0.2:53", not: "two 127.0.0.2"),
        line("parse-resolv-conf", not: "/etc/resolv.conf"),
        line("resolve_retries", "3", not: "0"),
        line("timeout resolve", "1s", not: "0", in: .resolvers),
        line("timeout retry", "500ms", not: "0", in: .resolvers),
    ]
}
