// Reads `tcp-check expect` and `http-check expect`.

internal import Basics
internal import Configuration
internal import Expressions
internal import LogFormat
internal import Patterns

/// The words of one line so far.
struct CheckExpectParser {
    private let family: CheckFamily
    /// The line's comment.
    private(set) var comment: String?
    private var pattern: CheckExpectation.Pattern?
    private var isNegated = false

    init(_ family: CheckFamily) { self.family = family }

    private static let options = [
        "min-recv", "ok-status", "error-status", "tout-status", "on-success", "on-error", "status-code", "comment",
    ]

    private var patterns: [String] {
        family == .tcp
            ? ["string", "rstring", "string-lf", "binary", "rbinary", "binary-lf"]
            : ["status", "rstatus", "hdr", "fhdr", "string", "rstring", "string-lf"]
    }

    mutating func parse(
        _ args: inout Arguments, _ table: inout FormatTable
    ) throws(ConfigProblem) -> CheckExpectation {
        // The pattern is put in at the end.
        var expectation = CheckExpectation(.text([]))
        if args.isAtEnd { _ = try args.next("what to expect") }
        while var word = args.nextIfPresent() {
            if try parseOption(word, &args, into: &expectation, &table) { continue }
            if word.text.hasPrefix("!"), pattern == nil {
                isNegated.toggle()
                let rest = String(word.text.dropFirst())
                word = rest.isEmpty ? try args.next("what not to expect") : Word(rest, at: word.range)
            }
            guard pattern == nil else { throw args.problem("a line expects one thing", at: word) }
            pattern = try parsePattern(word, &args, &table)
        }
        guard let pattern else { throw args.problem("nothing is expected", expected: patterns.joined(separator: ", ")) }
        expectation.pattern = pattern
        expectation.isNegated = isNegated
        return expectation
    }

    /// Returns false for any other word.
    private mutating func parseOption(
        _ word: Word, _ args: inout Arguments, into expectation: inout CheckExpectation, _ table: inout FormatTable
    ) throws(ConfigProblem) -> Bool {
        switch word.text {
        case "min-recv":
            let count = try args.integer("a number of bytes", in: -1...(1 << 30))
            expectation.bytesMin = count < 0 ? nil : count
        case "ok-status":
            expectation.passedCode = try args.choice(
                "a code",
                of: ["L7OK": .layer7OK, "L7OKC": .layer7Conditional, "L6OK": .layer6OK, "L4OK": .layer4OK])
        case "error-status":
            expectation.failedCode = try args.choice(
                "a code",
                of: [
                    "L7OKC": .layer7Conditional, "L7RSP": .layer7Response, "L7STS": .layer7Status,
                    "L6RSP": .layer6Response, "L4CON": .layer4Connection,
                ])
        case "tout-status":
            expectation.timeoutCode = try args.choice(
                "a code", of: ["L7TOUT": .layer7Timeout, "L6TOUT": .layer6Timeout, "L4TOUT": .layer4Timeout])
        case "on-success": expectation.onSuccess = try Self.format(&args, &table)
        case "on-error": expectation.onError = try Self.format(&args, &table)
        case "status-code":
            expectation.status = try Expression(args.next("an expression"), in: .checks, &table.expressions)
        case "comment": comment = try args.next("a text").text
        default: return false
        }
        return true
    }

    private func parsePattern(
        _ word: Word, _ args: inout Arguments, _ table: inout FormatTable
    ) throws(ConfigProblem) -> CheckExpectation.Pattern {
        guard patterns.contains(word.text) else {
            let all = patterns + Self.options
            throw args.problem(
                "unknown word '\(word.text)' in what is expected", at: word, expected: all.joined(separator: ", "),
                suggestion: nearest(word.text, among: all))
        }
        switch word.text {
        case "string": return .text(try Self.text(&args))
        case "binary":
            let word = try args.next("hexadecimal digits")
            return .binary(try Self.bytes(word))
        case "rstring": return .regular(try Self.regular(&args, &table))
        case "rbinary": return .hexRegular(try Self.regular(&args, &table))
        case "string-lf": return .format(try Self.format(&args, &table))
        case "binary-lf": return .hexFormat(try Self.format(&args, &table))
        case "status": return .statuses(try Self.statuses(&args))
        case "rstatus": return .statusRegular(try Self.regular(&args, &table))
        default: return .field(try Self.field(&args, isWhole: word.text == "fhdr", &table))
        }
    }

    // MARK: Values

    private static func text(_ args: inout Arguments) throws(ConfigProblem) -> [UInt8] {
        let word = try args.next("a text")
        guard !word.text.isEmpty else { throw args.problem("an empty text is in every answer", at: word) }
        return word.text.verbatimBytes
    }

    /// The bytes that a word of hexadecimal digits stands for.
    static func bytes(_ word: Word) throws(ConfigProblem) -> [UInt8] {
        guard let bytes = CheckExpectation.bytes(ofDigits: word.text.verbatimBytes), !bytes.isEmpty else {
            throw ConfigProblem(
                "'\(word.text)' does not stand for bytes", at: word.range, expected: "pairs of hexadecimal digits")
        }
        return bytes
    }

    private static func regular(
        _ args: inout Arguments, _ table: inout FormatTable, ignoringCase: Bool = false
    ) throws(ConfigProblem) -> Int {
        try table.expressions.patterns.keep(
            regularExpression: args.next("a regular expression"), ignoringCase: ignoringCase)
    }

    private static func format(
        _ args: inout Arguments, _ table: inout FormatTable
    ) throws(ConfigProblem) -> Format {
        try Format(args.next("a log format"), for: .message, in: .checks, &table)
    }

    private static func statuses(_ args: inout Arguments) throws(ConfigProblem) -> [ClosedRange<Int>] {
        let word = try args.next("a status")
        var statuses: [ClosedRange<Int>] = []
        for part in word.text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map(status)
            guard ends.count <= 2, let low = ends[0], let high = ends[ends.count - 1], low <= high else {
                throw args.problem("'\(part)' is not a status", at: word, expected: "100 to 999, or a range")
            }
            statuses.append(low...high)
        }
        return statuses
    }

    private static func status(_ text: Substring) -> Int? {
        // Int also reads "+200".
        guard text.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let status = Int(text), (100...999).contains(status) else {
            return nil
        }
        return status
    }

    // MARK: Fields

    private static func field(
        _ args: inout Arguments, isWhole: Bool, _ table: inout FormatTable
    ) throws(ConfigProblem) -> CheckedField {
        let isFormat = try args.choice("what names the field", of: ["name": false, "name-lf": true])
        let name = try fieldText(&args, isFormat: isFormat, isName: true, &table)
        switch args.peek?.text {
        case "value"?, "value-lf"?:
            let isFormat = args.nextIfPresent()?.text == "value-lf"
            let value = try fieldText(&args, isFormat: isFormat, isName: false, &table)
            return CheckedField(name: name, value: value, isWhole: isWhole)
        default: return CheckedField(name: name, value: nil, isWhole: isWhole)
        }
    }

    private static func fieldText(
        _ args: inout Arguments, isFormat: Bool, isName: Bool, _ table: inout FormatTable
    ) throws(ConfigProblem) -> CheckedField.Text {
        var match: CheckedField.Match? = .equal
        if args.skip("-m") {
            let methods: KeyValuePairs<String, CheckedField.Match?> = [
                "str": .equal, "beg": .begins, "end": .ends, "sub": .contains, "reg": nil,
            ]
            let word = args.peek
            match = try args.choice("a way to match", of: methods)
            if match == nil, isFormat {
                throw args.problem(
                    "a log format makes no regular expression", at: word, expected: "str, beg, end or sub")
            }
        }
        guard let match else { return .regular(try regular(&args, &table, ignoringCase: isName)) }
        if isFormat { return .format(try format(&args, &table), match) }
        return .fixed(try text(&args), match)
    }
}
