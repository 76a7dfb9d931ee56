// Sets of patterns: files of them, every way to match in them, changes, what is wrong with a file.

import Basics
import Configuration
import Foundation
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct PatternFileTests {
    /// Whether a value is found in a file whose lines are `lines`.
    private func matches(_ criterion: String, _ flags: String, _ lines: String) throws -> Bool {
        let file = try TemporaryFile(lines)
        return try holds("{ \(criterion) \(flags) -f \(file.path) }", exchange())
    }

    @Test(arguments: [
        // Whole texts.
        ("str(abc)", "", "x\nabc\ny\n", true), ("str(abc)", "", "ab\nabcd\nABC\n", false),
        ("str(abc)", "-i", "x\nABC\n", true), ("str(ABC)", "-i", "x\nabc\n", true), ("str(abc)", "-m str", "abc", true),
        ("str(0123456789abcdef)", "", "0123456789abcdef\n", true),
        ("str(0123456789abcdef)", "", "0123456789abcdeF\n", false),
        // Beginnings.
        ("str(/static/a)", "-m beg", "/img\n/static\n", true), ("str(/stat)", "-m beg", "/img\n/static\n", false),
        ("str(/STATIC/a)", "-m beg", "/static\n", false), ("str(/STATIC/a)", "-i -m beg", "/static\n", true),
        ("str(a)", "-m beg", "a\n", true),
        // Ends.
        ("str(a.png)", "-m end", ".gif\n.png\n", true), ("str(a.png)", "-m end", ".PNG\n", false),
        ("str(a.png)", "-m end -i", ".PNG\n", true), ("str(png)", "-m end", ".png\n", false),
        // Parts.
        ("str(/a/logo.png)", "-m sub", "x\nlogo\n", true), ("str(/a/logo.png)", "-m sub", "LOGO\n", false),
        ("str(/a/logo.png)", "-m sub -i", "LOGO\n", true), ("str(/a/b/c)", "-m dir", "x\n/b/\n", true),
        ("str(/a/bb/c)", "-m dir", "b\n", false), ("str(www.example.com)", "-m dom", "net\nexample.com\n", true),
        ("str(www.example.com)", "-m dom", "xample.com\n", false), ("str(www.example.com)", "-m dom -i", "COM\n", true),
        // Regular expressions.
        ("str(/a/12)", "-m reg", "^x\n^/[a-z]/\\d+$\n", true), ("str(/a/1x)", "-m reg", "^/[a-z]/\\d+$\n", false),
        ("str(/A/12)", "-m reg", "^/a\n", false), ("str(/A/12)", "-m reg -i", "^/a\n", true),
        // Numbers.
        ("int(5)", "", "1\n5\n", true), ("int(5)", "", "6\n", false), ("int(5)", "", "1:4\n5:\n", true),
        ("int(5)", "", "1:4\n6:\n", false), ("int(5)", "", "gt 4\n", true), ("int(5)", "", "lt 5\n", false),
        ("int(-5)", "", ":-1\n", true), ("int(-5)", "", "-5\n", true), ("str(abcde)", "-m len", "5\n", true),
        ("str(abcde)", "-m len", "1:4\n", false), ("str(12)", "-m int", "12\n", true),
        // Addresses.
        ("src", "", "192.168.0.0/16\n10.0.0.0/8\n", true), ("src", "", "10.0.2.0/24\n", false),
        ("src", "", "10.0.1.7\n", true), ("src", "", "::ffff:10.0.0.0/104\n", true),
        ("src", "", "2001:db8::/32\n", false),
        ("str(10.0.1.7)", "-m ip", "10.0.1.0/24\n", true), ("src", "", "10.0.0.0/255.0.0.0\n", true),
        ("src", "", "0.0.0.0/0\n", true),
        // Bytes.
        ("str(AB)", "-m bin", "4142\n", true), ("str(AB)", "-m bin", "41\n414243\n", false),
        ("str(JK)", "-m bin", "4a4B\n", true),
        // The file as HAProxy reads it.
        ("str(abc)", "", "# a comment\n\n   \n \tabc\n", true), ("str(abc)", "", "abc\r\n", true),
        ("\"str(#abc)\"", "", "#abc\n", false), ("\"str(#abc)\"", "", " #abc\n", true),
        ("str(abc)", "", "abc # no comment\n", false),
        ("str('abc ')", "", "abc \n", true), ("str(abc)", "", "", false),
        // Nothing is compared.
        ("hdr(host)", "-m found", "nothing\n", true),
    ])
    func `Every way to match, in a file`(criterion: String, flags: String, lines: String, expected: Bool) throws {
        #expect(try matches(criterion, flags, lines) == expected)
    }

    @Test func `Files and values in place are alternatives`() throws {
        let one = try TemporaryFile("/a\n")
        let two = try TemporaryFile("/b\n")
        let lines = "acl x path -f \(one.path) -i -f \(two.path) /C"
        for (path, expected) in [("/a", true), ("/A", false), ("/b", true), ("/B", true), ("/c", true), ("/d", false)] {
            let context = try exchange("GET \(path) HTTP/1.1\nHost: a\n\n")
            #expect(try holds("x", context, with: lines) == expected, "\(path)")
        }
    }

    @Test func `The keys of a map can be matched`() throws {
        let map = try TemporaryFile("/a first\n/b second\n")
        #expect(try holds("{ path -M -f \(map.path) }", exchange("GET /b HTTP/1.1\nHost: a\n\n")))
        #expect(try !holds("{ path -M -f \(map.path) }", exchange("GET /c HTTP/1.1\nHost: a\n\n")))
    }

    @Test func `Many values in place are looked up as those of a file`() throws {
        let names = (0..<20).map { "h\($0).example.com" }.joined(separator: " ")
        let numbers = (0..<20).map { "\($0 * 10)" }.joined(separator: " ")
        let networks = (0..<20).map { "10.\($0).0.0/16" }.joined(separator: " ")
        for (condition, expected) in [
            ("str(h7.example.com) \(names)", true), ("str(h20.example.com) \(names)", false),
            ("str(H7.example.com) -i \(names)", true), ("str(h7.example.com.evil) -m beg \(names)", true),
            ("str(www.h7.example.com) -m end \(names)", true), ("int(70) \(numbers)", true),
            ("int(71) \(numbers)", false), ("int(1000) \(numbers) gt 500", true), ("int(400) \(numbers) gt 500", false),
            ("src \(networks)", true), ("dst \(networks)", false),
        ] {
            #expect(try holds("{ \(condition) }", exchange()) == expected, "\(condition)")
        }
    }

    @Test func `A file is read once, whatever it is used for`() throws {
        let file = try TemporaryFile("10.0.0.1\n10.0.0.2\n")
        let section = try Section(
            .listen,
            """
            acl a src -f \(file.path)
            acl b src -m str -f \(file.path)
            acl c hdr(x) -i -f \(file.path)
            acl d path -u 7 -f \(file.path)
            """)
        #expect(section.patterns.sets.count == 1)
        #expect(section.patterns.sets[0].name == file.path)
        #expect(section.patterns.sets[0].id == 7)
        #expect(section.patterns[7]?.count == 2)
    }

    @Test func `Sets have numbers`() throws {
        let one = try TemporaryFile("a\n")
        let two = try TemporaryFile("b\n")
        let section = try Section(
            .listen, "acl a path -f \(one.path)\nacl b path -u 0 x y\nacl c path -f \(two.path)")
        #expect(section.patterns[one.path]?.id == 1)
        #expect(section.patterns[two.path]?.id == 2)
        #expect(section.patterns[0]?.name == "")
    }
}

@Suite struct PatternProblemTests {
    @Test(arguments: [
        ("src", "", "10.0.0.1\n\n  10.0.0.300\n", "'10.0.0.300' is not an address or a network", 3, 3, 10),
        ("src", "", "10.0.0.0/33", "'10.0.0.0/33' has no valid mask", 1, 1, 11),
        ("src_port", "", "# ports\n80\neighty\n", "'eighty' is not a whole number", 3, 1, 6),
        (
            "path", "-m reg", "^/ok\n^/(a\n", "the regular expression does not compile: missing closing parenthesis", 2,
            5, 1
        ),
        ("path", "-m bin", "2f\n2\n", "'2' has an odd number of digits", 2, 1, 1),
        ("path", "-m bin", "zz\n", "'zz' is not hexadecimal", 1, 1, 2),
    ])
    func `What is wrong in a file is reported with its line`(
        criterion: String, flags: String, lines: String, message: String, line: Int, column: Int, length: Int
    ) throws {
        let file = try TemporaryFile(lines)
        let found = try problem("\nacl x \(criterion) \(flags) -f \(file.path)")
        #expect(found.message == "\(message) (the file is named in test.cfg:2)")
        #expect(found.range == SourceRange(file: file.path, line: line, column: column, length: length))
    }

    @Test func `A file that cannot be read is refused where it is named`() throws {
        let found = try problem("acl x path -f /nowhere/at-all")
        #expect(found.message == "cannot read '/nowhere/at-all': No such file or directory")
        #expect(found.range == SourceRange(file: "test.cfg", line: 1, column: 15, length: 15))
    }

    @Test func `Not every line of a wrong file is reported`() throws {
        let file = try TemporaryFile(String(repeating: "x\n", count: 1_000))
        var section = try Section(.listen)
        try section.read("acl x src -f \(file.path)")
        var drafts = [section.draft]
        #expect(section.patterns.resolve(&drafts).count == PatternLines.problemsMax)
    }

    @Test func `A file is a list or a map`() throws {
        let file = try TemporaryFile("a b\n")
        let found = try problem("http-request set-header x %[path,map(\(file.path))]\nacl x path -f \(file.path)")
        #expect(found.message == "'\(file.path)' is read as a map elsewhere, and cannot be a list of patterns here")
        #expect(found.range?.line == 2)
        #expect(
            try problem("acl x path -f \(file.path)\nhttp-request set-map(\(file.path)) a b").message
                == "'\(file.path)' is read as a list of patterns elsewhere, and cannot be a map here")
    }

    @Test func `Flags that do nothing are warned of`() throws {
        #expect(try Section(.listen, "acl x path -M /a").warnings.count == 1)
        #expect(try Section(.listen, "acl x path -m found -f /dev/null").warnings.count == 1)
    }
}
