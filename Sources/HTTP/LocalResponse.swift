// Responses that Portico generates: error pages, `http-request return`, redirects, the stats page.
// They are sent like a server's response and pass the `http-after-response` rules.

internal import Basics

/// A complete response in memory.
public struct LocalResponse: Sendable {
    /// 100 to 999.
    public var status: Int
    /// The reason phrase; nil for the standard one of the status.
    public var reason: String?
    /// The fields, without framing fields: `apply(to:)` adds `content-length`. Values that are not UTF-8 are encoded
    /// with `String(verbatim:)`.
    public var fields: [(name: String, value: String)]
    public var body: [UInt8]
    /// Whether the connection is closed after the response.
    public var closes: Bool
    /// Whether to close the connection without sending anything; logs and counters still use `status`.
    public var isSilent = false

    public init(
        status: Int, reason: String? = nil, fields: [(name: String, value: String)] = [], body: [UInt8] = [],
        closes: Bool = false
    ) {
        self.status = status
        self.reason = reason
        self.fields = fields
        self.body = body
        self.closes = closes
    }

    /// Closes the connection instead of responding. An empty error file means this.
    public static func silence(status: Int) -> LocalResponse {
        var response = LocalResponse(status: status, closes: true)
        response.isSilent = true
        return response
    }

    /// A short HTML error page, with HAProxy's titles and texts.
    /// - Parameter detail: an additional sentence. It is not escaped, so it must not contain input from peers.
    public static func error(_ status: Int, detail: String? = nil) -> LocalResponse {
        let (title, text) = page(status)
        let sentences = detail.map { "\(text)\n\($0)" } ?? text
        let html = "<html><body><h1>\(status) \(title)</h1>\n\(sentences)\n</body></html>\n"
        return LocalResponse(
            status: status, fields: [("cache-control", "no-cache"), ("content-type", "text/html")],
            body: Array(html.utf8))
    }

    /// Fills `head` with the head of this response. Adds `content-length`, except for statuses without content and for
    /// 304, where it would declare a length of the resource that is not known here (RFC 9110 section 8.6). Omits fields
    /// with invalid values, which rules may have built from client input. The head is to be written with a framing of
    /// `.length`, or `.none` in response to HEAD.
    public func apply(to head: inout ResponseHead) {
        head.clear()
        head.setStatus(status)
        if let reason { head.setReason(reason.verbatimBytes.bytes) }
        for (name, value) in fields { head.fields.append(name: name, value) }
        if status >= 200, status != 204, status != 304 { head.fields.append(.contentLength, "\(body.count)") }
    }

    private static func page(_ status: Int) -> (title: String, text: String) {
        switch status {
        case 200: ("OK", "Service ready.")
        case 400: ("Bad request", "Your browser sent an invalid request.")
        case 401: ("Unauthorized", "You need a valid user and password to access this content.")
        case 403: ("Forbidden", "Request forbidden by administrative rules.")
        case 404: ("Not Found", "The resource could not be found.")
        case 405:
            (
                "Method Not Allowed",
                "A request was made of a resource using a request method not supported by that resource"
            )
        case 407: ("Unauthorized", "You need a valid user and password to access this content.")
        case 408: ("Request Time-out", "Your browser didn't send a complete request in time.")
        case 410: ("Gone", "The resource is no longer available and will not be available again.")
        case 412: ("Precondition Failed", "The resource is not in the state that the request requires.")
        case 413: ("Payload Too Large", "The request entity exceeds the maximum allowed.")
        case 414: ("URI Too Long", "The request line exceeds the maximum allowed.")
        case 417: ("Expectation Failed", "The server cannot meet the expectation of the request.")
        case 421: ("Misdirected Request", "Request sent to a non-authoritative server.")
        case 422: ("Unprocessable Content", "The server cannot process the contained instructions.")
        case 425: ("Too Early", "Your browser sent early data.")
        case 429: ("Too Many Requests", "You have sent too many requests in a given amount of time.")
        case 431: ("Request Header Fields Too Large", "The request head exceeds the maximum allowed.")
        case 500: ("Internal Server Error", "An internal server error occurred.")
        case 501:
            ("Not Implemented", "The server does not support the functionality required to fulfill the request.")
        case 502: ("Bad Gateway", "The server returned an invalid or incomplete response.")
        case 503: ("Service Unavailable", "No server is available to handle this request.")
        case 504: ("Gateway Time-out", "The server didn't respond in time.")
        case 505: ("HTTP Version Not Supported", "The version of HTTP in the request is not supported.")
        default: ("\(reasonPhrase(status))", "The request could not be answered.")
        }
    }
}
