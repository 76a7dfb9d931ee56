// Examples for the rows of `ConfigurationKeywords`, in alphabetical order.

import Configuration

extension Examples {
    static let configuration: [Example] = [
        line(".alert", "\"no way\"", not: "\"no way", before: [".if 0"], after: [".endif"]),
        line(".diag", "\"look here\"", not: "look here"),
        line(".elif", "streq(a,a)", not: "nosuch", before: [".if 0"], after: [".endif"]),
        line(".else", not: "1", before: [".if 0"], after: [".endif"]),
        line(".endif", not: "1", before: [".if 0"]),
        line(".if", "!feature(OPENSSL)", not: "nosuch", after: [".endif"]),
        line(".notice", "\"hello\"", not: ""),
        line(".warning", "\"take care\"", not: "take care"),
        line("default-path", "current", not: "nowhere"),
        line("include", "\"${INCLUDED}\"", not: "/no/such/file.cfg"),
        line("presetenv", "NAME value", not: "NAME"),
        line("resetenv", "FILE FOLDER PAGE INCLUDED KEY CERTIFICATE LIST TICKETS PARAMETERS", not: "'A=B'"),
        line("setenv", "NAME value", not: "'A=B' value"),
        line("unsetenv", "NAME OTHER", not: ""),
    ]
}
