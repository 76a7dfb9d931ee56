// Conditional blocks: which lines are processed, and the problems of unbalanced blocks.

import Configuration
import Testing

@Suite struct ConditionalBlockTests {
    private static let language = Language(
        keywords: TinyLanguage.language.keywords, parameterGroups: [],
        program: ProgramFacts(
            version: "3.4", features: ["EPOLL"], options: ["REUSEPORT"],
            library: "OpenSSL 3.0.17 1 Jul 2025"))

    private func holds(_ condition: String) throws -> Bool {
        try Self.language.holds(
            condition: condition, named: "-cc", environment: ["ONE": "1", "EMPTY": "", "WORD": "a,b"])
    }

    @Test(arguments: [
        ("", false), ("0", false), ("1", true), ("2", true), ("-1", true), ("0x0", false), ("0x10", true),
        ("00", false),
        ("true", true), ("false", false), (" 1 ", true), ("\"1\"", true), ("''", false), ("\"$EMPTY\"", false),
        ("\"$ONE\"", true), ("!0", true), ("! 0", true), ("!!1", true), ("1 && 0", false), ("1||0", true),
        ("0 || 1 && 0", false), ("1 && 0 || 1", true), ("( 1 && 0 ) || 1", true), ("!(1 && 0)", true),
        ("1 && (0 || !0) && streq(x,x)", true), ("((((1))))", true),
        ("defined(ONE)", true), ("defined(EMPTY)", true), ("defined(NONE)", false),
        ("feature(EPOLL)", true), ("feature(epoll)", false), ("feature(OPENSSL)", false),
        ("enabled(REUSEPORT)", true), ("enabled(SPLICE)", false),
        ("streq(a,a)", true), ("streq(a, a)", false), ("streq(a,a )", false), ("streq(,)", true),
        ("streq(\"a b\",a b)", true), (#"streq('"$WORD"',"'a,b'")"#, false), (#"streq("'a,b'",a\\,b)"#, true),
        ("strneq(a,b)", true), ("strneq(a,a)", false), ("strstr(abc,b)", true), ("strstr(abc,)", true),
        ("strstr(abc,x)", false),
        ("version_atleast(3.4)", true), ("version_atleast(3)", true), ("version_atleast(2.9.15)", true),
        ("version_atleast(3.4.0)", true), ("version_atleast(3.4.1)", false), ("version_atleast(3.5-dev1)", false),
        ("version_atleast(3.4-dev9)", true), ("version_before(3.4)", false), ("version_before(3.4.1)", true),
        ("version_before(3.4-dev1)", false), ("version_before(10.0)", true),
        ("version_atleast(2.6.12-1+deb12u4)", true),
        ("openssl_version_atleast(3.0.17)", true), ("openssl_version_atleast(3.0.18)", false),
        ("openssl_version_atleast(3)", true), ("openssl_version_atleast(1.1.1k)", true),
        ("openssl_version_atleast(3.0.17a)", false), ("openssl_version_atleast(3.0.17+quic)", true),
        ("openssl_version_before(3.0.0)", false), ("openssl_version_before(3.1)", true),
        ("openssl_version_before(1.1.1z)", false), ("openssl_version_before(3.0.17a)", true),
        ("ssllib_name_startswith(OpenSSL)", true), ("ssllib_name_startswith(AWS-LC)", false),
        ("ssllib_name_startswith(OpenSSL 3.0)", true),
        ("awslc_api_atleast(1)", false), ("awslc_api_before(1)", false),
        ("fips_mode()", false), ("!fips_mode()", true),
    ])
    func `A condition holds as in HAProxy`(_ condition: String, _ expected: Bool) throws {
        #expect(try holds(condition) == expected)
    }

    @Test(arguments: [
        ("1 1", 3, "unexpected text after the condition"), ("1 &&", 5, "a part of the condition is missing"),
        ("&& 1", 1, "a part of the condition is missing"), ("1 & 1", 3, "unexpected text after the condition"),
        ("(1", 1, "'(' is not closed"), ("1)", 2, "unexpected text after the condition"),
        ("1a", 1, "'1a' is not a number"),
        ("0 && foo(1)", 6, "unknown condition 'foo'"), ("defned(X)", 1, "unknown condition 'defned'"),
        ("99999999999999999999", 1, "'99999999999999999999' is not a number"),
        ("streq(a)", 1, "'streq' takes 2 arguments, not 1"), ("defined(a,b)", 1, "'defined' takes one argument, not 2"),
        ("defined", 1, "'defined' takes one argument, not 0"), ("1 || streq(a,b", 11, "'(' is not closed"),
        ("version_atleast(new)", 17, "'new' is not a version"), ("version_before(3..4)", 16, "'3..4' is not a version"),
        ("openssl_version_atleast(0x1L)", 25, "'0x1L' is not a version of OpenSSL"),
        ("\"1", 1, "this quote is not closed"), ("!", 2, "a part of the condition is missing"),
    ])
    func `A wrong one is refused where it is wrong`(_ condition: String, _ column: Int, _ message: String) throws {
        let problem = #expect(throws: ConfigProblem.self) { try holds(condition) }
        #expect(problem?.message == message)
        #expect(problem?.range?.column == column)
    }

    @Test(arguments: ["", "AWS-LC 1.57.0", "OpenSSL"])
    func `Of another library no condition about OpenSSL holds`(_ library: String) throws {
        let language = Language(
            keywords: [], parameterGroups: [],
            program: ProgramFacts(version: "3.4", features: [], options: [], library: library))
        for condition in ["openssl_version_atleast(0)", "openssl_version_before(9)"] {
            #expect(try !language.holds(condition: condition, named: "-cc", environment: [:]))
        }
    }

    @Test func `Parentheses cannot exhaust the stack`() throws {
        let many = String(repeating: "(", count: 100_000)
        #expect(throws: ConfigProblem.self) { try holds(many) }
        #expect(try holds(String(repeating: "!", count: 100_000) + "1"))
    }

    @Test func `Only the lines of the branch that holds are read`() {
        let loaded = load(
            """
            .if defined(A)
            listen one
                .if streq("$A",x)
                mode http
                .elif streq("$A",y)
                mode tcp
                .elif nosuch()
                .else
                nosuch
                .endif
                log inside
            .else
            listen two
                nosuch "$A" x
                .foo
                .if nosuch(
                .else
                .endif
            .endif
                log behind
            """, environment: ["A": "y"])
        #expect(loaded.complaints == [])
        #expect(loaded.lines(of: "one") == ["mode tcp", "log inside", "log behind"])
        #expect(loaded.lines(of: "two") == nil)
    }

    @Test func `A condition sees what the lines above have set`() {
        let loaded = load(
            """
            global
                setenv A 1
            .if "$A"
                maxconn 1
            .endif
                unsetenv A
            .if defined(A)
                maxconn 2
            .endif
            """)
        #expect(loaded.complaints == [])
        #expect(loaded.global[Said.self].lines == ["maxconn 1"])
    }

    @Test func `Lines that are not read still have their quotes right`() {
        let loaded = load("listen a\n.if 0\n mode \"http\n nosuch \u{FF}\n listen b\n mode \"\n.endif\n mode tcp\n")
        #expect(loaded.complaints.map { $0.prefix(4) } == ["3:7:", "6:7:"])
        #expect(loaded.lines(of: "a") == ["mode tcp"])
    }

    @Test(arguments: [
        ("listen a\n.endif", "2:1: error: '.endif' without '.if'; expected '.if' above it in the same file"),
        ("listen a\n.else", "2:1: error: '.else' without '.if'; expected '.if' above it in the same file"),
        ("listen a\n.elif 1", "2:1: error: '.elif' without '.if'; expected '.if' above it in the same file"),
        ("listen a\n.if 1\n.else\n.else\n.endif", "4:1: error: '.else' behind '.else'; expected '.endif'"),
        ("listen a\n.if 1\n.else\n.elif 1\n.endif", "4:1: error: '.elif' behind '.else'; expected '.endif'"),
        ("listen a\n.if 0", "2:1: error: '.if' is not closed; expected '.endif' below its lines"),
        ("listen a\n.if 1\n.endif x", "3:8: error: unexpected 'x' in the line of '.endif'; expected .endif"),
        (
            "listen a\n.iff 1",
            "2:1: error: unknown directive '.iff'; expected one of .if, .elif, .else, .endif, .notice, .warning, .alert, .diag; did you mean '.if'?"
        ),
        (
            "listen a\n.if nosuch()\nnosuch\n.elif nosuch\n.else\nnosuch\n.endif",
            "2:5: error: unknown condition 'nosuch'; expected 'portico help conditions' lists them"
        ),
        (
            "listen a\n.if \"x\nnosuch\n.endif",
            "2:5: error: this quote is not closed; expected \" before the end of the line"
        ),
        ("listen a\nno .if 1\n.notice", "2:1: error: '.if' cannot be negated"),
    ])
    func `Blocks that do not fit together are reported once`(_ text: String, _ complaint: String) {
        #expect(load(text).complaints.first == complaint)
        if !text.hasSuffix(".notice") { #expect(load(text).complaints.count == 1) }
    }

    @Test func `Blocks do not nest for ever`() {
        let text = "listen a\n" + String(repeating: ".if 1\n", count: 65) + String(repeating: ".endif\n", count: 65)
        #expect(
            load(text).complaints == [
                "66:1: error: more than 64 '.if' blocks within each other",
                "131:1: error: '.endif' without '.if'; expected '.if' above it in the same file",
            ])
    }

    @Test func `Messages come with their place, and .diag only on demand`() {
        let text = """
            .notice "before any section"
            listen a
                .warning 'as "$A" is'
            log-forward x
                .if 0
                .alert "never"
                .endif
            listen b
                .diag "look here"
                .alert
                .notice two words
                .alert "no way"
            """
        let expected = [
            "1:9: notice: before any section", "3:14: warning: as \"$A\" is",
            "4:1: error: section 'log-forward' is known to HAProxy, but Portico does not do it yet",
            "10:11: error: '.alert' lacks an argument; expected a message",
            "11:17: error: unexpected 'words' behind the message; expected quotes around the whole message",
            "12:12: error: no way",
        ]
        #expect(load(text).complaints == expected)
        let all = TinyLanguage.language.load(text: text, named: "t.cfg", isDiagnostic: true).complaints
        #expect(all.filter { !expected.contains($0) } == ["9:11: notice: look here"])
    }
}
