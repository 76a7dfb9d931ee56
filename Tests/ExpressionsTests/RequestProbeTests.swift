// Requests in bytes that are not parsed: which heads are found in TCP mode, and what samples say before, then and where
// there is none.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct RequestProbeTests {
    private func probed(_ text: String, mayGrow: Bool = false) -> ExchangeContext {
        let context = ExchangeContext()
        context.clear()
        context.mayGrow = mayGrow
        context.requestProbe = RequestProbe(limits: HeadLimits())
        grow(context, text)
        return context
    }

    private func grow(_ context: ExchangeContext, _ text: String) {
        context.requestPayload += Array(text.utf8)
        context.requestProbe?.look(at: context.requestPayload, into: &context.request)
    }

    /// The value, and whether it is still undecided.
    private func verdict(_ expression: String, _ context: ExchangeContext) throws -> (value: String?, isOpen: Bool) {
        context.isUndecided = false
        let found = try value(expression, context)
        return (found, context.isUndecided)
    }

    /// As HAProxy 2.6 has them, but that it takes a Host twice and folded fields, and `PRI *`.
    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true), ("GET /x HTTP/1.1\r\nX: y\r\n\r\n", true),
        ("GET / HTTP/1.0\r\n\r\n", true), ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", true),
        ("GET / HTTP/1.1\nHost: a\n\n", true), ("GET / HTTP/1.1\r\nHost: a\n\r\n", true), ("GET /\r\n", true),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", true),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\n", true),
        ("EHLO me\r\n", false), ("\u{16}\u{3}\u{1}abc", false), ("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: a\r\nA B: x\r\n\r\n", false), ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", false),
    ])
    func `A head is found however it comes in pieces`(text: String, isFound: Bool) throws {
        let whole = probed(text)
        #expect(whole.requestProbe?.state == (isFound ? .found : .absent))
        let inPieces = probed("", mayGrow: true)
        for scalar in text.unicodeScalars {
            if inPieces.requestProbe?.state == .awaited {
                #expect(try verdict("req.proto_http", inPieces) == (nil, true))
            }
            grow(inPieces, String(scalar))
        }
        #expect(try verdict("req.proto_http", inPieces) == (isFound ? "1" : nil, false))
        for sample in ["method", "path", "hdr(host)", "hdr_cnt(host)", "req.ver"] {
            #expect(try value(sample, whole) == value(sample, inPieces), "\(sample)")
        }
    }

    @Test func `Samples of a request are undecided until its head is whole, and work from there on`() throws {
        let context = probed("GET /x?q HTTP/1.1\r\nHost: a\r\nCookie: c=1\r\n", mayGrow: true)
        let samples = [
            ("path", "/x"), ("hdr(host)", "a"), ("hdr_cnt(x)", "0"), ("req.cook(c)", "1"), ("base", "a/x"),
            ("req.hdr_names", "host,cookie"), ("url32", "3362486104"), ("query", "q"),
        ]
        for (sample, _) in samples { #expect(try verdict(sample, context) == (nil, true), "\(sample)") }
        grow(context, "\r\nrest")
        for (sample, expected) in samples where sample != "url32" {
            #expect(try verdict(sample, context) == (expected, false), "\(sample)")
        }
        #expect(try verdict("url32", context).value != nil)
        // The bytes are as they were.
        #expect(try verdict("req.len", context).value == "\(context.requestPayload.count)")
    }

    @Test func `Where there is no request, samples of one yield nothing, and nothing is waited for`() throws {
        for context in [probed("EHLO me\r\n", mayGrow: true), probed("GET / HTTP/1.1\r\n", mayGrow: false)] {
            for sample in ["method", "hdr(host)", "hdr_cnt(x)", "query", "req.hdr_names", "req.body_len"] {
                #expect(try verdict(sample, context) == (nil, false), "\(sample)")
            }
        }
    }

    @Test func `In TCP mode there are no responses`() throws {
        let context = probed("GET / HTTP/1.1\r\nHost: a\r\n\r\n", mayGrow: true)
        for sample in ["status", "res.hdr_cnt(x)", "res.ver", "res.hdr_names"] {
            #expect(try verdict(sample, context) == (nil, false), "\(sample)")
        }
    }

    @Test func `A head is only looked for where a rule of the section asks`() throws {
        #expect(try !Section(.listen, "tcp-request content accept if { req.len ge 3 }").draft.looksAtRequestHeads)

        for line in [
            "tcp-request content accept if HTTP", "use_backend b if { hdr(host) -i a }", "acl a path_beg /x",
            "tcp-request content reject if HTTP_URL_ABS", "tcp-request content set-var(sess.m) method",
        ] {
            #expect(try Section(.listen, line).draft.looksAtRequestHeads, "\(line)")
        }
    }
}
