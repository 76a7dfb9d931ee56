// The levels at which a backslash or a quote may mean something: the word, a converter's arguments, the regular expression,
// the text of a substitution, the log format. Each line is as a file has it; HAProxy 2.6 and 3.5 answer the same.

import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct QuotingTests {
    private func exchangeWithField() throws -> ExchangeContext {
        try exchange("GET /a.b/c%20d?x=1 HTTP/1.1\nHost: h\nX-H: a1b2 a\\b\n\n")
    }

    private func field(after rules: String) throws -> String? {
        let context = try exchangeWithField()
        guard case .proceed = try Section(.listen, rules).rules.ruleSet(.httpRequest).run(on: context) else {
            throw Unexpected(what: "stopped by \(rules)")
        }
        return lines(context.request.fields).first { $0.hasPrefix("x-h: ") }.map { String($0.dropFirst(5)) }
    }

    /// Without quotes `regsub(\d+,N)` did nothing.
    @Test(arguments: [
        (#"%[req.hdr(x-h),regsub(\d,N,g)]"#, #"aNbN a\b"#), (#""%[req.hdr(x-h),regsub(\d,N,g)]""#, #"aNbN a\b"#),
        (#""%[req.hdr(x-h),regsub(\\d,N,g)]""#, #"aNbN a\b"#), (#""%[req.hdr(x-h),regsub(\\\d,N,g)]""#, #"aNbN a\b"#),
        (#""%[req.hdr(x-h),regsub(\\\\d,N,g)]""#, #"aNbN a\b"#), (#"'%[req.hdr(x-h),regsub(\d,N,g)]'"#, #"aNbN a\b"#),
        (#"'%[req.hdr(x-h),regsub("(\d)","<\1>",g)]'"#, #"a<1>b<2> a\b"#),
        (#""%[req.hdr(x-h),regsub('(\d)','<\1>',g)]""#, #"a<1>b<2> a\b"#),
        (#""%[req.hdr(x-h),regsub(\"(\d)\",\"<\1>\",g)]""#, #"a<1>b<2> a\b"#),
        (#""%[req.hdr(x-h),regsub(\"(\\d)\",\"<\\1>\",g)]""#, #"a<1>b<2> a\b"#),
        (#""%[req.hdr(x-h),regsub([a-z]{2},X)]""#, #"a1b2 a\b"#), (#"%[req.hdr(x-h),regsub(\s.*,)]"#, "a1b2"),
        (#""%[req.hdr(x-h),regsub('\\\\',/)]""#, "a1b2 a/b"), (#"%[str(a.b),regsub(\.,-)]"#, "a-b"),
        (#"%[str(a-b),regsub([-\s],_)]"#, "a_b"),
    ])
    func `A regular expression in a converter`(format: String, expected: String) throws {
        #expect(try field(after: "http-request set-header x-h \(format)") == expected)
    }

    @Test(arguments: [
        (#"str(a\b)"#, #"a\b"#), (#"str(a\\b)"#, #"a\b"#), (#"'str(a\\b)'"#, #"a\b"#), (#"'str(a\\\\b)'"#, #"a\\b"#),
        (#"str(a\ b)"#, "a b"), (#"'str(a\ b)'"#, "a b"), (#"'str("a b")'"#, "a b"), (#""str('a,b')""#, "a,b"),
        (#""str('a)b')""#, "a)b"), (#"'str(a\"b)'"#, #"a"b"#), (#""str('a\nb'),hex""#, "610A62"),
        (#"str(a\nb),hex"#, "610A62"),
        (#"'str(a\nb),hex'"#, "610A62"), (#"'str(a\tb),hex'"#, "610962"), (#"'str(a\rb),hex'"#, "610D62"),
        (#""str('a\\nb'),hex""#, "615C6E62"), (#"'str("a\db"),hex'"#, "615C6462"), (#"'str(a\x41b)'"#, #"a\x41b"#),
        (#"str(a\x41b)"#, "aAb"), (#"str(\)"#, #"\"#), (#"str(a''b)"#, "ab"),
    ])
    func `An argument`(expression: String, expected: String) throws {
        let context = try exchangeWithField()
        let rules = try Section(.listen, "http-request set-var(txn.x) \(expression)").rules.ruleSet(.httpRequest)
        _ = rules.run(on: context)
        #expect(try value("var(txn.x)", context) == expected)
    }

    @Test(arguments: [
        (#"str(a\,b)"#, "'str' takes no argument 'b'"), (#"str(a\"b)"#, "a quote is not closed"),
        (#"str(a\'b)"#, "a quote is not closed"), (#"'str(a\)b)'"#, "unexpected text behind the expression"),
    ])
    func `A backslash guards neither commas nor parentheses`(expression: String, message: String) throws {
        #expect(try problem("http-request set-var(txn.x) \(expression)").message == message)
    }

    @Test(arguments: [
        (#"(\d)b(\d).* \2x\1"#, "2x1"), (#""(\d)b(\d).*" "\2x\1""#, "2x1"), (#"'(\d)b(\d).*' '\2x\1'"#, "2x1"),
        (#"(\\d)b(\\d).* \\2x\\1"#, "2x1"), (#"(.*) a\\\\b"#, #"a\b"#), (#"(.*) 'a\\b'"#, #"a\b"#),
        (#"(.*) 'a\b'"#, "ab"),
        (#"(.*) 'a\x41b'"#, "aAb"), (#"(.*) a\x41b"#, "aAb"), (#"(.*) 'a\\1b'"#, #"a\1b"#), (#"(.*) 'a%%b'"#, "a%b"),
    ])
    func `A substitution`(words: String, expected: String) throws {
        #expect(try field(after: "http-request replace-header x-h \(words)")?.hasPrefix(expected) == true)
    }

    @Test(arguments: [
        (#"{ path_reg ^/a\.b }"#, true), (#"{ path_reg ^/a\\.b }"#, true), (#"{ path_reg '^/a\.b' }"#, true),
        (#"{ path_reg "^/a\.b" }"#, true), (#"{ path -m reg "^/a\\.b" }"#, true), (#"{ path_reg '^/a\\.b' }"#, false),
        (#"{ req.hdr(x-h) -m sub a\\b }"#, true), (#"{ req.hdr(x-h) -m end 'a\b' }"#, true),
        (#"{ req.hdr(x-h) -m end a\b }"#, true), (#"{ req.hdr(x-h) -m end 'a\\b' }"#, false),
        (#"{ req.hdr(x-h),regsub(\d,N) -m beg aN }"#, true), (#"{ req.hdr(x-h),regsub(\\d,N) -m beg aN }"#, true),
        (#"{ req.hdr(x-h),regsub('\d',N) -m beg aN }"#, true), (#"{ "req.hdr(x-h),word(2,' ')" -m str 'a\b' }"#, true),
    ])
    func `A condition`(condition: String, expected: Bool) throws {
        #expect(try holds(condition, exchangeWithField()) == expected)
    }

    @Test(arguments: [
        (#"a\\b"#, #"a\b"#), (#"'a\b'"#, #"a\b"#), (#"'a\%[url_param(x)]b'"#, #"a\1b"#), (#"a\ b"#, "a b"),
        (#"a%%b"#, "a%b"),
    ])
    func `A log format knows no backslash of its own`(format: String, expected: String) throws {
        #expect(try field(after: "http-request set-header x-h \(format)") == expected)
    }
}
