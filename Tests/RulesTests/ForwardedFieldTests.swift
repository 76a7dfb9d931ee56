// `option forwarded`: the element that is made, and where it goes.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct ForwardedFieldTests {
    /// The Forwarded fields of a request that a section with this line has passed on.
    private func forwarded(
        _ arguments: String = "", _ fields: String = "", client: SocketAddress? = nil
    ) throws -> [String] {
        let context = try exchange("GET / HTTP/1.1\nHost: a.test:80\n\(fields)\n")
        if let client { context.client = client }
        let section = try Section(.backend, "option forwarded \(arguments)")
        try #require(section.rules.forwardedField).add(to: context)
        #expect(context.scratch.isEmpty)
        return lines(context.request.fields).filter { $0.hasPrefix("forwarded: ") }.map { String($0.dropFirst(11)) }
    }

    private static let v6 = SocketAddress.ip(.v6(0x2001_0DB8_0000_0000, 7), port: 81)

    @Test(arguments: [
        ("", "proto=http;for=10.0.1.7"),
        ("proto for", "proto=http;for=10.0.1.7"),
        ("for by host proto", "proto=http;host=\"a.test:80\";by=192.168.0.1;for=10.0.1.7"),
        ("for for_port by by_port", "by=\"192.168.0.1:80\";for=\"10.0.1.7:4711\""),
        ("for-expr src for_port-expr str(id) by by_port-expr int(10)", "by=\"192.168.0.1:10\";for=\"10.0.1.7:_id\""),
        ("host-expr str(b.test) by-expr str(_me)", "host=\"b.test\";by=_me"),
        ("host-expr str(b/c) by-expr str(m/e)", "host=\"\";by=unknown"),
        ("for-expr str([::1])", "for=\"[::1]\""),
        ("for-expr str(::1) for_port-expr str(80)", "for=\"[::1]:80\""),
        ("for-expr str(unknown) for_port-expr str(_p)", "for=\"unknown:_p\""),
        ("for-expr req.hdr(nosuch) for_port-expr req.hdr(nosuch)", "for=\"unknown\""),
        ("for-expr str(10.0.0.1:80)", "for=unknown"),
        ("for-expr src,xxh32,hex", "for=_000000002D1AE5E3"),
    ])
    func `An element is made of the connection or of expressions`(arguments: String, element: String) throws {
        let made = try forwarded(arguments)
        if arguments.contains("xxh32") {
            #expect(made.count == 1 && made[0].wholeMatch(of: /for=_[0-9A-F]{16}/) != nil, "\(made)")
        } else {
            #expect(made == [element])
        }
    }

    @Test func `An IPv6 address stands in quotes, a unix socket has none`() throws {
        #expect(try forwarded("for", client: Self.v6) == ["for=\"[2001:db8::7]\""])
        #expect(try forwarded("for for_port", client: Self.v6) == ["for=\"[2001:db8::7]:81\""])
        #expect(try forwarded("for-expr src for_port", client: Self.v6) == ["for=\"[2001:db8::7]:81\""])
        #expect(try forwarded("for for_port", client: .path("/run/x")) == ["for=\"unknown\""])
    }

    @Test func `The list is continued where it is valid, and else left alone`() throws {
        #expect(try forwarded("proto", "Forwarded: for=1.2.3.4, by=_x\n") == ["for=1.2.3.4, by=_x,proto=http"])
        #expect(
            try forwarded("proto", "Forwarded: for=1.2.3.4\nForwarded: host=\"a\"\n")
                == ["for=1.2.3.4", "host=\"a\",proto=http"])
        #expect(try forwarded("proto", "Forwarded: for=1.2.3.4, bad\n") == ["for=1.2.3.4, bad", "proto=http"])
        #expect(
            try forwarded("proto", "Forwarded: bad\nForwarded: for=_a\n") == ["bad", "for=_a", "proto=http"])
        #expect(try forwarded("proto", "Forwarded:\n").contains("proto=http"))
    }

    @Test func `no option forwarded, and lines that are wrong`() throws {
        #expect(try Section(.backend, "option forwarded\nno option forwarded").rules.forwardedField == nil)
        #expect(try Section(.backend, "").rules.forwardedField == nil)
        #expect(try problem("option forwarded fro").suggestion == "for")
        #expect(try problem("option forwarded for-expr").message == "'option forwarded' lacks an argument")
        #expect(try problem("option forwarded host-expr res.hdr(x)").message.contains("needs the response's head"))
        #expect(
            try Section(.backend, "option forwarded by_port for").warnings.map(\.message)
                == ["'by_port' is ignored: there is no 'by' and no 'by-expr'"])
        #expect(try Section(.frontend, "option forwarded").warnings.count == 1)
    }
}
