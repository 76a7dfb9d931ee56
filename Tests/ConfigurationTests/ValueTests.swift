// Parsing single words as values, the argument cursor, and suggestions.

import Basics
import Configuration
import Testing

@Suite struct ValueTests {
    private func arguments(_ text: String) -> Arguments {
        var column = 5
        let words = text.split(separator: " ").map { part in
            defer { column += part.count + 1 }
            return Word(String(part), at: SourceRange(file: "f", line: 1, column: column, length: part.count))
        }
        return Arguments(words: words, keyword: Word("key", at: SourceRange(file: "f", line: 1, column: 1, length: 3)))
    }

    private func refusal<T>(_ text: String, _ body: (inout Arguments) throws(ConfigProblem) -> T) -> String {
        var arguments = arguments(text)
        do throws(ConfigProblem) {
            return "took \(try body(&arguments))"
        } catch {
            let place = error.range.map { "\($0.column)+\($0.length) " } ?? ""
            return place + error.message + (error.expected.map { "; " + $0 } ?? "")
                + (error.suggestion.map { "; " + $0 + "?" } ?? "")
        }
    }

    @Test func `times have units`() throws {
        let table: [(String, UInt64)] = [
            ("0", 0), ("10", 10_000_000), ("500us", 500_000), ("7ms", 7_000_000), ("5s", 5_000_000_000),
            ("2m", 120_000_000_000), ("1h", 3_600_000_000_000), ("60d", 5_184_000_000_000_000),
        ]
        for (text, nanoseconds) in table {
            var args = arguments(text)
            #expect(try args.time("a time").nanoseconds == nanoseconds)
        }
        var args = arguments("10")
        #expect(try args.time("a time", defaultUnit: .seconds) == .seconds(10))
    }

    @Test(arguments: ["5x", "s", "-1", "1.5s", "5 s", "", "５", "5S", "1s500ms"])
    func `what is no time is refused`(_ text: String) {
        let word = Word(text, at: SourceRange(file: "f", line: 1))
        #expect(throws: ConfigProblem.self) { try word.time("a time") }
    }

    @Test func `refusals say what would have been right`() {
        #expect(
            refusal("5x") { args throws(ConfigProblem) in try args.time("a time") }
                == "5+2 '5x' is not a time; a time: a whole number followed by us, ms, s, m, h or d, or by nothing for milliseconds"
        )
        #expect(
            refusal("99999999999999999999d") { args throws(ConfigProblem) in try args.time("a time") }
                == "5+21 99999999999999999999d is too long a time; a time")
        #expect(
            refusal("5t") { args throws(ConfigProblem) in try args.size("a size") }
                == "5+2 '5t' is not a size; a size: a whole number of bytes, or one followed by k, m or g")
        #expect(
            refusal("9999999999g") { args throws(ConfigProblem) in try args.size("a size") }
                == "5+11 9999999999g is too big a size; a size")
        #expect(
            refusal("ten") { args throws(ConfigProblem) in try args.integer("a weight", in: 0...256) }
                == "5+3 'ten' is not a whole number; a weight from 0 to 256")
        #expect(
            refusal("300") { args throws(ConfigProblem) in try args.integer("a weight", in: 0...256) }
                == "5+3 300 is out of range; a weight from 0 to 256")
        #expect(
            refusal("0") { args throws(ConfigProblem) in try args.integer("a number", in: 1...Int.max) }
                == "5+1 0 is out of range; a number, 1 or more")
        #expect(
            refusal("99999999999999999999") { args throws(ConfigProblem) in
                try args.integer("a number", in: 1...Int.max)
            }
                == "5+20 99999999999999999999 is out of range; a number, 1 or more")
        #expect(
            refusal("rundrobin") { args throws(ConfigProblem) in
                try args.choice("an algorithm", of: ["roundrobin": 1, "leastconn": 2])
            } == "5+9 unknown algorithm 'rundrobin'; one of roundrobin, leastconn; roundrobin?")
        #expect(
            refusal("") { args throws(ConfigProblem) in try args.choice("a mode", of: ["http": 1, "tcp": 2]) }
                == "4+1 'key' lacks an argument; one of http, tcp")
    }

    @Test func `a missing word is missed behind the last one`() {
        #expect(
            refusal("a bc") { args throws(ConfigProblem) in
                _ = try args.next("a first")
                _ = try args.next("a second")
                return try args.next("a third").text
            } == "9+1 'key' lacks an argument; a third")
    }

    @Test func `sizes and numbers`() throws {
        var args = arguments("16384 16k 1M 2g -5 007")
        #expect(try args.size("a size") == 16_384)
        #expect(try args.size("a size") == 16_384)
        #expect(try args.size("a size") == 1 << 20)
        #expect(try args.size("a size") == 2 << 30)
        #expect(try args.integer("a number", in: -10...10) == -5)
        #expect(try args.integer("a number", in: 0...10) == 7)
        #expect(args.isAtEnd)
    }

    @Test func `the cursor looks ahead, skips and takes the rest`() throws {
        var args = arguments("if a b")
        #expect(args.peek?.text == "if")
        let wasUnless = args.skip("unless")
        let wasIf = args.skip("if")
        #expect(!wasUnless && wasIf)
        #expect(args.rest().map(\.text) == ["a", "b"])
        #expect(args.isAtEnd && args.peek == nil && args.nextIfPresent() == nil && args.rest().isEmpty)
    }

    @Test func `parameters run until another hand takes over`() throws {
        var box = Box()
        var args = arguments("check weight 7 inter 2s if x")
        try args.parameters(TinyLanguage.serverParameters, of: "server", into: &box) { $0.text == "if" }
        #expect(box == Box(weight: 7, isChecked: true, interval: .seconds(2)))
        #expect(args.rest().map(\.text) == ["if", "x"])
    }

    @Test func `a number above the range becomes its end, with a warning, and 0 is no limit`() throws {
        var args = arguments("100 101 99999999999999999999 0")
        #expect(try args.cappedInteger("a number", in: 1...100) == 100)
        #expect(args.warnings.isEmpty)
        #expect(try args.cappedInteger("a number", in: 1...100) == 100)
        #expect(try args.limit("a number", to: 100) == 100)
        #expect(
            args.warnings.map(\.message) == [
                "101 is more than Portico supports: 100 is used",
                "99999999999999999999 is more than Portico supports: 100 is used",
            ])
        #expect(args.warnings.map { $0.range?.column } == [9, 13])
        #expect(try args.limit("a number", to: 100) == nil)

        var wrong = arguments("-1 ten")
        #expect(throws: ConfigProblem.self) { try wrong.cappedInteger("a number", in: 0...100) }
        #expect(throws: ConfigProblem.self) { try wrong.limit("a number", to: 100) }
    }

    @Test func `a colon behind a field's name is warned about and left out`() throws {
        var args = arguments("Host Host: :")
        #expect(try args.nextFieldName().text == "Host")
        #expect(args.warnings.isEmpty)
        #expect(try args.nextFieldName().text == "Host")
        #expect(args.warnings.map(\.message) == ["the colon is not part of a field's name"])
        #expect(args.warnings.first?.expected == "Host")
        // Without the colon, the name would be empty.
        #expect(try args.nextFieldName().text == ":")
    }

    @Test func `a parameter's problems point at the parameter, and its warnings are kept`() {
        var box = Box()
        var args = arguments("weight 0 wieght 5")
        let problem = #expect(throws: ConfigProblem.self) {
            try args.parameters(TinyLanguage.serverParameters, of: "server", into: &box)
        }
        #expect(problem?.message == "unknown parameter 'wieght' of 'server'")
        #expect(problem?.suggestion == "weight")
        #expect(args.warnings.map(\.message) == ["a server of weight 0 gets nothing"])
        #expect(args.warnings.first?.range?.column == 12)

        var missing = arguments("check weight")
        let lack = #expect(throws: ConfigProblem.self) {
            try missing.parameters(TinyLanguage.serverParameters, of: "server", into: &box)
        }
        #expect(lack?.message == "'weight' lacks an argument")
    }

    @Test(arguments: [
        ("blance", "balance"), ("balnace", "balance"), ("Balance", "balance"), ("sever", "server"), ("bidn", "bind"),
        ("tiemout", "timeout"), ("xyz", nil), ("b", nil), ("server", nil), ("", nil), ("ti", nil),
        (String(repeating: "balance", count: 100), nil),
    ])
    func `the nearest word is the one that was meant`(_ typed: String, _ meant: String?) {
        #expect(nearest(typed, among: ["balance", "bind", "server", "timeout"]) == meant)
    }

    @Test func `of equally near words the first letter decides, then the alphabet`() {
        #expect(nearest("cat", among: ["hat", "car", "can", "bat"]) == "can")
    }
}
