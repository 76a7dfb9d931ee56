// Conditions: every way to match, flags, operators, and, or, not, predefined names.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct ConditionTests {
    private let shop = """
        GET /images/png/logo/32x32.png?big HTTP/1.1
        Host: www1.dc-eu.Example.com:80
        X-List: one, two, three
        X-Number: 12


        """

    @Test(arguments: [
        // Booleans.
        ("always_true", true), ("always_false", false), ("int(3) -m bool", true), ("int(0) -m bool", false),
        ("hdr(x-number) -m bool", true), ("hdr(x-list) -m bool", false),
        // Integers, ranges, operators.
        ("dst_port 80", true), ("dst_port 81 80", true), ("dst_port 81", false), ("src_port 1024:65535", true),
        ("src_port 0:1023", false), ("src_port :1023", false), ("src_port 1024:", true), ("dst_port eq 80", true),
        ("dst_port ge 80", true), ("dst_port gt 80", false), ("dst_port gt 79", true), ("dst_port le 80", true),
        ("dst_port lt 80", false), ("dst_port lt 81", true), ("dst_port gt 100 lt 90", true), ("int(-5) lt 0", true),
        ("hdr_val(x-number) gt 11", true), ("hdr(x-number) -m int 12", true), ("hdr_cnt(x-list) 3", true),
        ("bool(true) -m int 1", true), ("src -m int 167772423", true), ("int(-5) -5", true),
        // Strings, exact.
        ("path /images/png/logo/32x32.png", true), ("path /images", false), ("path /IMAGES/png/logo/32x32.png", false),
        ("path -i /IMAGES/PNG/logo/32X32.PNG", true), ("hdr(host) -i WWW1.dc-eu.example.COM:80", true),
        ("method GET HEAD", true), ("method get", false), ("method POST", false), ("query big", true),
        ("str(-i) -- -i", true), ("str(x) -m str y x", true),
        // Several values of one field.
        ("hdr(x-list) two", true), ("hdr(x-list) four", false), ("req.fhdr(x-list) -m beg one,", true),
        ("hdr(x-list,1) two", false), ("hdr(x-list),upper TWO", true), ("hdr(x-list), upper TWO", true),
        ("hdr(x-list),upper, lower two", true),
        // Prefix, suffix, substring, length.
        ("path_beg /img /images", true), ("path_beg /IMAGES", false), ("path_beg -i /IMAGES", true),
        ("path_end .png", true), ("path_end .gif", false), ("path_sub logo", true), ("path_sub nope", false),
        ("path_len 26", true), ("path_len gt 100", false), ("url_beg /images", true), ("url_end ?big", true),
        ("hdr_beg(host) www", true), ("hdr_sub(host) dc-eu", true), ("hdr_end(host) :80", true),
        ("hdr_len(x-list) 5", true),
        ("path -m end .png", true), ("path_beg -m end .png", true), ("path -m len 26", true), ("base_beg www1", true),
        // Directories, as the manual's example has them.
        ("path_dir /images", true), ("path_dir images/png", true), ("path_dir /png/logo", true),
        ("path_dir logo/32x32.png", true), ("path_dir 32x32.png", true), ("path_dir png", true),
        ("path_dir 32x32", false), ("path_dir image", false), ("path_dir /", false),
        // Domains, likewise.
        ("hdr_dom(host) dc-eu", true), ("hdr_dom(host) Example", true), ("hdr_dom(host) .www1", true),
        ("hdr_dom(host) dc-eu.Example", true), ("hdr_dom(host) Example.com:80", true), ("hdr_dom(host) eu", false),
        ("hdr_dom(host) dc", false), ("hdr_dom(host) -i EXAMPLE", true),
        // Presence.
        ("hdr(x-list) -m found", true), ("hdr(nobody) -m found", false), ("path -m found", true),
        // A way to match in the name counts for the sample alone, not for what a converter made of it.
        ("path_beg,upper /IMAGES/PNG/LOGO/32X32.PNG", true), ("path_beg,upper /IMAGES", false),
        // Addresses and networks.
        ("src 10.0.1.7", true), ("src 10.0.1.8", false), ("src 10.0.0.0/8", true), ("src 10.0.0.0/255.0.0.0", true),
        ("src 10.1/16 10.0.1.0/24", true), ("src 10.0.1.7/32", true), ("src 11.0.0.0/8", false),
        ("src 0.0.0.0/0", true),
        ("src ::ffff:10.0.0.0/104", true), ("src ::/0", true), ("src fe80::/10", false),
        ("str(10.9.9.9) -m ip 10.0/8", true), ("str(nowhere) -m ip 10.0.0.0/8", false),
        ("int(168364297) -m ip 10.9.9.9", true), ("int(4463331593) -m ip 10.9.9.9", true),
        ("int(-1) -m ip 255.255.255.255", true),
        ("src -m str 10.0.1.7", true),
        ("src -m beg 10.", true),
    ])
    func `A test of one exchange`(test: String, expected: Bool) throws {
        #expect(try holds("{ \(test) }", exchange(shop)) == expected)
    }

    @Test(arguments: [
        ("::ffff:10.0.0.1", "10.0.0.0/8", true), ("::10.0.0.1", "10.0.0.1", true), ("2002:a00:1::", "10.0.0.1", true),
        ("2001:db8::1", "10.0.0.0/8", false), ("2001:db8::1", "2001:db8::/32", true),
        ("2001:db9::1", "2001:db8::/32", false),
        ("2001:db8::1", "2001:db8::1", true), ("2001:db8:0:1::5", "2001:db8:0:1::/64", true),
        ("2001:db8:0:2::5", "2001:db8:0:1::/64", false), ("2001:db8::80:5", "2001:db8::80:0/112", true),
        ("2001:db8::81:5", "2001:db8::80:0/112", false), ("127.0.0.1", "127.1", true),
        ("192.168.0.1", "192.168.1", true),
    ])
    func `Addresses of both versions meet as the manual says`(address: String, pattern: String, expected: Bool) throws {
        let context = try exchange()
        context.client = .ip(try #require(IPAddress(address)), port: 1)
        #expect(try holds("{ src \(pattern) }", context) == expected)
    }

    @Test(arguments: [
        ("yes", true), ("no", false), ("!no", true), ("! no", true), ("!!yes", true), ("! ! no", false),
        ("yes yes", true),
        ("yes no", false), ("no or yes", true), ("no || no", false), ("no yes or yes", true), ("yes or no no", true),
        ("no or no or yes !no", true), ("yes !yes || no", false), ("!{ always_false }", true),
        ("no || { always_true } yes", true),
        ("TRUE", true), ("FALSE", false), ("twice", true),
    ])
    func `And, or, not`(condition: String, expected: Bool) throws {
        let lines = """
            acl yes always_true
            acl no always_false
            acl twice path /other
            acl twice path_beg /images
            """
        #expect(try holds(condition, exchange(shop), with: lines) == expected)
    }

    @Test func `unless turns the whole condition round`() throws {
        let section = try Section(.listen, "http-request deny unless { path /a } or { path /b }")
        for (path, isDenied) in [("/a", false), ("/b", false), ("/c", true)] {
            let outcome = section.rules.ruleSet(.httpRequest).run(on: try exchange("GET \(path) HTTP/1.1\nHost: a\n\n"))
            if case .denyStatus = outcome { #expect(isDenied) } else { #expect(!isDenied) }
        }
    }

    @Test(arguments: [
        ("HTTP", "GET / HTTP/1.1", true), ("HTTP_1.0", "GET / HTTP/1.0", true), ("HTTP_1.0", "GET / HTTP/1.1", false),
        ("HTTP_1.1", "GET / HTTP/1.1", true), ("HTTP_2.0", "GET / HTTP/1.1", false),
        ("HTTP_URL_ABS", "GET http://a/ HTTP/1.1", true), ("HTTP_URL_ABS", "GET / HTTP/1.1", false),
        ("HTTP_URL_SLASH", "GET /x HTTP/1.1", true), ("HTTP_URL_SLASH", "OPTIONS * HTTP/1.1", false),
        ("HTTP_URL_STAR", "OPTIONS * HTTP/1.1", true), ("METH_GET", "HEAD / HTTP/1.1", true),
        ("METH_HEAD", "GET / HTTP/1.1", false), ("METH_HEAD", "HEAD / HTTP/1.1", true),
        ("METH_POST", "POST / HTTP/1.1", true),
        ("METH_PUT", "PUT / HTTP/1.1", true), ("METH_DELETE", "DELETE / HTTP/1.1", true),
        ("METH_TRACE", "TRACE / HTTP/1.1", true), ("METH_OPTIONS", "OPTIONS / HTTP/1.1", true),
        ("METH_CONNECT", "GET / HTTP/1.1", false), ("LOCALHOST", "GET / HTTP/1.1", false),
        ("HTTP_CONTENT", "GET / HTTP/1.1", false),
    ])
    func `The predefined names`(name: String, line: String, expected: Bool) throws {
        #expect(try holds(name, exchange("\(line)\nHost: a\n\n")) == expected)
    }

    @Test func `More predefined names`() throws {
        #expect(try holds("HTTP_CONTENT", exchange("POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\n")))
        let local = try exchange()
        local.client = .ip(.v4(0x7F00_0009), port: 1)
        #expect(try holds("LOCALHOST", local))
        var table = ExpressionTable()
        for name in PredefinedLists.names { #expect(PredefinedLists.criterion(named: name, &table) != nil) }
    }

    @Test func `A name may hide a predefined one`() throws {
        #expect(try holds("METH_GET", exchange("PUT / HTTP/1.1\nHost: a\n\n"), with: "acl METH_GET method PUT"))
    }

    @Test func `A list that grows behind its first use is whole`() throws {
        let section = try Section(
            .listen, "acl static path_beg /img\nhttp-request deny if static\nacl static path_end .png")
        guard case .denyStatus = section.rules.ruleSet(.httpRequest).run(on: try exchange(shop)) else {
            throw Unexpected(what: "the second line of the list was not asked")
        }
    }
}

@Suite struct ConditionProblemTests {
    @Test func `An unknown name is refused with the nearest known one`() throws {
        let found = try problem("acl is_static path_beg /s\nhttp-request deny if !is_statc")
        #expect(found.message == "no condition is named 'is_statc'")
        #expect(found.suggestion == "is_static")
        #expect(found.range?.column == 23)
        #expect(try problem("http-request deny if METH_GTE").suggestion == "METH_GET")
    }

    @Test func `An unknown criterion is refused with the nearest known one`() throws {
        let found = try problem("acl x path_bge /s")
        #expect(found.message == "unknown criterion 'path_bge'")
        #expect(found.suggestion == "path_beg")
        #expect(found.range?.column == 7)
    }

    @Test func `A criterion that HAProxy has is called not yet done`() throws {
        #expect(
            try problem("acl x src_conn_rate gt 5").message
                == "'src_conn_rate' is known to HAProxy, but Portico does not do it yet")
    }

    @Test(arguments: [
        ("acl", "'acl' lacks an argument"),
        ("acl x", "'acl' lacks an argument"),
        ("acl a$b path /", "'a$b' cannot name a condition"),
        ("acl or path /", "'or' joins conditions and cannot name one"),
        ("acl x path -z /", "unknown flag '-z'"),
        ("acl x path -f", "'acl' lacks an argument"),
        ("acl x path -f ''", "the path of a file is empty"),
        ("acl x path -f /some/file -m beg", "'-m' stands behind a file"),
        ("acl x path -u one /", "'one' is not a whole number"),
        ("acl x var(txn.a) b", "'var(txn.a)' needs to be told how its value is matched"),
        ("acl x path -m", "'acl' lacks an argument"),
        ("acl x path -m beggin /", "unknown way to match 'beggin'"),
        ("acl x path -m bin 2", "'2' has an odd number of digits"),
        ("acl x path -m bin 2g", "'2g' is not hexadecimal"),
        ("acl x src -m bool", "a value of type ip cannot be matched by 'bool'"),
        ("acl x always_true -m ip 10.0.0.1", "a value of type boolean cannot be matched by 'ip'"),
        ("acl x dst_port eighty", "'eighty' is not a whole number"),
        ("acl x dst_port 90:80", "'90:80' is not a whole number"),
        ("acl x dst_port :", "':' is not a whole number"),
        ("acl x dst_port gt", "a number is missing behind 'gt'"),
        ("acl x dst_port gt 1:2", "'gt' stands before a range"),
        ("acl x src localhost", "'localhost' is not an address or a network"),
        ("acl x src 10.0.0.0/33", "'10.0.0.0/33' has no valid mask"),
        ("acl x src 10.0.0.0/255.0.255.0", "'10.0.0.0/255.0.255.0' has no valid mask"),
        ("acl x src fe80::/129", "'fe80::/129' has no valid mask"),
        ("acl x hdr(host", "'(' is not closed"),
        ("acl x hdr(host)x y", "unexpected text behind the criterion"),
        ("http-request deny if", "a condition is missing behind 'if'"),
        ("http-request deny if !", "a condition is missing behind '!'"),
        ("http-request deny if TRUE or", "a condition is missing behind 'or'"),
        ("http-request deny if or TRUE", "a condition is missing behind 'if'"),
        ("http-request deny if { path /", "'{' is not closed"),
        ("http-request deny if { path / } }", "no condition is named '}'"),
        ("http-request deny if { }", "a criterion is missing before '}'"),
        ("http-request deny when TRUE", "unexpected 'when'"),
    ])
    func `A wrong line says what is wrong`(line: String, message: String) throws {
        #expect(try problem(line).message == message)
    }

    @Test func `A test that cannot match is warned of`() throws {
        let section = try Section(.listen, "http-request deny if { hdr(x) }\nacl y path_len")
        #expect(
            section.warnings.map(\.message) == [
                "'hdr(x)' is compared with nothing and never matches",
                "'path_len' is compared with nothing and never matches",
            ])
        #expect(section.warnings[0].expected == "values, or '-m found' to ask whether there is any")
        #expect(try Section(.listen, "acl x always_true 1").warnings.count == 1)
    }
}
