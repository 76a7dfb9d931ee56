// Maps: each way to find a key, each type of value, defaults, what is wrong with a file of one.

import Basics
import Configuration
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct MapConverterTests {
    private let names = "www.example.com one\nexample.com two\nEXAMPLE.com three\n10 four\n"
    private let numbers = "/a 1\n/ab -22\n/b +3\n"
    private let addresses = "/a 10.0.0.1\n/ab 2001:db8::1\n"

    @Test(arguments: [
        // The whole text, as it is written.
        ("str(example.com),map(FILE)", "names", "two"), ("str(EXAMPLE.com),map_str(FILE)", "names", "three"),
        ("str(example.org),map(FILE)", "names", nil), ("str(example.org),map(FILE,none)", "names", "none"),
        ("int(10),map(FILE)", "names", "four"), ("str(/ab),map_str_int(FILE)", "numbers", "-22"),
        ("str(/b),map_str_int(FILE)", "numbers", "3"), ("str(/c),map_str_int(FILE,7)", "numbers", "7"),
        ("str(/c),map_str_int(FILE)", "numbers", nil), ("str(/ab),map_str_ip(FILE)", "addresses", "2001:db8::1"),
        ("str(/c),map_str_ip(FILE,10.0.0.9)", "addresses", "10.0.0.9"),
        // The longest beginning.
        ("str(/abc),map_beg(FILE)", "numbers", "-22"), ("str(/ac),map_beg(FILE)", "numbers", "1"),
        ("str(/),map_beg(FILE,none)", "numbers", "none"), ("str(/abc),map_beg_int(FILE)", "numbers", "-22"),
        ("str(/ac),map_beg_ip(FILE)", "addresses", "10.0.0.1"),
        // The first of all that fit.
        ("str(www.example.com),map_end(FILE)", "names", "one"), ("str(a.example.com),map_end(FILE)", "names", "two"),
        ("str(x/a),map_end_int(FILE)", "numbers", "1"), ("str(x/ab),map_end_ip(FILE)", "addresses", "2001:db8::1"),
        ("str(-example.com-),map_sub(FILE)", "names", "two"), ("str(x/ab),map_sub_int(FILE)", "numbers", "1"),
        ("str(x/ab),map_sub_ip(FILE)", "addresses", "10.0.0.1"), ("str(/x/ab/y),map_dir(FILE)", "numbers", "-22"),
        ("str(/x/ab/y),map_dir_int(FILE)", "numbers", "-22"),
        ("str(/x/ab/y),map_dir_ip(FILE)", "addresses", "2001:db8::1"),
        ("str(a.example.com:80),map_dom(FILE)", "names", "two"), ("str(a.example.org),map_dom(FILE)", "names", nil),
        ("str(x.ab.y),map_dom_int(FILE)", "numbers", "-22"),
        ("str(x.ab.y),map_dom_ip(FILE)", "addresses", "2001:db8::1"),
        ("str(x/ab),map_reg(FILE)", "numbers", "1"), ("str(x/ab),map_reg_int(FILE)", "numbers", "1"),
        ("str(x/ab),map_reg_ip(FILE)", "addresses", "10.0.0.1"),
        ("str(user-42.example.com),map_regm(FILE)", "groups", "42 of user (user-42)"),
        ("str(12),map_regm(FILE,none)", "groups", "none"),
        // Numbers and ranges: the first of all that fit.
        ("int(5),map_int(FILE)", "ranges", "five"), ("int(7),map_int(FILE)", "ranges", "few"),
        ("int(70),map_int(FILE)", "ranges", "many"), ("int(-1),map_int(FILE,none)", "ranges", "none"),
        ("str(12),map_int(FILE)", "ranges", "many"), ("int(2),map_int_int(FILE)", "ints", "20"),
        ("int(2),map_int_ip(FILE,10.0.0.2)", "none", "10.0.0.2"),
        // Networks: the smallest.
        ("str(10.1.2.3),map_ip(FILE)", "networks", "inner"), ("str(10.2.2.3),map_ip(FILE)", "networks", "outer"),
        ("str(11.0.0.1),map_ip(FILE)", "networks", "mapped"), ("str(2001:db8::5),map_ip(FILE)", "networks", "six"),
        ("str(::ffff:10.1.0.1),map_ip(FILE)", "networks", "inner"),
        ("str(12.0.0.1),map_ip(FILE,none)", "networks", "none"),
        // The keys themselves.
        ("str(example.com),map_str_key(FILE)", "names", "example.com"),
        ("str(/abc),map_beg_key(FILE)", "numbers", "/ab"), ("str(x/ab),map_sub_key(FILE)", "numbers", "/a"),
        ("str(/x/ab/y),map_dir_key(FILE)", "numbers", "/ab"), ("str(x.ab.y),map_dom_key(FILE)", "numbers", "/ab"),
        ("str(x/ab),map_end_key(FILE)", "numbers", "/ab"), ("str(x/ab),map_reg_key(FILE)", "numbers", "/a"),
        ("int(7),map_int_key(FILE)", "ranges", "1:10"), ("str(10.1.2.3),map_ip_key(FILE)", "networks", "10.1.0.0/16"),
        ("str(none),map_str_key(FILE)", "names", nil),
        // What is no address has no value, and no default either.
        ("str(x),map_ip(FILE,none)", "networks", nil), ("str(10.0.0.1),map_ip_int(FILE,-1)", "none", "-1"),
        ("str(10.0.0.1),map_ip_ip(FILE,::1)", "none", "::1"),
    ])
    func `What maps say`(expression: String, file: String, expected: String?) throws {
        let files = [
            "names": names, "numbers": numbers, "addresses": addresses, "none": "",
            "groups": "^(user)-(\\d+)\\. \\2 of \\1 (\\1-\\2)\n", "ranges": "5 five\n1:10 few\n8 never\n6: many\n",
            "ints": "1 10\n2 20\n",
            "networks": "10.0.0.0/8 outer\n10.1.0.0/16 inner\n::ffff:11.0.0.0/104 mapped\n2001:db8::/32 six\n",
        ]
        let map = try TemporaryFile(try #require(files[file]))
        #expect(try value(expression.replacing("FILE", with: map.path), exchange()) == expected)
    }

    @Test func `A map as HAProxy reads it`() throws {
        let map = try TemporaryFile("# no\n\n  #k v\n k1 \t v 1 # x \t\r\nk1 later\n\tk2\tw\n")
        let context = try exchange()
        for (key, expected) in [("k1", "v 1 # x"), ("k2", "w"), ("#k", "v"), ("#", nil), ("no", nil)]
            as [(String, String?)]
        {
            #expect(try value("str(\(key)),map(\(map.path))", context) == expected, "\(key)")
        }
    }

    /// It stopped the whole process from starting. As HAProxy 2.6 answers.
    @Test(arguments: [
        ("str(b),map(FILE,none)", "a one\nb\nc  \t\n", ""), ("str(c),map(FILE,none)", "a one\nb\nc  \t\n", ""),
        ("str(d),map(FILE,none)", "a one\nb\n", "none"), ("str(b),map_str_int(FILE)", "a 1\nb\n", "0"),
        ("str(d),map(FILE,)", "a one\n", ""), ("str(d),map_str_int(FILE,)", "a 1\n", "0"),
    ])
    func `A key without a value has the empty one`(expression: String, lines: String, expected: String) throws {
        let map = try TemporaryFile(lines)
        #expect(try value(expression.replacing("FILE", with: map.path), exchange()) == expected)
    }

    @Test(arguments: [
        ("map_str_ip", "a ::1\nb\n", "the value '' is not an address", 2, 1),
        ("map_str_int", "a 1\nb 2x\n", "the value '2x' is not a whole number", 2, 1),
        ("map_str_ip", "a ::1\nb 10.0.0.256\n", "the value '10.0.0.256' is not an address", 2, 1),
        ("map_ip", "10.0.0.0/33 x\n", "'10.0.0.0/33' has no valid mask", 1, 1),
        ("map_reg", "a x\n(b x\n", "the regular expression does not compile: missing closing parenthesis", 2, 3),
    ])
    func `What is wrong in a map is reported with its line`(
        name: String, lines: String, message: String, line: Int, column: Int
    ) throws {
        let file = try TemporaryFile(lines)
        let found = try problem("http-request set-header a %[src,\(name)(\(file.path))]")
        #expect(found.message.hasPrefix(message))
        #expect(found.range?.file == file.path)
        #expect(found.range?.line == line)
        #expect(found.range?.column == column)
    }

    @Test(arguments: [
        ("map", "'map' lacks an argument"),
        ("map(/nowhere/at-all)", "cannot read '/nowhere/at-all': No such file or directory"),
        ("map_str_int(/dev/null,x)", "the default 'x' is not a whole number"),
        ("map_ip_ip(/dev/null,x)", "the default 'x' is no address"),
        ("map_str_key(/dev/null,x)", "'map_str_key' takes no argument 'x'"),
        ("map(/dev/null,a,b)", "'map' takes no argument 'b'"),
    ])
    func `What is wrong with the words is reported with its place`(converter: String, message: String) throws {
        let found = try problem("http-request set-header a %[src,\(converter)]")
        #expect(found.message == message)
        #expect(found.range?.file == "test.cfg")
    }
}
