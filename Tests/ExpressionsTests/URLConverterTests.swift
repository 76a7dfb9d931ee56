// Converters of URLs and Host values: (expression, expected), as the manual has them and HAProxy 2.6 answers.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct URLConverterTests {
    @Test(arguments: [
        ("hdr(host),host_only", "shop.example.com"), ("hdr(host),port_only", "8080"),
        ("str(127.0.0.1:80),host_only", "127.0.0.1"), ("str(127.0.0.1),host_only", "127.0.0.1"),
        ("str(127.0.0.1),port_only", "0"), ("str([::1]:80),host_only", "[::1]"), ("str([::1]),host_only", "[::1]"),
        ("str([::1]:80),port_only", "80"), ("str([::1]),port_only", "0"), ("str(HOST),host_only", "host"),
        ("str(HOST:),host_only", "host"), ("str(HOST:),port_only", "0"), ("str(HOST:99999),port_only", "99999"),
        ("str(a:b:80),host_only", "a:b"), ("str(:80),host_only", ""), ("str(:80),port_only", "80"),
        ("var(txn.empty),host_only", ""), ("var(txn.empty),port_only", "0"), ("str([::1]x:90),host_only", "[::1]x"),
        ("str([::1),host_only", "[:"),
    ])
    func `A Host value has two halves`(expression: String, expected: String) throws {
        #expect(try value(expression) == expected)
    }

    // HAProxy 2.6 computes with these bytes as if they were digits.
    @Test(arguments: ["x", "8x", "-1", "99999999999999999999999", "+1", " 1"])
    func `A port that is no number is 0`(port: String) throws {
        #expect(try value("str('HOST:\(port)'),port_only") == "0")
    }

    @Test(arguments: [
        ("str(a%20b+c),url_dec", "a b+c"), ("str(a%20b+c),url_dec(1)", "a b c"), ("str(a%20b+c),url_dec(0)", "a b+c"),
        ("str(a+b?c+d),url_dec", "a+b?c d"), ("str(a%3fb+c),url_dec", "a?b+c"), ("str(%),url_dec", nil),
        ("str(%4),url_dec", nil), ("str(%4g),url_dec", nil), ("str(%g4),url_dec", nil),
        ("str(%41%00b),url_dec,length", "3"),
        ("str(%c3%A9),url_dec", "é"), ("var(txn.empty),url_dec", ""), ("url,url_dec", "/cart/items.php?id=7&q=a,b"),
        ("str(a b),url_enc", "a%20b"), ("str(a b),url_enc(query)", "a%20b"), ("var(txn.empty),url_enc", ""),
        ("str(@:;<=>[]^`|%$),url_enc", "%40%3A%3B%3C%3D%3E%5B%5D%5E%60%7C%25%24"), ("str(-_.~),url_enc", "-_.~"),
        ("str(\"!*'(),/+\"),url_enc", "%21%2A%27%28%29%2C%2F%2B"), ("str(é),url_enc", "%C3%A9"),
        ("str('a b&c'),url_enc,url_dec", "a b&c"),
    ])
    func `Bytes and what stands for them`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        ("str(a),url_enc(path)", "'path' is no way to encode"), ("str(a),url_dec(x)", "'x' is not a number"),
        ("str(a),host_only(1)", "'host_only' takes no argument '1'"),
        ("str(a),port_only(1)", "'port_only' takes no argument '1'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
