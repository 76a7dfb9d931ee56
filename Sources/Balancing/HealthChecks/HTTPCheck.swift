// `option httpchk`: one request, judged by the status of its response. `HTTPCheckAnswer` reads that.

internal import Basics
internal import HTTP

/// The request to send and the statuses that please.
public struct HTTPCheck: Sendable, Equatable {
    public var method = "GET"
    public var target = "/"
    public var version = "HTTP/1.1"
    /// Extra header lines, each `name: value`.
    public var headers: [String] = []
    public var body = ""
    /// Accepted statuses; nil: 200 … 399.
    public var statuses: [ClosedRange<Int>]?

    public init() {}

    /// The request as bytes. A Host field is added unless there is one: servers that serve several sites refuse requests
    /// without.
    func request(to host: String) -> [UInt8] {
        var out: [UInt8] = []
        out.append("\(method) \(target) \(version)\r\n")
        let names = headers.map { $0.prefix { $0 != ":" }.lowercased() }
        if !names.contains("host") { out.append("host: \(host)\r\n") }
        if !names.contains("user-agent") { out.append("user-agent: portico-check\r\n" as StaticString) }
        for header in headers { out.append("\(header)\r\n") }
        if !body.isEmpty { out.append("content-length: \(body.utf8.count)\r\n") }
        out.append("connection: close\r\n\r\n" as StaticString)
        out.append(body)
        return out
    }

    /// The method as far as the framing of its answer depends on it.
    var knownMethod: Method {
        unsafe Method(name: Array(method.utf8).span.bytes)
    }
}
