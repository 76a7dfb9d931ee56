// `option httpchk`: one request, judged by the status of its response.

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

    /// The verdict on what has come so far; nil while the status line is not whole.
    func judge(_ received: RawSpan, ended: Bool) -> CheckResult? {
        // "HTTP/1.1 200 " is enough; the rest of the response is not read.
        let needed = 13
        guard received.byteCount >= needed else {
            guard ended else { return nil }
            return CheckResult(
                .failed, .layer7Response,
                info: received.byteCount == 0
                    ? "the server closed without an answer" : "the answer stops in its first line")
        }
        guard received.extracting(0..<7).equals("HTTP/1."), received[7] &- 0x30 < 10, received[8] == 0x20,
            received[12] == 0x20 || received[12] == 0x0D,
            let status = received.extracting(9..<12).decimalValue.map(Int.init)
        else { return CheckResult(.failed, .layer7Response, info: "the answer is not HTTP/1") }
        let pleases = statuses.map { $0.contains { $0.contains(status) } } ?? (200...399).contains(status)
        return CheckResult(
            pleases ? .passed : .failed, pleases ? .layer7OK : .layer7Status, status: status,
            info: pleases ? "" : "\(reasonPhrase(status))")
    }
}
