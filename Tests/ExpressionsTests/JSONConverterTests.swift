// Converters of JSON: (expression, expected), as the manual has them and HAProxy 2.6 answers, except where a comment says
// otherwise. Bytes that are no UTF-8 are given in base64.

import Foundation
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct JSONConverterTests {
    @Test(arguments: [
        ("str(\"a'b\"),json", "a'b"), ("str('a\"b\\c/d'),json", "a\\\"b\\\\c\\/d"), ("var(txn.empty),json", ""),
        ("str(AQgJCgwNHx9/),b64dec,json", "\\u0001\\b\\t\\n\\f\\r\\u001f\\u001f\\u007f"),
        ("str(AQgJCgwNHx9/),b64dec,json(utf8)", "\\u0001\\b\\t\\n\\f\\r\\u001f\\u001f\\u007f"),
        ("str(é),json", "\\u00c3\\u00a9"), ("str(é),json(ascii)", "\\u00c3\\u00a9"), ("str(é),json(utf8)", "\\u00e9"),
        ("str(€),json(utf8)", "\\u20ac"), ("str(€),json(utf8s)", "\\u20ac"), ("str(€),json(utf8p)", "\\u20ac"),
        ("str(😀),json", "\\u00f0\\u009f\\u0098\\u0080"), ("str(😀),json(utf8)", nil), ("str(😀),json(utf8s)", ""),
        ("str(😀),json(utf8p)", nil), ("str(😀),json(utf8ps)", ""),
        ("str(/w==),b64dec,json", "\\u00ff"), ("str(/w==),b64dec,json(utf8)", nil),
        ("str(/w==),b64dec,json(utf8s)", ""),
        ("str(YYBi),b64dec,json(utf8)", nil), ("str(YYBi),b64dec,json(utf8s)", "ab"),
        ("str(YYBi),b64dec,json(utf8p)", nil),
        ("str(YcOpYg==),b64dec,json(utf8)", "a\\u00e9b"), ("str(YcNi),b64dec,json(utf8)", nil),
        ("str(YcNi),b64dec,json(utf8s)", "ab"), ("str(YcNi),b64dec,json(utf8ps)", "ab"),
        ("str(YcM=),b64dec,json(utf8s)", "a"),
        ("str(wIA=),b64dec,json(utf8)", nil), ("str(wIA=),b64dec,json(utf8s)", ""),
        ("str(wIA=),b64dec,json(utf8p)", "\\u0000"),
        ("str(wYE=),b64dec,json(utf8ps)", "A"), ("str(4oGB),b64dec,json(utf8)", "\\u2041"),
        ("str(4IGB),b64dec,json(utf8)", nil), ("str(4IGB),b64dec,json(utf8p)", "A"),
        ("str(7aCA),b64dec,json(utf8)", nil), ("str(7aCA),b64dec,json(utf8p)", nil),
        ("str(7aCA),b64dec,json(utf8ps)", ""),
        ("str(77++),b64dec,json(utf8)", nil), ("str(77++),b64dec,json(utf8s)", ""),
        ("str(4oI=),b64dec,json(utf8s)", ""),
    ])
    func `Text is escaped`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        ("str('{\"integer\":4}'),json_query('$.integer',int),add(1)", "5"),
        ("str('{\"my.key\":\"myvalue\"}'),json_query($.my\\\\.key)", "myvalue"),
        ("str('{\"boolean-false\":false}'),json_query('$.boolean-false')", "0"),
        ("str('{\"t\":true}'),json_query('$.t')", "1"), ("str('{\"t\":true}'),json_query('$.t',int)", "1"),
        ("str('{\"n\":null}'),json_query('$.n')", nil), ("str('{\"n\":null}'),json_query('$.n',int)", nil),
        ("str('{\"a\":{\"b\":[1,2,{\"c\":\"x\"}]}}'),json_query('$.a.b[2].c')", "x"),
        ("str('{\"a\":{\"b\":[1,2,{\"c\":\"x\"}]}}'),json_query('$.a.b[1]')", "2"),
        ("str('{\"a\":{\"b\":[1,2,{\"c\":\"x\"}]}}'),json_query('$.a.b[3]')", nil),
        ("str('{\"a\":{\"b\":[1,2,{\"c\":\"x\"}]}}'),json_query('$.a')", nil),
        ("str('{\"a\":[[1],[2,3]]}'),json_query('$.a[1][1]')", "3"), ("str('[1,2]'),json_query('$[1]')", "2"),
        ("str('\"x\"'),json_query('$')", "x"), ("str(5),json_query('$')", "5"),
        ("str(' { \"a\" : { \"b\" : [ 1 , 2 ] } } '),json_query('$.a.b[1]')", "2"),
        ("str('{\"a\":1,\"a\":2}'),json_query('$.a')", "1"), ("str('{\"A\":1}'),json_query('$.a')", nil),
        ("str('{\"a\":{\"b\":1},\"b\":2}'),json_query('$.b')", "2"),
        ("str('{\"a\":{\"b\":1}}'),json_query('$.b')", nil),
        ("str('{\"a\":{\"x\":1}}'),json_query('$.a[0]')", nil), ("str('{\"a\":[1]}'),json_query('$.a.x')", nil),
        ("str('{\"a b\":1}'),json_query('$.a b')", "1"), ("str('{\"n\":-3}'),json_query('$.n')", "-3"),
        ("str('{\"n\":1.5}'),json_query('$.n')", "1.5"), ("str('{\"n\":1.5}'),json_query('$.n',int)", "1"),
        ("str('{\"n\":-1.5}'),json_query('$.n',int)", "-1"), ("str('{\"n\":0.1}'),json_query('$.n')", "0.1"),
        ("str('{\"s\":\"12\"}'),json_query('$.s',int)", "12"), ("str('{\"s\":\"\"}'),json_query('$.s')", ""),
        ("str('{\"s\":\"é\"}'),json_query('$.s')", "é"), ("str('{\"s\":\"\\x\"}'),json_query('$.s')", nil),
        ("str('{\"s\":\"\\u00\"}'),json_query('$.s')", nil), ("str('{\"s\":\"\\ud83d\"}'),json_query('$.s')", nil),
        ("str('{\"a\":1'),json_query('$.a')", "1"), ("str('{\"a\":1}garbage'),json_query('$.a')", "1"),
        ("str('{a:1}'),json_query('$.a')", nil), ("str(x),json_query('$.a')", nil),
        ("var(txn.empty),json_query('$.a')", nil),
        ("str('{\"a\":tru}'),json_query('$.a')", nil), ("str('{\"a\":\"unclosed'),json_query('$.a')", nil),
        ("str('{\"b\":}{\"a\":1}'),json_query('$.a')", nil), ("str('{\"n\":+5}'),json_query('$.n')", nil),
        ("str('{\"n\":.5}'),json_query('$.n')", nil), ("str('{\"a\":[1,2}'),json_query('$.a[1]')", "2"),
    ])
    func `A value is found in JSON`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    // HAProxy 2.6 knows neither these escapes nor arrays, rounds numbers, and calls a text a number.
    @Test(arguments: [
        ("str('{\"a\":{\"b\":[1, \"x\",{}]}}'),json_query('$.a.b')", "[1, \"x\",{}]"),
        ("str('[1]'),json_query('$',int)", nil),
        ("str('{\"s\":\"a\\nb\\t\\\"\\\\\\/\"}'),json_query('$.s')", "a\nb\t\"\\/"),
        ("str('{\"s\":\"\\u00e9\\u0041\"}'),json_query('$.s')", "éA"),
        ("str('{\"s\":\"\\ud83d\\ude00\"}'),json_query('$.s')", "😀"),
        ("str('{\"a\\u0062\":1}'),json_query('$.ab')", "1"), ("str('{\"my.key\":1}'),json_query('$[\"my.key\"]')", "1"),
        ("str('{\"n\":9007199254740993}'),json_query('$.n')", "9007199254740993"),
        ("str('{\"n\":1e3}'),json_query('$.n')", "1e3"),
        ("str('{\"n\":99999999999999999999}'),json_query('$.n')", "99999999999999999999"),
        ("str('{\"n\":99999999999999999999}'),json_query('$.n',int)", nil),
        ("str('{\"s\":\"12x\"}'),json_query('$.s',int)", nil),
        ("str('{\"s\":\"\"}'),json_query('$.s',int)", nil), ("str('{\"s\":\"-7\"}'),json_query('$.s',int)", "-7"),
    ])
    func `JSON that HAProxy reads in another way`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        ("str(eyJhIjoieCJ9),b64dec,json_query('$.a') -m str x", true),
        ("str(eyJhIjoieCJ9),b64dec,json_query('$.a') -m str y", false),
        ("str(eyJhIjo0fQ==),b64dec,json_query('$.a') -m int gt 3", true),
        ("str(eyJhIjo0fQ==),b64dec,json_query('$.a',int) -m int 5", false),
        ("str(eyJhIjo0fQ==),b64dec,json_query('$.b') -m found", false),
        ("str(eyJhIjp0cnVlfQ==),b64dec,json_query('$.a') -m bool", true),
    ])
    func `A value out of JSON is compared as what it is`(criterion: String, expected: Bool) throws {
        #expect(try holds("{ \(criterion) }", exchangeWithVariables()) == expected)
    }

    @Test func `What is too deep is not passed over`() throws {
        for (depth, expected) in [(63, "1"), (64, "1"), (65, nil), (10_000, nil)] {
            let deep = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            let text = Data("{\"deep\":\(deep),\"a\":1}".utf8).base64EncodedString()
            #expect(try value("str(\(text)),b64dec,json_query('$.a')") == expected)
        }
    }

    @Test(arguments: [
        ("str(a),json(x)", "'x' is no input code"), ("str(a),json_query", "'json_query' lacks an argument"),
        ("str(a),json_query(a)", "'a' is no path that is known here"),
        ("str(a),json_query($..a)", "'$..a' is no path that is known here"),
        ("str(a),json_query($.a[*])", "'$.a[*]' is no path that is known here"),
        ("str(a),json_query($.*)", "'$.*' is no path that is known here"),
        ("str(a),json_query($.a[-1])", "'$.a[-1]' is no path that is known here"),
        ("str(a),json_query($.a[0)", "'$.a[0' is no path that is known here"),
        ("str(a),json_query($a)", "'$a' is no path that is known here"),
        ("str(a),json_query($.a,str)", "'str' is no type here"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
