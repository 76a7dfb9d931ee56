// Examples for the rows of `ConfigurationKeywords`, in alphabetical order.

import Configuration

extension Examples {
    static let configuration: [Example] = [
        line("include", "\"${INCLUDED}\"", not: "/no/such/file.cfg"),
        line("presetenv", "NAME value", not: "NAME"),
        line("resetenv", "FILE FOLDER PAGE INCLUDED", not: "'A=B'"),
        line("setenv", "NAME value", not: "'A=B' value"),
        line("unsetenv", "NAME OTHER", not: ""),
    ]
}
