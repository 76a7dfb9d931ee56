// Changing heads: valid targets, methods and reasons; and that a cleared
// head keeps nothing of the previous message.

import Testing

@testable import HTTP

@Suite struct RequestHeadTests {
    @Test func aRuleMayChangeTheTarget() {
        var head = RequestHead()
        #expect(head.setTarget(Array("http://b.example?x=1".utf8).bytes) == true)
        #expect(escaped(head.pathAndQuery.copy) == "/?x=1")
        #expect(escaped(head.authority.copy) == "b.example")
        #expect(head.setTarget(Array("/new/path?y".utf8).bytes) == true)
        #expect(escaped(head.path.copy) == "/new/path")
        #expect(escaped(head.query.copy) == "y")
        #expect(escaped(head.target.copy) == "/new/path?y")
        #expect(head.authority.byteCount == 0)
    }

    /// A text overwrites the previous one: no part of a longer one may remain.
    @Test func aShorterTextLeavesNothingOfALongerOne() {
        var request = RequestHead()
        request.setTarget(Array("/a/long/path?with=a&long=query".utf8).bytes)
        for (target, path, query) in [
            ("http://a?b", "/", "b"), ("/c?d", "/c", "d"), ("http://a", "/", ""), ("/", "/", ""),
        ] {
            request.setTarget(Array(target.utf8).bytes)
            #expect(escaped(request.target.copy) == target)
            #expect(escaped(request.path.copy) == path)
            #expect(escaped(request.query.copy) == query)
            #expect(escaped(request.pathAndQuery.copy) == (query.isEmpty ? path : "\(path)?\(query)"))
        }
        var response = ResponseHead()
        for reason in ["A long reason", "Short", ""] {
            response.setReason(Array(reason.utf8).bytes)
            #expect(escaped(response.reason.copy) == reason)
        }
        response.setStatus(404)
        response.clear()
        #expect(response.reason.byteCount == 0)
    }

    /// Request splitting through values that rules build from client input.
    @Test(arguments: ["", "a", "/a b", "/a\r\nX: y", "/a\n", "/\u{0}", "*", "http://u@a/", "/a HTTP/1.1\r\n\r\nGET /b"])
    func aTargetCannotBreakOutOfItsLine(target: String) {
        var head = RequestHead()
        head.setTarget(Array("/old".utf8).bytes)
        #expect(head.setTarget(Array(target.utf8).bytes) == false)
        #expect(escaped(head.target.copy) == "/old")
    }

    @Test func aRuleMayChangeTheMethod() {
        var head = RequestHead()
        #expect(head.setMethod(Array("PURGE".utf8).bytes) == true)
        #expect(head.method == .other)
        #expect(escaped(head.methodName.copy) == "PURGE")
        #expect(head.setMethod(Array("GET /x".utf8).bytes) == false)
        #expect(head.setMethod(RawSpan()) == false)
        #expect(escaped(head.methodName.copy) == "PURGE")
        #expect(head.setMethod(Array("POST".utf8).bytes) == true)
        #expect(head.method == .post)
    }

    @Test func aReasonCannotBreakOutOfItsLine() {
        var head = ResponseHead()
        head.setStatus(200)
        #expect(head.setReason(Array("OK\r\nX: y".utf8).bytes) == false)
        #expect(escaped(head.reason.copy) == "OK")
        #expect(head.setReason(Array("Fine".utf8).bytes) == true)
        #expect(escaped(head.reason.copy) == "Fine")
    }

    @Test func nothingOfARequestIsLeftAfterClear() {
        var head = RequestHead()
        head.setMethod(Array("PURGE".utf8).bytes)
        head.setTarget(Array("http://a?b".utf8).bytes)
        head.fields.append(.host, "a")
        head.version = .http10
        head.clear()
        #expect(head.method == .get && head.version == .http11 && head.fields.count == 0)
        for span in [head.target.copy, head.path.copy, head.query.copy, head.pathAndQuery.copy, head.authority.copy] {
            #expect(span.isEmpty)
        }
        #expect(head.host.byteCount == 0)
    }
}
