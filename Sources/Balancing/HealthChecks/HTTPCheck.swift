// The request of a check in HTTP: `option httpchk`, `http-check send`. `HTTPCheckAnswer` reads the response, or `HTTP2Check`.

internal import Basics
internal import HTTP
internal import LogFormat

/// One request to send.
public struct HTTPCheck: Sendable {
    /// nil: OPTIONS, as HAProxy asks where no method is given.
    public var method: String?
    public var target = "/"
    /// Whether a line says the target.
    var saysTarget = false
    /// nil: HTTP/1.0 without a method, as HAProxy asks; HTTP/1.1 with one, which servers with several sites need.
    public var version: String?
    /// Extra header lines, each `name: value`.
    public var headers: [String] = []
    public var body = ""
    /// What of it is made anew for each check; nil if nothing is.
    var formats: HTTPCheckFormats?
    /// Statuses below 200 that are the answer itself, rather than what precedes it.
    var awaitedStatuses: [ClosedRange<Int>] = []

    public init() {}

    /// The request as bytes. HTTP/1.1 wants a Host field: it is added unless there is one.
    public func request(to host: String) -> [UInt8] {
        let version = version ?? (method == nil ? "HTTP/1.0" : "HTTP/1.1")
        var out = "\(requestMethod) \(target) \(version)\r\n".verbatimBytes
        let names = headers.map { $0.prefix { $0 != ":" }.lowercased() }
        if !names.contains("host"), version != "HTTP/1.0" { out.append("host: \(host)\r\n") }
        if !names.contains("user-agent") { out.append("user-agent: portico-check\r\n" as StaticString) }
        for header in headers { out += "\(header)\r\n".verbatimBytes }
        let content = body.verbatimBytes
        if !content.isEmpty { out.append("content-length: \(content.count)\r\n") }
        if !names.contains("connection") { out.append("connection: close\r\n" as StaticString) }
        out.append("\r\n" as StaticString)
        out += content
        return out
    }

    /// The host in the check's own Host field, without its port; nil if there is none.
    var hostName: [UInt8]? {
        for header in headers {
            guard let colon = header.firstIndex(of: ":"), header[..<colon].lowercased() == "host" else { continue }
            var value = header[header.index(after: colon)...].drop { $0 == " " }
            if value.last?.isNumber == true, let port = value.lastIndex(of: ":"),
                !value[port...].contains("]"), value[port...].dropFirst().allSatisfy(\.isNumber)
            {
                value = value[..<port]
            }
            return String(value).verbatimBytes
        }
        return nil
    }

    private var requestMethod: String { method ?? "OPTIONS" }

    /// The method as far as the framing of its answer depends on it.
    var knownMethod: Method {
        unsafe Method(name: Array(requestMethod.utf8).span.bytes)
    }
}

/// The parts of a request that formats make.
struct HTTPCheckFormats: Sendable {
    var target: Format?
    /// Values behind the lines with these indices, which are names so far.
    var headers: [(index: Int, value: Format)] = []
    var body: Format?

    var isEmpty: Bool { target == nil && headers.isEmpty && body == nil }
}
