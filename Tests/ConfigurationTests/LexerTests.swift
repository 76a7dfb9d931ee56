// The syntax of lines: each table is one rule of HAProxy's manual, 2.2 and 2.3, as HAProxy implements it.

import Basics
import Configuration
import Testing

@Suite struct LexerTests {
    private let environment = ["A": "1", "LIST": "a b\tc", "EMPTY": "", "SPACED": " x  y ", "BLANK": "   "]

    private func lines(_ bytes: [UInt8]) -> [Lexer.Line] {
        var lexer = Lexer(bytes, file: "t.cfg")
        var lines: [Lexer.Line] = []
        while let line = lexer.nextLine(variables: { $0 == ".SECTION" ? "web" : environment[$0] }) {
            lines.append(line)
        }
        return lines
    }

    private func words(_ text: String) -> [[String]] { lines(Array(text.utf8)).map { $0.words.map(\.text) } }

    private func problem(_ text: String) -> String? {
        lines(Array(text.utf8)).compactMap(\.problem).first.map { problem in
            "\(problem.range?.line ?? 0):\(problem.range?.column ?? 0)+\(problem.range?.length ?? 0) \(problem.message)"
        }
    }

    @Test func `blanks part words, and lines without words do not count`() {
        #expect(
            words("a b\n\n \t \n\tc\t \td\u{B}e\u{C}f  \n# x\n  # y\ng") == [["a", "b"], ["c", "d", "e", "f"], ["g"]])
        #expect(words("") == [])
        #expect(words("\n\n") == [])
        #expect(words("a\r\nb\r\n\r\nc\r") == [["a"], ["b"], ["c"]])
    }

    @Test(arguments: [
        ("bind\u{A0}:80", "a no-break space (U+00A0)", 5), ("a b\u{200B}", "a zero-width space (U+200B)", 4),
        ("a \u{201C}b\u{201D}", "a curly quote (U+201C)", 3), ("é \u{FEFF}b", "a byte order mark (U+FEFF)", 3),
        ("a\u{3000}b", "an ideographic space (U+3000)", 2),
    ])
    func `a character that looks like a blank or a quote and is none is named`(text: String, name: String, column: Int)
    {
        let warnings = lines(Array(text.utf8)).flatMap(\.warnings)
        #expect(warnings.map(\.message) == ["\(name) in a word: it neither separates words nor quotes anything"])
        #expect(warnings.first?.severity == .notice && warnings.first?.range?.column == column)
    }

    @Test func `within quotes, and in comments, every character may be meant`() {
        let text = "a \"b\u{A0}c\" '\u{201C}d\u{201D}' # e\u{A0}f\nüñí 中文 – …"
        #expect(lines(Array(text.utf8)).flatMap(\.warnings).isEmpty)
    }

    @Test func `a hash outside of quotes begins a comment, even in the middle of a word`() {
        #expect(words("global#this is it\n a #b\n \"#\" '#' \\# c#d") == [["global"], ["a"], ["#", "#", "#", "c"]])
    }

    @Test(arguments: [
        (#"a\ b"#, "a b"), (##"a\#b"##, "a#b"), (#"a\\b"#, #"a\b"#), (#"a\'b"#, "a'b"), (#"a\"b"#, "a\"b"),
        (#"a\nb"#, "a\nb"), (#"a\rb"#, "a\rb"), (#"a\tb"#, "a\tb"), (#"\x41\x5a\x7e"#, "AZ~"), (#"\xc3\xA9"#, "é"),
        // Unknown escapes are kept, for regular expressions.
        (#"a\.b\d\1"#, #"a\.b\d\1"#), (#"^/x\$"#, #"^/x\$"#), ("$A", "$A"), ("${A}", "${A}"),
        ("${LIST[*]}", "${LIST[*]}"),
        (#"\\x41"#, #"\x41"#),
    ])
    func `outside of quotes`(_ written: String, _ meant: String) {
        #expect(words("w \(written) w") == [["w", meant, "w"]])
    }

    @Test(arguments: [
        ("\"a b\tc\"", "a b\tc"), (#""it's # here""#, "it's # here"), (#""a\"b""#, "a\"b"), (#""a\ b\\c""#, #"a b\c"#),
        (#""\n\x0a""#, "\n\n"), (#""\$A""#, "$A"), (#""a\qb""#, #"a\qb"#), (#""""#, ""), (#""é""#, "é"),
    ])
    func `in weak quotes`(_ written: String, _ meant: String) {
        #expect(words("w \(written) w") == [["w", meant, "w"]])
    }

    @Test(arguments: [
        (#"'a b'"#, "a b"), (#"'"# + #"\n \x41 \\ "x" $A ${A} #'"#, #"\n \x41 \\ "x" $A ${A} #"#), ("''", ""),
        (#"'\'"#, #"\"#),
    ])
    func `in strong quotes nothing is interpreted`(_ written: String, _ meant: String) {
        #expect(words("w \(written) w") == [["w", meant, "w"]])
    }

    @Test func `the manual's equivalent spellings are equivalent`() {
        let spellings = [
            #"%{+Q}o\ %t\ %s\ %{-Q}r"#, #""%{+Q}o %t %s %{-Q}r""#, #"'%{+Q}o %t %s %{-Q}r'"#,
            #""%{+Q}o %t"' %s %{-Q}r'"#, #""%{+Q}o %t"' %s'\ %{-Q}r"#,
        ]
        for spelling in spellings { #expect(words(spelling) == [["%{+Q}o %t %s %{-Q}r"]]) }
        #expect(words(#"%[path,regsub("(foo|bar)",blah,g)]"#) == [["%[path,regsub((foo|bar),blah,g)]"]])
        #expect(words(#"%[path,regsub(\"(foo|bar)\",blah,g)]"#) == [[#"%[path,regsub("(foo|bar)",blah,g)]"#]])
        #expect(
            words(#"'%[path,regsub("^/(here)(/|$)","my/\1",g)]'"#) == [[#"%[path,regsub("^/(here)(/|$)","my/\1",g)]"#]])
        #expect(
            words(#"str("\\'foo\\'") str(\"\'foo\'\") str(\\\'foo\\\')"#) == [
                [#"str(\'foo\')"#, #"str("'foo'")"#, #"str(\'foo\')"#]
            ])
    }

    @Test(arguments: [
        (#""$A""#, ["1"]), (#""x$A-y""#, ["x1-y"]), (#""x${A}y""#, ["x1y"]), (#""${NONE}x""#, ["x"]),
        (#""${A-b}${NONE-b c}${EMPTY-d}""#, ["1b c"]), (#""${NONE-a"b}""#, [#"a"b"#]), (#""${NONE-}x""#, ["x"]),
        (#""${LIST}""#, ["a b\tc"]), (#""${LIST[*]}""#, ["a", "b", "c"]), (#""<${LIST[*]}>""#, ["<a", "b", "c>"]),
        (#""${SPACED[*]}""#, ["x", "y"]), (#""${NONE[*]-x y}""#, ["x", "y"]), (#""$LIST[*]""#, ["a b\tc[*]"]),
        (#""${.FILE}:$.LINE ${.SECTION}""#, ["t.cfg:1 web"]), (#""$A""$A"'$A'"#, ["11$A"]),
    ])
    func `variables in weak quotes`(_ written: String, _ meant: [String]) {
        #expect(words("w \(written)") == [["w"] + meant])
    }

    @Test func `an empty variable at the end of a line is no word, elsewhere it is an empty one`() {
        #expect(words(#"bind :80 "${NONE}" "$EMPTY""#) == [["bind", ":80"]])
        #expect(words(#"server a "${NONE}" check"#) == [["server", "a", "", "check"]])
        #expect(words(#"bind :80 "${NONE[*]}" name "${BLANK[*]}""#) == [["bind", ":80", "name"]])
        #expect(words(#""${NONE}""#) == [])
        #expect(words(#"set-header x """#) == [["set-header", "x", ""]])
        #expect(words(#"set-header x "${NONE}"''"#) == [["set-header", "x", ""]])
    }

    @Test func `a backslash at the end of a line continues it`() {
        #expect(
            words("server a :80 \\\n  check \\\r\n  weight 5\nnext") == [
                ["server", "a", ":80", "check", "weight", "5"], ["next"],
            ])
        #expect(words("a\\\nb \"c\\\n d\"") == [["ab", "c d"]])
        #expect(words("a\\\\\nb") == [["a\\"], ["b"]])
        #expect(words("'a\\'\nb") == [["a\\"], ["b"]])
        #expect(words("# comment \\\nb") == [["b"]])
        #expect(words("a \\\n\nb") == [["a"], ["b"]])
        #expect(words("a\\") == [["a\\"]])
    }

    @Test func `every word knows where it was written`() {
        let line = lines(Array("\tsérver  \"a b\"'c' x\\ y \"${LIST[*]}\" \\\n  z\\\nz\n".utf8))[0]
        let places = line.words.map { "\($0.text) \($0.range.line):\($0.range.column)+\($0.range.length)" }
        #expect(
            places == [
                "sérver 1:2+6", "a bc 1:10+8", "x y 1:19+4", "a 1:24+12", "b 1:24+12", "c 1:24+12", "zz 2:3+1",
            ])
    }

    @Test(arguments: [
        ("a \"bc d", "1:3+5 this quote is not closed"), ("a 'bc\nd", "1:3+3 this quote is not closed"),
        ("x\"", "1:2+1 this quote is not closed"), ("a 'b\\\nc'", "1:3+3 this quote is not closed"),
        ("a \"b\r\n", "1:3+2 this quote is not closed"), ("a \"b\\\nc", "1:3+1 this quote is not closed"),
        (#"a\x4"#, "1:2+3 '\\x' lacks digits"), (#"a\xg1"#, "1:2+2 '\\x' lacks digits"),
        ("a\\x4\n1", "1:2+3 '\\x' lacks digits"),
        (#"a "\x00b""#, "1:4+4 a word cannot hold a NUL byte"), ("a b\0c", "1:4+1 a NUL byte in the middle of a line"),
        ("a\rb", "1:2+1 a carriage return in the middle of a line"), (#"a "${A""#, "1:4+3 '${' is not closed"),
        (#"a "${A b}""#, "1:4+3 '${' is not closed"), (#"a "${A-b""#, "1:4+6 '${' is not closed"),
        (#"a "$ b""#, "1:4+1 '$' without a variable's name"), (#"a "$1""#, "1:4+1 '$' without a variable's name"),
        (#"a "${}""#, "1:4+1 '$' without a variable's name"), (#"a "${A[1]}""#, "1:7+1 '[' after a variable's name"),
        (#"a "$.FOO""#, "1:4+5 unknown variable '.FOO'"), (#"a "${.line}""#, "1:4+7 unknown variable '.line'"),
        ("ok\n ok \\\n \"bad", "3:2+4 this quote is not closed"),
    ])
    func `what is written wrong has a place`(_ text: String, _ expected: String) {
        #expect(problem(text) == expected)
    }

    @Test func `a line written wrong takes its continuation with it, and the next line is read`() {
        let all = lines(Array("a \\xzz b \\\n c\nd\n".utf8))
        #expect(all.map { $0.words.map(\.text) } == [["a"], ["d"]])
        #expect(all[0].problem != nil && all[1].problem == nil)
    }

    /// Regression: they became U+FFFD, and a pattern with one never matched.
    @Test func `bytes that are not UTF-8 stay what they are, written or escaped`() {
        let all = lines(Array("a ".utf8) + [0xE9, 0x20] + Array("caf\\xe9 caf\\xc3\\xa9 # ".utf8) + [0xE9])
        #expect(all.count == 1)
        #expect(
            all[0].words.map(\.text.verbatimBytes)
                == [[0x61], [0xE9], [0x63, 0x61, 0x66, 0xE9], [0x63, 0x61, 0x66, 0xC3, 0xA9]])
        #expect(all[0].words[3].text == "caf\u{E9}")
        #expect(all[0].warnings.isEmpty)
    }

    @Test func `variables carry bytes that are not UTF-8`() {
        var lexer = Lexer(Array("\"<$X>\" \"${Y-\\xe9}\" \"${Y-".utf8) + [0xE9] + Array("}\"".utf8), file: "t.cfg")
        let line = lexer.nextLine { $0 == "X" ? String(verbatim: [0xE9] as [UInt8]) : nil }
        #expect(line?.words.map(\.text.verbatimBytes) == [[0x3C, 0xE9, 0x3E], Array("\\xe9".utf8), [0xE9]])
    }

    @Test func `a byte order mark is no part of the first word`() {
        #expect(words("\u{FEFF}global\n") == [["global"]])
    }
}
