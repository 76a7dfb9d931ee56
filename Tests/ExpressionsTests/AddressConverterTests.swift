// Converters of addresses and of Forwarded fields: (expression, expected), as the manual has them. `ipmask` is as HAProxy 2.6
// answers; the others are newer.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct AddressConverterTests {
    @Test(arguments: [
        ("src,ipmask(24)", "127.0.0.0"), ("src,ipmask(255.255.0.0)", "127.0.0.0"), ("src,ipmask(0)", "0.0.0.0"),
        ("src,ipmask(32)", "127.0.0.1"), ("src,ipmask(255.0.0.255)", "127.0.0.1"), ("src,ipmask(8,64)", "127.0.0.0"),
        ("str(10.1.2.3),ipmask(16)", "10.1.0.0"), ("int(16909060),ipmask(16)", "1.2.0.0"), ("str(x),ipmask(16)", nil),
        ("str(2001:db8:1:2:3:4:5:6),ipmask(24)", nil), ("str(2001:db8:1:2:3:4:5:6),ipmask(24,64)", "2001:db8:1:2::"),
        ("str(2001:db8:1:2:3:4:5:6),ipmask(24,ffff:ffff::)", "2001:db8::"),
        ("str(2001:db8:1:2:3:4:5:6),ipmask(24,0)", "::"),
        ("str(2001:db8:1:2:3:4:5:6),ipmask(24,128)", "2001:db8:1:2:3:4:5:6"),
        ("str(2001:db8:1:2:3:4:5:6),ipmask(24,72)", "2001:db8:1:2::"),
        ("str(2001:db8:1:2:3ff:4:5:6),ipmask(24,72)", "2001:db8:1:2:300::"),
        ("str(::ffff:10.1.2.3),ipmask(24,64)", "10.1.2.0"), ("str(2002:a01:203::1),ipmask(24,64)", "2002:a01:203::"),
        ("str(::1),ipmask(24)", nil),
    ])
    func `The network that an address is in`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        "for=192.0.2.43", "for=\"[2001:db8:cafe::17]:4711\"", "for=192.0.2.60;proto=http;by=203.0.113.43",
        "For=unknown",
        "for=\"unknown:132\";host=\"[::1]:65535\";by=\"_obfs:_port\";proto=https", "for=\"127.0.0.1\";host=v.test",
        "by=\"[::1]\"", "by=\"[::1]:3\"", "for=127.9.0.1", "proto=\"https\"", "host=\"haproxy.org:80\"", "for=_hidden",
        "for=\"192.0.2.43:47011\"", "for=_SEVKISEK", "for=127.0.0.1;proto=http",
    ])
    func `A Forwarded element is right`(element: String) throws {
        #expect(try value("str('\(element)'),rfc7239_is_valid") == "1")
    }

    @Test(arguments: [
        "fore=\"unknown:132\"", "proto=http;proto=http", "\"", "by=[::1]", "by=\"[::1]:\"", "proto=custom", "for=",
        "for",
        "for=192.0.2.43:80", "for=1.2.3", "for=\"_\"", "for=\"_a b\"", "for=\"1.2.3.4:70000\"", "for=\"1.2.3.4",
        "host=\"a:b\"",
        "host=\"\"", "host=\"[1.2.3.4]\"", "for=1.2.3.4,for=1.2.3.5", "for=1.2.3.4; proto=http", "for=1.2.3.4;",
        ";for=1.2.3.4",
        "for=\"[::1\"", "for =1.2.3.4", "host=\"a/b\"",
    ])
    func `A Forwarded element is wrong`(element: String) throws {
        #expect(try value("str('\(element)'),rfc7239_is_valid") == "0")
        #expect(try value("var(txn.empty),rfc7239_is_valid") == "0")
    }

    @Test(arguments: [
        ("str('proto=https;host=\"haproxy.org:80\"'),rfc7239_field(host)", "haproxy.org:80"),
        ("str('proto=https;host=\"haproxy.org:80\";for=\"127.0.0.1:9999\"'),rfc7239_field(for)", "127.0.0.1:9999"),
        ("str('proto=https;for=\"[::1]:_id\"'),rfc7239_field(proto)", "https"),
        ("str('for=_a'),rfc7239_field(by)", nil),
        ("str('x=1;for=_a'),rfc7239_field(for)", nil), ("str('by=_a'),rfc7239_field(by)", "_a"),
        ("str(127.0.0.1:9999),rfc7239_n2nn", "127.0.0.1"), ("str(127.0.0.1:9999),rfc7239_n2nn,hex", "7F000001"),
        ("str([ab:cd:ff:ff:ff:ff:ff:ff]:9998),rfc7239_n2nn", "ab:cd:ff:ff:ff:ff:ff:ff"),
        ("str(_name:_port),rfc7239_n2nn", "_name"), ("str(unknown),rfc7239_n2nn", "unknown"),
        ("str(x),rfc7239_n2nn", nil),
        ("str(127.0.0.1:9999),rfc7239_n2np", "9999"), ("str(127.0.0.1:9999),rfc7239_n2np,add(1)", "10000"),
        ("str([ab:cd:ff:ff:ff:ff:ff:ff]:9998),rfc7239_n2np", "9998"), ("str(_name:_port),rfc7239_n2np", "_port"),
        ("str(127.0.0.1),rfc7239_n2np", nil), ("str(:80),rfc7239_n2np", nil),
        ("str(ab:cd:ff:ff:ff:ff:ff:ff),ipmask(32,128),rfc7239_nn", "[ab:cd:ff:ff:ff:ff:ff:ff]"),
        ("src,rfc7239_nn", "127.0.0.1"), ("str(test),rfc7239_nn", "_test"), ("var(txn.empty),rfc7239_nn", "unknown"),
        ("str('a b'),rfc7239_nn", nil), ("int(12),rfc7239_nn", nil),
        ("int(12),rfc7239_np", "12"), ("str(test),rfc7239_np", "_test"), ("var(txn.empty),rfc7239_np", nil),
        ("int(65536),rfc7239_np", nil), ("int(-1),rfc7239_np", nil), ("src,rfc7239_np", nil),
    ])
    func `Parts of a Forwarded element`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        ("src,ipmask", "'ipmask' lacks an argument"), ("src,ipmask(33)", "'33' is no such mask"),
        ("src,ipmask(x)", "'x' is no such mask"), ("src,ipmask(24,129)", "'129' is no such mask"),
        ("src,ipmask(24,255.0.0.0)", "'255.0.0.0' is no such mask"),
        ("str(a),rfc7239_field(x)", "'x' is no parameter of Forwarded"),
        ("str(a),rfc7239_field", "'rfc7239_field' lacks an argument"),
        ("str(a),rfc7239_is_valid(1)", "'rfc7239_is_valid' takes no argument '1'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
