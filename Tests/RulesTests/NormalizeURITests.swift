// normalize-uri: what comes of targets, as HAProxy 2.6 has it.

import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct NormalizeURITests {
    @Test(
        arguments: [
            ("/.", "path-strip-dot", "/"),
            ("/..", "path-strip-dotdot", "/../"),
            ("/..", "path-strip-dotdot full", "/"),
            ("/./", "path-strip-dot", "/"),
            ("/../", "path-strip-dotdot full", "/"),
            ("/./bar/", "path-strip-dot", "/bar/"),
            ("/a/./a", "path-strip-dot", "/a/a"),
            ("/a/.", "path-strip-dot", "/a/"),
            ("/foo/..", "path-strip-dotdot", "/"),
            ("/foo/..", "path-strip-dotdot full", "/"),
            ("/foo/../", "path-strip-dotdot", "/"),
            ("/foo/../", "path-strip-dotdot full", "/"),
            ("/foo/../bar/", "path-strip-dotdot", "/bar/"),
            ("/foo/../bar/", "path-strip-dotdot full", "/bar/"),
            ("/foo/bar/..", "path-strip-dotdot", "/foo/"),
            ("/foo/bar/..", "path-strip-dotdot full", "/foo/"),
            ("/../bar/", "path-strip-dotdot full", "/bar/"),
            ("/bar/../../", "path-strip-dotdot", "/../"),
            ("/bar/../../", "path-strip-dotdot full", "/"),
            ("/bar/../..", "path-strip-dotdot", "/../"),
            ("/bar/../..", "path-strip-dotdot full", "/"),
            ("/foo//../", "path-merge-slashes", "/foo/../"),
            ("/foo//../", "path-strip-dotdot", "/foo/"),
            ("/foo//../", "path-strip-dotdot full", "/foo/"),
            ("/a/..b/../c", "path-strip-dotdot", "/a/c"),
            ("/a/..b/../c", "path-strip-dotdot full", "/a/c"),
            ("//", "path-merge-slashes", "/"),
            ("//..", "path-merge-slashes", "/.."),
            ("//..", "path-strip-dotdot", "/"),
            ("//..", "path-strip-dotdot full", "/"),
            ("/foo//bar", "path-merge-slashes", "/foo/bar"),
            ("/a//b?c//d", "path-merge-slashes", "/a/b?c//d"),
            ("/a/../b?x=/../y", "path-strip-dotdot", "/b?x=/../y"),
            ("/a/../b?x=/../y", "path-strip-dotdot full", "/b?x=/../y"),
            ("/%61dmin", "percent-decode-unreserved", "/admin"),
            ("/%61dmin", "percent-decode-unreserved strict", "/admin"),
            ("/%%36%36", "percent-decode-unreserved", "/%66"),
            ("/%%36%36", "percent-decode-unreserved strict", nil),
            ("/%%36%36", "percent-to-uppercase strict", nil),
            ("/%ZZ", "percent-decode-unreserved strict", nil),
            ("/%ZZ", "percent-to-uppercase strict", nil),
            ("/%7e%2F%2d", "percent-decode-unreserved", "/~%2F-"),
            ("/%7e%2F%2d", "percent-decode-unreserved strict", "/~%2F-"),
            ("/%7e%2F%2d", "percent-to-uppercase", "/%7E%2F%2D"),
            ("/%7e%2F%2d", "percent-to-uppercase strict", "/%7E%2F%2D"),
            ("/%6f", "percent-decode-unreserved", "/o"),
            ("/%6f", "percent-decode-unreserved strict", "/o"),
            ("/%6f", "percent-to-uppercase", "/%6F"),
            ("/%6f", "percent-to-uppercase strict", "/%6F"),
            ("/%zz", "percent-decode-unreserved strict", nil),
            ("/%zz", "percent-to-uppercase strict", nil),
            ("/a?b=%41&c=%zz", "percent-decode-unreserved", "/a?b=A&c=%zz"),
            ("/a?b=%41&c=%zz", "percent-decode-unreserved strict", nil),
            ("/a?b=%41&c=%zz", "percent-to-uppercase strict", nil),
            ("/%", "percent-decode-unreserved strict", nil),
            ("/%", "percent-to-uppercase strict", nil),
            ("/%4", "percent-decode-unreserved strict", nil),
            ("/%4", "percent-to-uppercase strict", nil),
            ("/?c=3&a=1&b=2", "query-sort-by-name", "/?a=1&b=2&c=3"),
            ("/?aaa=3&a=1&aa=2", "query-sort-by-name", "/?a=1&aa=2&aaa=3"),
            ("/?a=3&b=4&a=1&b=5&a=2", "query-sort-by-name", "/?a=3&a=1&a=2&b=4&b=5"),
            ("/?b&a", "query-sort-by-name", "/?a&b"),
            ("/?&b=1&&a=2&", "query-sort-by-name", "/?&&a=2&b=1"),
            ("/x#foo", "fragment-encode", "/x%23foo"),
            ("/x#foo", "fragment-strip", "/x"),
            ("/x?y#f#g", "fragment-encode", "/x?y%23f%23g"),
            ("/x?y#f#g", "fragment-strip", "/x?y"),
            ("/../../a", "path-strip-dotdot full", "/a"),
            ("/a/b/../../../c", "path-strip-dotdot", "/../c"),
            ("/a/b/../../../c", "path-strip-dotdot full", "/c"),
            ("/.../..", "path-strip-dotdot", "/"),
            ("/.../..", "path-strip-dotdot full", "/"),
            ("/.a/.", "path-strip-dot", "/.a/"),
            ("/a/./.", "path-strip-dot", "/a/"),
            ("/a/../.", "path-strip-dot", "/a/../"),
            ("/a/../.", "path-strip-dotdot", "/."),
            ("/a/../.", "path-strip-dotdot full", "/."),
            // These are in their normal form.
            ("/", "path-strip-dotdot full", "/"), ("/..a/b", "path-strip-dotdot full", "/..a/b"),
            ("/.a/b", "path-strip-dot", "/.a/b"),
            ("/%2F?a=%C3%A9", "percent-decode-unreserved strict", "/%2F?a=%C3%A9"),
            ("/?a&b=1&c", "query-sort-by-name", "/?a&b=1&c"),
            ("http://h/a/../b?c", "path-strip-dotdot", "http://h/b?c"),
            ("http://h", "path-strip-dot", "http://h/"),
        ] as [(String, String, String?)])
    func `A target becomes another, or the request is refused`(target: String, rule: String, result: String?) throws {
        let context = try exchange("GET \(target) HTTP/1.1\nHost: h\n\n")
        switch try Section(.listen, "http-request normalize-uri \(rule)").rules.ruleSet(.httpRequest).run(on: context) {
        case .proceed: #expect(requestLine(context.request) == "GET \(result ?? "refused")")
        case .refused: #expect(result == nil)
        default: throw Unexpected(what: "another outcome")
        }
        #expect(context.scratch.isEmpty)
    }

    @Test(arguments: ["OPTIONS * HTTP/1.1\nHost: h\n\n", "CONNECT h:80 HTTP/1.1\nHost: h:80\n\n"])
    func `What has no path stays as it is`(request: String) throws {
        for normalizer in Normalizer.allCases {
            let context = try exchange(request)
            let section = try Section(.listen, "http-request normalize-uri \(normalizer.rawValue)")
            guard case .proceed = section.rules.ruleSet(.httpRequest).run(on: context) else {
                throw Unexpected(what: "stopped by \(normalizer)")
            }
            #expect(request.hasPrefix(requestLine(context.request)))
        }
    }

    @Test func `Many parameters in the wrong order are put into order at once`() throws {
        let query = (0..<1_000).map { "p\(1_999 - $0)" }.joined(separator: "&")
        let context = try exchange("GET /?\(query) HTTP/1.1\nHost: h\n\n")
        _ = try Section(.listen, "http-request normalize-uri query-sort-by-name").rules.ruleSet(.httpRequest).run(
            on: context)
        let sorted = (0..<1_000).map { "p\(1_000 + $0)" }.joined(separator: "&")
        #expect(requestLine(context.request) == "GET /?\(sorted)")
    }

    @Test(arguments: [
        ("path-strip-dots", "unknown normalizer 'path-strip-dots'"), ("path-strip-dot full", "unexpected 'full'"),
        ("percent-to-uppercase full", "unexpected 'full'"), ("", "'http-request normalize-uri' lacks an argument"),
    ])
    func `A wrong line is refused`(rule: String, message: String) throws {
        #expect(try problem("http-request normalize-uri \(rule)").message == message)
    }
}
