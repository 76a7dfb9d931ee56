// Samples about bytes that no parser has read: lengths, stretches, TLS hellos, Remote Desktop's cookies; and what is
// undecided while more may come.

import Basics
import Chance
import Configuration
import HTTP
import RuleTesting
import TLS
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct PayloadSampleTests {
    private func received(_ bytes: [UInt8], mayGrow: Bool = false) -> ExchangeContext {
        let context = ExchangeContext()
        context.clear()
        context.requestPayload = bytes
        context.responsePayload = bytes
        context.mayGrow = mayGrow
        context.requestProbe = RequestProbe(limits: HeadLimits())
        context.requestProbe?.look(at: bytes, into: &context.request)
        return context
    }

    /// The value, and whether it is still undecided.
    private func verdict(_ expression: String, _ context: ExchangeContext) throws -> (value: String?, isOpen: Bool) {
        context.isUndecided = false
        let found = try value(expression, context)
        return (found, context.isUndecided)
    }

    @Test(arguments: [
        ("req.len", "11"), ("req_len", "11"), ("res.len", "11"), ("req.payload(0,4)", "\u{3}abc"),
        ("req.payload(1,0)", "abcdefghij"), ("payload(2,3)", "bcd"), ("res.payload(4,2)", "de"),
        ("req.payload_lv(0,1)", "abc"), ("req.payload_lv(0,1,+2)", "cde"), ("req.payload_lv(0,1,5)", "efg"),
        ("payload_lv(0,1,-1)", "\u{3}ab"), ("res.payload_lv(0,1)", "abc"), ("wait_end", "1"),
        ("req.proto_http", nil), ("req_proto_http", nil), ("req.payload(11,0)", ""),
    ])
    func `A sample yields what the manual says`(expression: String, expected: String?) throws {
        #expect(try value(expression, received([3] + Array("abcdefghij".utf8))) == expected)
    }

    @Test(arguments: ["req.payload(10,2)", "req.payload(12,0)", "req.payload_lv(1,1)", "req.payload_lv(11,1)"])
    func `What is not there yields nothing, and may yet come`(expression: String) throws {
        let bytes = [3] + Array("abcdefghij".utf8)
        #expect(try verdict(expression, received(bytes)) == (nil, false))
        #expect(try verdict(expression, received(bytes, mayGrow: true)) == (nil, true))
    }

    @Test func `While more may come nothing that it would change is decided`() throws {
        let context = received(Array("GET / HTT".utf8), mayGrow: true)
        #expect(try verdict("req.len", context) == ("9", true))
        #expect(try verdict("wait_end", context) == (nil, true))
        #expect(try verdict("req.payload(0,3)", context) == ("GET", false))
    }

    @Test func `Conditions wait for what they need, and no longer`() throws {
        let section = try Section(
            .listen,
            "tcp-request content accept if REQ_CONTENT { req.payload(0,1) -m str x }\ntcp-request content reject if WAIT_END"
        )
        let rules = section.rules.ruleSet(.requestContent)
        let context = received([], mayGrow: true)
        func outcome() -> String { "\(rules.run(on: context))".prefix { $0 != "(" }.description }
        #expect(outcome() == "wait")
        context.requestPayload = Array("x".utf8)
        #expect(outcome() == "proceed")
        context.requestPayload = Array("y".utf8)
        #expect(outcome() == "wait")
        context.mayGrow = false
        #expect(outcome() == "reject")
    }

    @Test(arguments: [
        ("payload(1,3) 616263", true), ("payload(1,3) 616264", false), ("payload_lv(0,1) 616263", true),
        ("payload(1,3) -m str abc", true),
    ])
    func `As a criterion payload is compared with hexadecimal digits`(criterion: String, matches: Bool) throws {
        let section = try Section(.listen, "tcp-request content reject if { \(criterion) }")
        var isRejected = false
        if case .reject = section.rules.ruleSet(.requestContent).run(on: received([3] + Array("abcdefghij".utf8))) {
            isRejected = true
        }
        #expect(isRejected == matches)
        #expect(try problem("acl x req.payload(0,3) 41").message.contains("needs to be told how"))
    }

    @Test func `In HTTP mode there is a head, and no bytes`() throws {
        let context = try exchange("GET / HTTP/1.1\nHost: a\n\n")
        #expect(try value("req.proto_http", context) == "1")
        #expect(try value("req.len", context) == "27")
        #expect(try value("req.payload(0,1)", context) == nil)
    }

    // MARK: TLS

    @Test(arguments: [
        ("req.ssl_hello_type", "1"), ("req_ssl_hello_type", "1"), ("req.ssl_ver", "196611"), ("req_ssl_ver", "196611"),
        ("req.ssl_sni", "www.example.com"), ("req_ssl_sni", "www.example.com"), ("req.ssl_alpn", "h2"),
        ("req.ssl_ec_ext", "1"), ("req.ssl_st_ext", "1"), ("req.proto_http", nil), ("req.rdp_cookie_cnt", "0"),
    ])
    func `A hello tells what the client wants`(expression: String, expected: String?) throws {
        #expect(try value(expression, received(Hello().bytes)) == expected)
    }

    @Test(arguments: [
        ("req.ssl_cipherlist,hex", "1301C02F"), ("req.ssl_supported_groups,hex", "0017"),
        ("req.ssl_sigalgs,hex", "04030805"), ("req.ssl_keyshare_groups,hex", "001D0017"),
    ])
    func `A hello's lists are there as bytes`(expression: String, expected: String) throws {
        var hello = Hello()
        for sample in ["req.ssl_sigalgs", "req.ssl_keyshare_groups"] {
            #expect(try value(sample, received(hello.bytes)) == nil)
        }
        for sample in ["req.ssl_cipherlist", "req.ssl_supported_groups"] {
            #expect(try verdict(sample, received([22], mayGrow: true)) == (nil, true))
        }
        hello.others = [
            (10, [0, 2, 0, 0x17]), (13, [0, 4, 4, 3, 8, 5]), (51, [0, 11, 0, 0x1D, 0, 3, 1, 2, 3, 0, 0x17, 0, 0]),
        ]
        hello.hasCurves = false
        #expect(try value(expression, received(hello.bytes)) == expected)
        hello.others = [(51, [0, 4, 0, 0x1D, 0, 3])]
        #expect(try value("req.ssl_keyshare_groups", received(hello.bytes)) == nil)
    }

    @Test func `A hello is undecided until its last byte, and whole from there on`() throws {
        let bytes = Hello().bytes
        for count in 0...bytes.count {
            let context = received(Array(bytes.prefix(count)), mayGrow: true)
            let isWhole = count == bytes.count
            #expect(try verdict("req.ssl_sni", context) == (isWhole ? "www.example.com" : nil, !isWhole), "\(count)")
            #expect(try verdict("req.ssl_hello_type", context) == (isWhole ? "1" : nil, !isWhole), "\(count)")
            context.mayGrow = false
            #expect(try verdict("req.ssl_sni", context) == (isWhole ? "www.example.com" : nil, false), "\(count)")
        }
    }

    @Test func `What is not in a hello yields nothing, or no`() throws {
        let context = received(Hello(name: nil, protocols: [], hasCurves: false, ticket: nil).bytes)
        #expect(try value("req.ssl_sni", context) == nil)
        #expect(try value("req.ssl_alpn", context) == nil)
        #expect(try value("req.ssl_ec_ext", context) == "0")
        #expect(try value("req.ssl_st_ext", context) == "0")
        #expect(try value("req.ssl_st_ext", received(Hello(ticket: [1, 2]).bytes)) == "2")
        #expect(try value("req.ssl_ver", received(Hello(version: [3, 1]).bytes)) == "196609")
    }

    @Test(arguments: [
        ("3.3", true), ("196611", true), ("3.1:3.3", true), ("3.4", false), ("ge 3.2", true), ("lt 3.3", false),
        ("3.1 3.3", true),
    ])
    func `A criterion writes versions with a dot`(values: String, matches: Bool) throws {
        for sample in ["req.ssl_ver", "req_ssl_ver"] {
            let section = try Section(.listen, "tcp-request content reject if { \(sample) \(values) }")
            var isRejected = false
            if case .reject = section.rules.ruleSet(.requestContent).run(on: received(Hello().bytes)) {
                isRejected = true
            }
            #expect(isRejected == matches)
        }
        #expect(try problem("acl x req.ssl_ver 3.x").message == "'3.x' is not a whole number")
    }

    @Test func `All protocols of a hello can match`() throws {
        let section = try Section(
            .listen,
            """
            tcp-request content reject if { req.ssl_alpn http/1.1 }
            tcp-request content accept if { req.ssl_hello_type 1 }
            """)
        guard case .reject = section.rules.ruleSet(.requestContent).run(on: received(Hello().bytes)) else {
            Issue.record("the second protocol did not match")
            return
        }
        guard case .proceed = section.rules.ruleSet(.requestContent).run(on: received(Hello(protocols: ["h2"]).bytes))
        else {
            Issue.record("a protocol matched that is not there")
            return
        }
    }

    @Test func `What only looks like TLS is decided at once to be none`() throws {
        let good = Hello().bytes
        for (place, byte) in [(0, 23), (1, 2), (3, 0xFF), (6, 1)] as [(Int, UInt8)] {
            var bytes = good
            bytes[place] = byte
            #expect(try verdict("req.ssl_hello_type", received(bytes, mayGrow: true)) == (nil, false), "byte \(place)")
        }
        #expect(try verdict("req.ssl_sni", received(Array("GET /".utf8), mayGrow: true)) == (nil, false))
    }

    @Test func `A ServerHello is of type 2`() throws {
        var bytes = Hello().bytes
        bytes[5] = 2
        #expect(try value("res.ssl_hello_type", received(bytes)) == "2")
        #expect(try value("rep_ssl_hello_type", received(bytes)) == "2")
        #expect(try value("req.ssl_sni", received(bytes)) == nil)
    }

    @Test func `However a hello's bytes are changed, nothing is read beyond them`() throws {
        var random = SeededRandom(seed: 7)
        let good = Hello().bytes
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            switch unsafe ClientHello.parse(bytes.span.bytes) {
            case .found(let hello):
                if let name = hello.serverName { #expect(name.upperBound <= bytes.count) }
                if let protocols = hello.protocols { #expect(protocols.upperBound <= bytes.count) }
            case .needsMore, .none: break
            }
        }
    }

    // MARK: Remote Desktop

    private func desktop(_ text: String) -> [UInt8] {
        let data = Array(text.utf8) + [1, 0, 8, 0, 3, 0, 0, 0]
        let count = 11 + data.count
        return [3, 0, UInt8(count >> 8), UInt8(count & 255), UInt8(count - 5), 0xE0, 0, 0, 0, 0, 0] + data
    }

    @Test(arguments: [
        ("req.rdp_cookie", "user1"), ("rdp_cookie(MSTSHASH)", "user1"), ("req.rdp_cookie(mstshash)", "user1"),
        ("req.rdp_cookie_cnt", "1"), ("rdp_cookie_cnt(mstshash)", "1"), ("req.rdp_cookie_cnt(x)", "0"),
        ("req.rdp_cookie(x)", nil),
    ])
    func `A Remote Desktop client's cookie`(expression: String, expected: String?) throws {
        #expect(try value(expression, received(desktop("Cookie: mstshash=user1\r\n"))) == expected)
    }

    @Test func `A cookie is undecided until it is whole`() throws {
        let bytes = desktop("Cookie: mstshash=user1\r\n")
        for count in 0...bytes.count {
            let context = received(Array(bytes.prefix(count)), mayGrow: true)
            let isWhole = count == bytes.count
            #expect(try verdict("req.rdp_cookie", context) == (isWhole ? "user1" : nil, !isWhole), "\(count)")
        }
        for text in ["Cookie: mstshash", "Cookie: a\r\nb=c\r\n", "cake: a=b\r\n", "Cookie: a=b\n", "Cookie: a=b\r"] {
            #expect(try verdict("req.rdp_cookie", received(desktop(text), mayGrow: true)) == (nil, false), "\(text)")
        }
    }

    @Test(arguments: [
        ("req.payload(0)", "'req.payload' lacks an argument"), ("req.payload(-1,2)", "'-1' is not an offset"),
        ("req.payload_lv(0,0)", "'0' is not a length's length"), ("req.payload_lv(0,1,x)", "'x' is no offset"),
        ("req.payload_lv(0,1,-2)", "the offset -2 leads before the first byte"),
    ])
    func `A wrong argument is refused`(expression: String, message: String) throws {
        #expect(try problem("http-request set-header x \"%[\(expression)]\"").message == message)
    }
}

/// A ClientHello as a client writes it.
struct Hello {
    var version: [UInt8] = [3, 3]
    var name: String? = "www.example.com"
    var protocols = ["h2", "http/1.1"]
    var hasCurves = true
    var ticket: [UInt8]? = []
    /// Further extensions.
    var others: [(type: Int, content: [UInt8])] = []

    var bytes: [UInt8] {
        var extensions: [UInt8] = field(65_281, [0])
        if let name {
            extensions += field(0, vector(2, [0] + vector(2, Array(name.utf8))))
        }
        if hasCurves { extensions += field(10, vector(2, [0, 23])) }
        if !protocols.isEmpty { extensions += field(16, vector(2, protocols.flatMap { vector(1, Array($0.utf8)) })) }
        if let ticket { extensions += field(35, ticket) }
        for other in others { extensions += field(other.type, other.content) }
        let body =
            version + Array(repeating: 7, count: 32) + vector(1, Array(repeating: 9, count: 32))
            + vector(2, [0x13, 0x01, 0xC0, 0x2F]) + vector(1, [0]) + vector(2, extensions)
        return [22, 3, 1] + vector(2, [1] + vector(3, body))
    }

    private func field(_ type: Int, _ content: [UInt8]) -> [UInt8] {
        [UInt8(type >> 8), UInt8(type & 255)] + vector(2, content)
    }

    private func vector(_ lengthBytes: Int, _ content: [UInt8]) -> [UInt8] {
        (0..<lengthBytes).map { UInt8(content.count >> (8 * (lengthBytes - 1 - $0)) & 255) } + content
    }
}
