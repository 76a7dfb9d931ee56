// Examples for the rows of `StaticFilesKeywords`, in alphabetical order.

import Configuration

extension Examples {
    static let staticFiles: [Example] = [
        line("files", "\"${FOLDER}\"", not: "/no/such/folder"),
        line("files-cache", "off", not: "64"),
        line("files-index", "index.html index.htm", not: "../index.html"),
        line("files-miss", "servers", not: "403"),
        line("files-strip-prefix", "/static", not: "static"),
    ]
}
