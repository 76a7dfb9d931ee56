// Reads log-format strings: `%ci`, `%{+Q}r`, `%[expression]`, `%{+Q}o` for all that follows, `%%`. A name before an item,
// `%(user)[src]`, is for encodings that Portico does not write, and is read over.

internal import Basics
public import Configuration
public import Expressions
internal import Patterns

extension Format {
    /// Compiles the word for `use`. `hook` is where the string stands: what its expressions may ask.
    public init(_ word: Word, for use: Use, in hook: RuleHook, _ table: inout FormatTable) throws(ConfigProblem) {
        var text = ExpressionText(word)
        var elements: [Element] = []
        var fixed: [UInt8] = []
        /// What `%{…}o` said for the variables behind it.
        var standing: Flags = []
        func finishText() {
            if !fixed.isEmpty { elements.append(.text(table.keep(fixed))) }
            fixed = []
        }
        while let byte = text.peek {
            text.position += 1
            if byte == 0x20, use == .logLine {
                finishText()
                if case .separator = elements.last { continue }
                elements.append(.separator)
            } else if byte != 0x25 {
                fixed.append(byte)
            } else if text.skip(0x25) {
                fixed.append(0x25)
            } else {
                let start = text.position - 1
                try Self.skipName(&text)
                let flags = try Self.flags(&text, standing)
                switch try Self.item(&text, from: start, in: hook, &table) {
                case .variable(let variable):
                    finishText()
                    if variable.needsCaptures { table.expressions.usesCaptures = true }
                    elements.append(.variable(variable, flags))
                case .expression(let expression):
                    finishText()
                    table.expressions.expressions.append(expression)
                    elements.append(.expression(Int32(table.expressions.expressions.count - 1), flags))
                case .allThatFollow:
                    standing = flags
                }
            }
        }
        finishText()
        self.init(elements, use, &table)
    }

    /// Text as it stands, percent signs included.
    public init(literal text: String, _ table: inout FormatTable) {
        self.init(text.isEmpty ? [] : [.text(table.keep(text))], .message, &table)
    }

    private init(_ elements: [Element], _ use: Use, _ table: inout FormatTable) {
        let start = table.elements.count
        table.elements += elements
        self.init(elements: TableSlice(start..<table.elements.count), use: use)
    }

    private enum Item {
        case variable(LogVariable), expression(Expression)
        /// `%o`: no text of its own, its flags hold for what follows.
        case allThatFollow
    }

    /// What stands behind `%` and its flags.
    private static func item(
        _ text: inout ExpressionText, from start: Int, in hook: RuleHook, _ table: inout FormatTable
    ) throws(ConfigProblem) -> Item {
        if text.skip(0x5B) {
            let opening = text.position - 1
            let expression = try Expression(&text, &table.expressions)
            guard text.skip(0x5D) else {
                let end = text.bytes.count
                throw text.problem(
                    text.isAtEnd ? "'%[' is not closed" : "unexpected text in an expression",
                    at: text.isAtEnd ? opening..<opening + 1 : text.position..<end, expected: "']'")
            }
            try hook.require(
                expression.row.availability, of: expression.row.name, at: text.range(start..<text.position))
            return .expression(expression)
        }
        let nameStart = text.position
        while let byte = text.peek, byte | 0x20 &- 0x61 < 26 || byte &- 0x30 < 10 { text.position += 1 }
        let name = String(decoding: text.bytes[nameStart..<text.position], as: UTF8.self)
        if name == "o" { return .allThatFollow }
        guard let variable = LogVariable(rawValue: name) else {
            let message = name.isEmpty ? "'%' stands before no variable" : "unknown log-format variable '%\(name)'"
            throw text.problem(
                message, at: start..<text.position,
                expected: "a variable such as %ci, %[<sample>], or %% for a percent sign",
                suggestion: nearestVariable(name).map { "%\($0)" })
        }
        return .variable(variable)
    }

    /// `{+Q,-E}`, on top of the flags that hold anyway.
    private static func flags(_ text: inout ExpressionText, _ standing: Flags) throws(ConfigProblem) -> Flags {
        let opening = text.position
        guard text.skip(0x7B) else { return standing }
        var flags = standing
        var isAdding = true
        while let byte = text.peek {
            text.position += 1
            switch byte {
            case 0x7D: return flags
            case 0x2C: isAdding = true
            case 0x2B: isAdding = true
            case 0x2D: isAdding = false
            default:
                if let encoding = encoding(at: text.position - 1, text) {
                    throw text.problem(
                        "the log-format flag '\(encoding)' is known to HAProxy, but Portico does not do it yet",
                        at: text.position - 1..<text.position - 1 + encoding.utf8.count,
                        expected: encoding == "json"
                            ? "Q, X or E; the log line's 'format json' writes lines in JSON" : "Q, X or E")
                }
                let known: [UInt8: Flags] = [0x51: .quote, 0x58: .hexadecimal, 0x45: .escape]
                guard let flag = known[byte] else {
                    let name = String(verbatim: [byte])
                    throw text.problem(
                        "unknown log-format flag '\(name)'", at: text.position - 1..<text.position,
                        expected: "Q to quote, X for hexadecimal, E to escape")
                }
                if isAdding { flags.insert(flag) } else { flags.remove(flag) }
            }
        }
        throw text.problem("'{' is not closed", at: opening..<opening + 1, expected: "'}' behind the flags")
    }

    private static func encoding(at start: Int, _ text: ExpressionText) -> String? {
        ["json", "cbor", "bin"].first { text.bytes[start...].starts(with: $0.utf8) }
    }

    /// `(name)`, `(name:type)`, `(:type)`.
    private static func skipName(_ text: inout ExpressionText) throws(ConfigProblem) {
        let opening = text.position
        guard text.skip(0x28) else { return }
        let start = text.position
        while let byte = text.peek, byte != 0x29 { text.position += 1 }
        let name = text.bytes[start..<text.position]
        guard text.skip(0x29) else {
            throw text.problem("'(' is not closed", at: opening..<opening + 1, expected: "')' behind the item's name")
        }
        guard let colon = name.firstIndex(of: 0x3A) else { return }
        let type = String(decoding: name[(colon + 1)...], as: UTF8.self)
        guard ["str", "sint", "bool"].contains(type) else {
            throw text.problem(
                "'\(type)' is no type of a log-format item", at: colon + 1..<max(colon + 2, name.endIndex),
                expected: "str, sint or bool")
        }
    }

    /// Variables are too short for a slip of a third of their letters: one letter more or less, or another case.
    private static func nearestVariable(_ name: String) -> String? {
        let names = LogVariable.allCases.map(\.rawValue)
        if let same = names.first(where: { $0.lowercased() == name.lowercased() }) { return same }
        return names.filter { name.hasPrefix($0) }.max { $0.count < $1.count } ?? nearest(name, among: names)
    }
}
