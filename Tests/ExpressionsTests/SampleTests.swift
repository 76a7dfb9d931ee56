// Samples and converters: (expression, exchange, expected), as the manual has them.

import Basics
import Configuration
import Foundation
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct SampleTests {
    private func shop() throws -> ExchangeContext {
        let context = try exchange(
            """
            GET /cart/items.php?id=7&q=a,b HTTP/1.1
            Host: Shop.Example.com:8080
            Accept: text/html, ,"a,b" , application/json
            User-Agent: curl/8 (a, b)
            X-Count: 42
            X-Empty:
            X-Forwarded-For: 10.1.2.3, 192.0.2.9
            X-Forwarded-For: 2001:db8::7
            Content-Length: 12

            """ + "\n")
        try answer("HTTP/1.1 404 Not Found\nServer: one\nX-Count: 3\nVary: a, b\n\n", context)
        context.serverName = "s1"
        context.backendName = "shop"
        context.uniqueID = Array("id-1".utf8)
        return context
    }

    @Test(arguments: [
        // Constants.
        ("always_true", "1"), ("always_false", "0"), ("bool(true)", "1"), ("bool(0)", "0"), ("int(-42)", "-42"),
        ("str(hello)", "hello"), ("str('a,b)')", "a,b)"),
        // The connection.
        ("src", "10.0.1.7"), ("src_port", "4711"), ("dst", "192.168.0.1"), ("dst_port", "80"), ("ssl_fc", "0"),
        // The exchange.
        ("fe_name", "www"), ("be_name", "shop"), ("srv_name", "s1"), ("unique-id", "id-1"), ("status", "404"),
        // The request line.
        ("method", "GET"), ("url", "/cart/items.php?id=7&q=a,b"), ("path", "/cart/items.php"),
        ("pathq", "/cart/items.php?id=7&q=a,b"), ("query", "id=7&q=a,b"), ("req.ver", "1.1"), ("req_ver", "1.1"),
        ("base", "Shop.Example.com:8080/cart/items.php"), ("req.proto_http", "1"), ("req_proto_http", "1"),
        // Elements of fields: the last one, or the one that is counted.
        ("hdr(host)", "Shop.Example.com:8080"), ("req.hdr(HOST)", "Shop.Example.com:8080"),
        ("hdr(accept)", "application/json"), ("hdr(accept,1)", "text/html"), ("hdr(accept,2)", "\"a,b\""),
        ("hdr(accept,-1)", "application/json"), ("hdr(accept,-2)", "\"a,b\""), ("hdr(accept,-3)", "text/html"),
        ("hdr(x-forwarded-for)", "2001:db8::7"), ("hdr(x-forwarded-for,2)", "192.0.2.9"), ("hdr(x-empty)", ""),
        // Lines of fields.
        ("req.fhdr(user-agent)", "curl/8 (a, b)"), ("req.fhdr(x-forwarded-for,1)", "10.1.2.3, 192.0.2.9"),
        ("req.fhdr(x-forwarded-for)", "2001:db8::7"), ("res.fhdr(vary)", "a, b"),
        // Counts, numbers, addresses.
        ("hdr_cnt(accept)", "3"), ("req.hdr_cnt(x-forwarded-for)", "3"), ("req.fhdr_cnt(x-forwarded-for)", "2"),
        ("hdr_cnt(nobody)", "0"), ("res.hdr_cnt(vary)", "2"), ("shdr_cnt(vary)", "2"), ("res.fhdr_cnt(vary)", "1"),
        ("hdr_val(x-count)", "42"), ("req.hdr_val(content-length)", "12"), ("hdr_val(host)", "0"),
        ("res.hdr_val(x-count)", "3"), ("shdr_val(x-count)", "3"),
        ("hdr_ip(x-forwarded-for,1)", "10.1.2.3"), ("req.hdr_ip(x-forwarded-for)", "2001:db8::7"),
        // The response.
        ("res.hdr(server)", "one"), ("shdr(server)", "one"), ("shdr(vary,1)", "a"),
        // Converters.
        ("hdr(host),lower", "shop.example.com:8080"), ("path,upper", "/CART/ITEMS.PHP"), ("path,length", "15"),
        ("str(ÄB),lower", "Äb"), ("src,length", "8"), ("int(7),length,length", "1"),
        ("path,upper, lower", "/cart/items.php"),
        ("path,regsub(/,_,g)", "_cart_items.php"),
    ])
    func `A sample yields what the manual says`(expression: String, expected: String) throws {
        #expect(try value(expression, shop()) == expected)
    }

    @Test(arguments: [
        "hdr(nobody)", "hdr(accept,4)", "hdr(accept,-4)", "req.fhdr(nobody)", "hdr_ip(host)", "res.hdr_ip(vary)",
        "hdr(nobody),lower", "shdr_ip(server)",
    ])
    func `What is not there yields nothing`(expression: String) throws {
        #expect(try value(expression, shop()) == nil)
    }

    @Test func `A unix socket has no address and no port`() throws {
        let context = try exchange()
        context.client = .path("/run/x.sock")
        context.local = .path("/run/x.sock")
        for sample in ["src", "src_port", "dst", "dst_port"] { #expect(try value(sample, context) == nil) }
    }

    @Test func `In the log of a request that was none, its samples yield nothing`() throws {
        let context = ExchangeContext()
        for row in SampleRow.table where row.availability == .requestHead && row.arguments.isEmpty {
            // These are about the exchange.
            guard row.name != "be_name", !row.name.contains(".timer."), !row.name.contains("bytes_"),
                row.name != "request_date"
            else { continue }
            #expect(try value(row.name, context) == nil, "\(row.name)")
        }
    }

    /// A redirect to `%[path]?%[query] if { query -m found }` got a question mark that no request had. As HAProxy 3.5 answers.
    @Test(arguments: [
        ("query", "/p", nil), ("query", "/p?", ""), ("query", "/p?a", "a"), ("query", "/p?a?b", "a?b"),
        ("query", "http://h/p", nil), ("query", "http://h?", ""), ("url_param(a)", "/p", nil),
        ("url_param(a)", "/p?a", nil), ("url_param(a)", "/p?a=", ""), ("urlp_val(a)", "/p?a=", "0"),
        ("urlp_val(a)", "/p?b=1", nil), ("req.hdr(x-empty)", "/", ""), ("req.hdr(x-none)", "/", nil),
        ("req.hdr_val(x-empty)", "/", "0"), ("req.hdr_val(x-none)", "/", nil), ("req.fhdr(x-empty)", "/", ""),
        ("req.hdr_ip(x-empty)", "/", nil), ("req.cook(a)", "/", ""), ("req.cook(b)", "/", nil),
        ("req.cook_val(a)", "/", "0"), ("req.cook_val(b)", "/", nil), ("var(txn.none)", "/", nil),
        ("var(txn.none,)", "/", ""), ("var(txn.none,x)", "/", "x"),
    ])
    func `What is absent is not taken for what is empty`(sample: String, target: String, expected: String?) throws {
        let context = try exchange("GET \(target) HTTP/1.1\nHost: h\nX-Empty:\nCookie: a=; c=1\n\n")
        #expect(try value(sample, context) == expected)
        #expect(try holds("{ \(sample) -m found }", context) == (expected != nil))
    }

    @Test func `A message of HTTP/2 says so`() throws {
        let context = try exchange()
        context.request.version = .http2
        context.response.version = .http2
        context.captureRequestLine()
        for (expression, wanted) in [
            ("req.ver", "2.0"), ("req_ver", "2.0"), ("res.ver", "2.0"), ("capture.req.ver", "HTTP/2.0"),
            ("capture.res.ver", "HTTP/2.0"),
        ] {
            #expect(try value(expression, context) == wanted, "\(expression)")
        }
        #expect(try holds("HTTP_2.0", context))
        #expect(try !holds("HTTP_1.1", context))
    }

    @Test func `Targets in other forms`() throws {
        let absolute = try exchange("GET http://a.example:81/x/y?z HTTP/1.0\nHost: a.example:81\n\n")
        #expect(try value("path", absolute) == "/x/y")
        #expect(try value("query", absolute) == "z")
        #expect(try value("url", absolute) == "http://a.example:81/x/y?z")
        #expect(try value("req.ver", absolute) == "1.0")
        let asterisk = try exchange("OPTIONS * HTTP/1.1\nHost: a\n\n")
        #expect(try value("url", asterisk) == "*")
        #expect(try value("base", asterisk) == "a")
        #expect(try value("query", asterisk) == nil)
        #expect(try value("path", asterisk) == nil)
        #expect(try value("pathq", asterisk) == nil)
        let odd = try exchange("PURGE /x HTTP/1.1\nHost: a\n\n")
        #expect(try value("method", odd) == "PURGE")
    }

    /// As HAProxy 2.6 answers.
    @Test func `On a plain connection a few samples of TLS are false, and all others yield nothing`() throws {
        let falsehoods = ["ssl_fc", "ssl_bc", "ssl_fc_has_sni", "ssl_fc_is_resumed", "ssl_bc_is_resumed"]
        let context = try exchange()
        for row in SampleRow.table where row.name.hasPrefix("ssl_") {
            #expect(try value(row.name, context) == (falsehoods.contains(row.name) ? "0" : nil), "\(row.name)")
        }
        #expect(
            try !holds(
                "{ ssl_c_used } || { ssl_c_verify 0 } || { ssl_fc_sni_end a } || { ssl_fc_protocol -m found }", context)
        )
    }

    @Test func `Every row has a test here`() throws {
        // Rows that are tested elsewhere by name would hide a forgotten one; there are none.
        let tested = String(decoding: try sourcesOfTables(), as: UTF8.self)
        // Those of TLS are tested together, above.
        for row in SampleRow.table where !row.name.hasPrefix("ssl_") {
            #expect(tested.contains("\"\(row.name)\"") || tested.contains("\"\(row.name)("), "\(row.name)")
        }
        for row in ConverterRow.table { #expect(tested.contains(",\(row.name)"), "\(row.name)") }
    }

    /// This file's text, and those of the other tables of samples and converters beside it.
    private func sourcesOfTables(_ path: String = #filePath) throws -> [UInt8] {
        let folder = URL(filePath: path).deletingLastPathComponent()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        return try names.filter { $0.hasSuffix("SampleTests.swift") || $0.hasSuffix("ConverterTests.swift") }
            .flatMap { try contentsOfFile(folder.appending(path: $0).path) }
    }
}

@Suite struct ExpressionProblemTests {
    private func refusal(_ expression: String) throws -> ConfigProblem {
        try problem("http-request set-header x %[\(expression)]")
    }

    @Test func `An unknown sample is refused at its place, with the nearest known one`() throws {
        let found = try refusal("pth")
        #expect(found.message == "unknown sample 'pth'")
        #expect(found.suggestion == "path")
        #expect(found.range?.column == 29)
        #expect(found.range?.length == 3)
        #expect(try refusal("").message == "a sample's name is missing")
    }

    @Test func `An unknown converter is refused at its place, with the nearest known one`() throws {
        let found = try refusal("path,lowr")
        #expect(found.message == "unknown converter 'lowr'")
        #expect(found.suggestion == "lower")
        #expect(found.range?.column == 34)
        #expect(try refusal("path,").message == "a converter's name is missing behind ','")
    }

    @Test func `A sample or converter that HAProxy has is called not yet done`() throws {
        let found = try refusal("ssl_c_new(CN)")
        #expect(found.message == "'ssl_c_new' is known to HAProxy, but Portico's TLS does not do it yet")
        #expect(found.range?.column == 29)
        #expect(
            try refusal("path,table_gpc0(t)").message
                == "'table_gpc0' is known to HAProxy, but Portico does not do it yet")
    }

    @Test func `In a quoted word the place is right too`() throws {
        #expect(try problem("http-request set-header x \"a %[pth]\"").range?.column == 32)
    }

    @Test(arguments: [
        ("str,hdr", "unknown converter 'hdr'"),
        ("hdr(a b)", "'a b' cannot be a field name"),
        ("hdr(host,x)", "'x' is not an occurrence"),
        ("hdr(host,-11)", "'-11' is not an occurrence"),
        ("hdr(host,1,2)", "'hdr' takes no argument '2'"),
        ("path(x)", "'path' takes no argument 'x'"),
        ("hdr(host", "'(' is not closed"),
        ("str('abc)", "a quote is not closed"),
        ("int(x)", "'x' is not a whole number"),
        ("int(99999999999999999999)", "'99999999999999999999' is not a whole number"),
        ("bool(maybe)", "'maybe' is neither true nor false"),
        ("path,lower(1)", "'lower' takes no argument '1'"),
        ("path lower", "unexpected text in an expression"),
    ])
    func `A wrong expression says what is wrong`(expression: String, message: String) throws {
        #expect(try problem("http-request set-header x \"%[\(expression)]\"").message == message)
    }

    @Test func `A sample that is asked too early is refused, with where it could be used`() throws {
        let found = try problem("http-request set-header x %[res.hdr(server)]")
        #expect(found.message == "'res.hdr' needs the response's head, which is not there yet in http-request rules")
        #expect(
            found.expected
                == "it can be used in tcp-response content rules, http-response rules, http-after-response rules, log formats"
        )
        #expect(try problem("use_backend %[status]").message.contains("not there yet in use_backend rules"))
        #expect(
            try problem("acl failed status 500\nhttp-request deny if failed").message
                == "'status' needs the response's head, which is not there yet in http-request rules")
        _ = try Section(.listen, "acl failed status 500\nhttp-response set-header x y if failed")
        _ = try Section(.listen, "http-response set-header x %[path]")
    }

    @Test func `hdr means the message that the rules are about`() throws {
        let section = try Section(
            .listen, "http-request set-header a %[hdr(x)]\nhttp-response set-header a %[hdr(x)]")
        let context = try exchange("GET / HTTP/1.1\nHost: a\nX: of the request\n\n")
        try answer("HTTP/1.1 200 OK\nX: of the response\n\n", context)
        _ = section.rules.ruleSet(.httpRequest).run(on: context)
        _ = section.rules.ruleSet(.httpResponse).run(on: context)
        #expect(lines(context.request.fields).last == "a: of the request")
        #expect(lines(context.response.fields).last == "a: of the response")
    }
}
