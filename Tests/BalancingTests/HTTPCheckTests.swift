// The requests of `option httpchk`, and how responses are judged.

import BalancingTesting
import Basics
import Configuration
import HTTP
import Testing

@testable import Balancing

@Suite struct HTTPCheckTests {
    private func request(_ check: HTTPCheck) -> String { String(decoding: check.request(to: "app:80"), as: UTF8.self) }

    private func judge(
        _ bytes: [UInt8], statuses: [ClosedRange<Int>]? = nil, ended: Bool = false, piecesOf size: Int = .max
    ) throws -> CheckResult? {
        try TalkWithCheck(.asking(HTTPCheck(), statuses: statuses)).judge(bytes, ended: ended, piecesOf: size)
    }

    private func judge(_ text: String, statuses: [ClosedRange<Int>]? = nil, ended: Bool = false) throws -> CheckResult?
    {
        try judge(Array(text.utf8), statuses: statuses, ended: ended)
    }

    @Test func `without a method it asks as HAProxy does, with one it is HTTP 1.1 with a Host field`() throws {
        let end = "user-agent: portico-check\r\nconnection: close\r\n\r\n"
        var check = HTTPCheck()
        #expect(request(check) == "OPTIONS / HTTP/1.0\r\n\(end)")
        check.method = "GET"
        #expect(request(check) == "GET / HTTP/1.1\r\nhost: app:80\r\n\(end)")
        check.version = "HTTP/1.0"
        #expect(request(check) == "GET / HTTP/1.0\r\n\(end)")
    }

    @Test func `a Connection field of the file takes the place of close`() throws {
        var check = HTTPCheck()
        check.headers = ["connection: upgrade", "upgrade: raw"]
        #expect(
            request(check)
                == "OPTIONS / HTTP/1.0\r\nuser-agent: portico-check\r\nconnection: upgrade\r\nupgrade: raw\r\n\r\n")
    }

    @Test(arguments: [
        ("", "GET /status HTTP/1.1"), ("option httpchk", "OPTIONS / HTTP/1.0"),
        ("http-check send hdr X-New y", "OPTIONS / HTTP/1.0"),
    ])
    func `what a section says of its check replaces what defaults say`(_ line: String, _ start: String) throws {
        let loaded = language.load(
            text: """
                defaults
                    option httpchk GET /status HTTP/1.1
                    http-check send hdr X-Test true body test
                backend app
                    \(line)
                """, named: "t.cfg")
        #expect(loaded.problems.isEmpty)
        let settings = try #require(loaded.proxies.first)[BalancingSettings.self]
        #expect(settings.checksWithHTTP)
        let check = try #require(settings.checkScript.request)
        #expect(request(check).hasPrefix(start + "\r\n"))
        #expect(request(check).contains("X-Test") == line.isEmpty)
    }

    @Test func `fields of the file stand in for its own, whatever their case`() throws {
        var check = HTTPCheck()
        check.method = "HEAD"
        check.target = "/health?deep=1"
        check.version = "HTTP/1.0"
        check.headers = ["Host: example.org", "USER-AGENT: me", "X-Check:1"]
        #expect(
            request(check)
                == "HEAD /health?deep=1 HTTP/1.0\r\nHost: example.org\r\nUSER-AGENT: me\r\nX-Check:1\r\n"
                + "connection: close\r\n\r\n"
        )
    }

    @Test func `a body comes with its length in bytes`() throws {
        var check = HTTPCheck()
        check.method = "POST"
        check.body = "über"
        #expect(request(check).hasSuffix("content-length: 5\r\nconnection: close\r\n\r\nüber"))
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n\r\n", "passed L7OK 200"), ("HTTP/1.1 399 \r\n\r\n", "passed L7OK 399"),
        ("HTTP/1.0 204\r\n\r\n", "passed L7OK 204"), ("HTTP/1.1 301 Moved\r\n\r\n", "passed L7OK 301"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\nx: y\r\n\r\n", "passed L7OK 200"),
        ("HTTP/1.1 400 Not this way\r\n\r\n", "failed L7STS 400 Not this way"),
        ("HTTP/1.1 503 disk full\r\ncontent-length: 0\r\n\r\n", "failed L7STS 503 disk full"),
        ("HTTP/1.1 500\r\n\r\n", "failed L7STS 500 "), ("HTTP/1.1 999 x\r\n\r\n", "failed L7STS 999 x"),
        ("HTTP/1.1 101 Now\r\nupgrade: x\r\n\r\n", "failed L7STS 101 Now"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "failed L7RSP the answer is not HTTP/1"),
        ("HTTP/1x200 OKOKOK\r\n", "failed L7RSP status line is not version, status and reason"),
        ("HTTP/1.\0 200 OK\r\n", "failed L7RSP control character in head"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "failed L7RSP status is not three digits from 100"),
        ("HTTP/1.1 20x OK\r\n\r\n", "failed L7RSP status is not three digits from 100"),
        ("HTTP/1.1 099 OK\r\n\r\n", "failed L7RSP status is not three digits from 100"),
        ("HTTP/1.1 200 OK\r\nno field\r\n\r\n", "failed L7RSP header line without colon"),
        ("HTTP/1.1 200 OK\r\ncontent-length: ten\r\n\r\n", "failed L7RSP Content-Length is not a number"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", "failed L7RSP unknown transfer coding"),
    ])
    func `an answer is judged when its head is complete, or wrong`(_ answer: String, _ verdict: String) throws {
        #expect(try text(judge(answer)) == verdict)
        #expect(try text(judgeByteByByte(answer)) == verdict)
        if verdict.hasPrefix("passed") {
            // CR LF is a single Character in a String: the last line is missing.
            #expect(try judge(String(answer.dropLast())) == nil)
        }
    }

    @Test func `thirteen bytes of a status line are no answer yet`() throws {
        #expect(try judge("HTTP/1.1 200 ") == nil)
        #expect(try judge("HTTP/1.1 200 OK\r\n") == nil)
        #expect(try judge("HTTP/1.1 503 No\r\nx: y\r\n") == nil)
    }

    @Test func `an answer that stops early has failed`() throws {
        #expect(try text(judge("", ended: true)) == "failed L7RSP the server closed without an answer")
        for part in ["H", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nx: y\r\n", "HTTP/1.1 100 Wait\r\n\r\n"] {
            #expect(try text(judge(part, ended: true)) == "failed L7RSP the answer stops before the end of its head")
        }
    }

    @Test func `an answer without end is malformed once it is longer than a head may be`() throws {
        let line = "x: \(String(repeating: "y", count: 997))\r\n"
        let endless = "HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 100)
        #expect(try text(judge(endless)) == "failed L7RSP head too large")
        let interim = "HTTP/1.1 103 Early Hints\r\n\(line)\r\n"
        #expect(try text(judge(String(repeating: interim, count: 100))) == "failed L7RSP head too large")
        let many = "HTTP/1.1 200 OK\r\n" + String(repeating: "a: b\r\n", count: 102)
        #expect(try text(judge(many)) == "failed L7RSP too many header fields")
    }

    @Test func `interim responses are followed by the one that counts, unless they are asked for`() throws {
        let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
        #expect(try text(judge(answer)) == "passed L7OK 200")
        #expect(try text(judgeByteByByte(answer)) == "passed L7OK 200")
        #expect(try text(judge(answer, statuses: [103...103])) == "passed L7OK 103")
    }

    @Test func `a server's reason is shown as it came, as far as it can be`() throws {
        #expect(try judge("HTTP/1.1 500 caf\u{E9}\r\n\r\n")?.info == "caf\u{E9}")
        let latin = Array("HTTP/1.1 500 caf".utf8) + [0xE9] + Array("\r\n\r\n".utf8)
        #expect(try judge(latin)?.info == "caf<E9>")
        let long = try judge("HTTP/1.1 500 \(String(repeating: "r", count: 400))\r\n\r\n")
        #expect(long?.info == String(repeating: "r", count: 127))
    }

    @Test func `http-check expect names the statuses that pass`() throws {
        let statuses = [200...200, 404...410]
        for (status, passes) in [(200, true), (201, false), (403, false), (404, true), (410, true), (411, false)] {
            #expect(
                try judge("HTTP/1.1 \(status) x\r\n\r\n", statuses: statuses)?.outcome == (passes ? .passed : .failed))
        }
    }

    private func judgeByteByByte(_ text: String) throws -> CheckResult? { try judge(Array(text.utf8), piecesOf: 1) }

    private func text(_ result: CheckResult?) -> String {
        guard let result else { return "none" }
        let status = result.status.map { " \($0)" } ?? ""
        return "\(result.outcome) \(result.code.rawValue)\(status)"
            + (result.outcome == .failed ? " \(result.info)" : "")
    }
}
