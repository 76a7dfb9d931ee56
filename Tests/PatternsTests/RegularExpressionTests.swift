// Regular expressions wherever the language has them: conditions, `regsub`, the actions that replace.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct RegularExpressionTests {
    private let request = """
        GET /old/a.PHP?id=7 HTTP/1.1
        Host: www.example.com
        X-List: one, "a,b" ,two
        X-Line: begin middle end
        X-Line: other
        Cookie: a=1; lang=de
        X-Empty:


        """

    @Test(arguments: [
        ("path_reg ^/old/", true), ("path_reg ^/new/ ^/old/", true), ("path_reg ^old", false),
        ("path_reg \\.php$", false), ("path_reg -i \\.php$", true), ("path -m reg ^/[a-z]+/", true),
        ("hdr_reg(host) ^www[.]", true), ("hdr_reg(x-list) ^two$", true), ("hdr_reg(x-list) ^three$", false),
        ("hdr_reg(nobody) .*", false), ("url_reg id=[0-9]+$", true), ("hdr_reg(x-empty) ^$", true),
        ("src -m reg ^10[.]", true), ("dst_port -m reg ^8[0-9]$", true), ("path_reg", false),
    ])
    func `A condition that is a regular expression`(test: String, expected: Bool) throws {
        // Strong quotes keep backslashes as they are; braces and words must stay words.
        let words = test.split(separator: " ").map { $0.contains("\\") || $0.contains("$") ? "'\($0)'" : String($0) }
        let text = words.joined(separator: " ")
        #expect(try holds("{ \(text) }", exchange(request)) == expected)
    }

    @Test(arguments: [
        ("path,regsub(^/old/,/new/)", "/new/a.PHP"), ("path,regsub(^/nothing,x)", "/old/a.PHP"),
        ("path,regsub(/,_)", "_old/a.PHP"), ("path,regsub(/,_,g)", "_old_a.PHP"),
        ("path,regsub(php,html,i)", "/old/a.html"),
        ("path,regsub('/([a-z]+)/(.*)','/\\2/\\1')", "/a.PHP/old"), ("path,regsub(/,)", "old/a.PHP"),
        ("str(abc),regsub(x*,-,g)", "-a-b-c-"), ("str(aa),regsub(a*,-,g)", "-"),
        ("str(abc),regsub(b,'[\\0]')", "a[b]c"),
        ("str(abc),regsub(b,'\\9\\x41\\\\')", "aA\\c"), ("str(aXbX),lower,regsub(x,y,g),upper", "AYBY"),
        ("str('foo bar'),regsub(^foo,bar),regsub(^bar,qux)", "qux bar"), ("str(aa),regsub(^a,b,g)", "ba"),
    ])
    func `regsub replaces what it finds`(expression: String, expected: String) throws {
        #expect(try value(expression, exchange(request)) == expected)
    }

    private func run(_ lines: String, _ context: ExchangeContext) throws {
        guard
            case .proceed = try Section(.listen, "http-request strict-mode off\n" + lines).rules.ruleSet(.httpRequest)
                .run(on: context)
        else {
            throw Unexpected(what: "stopped by \(lines)")
        }
        #expect(context.scratch.isEmpty)
    }

    @Test(arguments: [
        // The manual's example.
        ("replace-header cookie 'a=([^;]*);(.*)' 'a=%[src];ip=\\1;\\2'", "cookie: a=10.0.1.7;ip=1; lang=de"),
        // A value that matches anywhere is replaced whole, in each line by itself.
        ("replace-header x-line middle new", "x-line: new"), ("replace-header X-Line '^(o)ther$' '\\1'", "x-line: o"),
        ("replace-header x-line nothing new", "x-line: begin middle end"),
        // Elements one by one; commas in quotes part nothing.
        ("replace-value x-list '^(t?)[ow].*' '<\\1>'", "x-list: <>, \"a,b\" ,<t>"),
        ("replace-value x-list , comma", "x-list: one, comma ,two"),
        ("replace-value x-list three 3", "x-list: one, \"a,b\" ,two"),
        // A value that would end its line is not taken.
        ("replace-header x-line middle 'a\\x0d\\x0ab: c'", "x-line: begin middle end"),
    ])
    func `A field is rewritten`(action: String, expected: String) throws {
        let context = try exchange(request)
        try run("http-request \(action)", context)
        #expect(lines(context.request.fields).contains(expected), "\(lines(context.request.fields))")
        #expect(lines(context.request.fields).count == 6)
    }

    @Test func `A response's field is rewritten`() throws {
        let context = try exchange(request)
        try answer("HTTP/1.1 200 OK\nLocation: http://inner:8080/x\nCache-Control: public, max-age=3\n\n", context)
        let rules = """
            http-response replace-header location ^http://inner:8080/(.*) https://www.example.com/\\\\1
            http-response replace-value cache-control ^public$ private
            """
        _ = try Section(.listen, rules).rules.ruleSet(.httpResponse).run(on: context)
        #expect(
            lines(context.response.fields) == [
                "location: https://www.example.com/x", "cache-control: private, max-age=3",
            ])
    }

    @Test(arguments: [
        ("replace-path '^/old/(.*)' '/new/\\1'", "/new/a.PHP?id=7"), ("replace-path ^/nothing /x", "/old/a.PHP?id=7"),
        ("replace-path '(.*)' '/foo\\1'", "/foo/old/a.PHP?id=7"), ("replace-path old 'a b'", "/a%20b?id=7"),
        ("replace-pathq '([^?]*)([?](.*))?' '\\1/x\\2'", "/old/a.PHP/x?id=7"),
        ("replace-pathq id=7 '/%[path,regsub(/,-,g)]'", "/-old-a.PHP"),
        ("replace-uri '^/old(/.*)' 'http://inner\\1'", "http://inner/a.PHP?id=7"),
        ("replace-uri old 'no target'", "/old/a.PHP?id=7"),
    ])
    func `The target is rewritten`(action: String, expected: String) throws {
        let context = try exchange(request)
        try run("http-request \(action)", context)
        #expect(context.request.target.text == expected)
    }

    @Test func `An absolute target keeps its scheme and host`() throws {
        for action in ["replace-path", "replace-pathq"] {
            let context = try exchange("GET http://a.example/x HTTP/1.1\nHost: a.example\n\n")
            try run("http-request \(action) ^/x /y", context)
            #expect(context.request.target.text == "http://a.example/y")
        }
    }

    @Test func `A pattern that never ends is given up`() throws {
        let context = try exchange("GET /\(String(repeating: "a", count: 200))! HTTP/1.1\nHost: a\n\n")
        let start = ContinuousClock.now
        // In a condition of `deny` that counts as a match.
        #expect(try holds("{ path_reg '^/(a+)+$' }", context))
        #expect(try holds("{ path_reg '^/(a|aa|a*)*$' }", context))
        // Without a limit the first would take longer than the world is old.
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test func `A long text is no trouble`() throws {
        let context = try exchange("GET /\(String(repeating: "ab", count: 7_000)) HTTP/1.1\nHost: a\n\n")
        #expect(try holds("{ path_reg '^/(a|b)*$' }", context))
    }

    @Test func `Places of an earlier match are forgotten`() throws {
        let context = try exchange("GET /\(String(repeating: "x", count: 500)) HTTP/1.1\nHost: a\n\n")
        #expect(try value("path,regsub('(/)(x+)(x)',1)", context) == "1")
        #expect(try value("str(a),regsub(a,'<\\1\\2\\3>')", context) == "<>")
    }

    @Test(arguments: [
        ("acl x path_reg ^/(a", "missing closing parenthesis", 19),
        ("acl x path -m reg a[", "missing terminating ] for character class", 20),
        ("http-request set-header x %[path,regsub((,y)]", "missing closing parenthesis", 0),
        ("http-request replace-header x (a y", "missing closing parenthesis", 33),
        ("http-request replace-path a** /", "quantifier does not follow a repeatable item", 29),
    ])
    func `A pattern that does not compile is refused at its place`(
        line: String, what: String, column: Int
    ) throws {
        let found = try problem(line)
        #expect(found.message.hasPrefix("the regular expression does not compile: "), "\(found.message)")
        #expect(column == 0 || abs((found.range?.column ?? 0) - column) <= 1, "\(String(describing: found.range))")
        if what.hasPrefix("missing closing") { #expect(found.message.contains(what) || column == 0) }
    }

    @Test(arguments: [
        ("http-request set-header x \"%[path,regsub]\"", "'regsub' lacks an argument"),
        ("http-request set-header x \"%[path,regsub(a,b,z)]\"", "unknown flags 'z'"),
        ("http-request set-header x \"%[path,regsub(a,b,g,c)]\"", "'regsub' takes no argument 'c'"),
        ("http-request replace-header", "'http-request replace-header' lacks an argument"),
        ("http-request replace-header a@b x y", "'a@b' cannot be a field name"),
        ("http-request replace-value x y", "'http-request replace-value' lacks an argument"),
        ("http-response replace-value x y", "'http-response replace-value' lacks an argument"),
        ("http-response replace-header x y", "'http-response replace-header' lacks an argument"),
        ("http-request replace-path x", "'http-request replace-path' lacks an argument"),
        ("http-request replace-pathq x", "'http-request replace-pathq' lacks an argument"),
        ("http-request replace-uri x y z", "unexpected 'z'"),
    ])
    func `A wrong line says what is wrong`(line: String, message: String) throws {
        #expect(try problem(line).message == message)
    }

    @Test func `Fields that frame messages are left alone, with a warning`() throws {
        let section = try Section(.listen, "http-request replace-header content-length .* 0")
        #expect(section.warnings.count == 1)
    }

    @Test func `A chain of substitutions that makes text longer and longer fails, and keeps no memory`() throws {
        let context = try exchange("GET /\(String(repeating: "a", count: 8_000)) HTTP/1.1\nHost: a\n\n")
        let longer = "regsub(.,\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0,g)"
        #expect(try value("path,\(longer),length", context) == "\(8_001 * 8)")
        #expect(try value("path,\(longer),\(longer)", context) == nil)
        #expect(context.scratch.isEmpty)
        context.clear()
        #expect(context.scratch.capacity <= 64 << 10 && context.regularMatcher.output.capacity <= 64 << 10)
    }
}
