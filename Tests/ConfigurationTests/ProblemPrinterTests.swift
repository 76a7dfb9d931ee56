// The exact output for problems.

import Configuration
import Testing

@Suite struct ProblemPrinterTests {
    private func printed(_ text: String, usesColor: Bool = false) -> String {
        let loaded = load(text)
        return ProblemPrinter(sources: loaded.sources, usesColor: usesColor).text(for: loaded.problems)
    }

    @Test func `a problem shows its line, a mark, what was expected and what was meant`() {
        #expect(
            printed("backend a\n    mode htpp # x\n") == """
                t.cfg:2:10: error: unknown mode 'htpp'
                      mode htpp # x
                           ^~~~
                  expected one of http, tcp
                  did you mean 'http'?

                """)
    }

    @Test func `tabs stay tabs, so that the mark stands below the word`() {
        #expect(
            printed("backend a\n\tmode\t\"é\" x\r\n")
                == "t.cfg:2:7: error: unknown mode 'é'\n  \tmode\t\"é\" x\n  \t    \t^~~\n  expected one of http, tcp\n"
        )
    }

    @Test func `a byte that is no UTF-8 is shown by its number`() {
        #expect(
            printed("backend a\n mode caf\\xe9\n") == """
                t.cfg:2:7: error: unknown mode 'caf\\xE9'
                   mode caf\\xe9
                        ^~~~~~~
                  expected one of http, tcp

                """)
    }

    @Test func `what is missing is marked behind the line`() {
        #expect(
            printed("backend a\n server x") == """
                t.cfg:2:10: error: 'server' lacks an argument
                   server x
                           ^
                  expected an address

                """)
    }

    @Test func `a long line is cut around the word`() {
        let padding = String(repeating: "x ", count: 200)
        let text = printed("backend a\n server s :80 check\(String(repeating: " check", count: 50)) bad \(padding)\n")
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines[0] == "t.cfg:2:321: error: unknown parameter 'bad' of 'server'")
        #expect(lines[1].count == 2 + ProblemPrinter.columnsMax)
        #expect(lines[1].hasPrefix("  …") && lines[1].hasSuffix("…"))
        let mark = lines[2].prefix { $0 == " " }.count
        #expect(lines[1].dropFirst(mark).hasPrefix("bad"))
        #expect(lines[2].hasSuffix("^~~"))
    }

    @Test func `problems come in the order of files and lines, each once, those without a place last`() {
        var sources = Sources()
        sources.add(Array("a\nb\n".utf8), named: "z.cfg")
        sources.add(Array("c\n".utf8), named: "a.cfg")
        func at(_ file: String, _ line: Int) -> SourceRange { SourceRange(file: file, line: line) }
        let problems = [
            ConfigProblem("four", at: at("a.cfg", 1)), ConfigProblem("three", at: at("z.cfg", 2)),
            ConfigProblem("two", at: at("z.cfg", 1)), ConfigProblem("three", at: at("z.cfg", 2)),
            ConfigProblem("one", at: nil), ConfigProblem("five", at: at("gone.cfg", 7), severity: .notice),
        ]
        let printer = ProblemPrinter(sources: sources)
        #expect(printer.sorted(problems).map(\.message) == ["two", "three", "four", "five", "one"])
        #expect(
            printer.text(for: problems) == """
                z.cfg:1:1: error: two
                  a
                  ^
                z.cfg:2:1: error: three
                  b
                  ^
                a.cfg:1:1: error: four
                  c
                  ^
                gone.cfg:7:1: notice: five
                error: one

                """)
    }

    @Test func `colours are for terminals`() {
        let text = printed("backend a\n foo\n", usesColor: true)
        #expect(
            text == "\u{1B}[1mt.cfg:2:2: \u{1B}[0m\u{1B}[1;31merror: \u{1B}[0m\u{1B}[1munknown keyword 'foo'\u{1B}[0m\n"
                + "   foo\n   \u{1B}[1;31m^~~\u{1B}[0m\n")
    }

    @Test func `a file cannot steer the terminal`() {
        let text = printed("backend a\n \"f\u{1B}[2J\\x1boo\\n\"\n", usesColor: false)
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" })
        #expect(text.split(separator: "\n").count == 3)
    }

    @Test func `a mark beyond the line, the file or all sense does no harm`() {
        var sources = Sources()
        sources.add(Array("ab".utf8), named: "t.cfg")
        sources.add([], named: "empty.cfg")
        let printer = ProblemPrinter(sources: sources)
        for (line, column, length) in [(1, 9, 9), (1, 1, 99), (9, 1, 1), (0, 0, 0), (-1, -5, -5), (1, .max, .max)] {
            for file in ["t.cfg", "empty.cfg"] {
                let range = SourceRange(file: file, line: line, column: column, length: length)
                #expect(
                    printer.text(for: ConfigProblem("x", at: range)).hasPrefix("\(file):\(line):\(column): error: x\n"))
            }
        }
    }
}
