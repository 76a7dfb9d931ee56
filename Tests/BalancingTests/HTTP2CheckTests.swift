// Checks over HTTP/2: what they ask, what they answer a server, and how they judge it.

import Basics
import HTTP
import Testing

@testable import Balancing

@Suite struct HTTP2CheckTests {
    private static let now = Instant(nanoseconds: 1_000_000_000)
    private let pool = BufferPool()

    // MARK: The request

    @Test(arguments: [
        (HTTPCheck(), "OPTIONS / app:8080 user-agent: portico-check"),
        (HTTPCheck(method: "GET", target: "/x?y", version: "HTTP/1.0"), "GET /x?y app:8080 user-agent: portico-check"),
        (
            HTTPCheck(headers: ["Host: a.example", "User-Agent: me", "Connection: upgrade", "Upgrade: raw", "X-A:1"]),
            "OPTIONS / a.example user-agent: me, x-a: 1"
        ),
    ])
    func `the request says what the lines say, without what belongs to HTTP 1`(_ check: HTTPCheck, _ expected: String) {
        #expect(asked(check) == expected)
    }

    @Test func `the scheme is that of the connection`() throws {
        var plain = HTTP2Check(HTTPCheck(), to: "app:8080", isSecure: false, limits: HeadLimits())
        var secure = HTTP2Check(HTTPCheck(), to: "app:8080", isSecure: true, limits: HeadLimits())
        // Entries 6 and 7 of the static table (RFC 7541 appendix A).
        let differing = zip(written(&plain), written(&secure)).filter { $0 != $1 }
        #expect(differing.map(\.0) == [0x86] && differing.map(\.1) == [0x87])
    }

    @Test(arguments: [5, 200_000]) func `a body comes with its length, as the windows let it`(_ count: Int) {
        let check = HTTPCheck(method: "POST", body: String(repeating: "b", count: count))
        #expect(asked(check) == "POST / app:8080 user-agent: portico-check, content-length: \(count) + \(count)")
    }

    @Test func `a request that HTTP 2 cannot have fails the check`() throws {
        #expect(
            try judge([], by: HTTPCheck(method: "G@T"))
                == "failed L7RSP the request cannot be sent: method is not a token")
        #expect(try judge([], by: HTTPCheck(headers: ["host: a", "host: b"])).hasSuffix("sent: more than one Host"))
    }

    // MARK: The answer

    private static let ok = frame(1, 5, 1, [0x88])

    struct Answer: Sendable {
        let frames: [UInt8]
        let verdict: String

        init(_ frames: [UInt8], _ verdict: String) {
            self.frames = frames
            self.verdict = verdict
        }
    }

    private static let answers: [Answer] = [
        Answer(ok, "passed L7OK 200"),
        Answer(frame(1, 4, 1, [0x8D]), "failed L7STS 404 Not Found"),
        Answer(frame(1, 5, 1, [8, 3, 0x35, 0x39, 0x39]), "failed L7STS 599 Server Error"),
        // 103 comes first. Content follows.
        Answer(
            frame(1, 4, 1, [8, 3, 0x31, 0x30, 0x33]) + frame(1, 4, 1, [0x89]) + frame(0, 0, 1, [1]), "passed L7OK 204"),
        Answer(frame(6, 0, 0, [UInt8](repeating: 7, count: 8)) + frame(0x77, 0, 0, [1]) + ok, "passed L7OK 200"),
        Answer(frame(7, 0, 0, [0, 0, 0, 1, 0, 0, 0, 0]) + ok, "passed L7OK 200"),
        Answer(frame(7, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]), "failed L7RSP the server ends the connection: NO_ERROR"),
        Answer(
            frame(7, 0, 0, [0, 0, 0, 1, 0, 0, 0, 1]), "failed L7RSP the server ends the connection: PROTOCOL_ERROR"),
        Answer(frame(3, 0, 1, [0, 0, 0, 7]), "failed L7RSP the server resets the request: REFUSED_STREAM"),
        Answer(frame(0, 0, 1, [1]), "failed L7RSP the answer is malformed: PROTOCOL_ERROR"),
        Answer(frame(1, 5, 1, [8, 3, 0x31, 0x30, 0x33]), "failed L7RSP stream ends with an interim response"),
        Answer(
            frame(1, 5, 1, [0x88, 0x0F, 0x0D, 1, 0x31]), "failed L7RSP Content-Length is not the length of the content"),
        Answer(frame(1, 5, 1, [0x82]), "failed L7RSP pseudo-header field that does not suit the message"),
        Answer(
            frame(1, 5, 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), "failed L7RSP header block that cannot be decompressed"),
        Answer(frame(5, 4, 1, [0, 0, 0, 2, 0x82]), "failed L7RSP PUSH_PROMISE, which this side has not allowed"),
        Answer(frame(1, 5, 3, [0x88]), "failed L7RSP HEADERS on stream 3, which has not begun"),
    ]

    @Test(arguments: answers)
    func `an answer is judged when its head is complete, or wrong`(_ answer: Answer) throws {
        for size in [1, 7, .max] { #expect(try judge(frame(4) + answer.frames, piecesOf: size) == answer.verdict) }
    }

    @Test func `the length in an answer to HEAD is not that of its content`() throws {
        let answer = frame(4) + frame(1, 5, 1, [0x88, 0x0F, 0x0D, 1, 0x31])
        #expect(try judge(answer, by: HTTPCheck(method: "HEAD")) == "passed L7OK 200")
    }

    @Test func `what is not HTTP 2, or stops, has failed`() throws {
        #expect(try judge(Array("HTTP/1.1 400 Bad\r\n\r\n".utf8)) == "failed L7RSP the answer is not HTTP/2")
        #expect(try judge([]) == "failed L7RSP the server closed without an answer")
        #expect(try judge(frame(4)) == "failed L7RSP the server closed without an answer")
        let interim = frame(1, 4, 1, [8, 3, 0x31, 0x30, 0x33])
        #expect(try judge(frame(4) + interim) == "failed L7RSP the answer stops before the end of its head")
    }

    @Test func `interim responses without end are malformed once they are longer than a head may be`() throws {
        // A field of 900 bytes: 127 and 773, in seven bits at a time (RFC 7541 section 5.1).
        let field: [UInt8] = [0, 1, 0x78, 127, 0x85, 6] + [UInt8](repeating: 0x79, count: 900)
        let interim = frame(1, 4, 1, [8, 3, 0x31, 0x30, 0x33] + field)
        let many = (0..<100).flatMap { _ in interim }
        #expect(try judge(frame(4) + many) == "failed L7RSP head too large")
    }

    @Test func `http-check expect names the statuses that pass`() throws {
        let statuses = [103...103, 404...410]
        #expect(try judge(frame(4) + Self.ok, statuses: statuses) == "failed L7STS 200 OK")
        #expect(try judge(frame(4) + frame(1, 5, 1, [0x8D]), statuses: statuses) == "passed L7OK 404")
        #expect(
            try judge(frame(4) + frame(1, 4, 1, [8, 3, 0x31, 0x30, 0x33]), statuses: statuses) == "passed L7OK 103")
    }

    // MARK: What a server is told

    @Test func `settings and pings are answered, and GOAWAY is last`() throws {
        let ping = [UInt8](1...8)
        let answers: [(head: [UInt8], reset: [UInt8])] = [
            (frame(1, 5, 1, [0x88]), []), (frame(1, 4, 1, [0x88]), frame(3, 0, 1, [0, 0, 0, 8])),
        ]
        for (answer, cancel) in answers {
            var check = HTTP2Check(HTTPCheck(), to: "app:8080", isSecure: false, limits: HeadLimits())
            _ = written(&check)
            #expect(read(frame(4) + frame(6, 0, 0, ping), &check) == nil)
            #expect(written(&check) == frame(4, 1) + frame(6, 1, 0, ping))
            #expect(read(answer, &check)?.outcome == .passed)
            check.end()
            let words = Array("the check is over".utf8)
            #expect(written(&check) == cancel + frame(7, 0, 0, [UInt8](repeating: 0, count: 8) + words))
        }
    }

    @Test func `a server that breaks the protocol is told so, and nothing else`() throws {
        var check = HTTP2Check(HTTPCheck(), to: "app:8080", isSecure: false, limits: HeadLimits())
        _ = written(&check)
        #expect(read(frame(6, 0, 0, [UInt8](repeating: 0, count: 8)), &check)?.info == "the answer is not HTTP/2")
        check.end()
        let words = Array("the first frame is not SETTINGS".utf8)
        #expect(written(&check) == frame(7, 0, 0, [0, 0, 0, 0, 0, 0, 0, 1] + words))
    }

    // MARK: Both sides

    private func written(_ check: inout HTTP2Check) -> [UInt8] {
        var out = ByteBuffer()
        out.acquire(from: pool)
        defer { out.release(to: pool) }
        var bytes: [UInt8] = []
        repeat {
            out.consume(out.count)
            check.write(to: &out)
            for i in 0..<out.count { bytes.append(out.readable[i]) }
        } while !out.isEmpty
        return bytes
    }

    private func read(_ bytes: [UInt8], _ check: inout HTTP2Check, piecesOf size: Int = .max) -> CheckResult? {
        var input = ByteBuffer()
        var answer = CheckAnswer()
        input.acquire(from: pool)
        defer { input.release(to: pool) }
        var rest = bytes[...]
        repeat {
            input.compact()
            let piece = Array(rest.prefix(min(size, input.room)))
            rest = rest.dropFirst(piece.count)
            let fits = input.append(piece)
            #expect(fits)
            if let result = check.read(&input, into: &answer, at: Self.now) { return result }
            if answer.hasHead { return CheckResult(.passed, .layer7OK, status: answer.head.status) }
        } while !rest.isEmpty
        return nil
    }

    private func judge(
        _ bytes: [UInt8], by check: HTTPCheck = HTTPCheck(), statuses: [ClosedRange<Int>]? = nil,
        piecesOf size: Int = .max
    ) throws -> String {
        let talk = try TalkWithCheck(.asking(check, statuses: statuses), speaksHTTP2: true)
        guard let result = talk.judge(bytes, ended: true, piecesOf: size) else { return "none" }
        let status = result.status.map { " \($0)" } ?? ""
        return "\(result.outcome) \(result.code.rawValue)\(status)"
            + (result.outcome == .failed ? " \(result.info)" : "")
    }

    /// What a server of HTTP/2 is asked: method, path, authority, the other fields and the length of the body.
    private func asked(_ check: HTTPCheck) -> String {
        var check = HTTP2Check(check, to: "app:8080", isSecure: false, limits: HeadLimits())
        let server = Listening(pool)
        for _ in 0..<20 where !server.isWhole {
            server.take(written(&check))
            #expect(read(server.reply(), &check) == nil)
        }
        return server.isWhole ? server.words : "no request: \(server.words)"
    }
}

/// A server that reads one request.
private final class Listening {
    private let connection = HTTP2Connection(.server, limits: HTTP2Limits(), headLimits: HeadLimits())
    private let pool: BufferPool
    private var head = RequestHead()
    private var facts = HTTP2RequestFacts()
    private var bodyBytes = 0
    private(set) var isWhole = false

    init(_ pool: BufferPool) { self.pool = pool }

    var words: String {
        var fields: [String] = []
        var host = ""
        for i in 0..<head.fields.count {
            let value = text(head.fields.value(i))
            if head.fields.known(i) == .host {
                host = value
            } else {
                fields.append("\(text(head.fields.name(i))): \(value)")
            }
        }
        return "\(text(head.methodName)) \(text(head.target)) \(host) \(fields.joined(separator: ", "))"
            + (bodyBytes > 0 ? " + \(bodyBytes)" : "")
    }

    func take(_ bytes: [UInt8]) {
        var input = ByteBuffer()
        input.acquire(from: pool)
        defer { input.release(to: pool) }
        var rest = bytes[...]
        while !rest.isEmpty {
            input.compact()
            let piece = Array(rest.prefix(input.room))
            rest = rest.dropFirst(piece.count)
            let fits = input.append(piece)
            #expect(fits)
            understand(&input)
        }
    }

    private func understand(_ input: inout ByteBuffer) {
        while true {
            switch connection.next(&input, at: Instant(nanoseconds: 1)) {
            case .needsInput: return
            case .head(let slot):
                let result = connection.readRequest(slot, into: &head, facts: &facts)
                #expect(result == .whole)
                isWhole = connection.peerHasEnded(slot)
            case .content(let slot, let count, let isLast):
                input.consume(count)
                bodyBytes += count
                isWhole = isLast
                connection.took(count, of: slot)
            case .windowOpened: break
            default:
                Issue.record("the server got something else than a request")
                return
            }
        }
    }

    func reply() -> [UInt8] {
        connection.openWindows()
        var out = ByteBuffer()
        out.acquire(from: pool)
        defer { out.release(to: pool) }
        connection.drain(into: &out)
        var bytes: [UInt8] = []
        for i in 0..<out.count { bytes.append(out.readable[i]) }
        return bytes
    }

    private func text(_ span: RawSpan) -> String {
        var bytes: [UInt8] = []
        for i in 0..<span.byteCount { bytes.append(span[i]) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension HTTPCheck {
    fileprivate init(
        method: String? = nil, target: String = "/", version: String? = nil, headers: [String] = [], body: String = ""
    ) {
        self.init()
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.body = body
    }
}

/// A frame as bytes.
func frame(_ type: UInt8, _ flags: UInt8 = 0, _ stream: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream] + payload
}
