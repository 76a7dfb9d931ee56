// Samples about requests beyond their lines and fields: cookies, parameters, logins, bodies, whole heads, hashes. What is
// expected is what the manual says, and what HAProxy 2.6 was seen to yield.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct RequestSampleTests {
    private func form() throws -> ExchangeContext {
        let context = try exchange(
            """
            POST /a;sid=7;t=8/b.php?id=7&empty=&flag&id=9;x=1.2.3.4&n=12x HTTP/1.1
            Host: Shop.Example.com:8080
            User-Agent: curl/8.0 (linux)
            Cookie: a=1; b="x;y"; bad; c = 3 ; a=2,d=4
            Cookie: e=5; a=
            Authorization: basic YTpiOmM=
            X-Auth: Bearer  tok en
            X-Ip: 1.2.3.4:80
            X-Ip6: [2001:db8::1]:443
            X-Ipn: 2001:db8::2
            X-Port: 1.2.3.4:99999
            Content-Length: 26

            """ + "\n")
        context.requestBody = Array("name=J%20D&q=&x;y=2&name=z".utf8)
        context.client = .ip(.v4(0x7F00_0001), port: 1)
        return context
    }

    @Test(arguments: [
        // The target.
        ("baseq", "Shop.Example.com:8080/a;sid=7;t=8/b.php?id=7&empty=&flag&id=9;x=1.2.3.4&n=12x"),
        ("base32", "1787650492"), ("url32", "231439018"),
        ("url_param", "7"), ("url_param(id)", "7"), ("urlp(id)", "7"), ("urlp(empty)", ""), ("urlp(x)", "1.2.3.4"),
        ("urlp(sid,;)", "7"), ("urlp(t,;)", "8/b.php?id=7"), ("urlp_val(n)", "12"), ("urlp_ip(x)", "1.2.3.4"),
        ("urlp(id,?)", "7"), ("url_param(ID,,i)", "7"), ("url_param(x,;)", "1.2.3.4"),
        // Cookies.
        ("req.cook", "1"), ("cook(a)", ""), ("cook(b)", "\"x;y\""), ("req.cook(c)", "3"), ("cook(d)", "4"),
        ("cook(e)", "5"), ("cook_cnt", "7"), ("req.cook_cnt(a)", "3"), ("cook_cnt(none)", "0"), ("cook_val(c)", "3"),
        ("req.cook_val(e)", "5"), ("cookie(d)", "4"), ("req.cook_names", "a,b,c,a,d,e,a"),
        ("req.cook_names(;)", "a;b;c;a;d;e;a"),
        // Logins.
        ("http_auth_type", "Basic"), ("http_auth_user", "a"), ("http_auth_pass", "b:c"),
        ("http_auth_bearer(X-Auth)", "tok en"),
        // Addresses in fields.
        ("hdr_ip(x-ip)", "1.2.3.4"), ("hdr_ip(x-ip6)", "2001:db8::1"), ("req.fhdr_ip(x-ipn)", "2001:db8::2"),
        // Heads.
        (
            "req.hdr_names",
            "host,user-agent,cookie,cookie,authorization,x-auth,x-ip,x-ip6,x-ipn,x-port,content-length"
        ),
        ("req.fhdr_cnt", "11"), ("hdr_cnt", "12"), ("hdr", "26"), ("req.fhdr_val(content-length)", "26"),
        ("req.hdr_names(;),length", "89"),
        // The body.
        ("req.body", "name=J%20D&q=&x;y=2&name=z"), ("req.body_len", "26"), ("req.body_size", "26"),
        ("req.body_param", "J%20D"), ("req.body_param(name)", "J%20D"), ("req.body_param(q)", ""),
        ("req.body_param(y)", "2"),
    ])
    func `A sample yields what the manual says`(expression: String, expected: String) throws {
        #expect(try value(expression, form()) == expected)
    }

    @Test(arguments: [
        "urlp(flag)", "urlp(nope)", "urlp(ID)",
        "url_param(none,;)", "urlp_ip(id)", "cook(bad)", "cook(none)", "http_auth_bearer",
        "hdr_ip(x-port)", "req.body_param(x)", "url_ip", "url_port", "http_auth_bearer(none)",
    ])
    func `What is not there yields nothing`(expression: String) throws {
        #expect(try value(expression, form()) == nil)
    }

    @Test func `Hashes with the client's address are bytes`() throws {
        let context = try form()
        #expect(try bytes("base32+src", context) == [0x6A, 0x8D, 0x61, 0xBC, 0x7F, 0, 0, 1])
        #expect(try bytes("url32+src", context) == [0x0D, 0xCB, 0x7A, 0xAA, 0x7F, 0, 0, 1])
        context.client = .ip(.v6(1, 2), port: 1)
        #expect(try bytes("base32+src", context)?.count == 20)
        context.client = .path("/x")
        #expect(try bytes("base32+src", context) == nil)
    }

    @Test func `A head as text and in binary`() throws {
        let context = try exchange("GET / HTTP/1.1\nHost: a\nX: \(String(repeating: "v", count: 300))\n\n")
        #expect(try value("req.hdrs", context) == "host: a\r\nx: \(String(repeating: "v", count: 300))\r\n\r\n")
        let binary = try #require(try bytes("req.hdrs_bin", context))
        #expect(binary.prefix(9) == [4, 0x68, 0x6F, 0x73, 0x74, 1, 0x61, 1, 0x78])
        // 300 is 240 + 12 + 16 * 3.
        #expect(binary.dropFirst(9).prefix(2) == [0xFC, 3])
        #expect(binary.suffix(3) == [0x76, 0, 0])
        try answer("HTTP/1.0 200 OK\nServer: x\nSet-Cookie: s=1; Path=/\nSet-Cookie: t=2,3\n\n", context)
        #expect(try value("res.hdrs", context) == "server: x\r\nset-cookie: s=1; Path=/\r\nset-cookie: t=2,3\r\n\r\n")
        #expect(try bytes("res.hdrs_bin", context)?.suffix(2) == [0, 0])
        #expect(try value("res.hdr_names(+)", context) == "server+set-cookie+set-cookie")
    }

    @Test func `A response's cookies stand before their attributes`() throws {
        let context = try exchange()
        try answer(
            "HTTP/1.0 200 OK\nSet-Cookie: s=1; Path=/; Expires=Wed, 21 Oct 2015 07:28:00 GMT\nSet-Cookie: t=2; s=9\n"
                + "Set-Cookie: HttpOnly\n\n", context)
        let expected = [
            ("res.cook(s)", "1"), ("scook(t)", "2"), ("res.cook", "1"), ("set-cookie(t)", "2"), ("res.cook_cnt", "2"),
            ("scook_cnt(s)", "1"), ("res.cook_val(t)", "2"), ("scook_val(s)", "1"), ("res.cook_names", "s,t"),
            ("res.ver", "1.0"), ("resp_ver", "1.0"), ("res.fhdr_cnt(set-cookie)", "3"),
            ("res.fhdr_val(set-cookie,1)", "0"),
        ]
        for (expression, wanted) in expected { #expect(try value(expression, context) == wanted, "\(expression)") }
        #expect(try value("res.cook(Path)", context) == nil)
        #expect(try value("res.cook(Expires)", context) == nil)
        #expect(try value("res.fhdr_ip(set-cookie,1)", context) == nil)
    }

    @Test func `A target may have an address and a port`() throws {
        let context = try exchange("GET http://192.0.2.1:8080/x HTTP/1.1\nHost: 192.0.2.1:8080\n\n")
        #expect(try value("url_ip", context) == "192.0.2.1")
        #expect(try value("url_port", context) == "8080")
        try receive("GET https://[2001:db8::1]/x HTTP/1.1\nHost: [2001:db8::1]\n\n", context)
        #expect(try value("url_ip", context) == "2001:db8::1")
        #expect(try value("url_port", context) == "443")
        try receive("GET http://a.example HTTP/1.1\nHost: a.example\n\n", context)
        #expect(try value("url_ip", context) == nil)
        #expect(try value("url_port", context) == "80")
    }

    @Test func `A criterion looks at all cookies, all parameters and all protocols`() throws {
        let context = try form()
        #expect(try holds("{ cook(a) 1 }", context))
        #expect(try holds("{ cook(a) 2 }", context))
        #expect(try holds("{ cook_beg(d) 4 }", context))
        #expect(try !holds("{ cook(a) 3 }", context))
        #expect(try holds("{ req.cook -m str 5 }", context))
        #expect(try holds("{ urlp(id) 9 }", context))
        #expect(try holds("{ urlp_end(x) 3.4 }", context))
        #expect(try holds("{ urlp -m str 1.2.3.4 }", context))
        #expect(try !holds("{ urlp(id) 8 }", context))
        #expect(try holds("{ req.body_param -m str z }", context))
        #expect(try holds("{ hdr -m sub linux }", context))
    }

    private func bytes(_ expression: String, _ context: ExchangeContext) throws -> [UInt8]? {
        var text = ExpressionText(Word(expression, at: SourceRange(file: "test.cfg", line: 1)))
        var table = ExpressionTable()
        let compiled = try Expression(&text, &table)
        let program = ExpressionProgram(table)
        return context.withScratch {
            compiled.evaluate(context, program).map { value in
                var copy: [UInt8] = []
                context.withBytes(value.bytes(context)) { copy.append($0) }
                return copy
            }
        }
    }
}

@Suite struct LoginSampleTests {
    private static let people = """
        group staff users ann,tom
        group chiefs users ann
        user ann insecure-password a
        user tom insecure-password t
        user zoe insecure-password z
        """

    private func holds(_ condition: String, as login: String) throws -> Bool {
        let lists = UserLists([try Section(.userlist, Self.people).draft])
        var section = try Section(.listen, "http-request deny if { \(condition) }")
        #expect(section.draft.resolve(lists) == [])
        let context = try exchange("GET / HTTP/1.1\nHost: a\n\(login)\n\n".replacing("\n\n\n", with: "\n\n"))
        if case .denyStatus = section.rules.ruleSet(.httpRequest).run(on: context) { return true }
        return false
    }

    private static let ann = "Authorization: Basic YW5uOmE="
    private static let tom = "Authorization: Basic dG9tOnQ="
    private static let zoe = "Authorization: Basic em9lOno="

    @Test(arguments: [
        ("http_auth(test)", ann, true), ("http_auth(test)", zoe, true), ("http_auth(test)", "", false),
        ("http_auth(test)", "Authorization: Basic YW5uOmI=", false),
        ("http_auth(test)", "Authorization: Basic YW5uOmE", false),
        ("http_auth(test)", "Authorization: Basic =", false),
        ("http_auth(test)", "Authorization: Basic YW5u", false),
        ("http_auth(test)", "Authorization: Bearer YW5uOmE=", false),
        ("http_auth_group(test) staff", ann, true), ("http_auth_group(test) chiefs", ann, true),
        ("http_auth_group(test) chiefs", tom, false), ("http_auth_group(test) staff chiefs", tom, true),
        ("http_auth_group(test) staff", zoe, false), ("http_auth_group(test) staff", "", false),
        ("http_auth_group(test) -m found", zoe, true), ("http_auth_user ann", ann, true),
        ("http_auth_user ann", "Authorization: Basic YW5uOg==", true),
    ])
    func `Who is in the list is let in, and belongs to its groups`(condition: String, login: String, isIn: Bool) throws
    {
        #expect(try holds(condition, as: login) == isIn)
    }

    @Test func `As a value http_auth_group is the name`() throws {
        let lists = UserLists([try Section(.userlist, Self.people).draft])
        var section = try Section(.listen, "http-request set-header x %[http_auth_group(test)]")
        #expect(section.draft.resolve(lists) == [])
        let context = try exchange("GET / HTTP/1.1\nHost: a\n\(Self.tom)\n\n")
        _ = section.rules.ruleSet(.httpRequest).run(on: context)
        #expect(lines(context.request.fields).last == "x: tom")
    }

    @Test(arguments: [
        ("", ""), ("QQ==", "A"), ("QUI=", "AB"), ("QUJD", "ABC"), ("QUJDRA==", "ABCD"), ("+/+/", "\u{FB}"), ("Q", nil),
        ("QUI", nil), ("====", nil), ("Q===", nil), ("QQ=A", nil), ("QQ==QQ==", nil), ("Q U=", nil), ("QUI-", nil),
    ])
    func `base64 is read strictly`(text: String, expected: String?) {
        var out: [UInt8] = []
        let isWhole = unsafe Array(text.utf8).span.bytes.appendDecodedBase64(to: &out)
        #expect(isWhole == (expected != nil))
        if let expected, expected != "\u{FB}" { #expect(out == Array(expected.utf8)) }
    }
}
