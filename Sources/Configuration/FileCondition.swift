// Evaluates the condition of `.if`, and of `-cc` on the command line.
//
//   condition = nothing | either          either = both [ "||" either ]
//   both = term [ "&&" both ]             term = { "!" } ( number | "true" | "false" | "(" either ")" | predicate )
//   predicate = name [ "(" argument { "," argument } ")" ]
//
// Quotes and backslashes in an argument protect commas and parentheses, as in the arguments of samples. The whole
// condition is always parsed and evaluated, so that mistakes in any part are reported.

/// A parser and evaluator for the words of a condition, joined by single spaces.
struct FileCondition {
    private let bytes: [UInt8]
    /// The words and the offset in `bytes` where each starts.
    private let words: [(start: Int, word: Word)]
    private let context: Predicate.Context
    private var position = 0
    private var depth = 0

    /// Limit for nested parentheses: far more than is readable.
    private static let depthMax = 64

    private init(_ words: [Word], _ context: Predicate.Context) {
        var bytes: [UInt8] = []
        self.words = words.map { word in
            if !bytes.isEmpty { bytes.append(UInt8(ascii: " ")) }
            defer { bytes += word.text.utf8 }
            return (bytes.count, word)
        }
        self.bytes = bytes
        self.context = context
    }

    /// Whether the condition holds.
    static func holds(_ words: [Word], _ context: Predicate.Context) throws(ConfigProblem) -> Bool {
        var condition = FileCondition(words, context)
        condition.skipBlanks()
        // An empty condition is false: an unset variable may leave nothing.
        if condition.isAtEnd { return false }
        let value = try condition.either()
        guard condition.isAtEnd else {
            throw condition.problem(
                "unexpected text after the condition", at: condition.position,
                expected: "&&, || or the end of the line")
        }
        return value
    }

    // MARK: Parts

    private mutating func either() throws(ConfigProblem) -> Bool {
        var value = try both()
        while skip("||") {
            let other = try both()
            value = value || other
        }
        return value
    }

    private mutating func both() throws(ConfigProblem) -> Bool {
        var value = try term()
        while skip("&&") {
            let other = try term()
            value = value && other
        }
        return value
    }

    private mutating func term() throws(ConfigProblem) -> Bool {
        var isNegated = false
        skipBlanks()
        while skip("!") { isNegated.toggle() }
        let value: Bool
        let start = position
        if skip("(") {
            depth += 1
            guard depth <= Self.depthMax else { throw problem("too many parentheses within each other", at: start) }
            value = try either()
            guard skip(")") else { throw problem("'(' is not closed", at: start, expected: "')'") }
            depth -= 1
        } else {
            if let constant = try constant() { value = constant } else { value = try predicate() }
        }
        skipBlanks()
        return value != isNegated
    }

    private mutating func constant() throws(ConfigProblem) -> Bool? {
        let start = position
        if let byte = peek, byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || Self.isDigit(byte) {
            position += 1
            _ = name()
            let text = String(decoding: bytes[start..<position], as: UTF8.self)
            let isHexadecimal = text.lowercased().hasPrefix("0x")
            guard let number = isHexadecimal ? Int(text.dropFirst(2), radix: 16) : Int(text) else {
                throw problem("'\(text)' is not a number", start..<position, expected: Self.term)
            }
            return number != 0
        }
        let word = name()
        if word == "true" || word == "false" { return word == "true" }
        position = start
        return nil
    }

    private mutating func predicate() throws(ConfigProblem) -> Bool {
        let start = position
        let name = name()
        guard !name.isEmpty else {
            throw problem("a part of the condition is missing", at: start, expected: Self.term)
        }
        let range = start..<position
        guard let predicate = Predicate.table.first(where: { $0.name == name }) else {
            throw problem(
                "unknown condition '\(name)'", range, expected: "'portico help conditions' lists them",
                suggestion: nearest(name, among: Predicate.table.map(\.name)))
        }
        let arguments = try arguments(of: name, range)
        guard arguments.count == predicate.argumentCount else {
            let count = predicate.argumentCount
            throw problem(
                "'\(name)' takes \(count == 1 ? "one argument" : "\(count) arguments"), not \(arguments.count)", range,
                expected: predicate.usage)
        }
        do throws(Predicate.Fault) {
            return try predicate.holds(arguments.map(\.value), context)
        } catch {
            throw problem(error.text, arguments[0].range, expected: error.expected)
        }
    }

    private mutating func arguments(
        of name: String, _ owner: Range<Int>
    ) throws(ConfigProblem) -> [(value: String, range: Range<Int>)] {
        let open = position
        guard peek == UInt8(ascii: "(") else { return [] }
        position += 1
        var values: [(value: String, range: Range<Int>)] = []
        var value: [UInt8] = []
        var start = position
        var quote: UInt8?
        while let byte = peek {
            position += 1
            switch byte {
            case .backslash where quote != .singleQuote && !isAtEnd:
                value.append(bytes[position])
                position += 1
            case quote: quote = nil
            case .doubleQuote where quote == nil, .singleQuote where quote == nil: quote = byte
            case UInt8(ascii: ",") where quote == nil, UInt8(ascii: ")") where quote == nil:
                values.append((String(decoding: value, as: UTF8.self), start..<position - 1))
                value = []
                start = position
                // `name()` has no argument, not an empty one.
                if byte == UInt8(ascii: ")") { return values.count == 1 && values[0].value.isEmpty ? [] : values }
            default: value.append(byte)
            }
        }
        throw problem("'(' is not closed", at: open, expected: "')' behind the arguments of '\(name)'")
    }

    // MARK: Bytes

    private var isAtEnd: Bool { position >= bytes.count }
    private var peek: UInt8? { isAtEnd ? nil : bytes[position] }

    private mutating func skipBlanks() {
        while let byte = peek, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { position += 1 }
    }

    /// Skips `text` and the blanks after it; returns false if the input does not continue with `text`.
    private mutating func skip(_ text: String) -> Bool {
        guard bytes[position...].starts(with: text.utf8) else { return false }
        position += text.utf8.count
        skipBlanks()
        return true
    }

    private mutating func name() -> String {
        let start = position
        while let byte = peek, Self.isDigit(byte) || byte | 0x20 &- 0x61 < 26 || byte == UInt8(ascii: "_") {
            position += 1
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    private static let term = "a number, '(' or one of the names that `portico help conditions` lists"

    private func problem(_ message: String, at offset: Int, expected: String? = nil) -> ConfigProblem {
        problem(message, offset..<offset + 1, expected: expected)
    }

    private func problem(
        _ message: String, _ range: Range<Int>, expected: String? = nil, suggestion: String? = nil
    ) -> ConfigProblem {
        ConfigProblem(message, at: sourceRange(of: range), expected: expected, suggestion: suggestion)
    }

    /// The position of some bytes in the file; that of their word if escapes or variables make it uncertain.
    private func sourceRange(of range: Range<Int>) -> SourceRange? {
        guard let (start, word) = words.last(where: { $0.start <= range.lowerBound }) else { return nil }
        var result = word.range
        let inside = range.lowerBound - start..<min(range.upperBound, start + word.text.utf8.count + 1) - start
        let letters = Array(word.text.utf8)
        guard result.length == word.text.count else { return result }
        result.column += String(decoding: letters.prefix(inside.lowerBound), as: UTF8.self).count
        result.length = max(
            1, String(decoding: letters.dropFirst(inside.lowerBound).prefix(inside.count), as: UTF8.self).count)
        return result
    }
}
