// The pages an operator has written for the errors that Portico reports, resolved for one frontend or backend.
//
// A page stands for a status. The log and the counters have that status, whatever the page's own is, as in HAProxy.

internal import HTTP
internal import Rules

/// What is sent instead of Portico's own words.
enum ErrorPage: Sendable {
    /// `closes`: the page asks for the end of the connection, as most pages in HAProxy's form do.
    case response(LocalResponse, closes: Bool)
    /// What a line makes of the exchange (`http-error`).
    case computed(ErrorAnswer)
    /// Nothing: the connection is closed without a word (`errorfile 408 /dev/null`).
    case silence

    /// A redirect to where the page is (`errorloc`, `errorloc303`).
    static func redirect(status: Int, to location: String) -> ErrorPage {
        .response(
            LocalResponse(status: status, fields: [("cache-control", "no-cache"), ("location", location)]),
            closes: false)
    }
}

/// The pages of one section, by status.
struct ErrorPages: Sendable {
    private var pages: [Int: ErrorPage] = [:]

    /// The statuses that Portico may say of its own accord.
    static let statuses = [
        200, 400, 401, 403, 404, 405, 407, 408, 410, 412, 413, 414, 417, 421, 422, 425, 429, 431, 500, 501, 502, 503,
        504, 505,
    ]

    subscript(status: Int) -> ErrorPage? {
        get { pages.isEmpty ? nil : pages[status] }
        set { pages[status] = newValue }
    }
}
