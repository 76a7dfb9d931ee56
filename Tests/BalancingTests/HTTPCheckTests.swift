// What `option httpchk` sends and how it judges the answer.

import Basics
import Testing

@testable import Balancing

@Suite struct HTTPCheckTests {
    private func request(_ check: HTTPCheck) -> String { String(decoding: check.request(to: "app:80"), as: UTF8.self) }

    private func judge(_ text: String, by check: HTTPCheck = HTTPCheck(), ended: Bool = false) -> CheckResult? {
        unsafe check.judge(Array(text.utf8).span.bytes, ended: ended)
    }

    @Test func `without anything said it asks for the root of the host`() {
        #expect(
            request(HTTPCheck())
                == "GET / HTTP/1.1\r\nhost: app:80\r\nuser-agent: portico-check\r\nconnection: close\r\n\r\n")
    }

    @Test func `fields of the file stand in for its own, whatever their case`() {
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

    @Test func `a body comes with its length in bytes`() {
        var check = HTTPCheck()
        check.method = "POST"
        check.body = "über"
        #expect(request(check).hasSuffix("content-length: 5\r\nconnection: close\r\n\r\nüber"))
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n", "passed L7OK 200"), ("HTTP/1.1 399 \r\n", "passed L7OK 399"),
        ("HTTP/1.0 204\r\n", "passed L7OK 204"), ("HTTP/1.1 301 Moved\r\n", "passed L7OK 301"),
        ("HTTP/1.1 199 x\r\n", "failed L7STS 199 Informational"),
        ("HTTP/1.1 400 x\r\n", "failed L7STS 400 Bad Request"),
        ("HTTP/1.1 503 x\r\n", "failed L7STS 503 Service Unavailable"),
        ("HTTP/1.1 999 x\r\n", "failed L7STS 999 Unknown"),
        ("HTTP/2.0 200 OK\r\n", "failed L7RSP the answer is not HTTP/1"),
        ("HTTP/1x200 OKOKOK", "failed L7RSP the answer is not HTTP/1"),
        ("HTTP/1.\0 200 OK\r\n", "failed L7RSP the answer is not HTTP/1"),
        ("HTTP/1.1 2000 OK\r\n", "failed L7RSP the answer is not HTTP/1"),
        ("HTTP/1.1 20x OK\r\n", "failed L7RSP the answer is not HTTP/1"),
        ("HTTP/1.1  200 OK\r\n", "failed L7RSP the answer is not HTTP/1"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "failed L7RSP the answer is not HTTP/1"),
    ])
    func `a status line, whole and byte by byte`(_ answer: String, _ verdict: String) {
        #expect(text(judge(answer)) == verdict)
        // The verdict comes with the 13th byte, and does not change after it.
        for count in 0...answer.utf8.count {
            let part = String(decoding: answer.utf8.prefix(count), as: UTF8.self)
            #expect(text(judge(part)) == (count < 13 ? "none" : verdict))
        }
    }

    @Test func `an answer that stops early has failed`() {
        #expect(text(judge("", ended: true)) == "failed L7RSP the server closed without an answer")
        #expect(text(judge("HTTP/1.1 200", ended: true)) == "failed L7RSP the answer stops in its first line")
        #expect(text(judge("HTTP/1.1 200 ", ended: true)) == "passed L7OK 200")
    }

    @Test func `http-check expect names the statuses that pass`() {
        var check = HTTPCheck()
        check.statuses = [200...200, 404...410]
        for (status, passes) in [(200, true), (201, false), (403, false), (404, true), (410, true), (411, false)] {
            #expect(judge("HTTP/1.1 \(status) x\r\n", by: check)?.outcome == (passes ? .passed : .failed))
        }
    }

    private func text(_ result: CheckResult?) -> String {
        guard let result else { return "none" }
        let status = result.status.map { " \($0)" } ?? ""
        return "\(result.outcome) \(result.code.rawValue)\(status)"
            + (result.outcome == .failed ? " \(result.info)" : "")
    }
}
