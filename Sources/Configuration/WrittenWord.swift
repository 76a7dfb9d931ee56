// The syntax of one word in a file: quotes, escapes, variables (HAProxy's manual, sections 2.2 and 2.3).
//
//              unquoted   "weak"   'strong'
//   \n \xHH…   yes        yes      no
//   \$         no         yes      no         no: the characters have no special meaning
//   $NAME      no         yes      no

import Basics

/// A word as written. If it contains a list variable, it may expand to several words, or to none.
struct WrittenWord {
    /// The bytes of each resulting word.
    private(set) var texts: [[UInt8]] = [[]]
    private(set) var range: SourceRange
    /// Whether it consists only of variables, all of which are empty.
    var isEmptyVariable: Bool { hasVariable && !hasText && texts == [[]] }

    /// The first deceptive character outside quotes (`DeceptiveCharacter`).
    private(set) var deception: (range: SourceRange, name: String)?

    private var hasVariable = false
    private var hasList = false
    /// Whether it contains anything other than variables; an empty pair of quotes counts.
    private var hasText = false

    private enum Quote { case none, weak, strong }

    /// Parses the word at the cursor, which must not be at a blank, a comment or the line's end.
    init(reading cursor: inout ByteCursor, _ variables: (String) -> String?) throws(ConfigProblem) {
        range = cursor.here
        texts[0] = Array(cursor.readPlainBytes())
        hasText = !texts[0].isEmpty

        var quote = Quote.none
        var opening = range
        var firstLineEnd: Int?
        reading: while let byte = cursor.current, !cursor.isAtLineEnd {
            switch (byte, quote) {
            case (.hash, .none): break reading
            case (_, .none) where byte.isBlank: break reading
            case (.doubleQuote, .none), (.singleQuote, .none):
                opening = cursor.here
                quote = byte == .doubleQuote ? .weak : .strong
                if cursor[1] == byte { hasText = true }
                cursor.advance()
            case (.doubleQuote, .weak), (.singleQuote, .strong):
                quote = .none
                cursor.advance()
            case (.backslash, .none), (.backslash, .weak):
                if cursor.isAtContinuation {
                    cursor.skipContinuation()
                    firstLineEnd = firstLineEnd ?? cursor.continuedColumn
                } else {
                    append(try Self.escape(&cursor, isQuoted: quote == .weak))
                }
            case (.dollar, .weak): try appendVariable(&cursor, variables)
            case (0, _):
                throw ConfigProblem("a NUL byte in the middle of a line", at: cursor.here)
            case (.carriageReturn, _):
                throw ConfigProblem("a carriage return in the middle of a line", at: cursor.here)
            default:
                if quote == .none, byte >= 0xC2, deception == nil, let name = DeceptiveCharacter.name(at: cursor) {
                    deception = (cursor.here, name)
                }
                append(byte)
                cursor.advance()
            }
        }

        if quote != .none {
            if cursor.line == opening.line { opening.length = cursor.column - opening.column }
            throw ConfigProblem(
                "this quote is not closed", at: opening,
                expected: "\(quote == .weak ? "\"" : "'") before the end of the line")
        }
        let end = cursor.line == range.line ? cursor.column : firstLineEnd ?? range.column
        range.length = max(1, end - range.column)
        if texts.count > 1, texts.last == [] { texts.removeLast() }
        if hasList, !hasText, texts == [[]] { texts = [] }
    }

    private mutating func append(_ byte: UInt8) {
        texts[texts.count - 1].append(byte)
        hasText = true
    }
}

// MARK: - Escapes

extension WrittenWord {
    /// Parses an escape and returns its byte. For an unknown escape, returns the backslash and leaves the rest to the
    /// caller.
    private static func escape(_ cursor: inout ByteCursor, isQuoted: Bool) throws(ConfigProblem) -> UInt8 {
        var length = 2
        let meaning: UInt8
        switch cursor[1] {
        case UInt8(ascii: " "): meaning = UInt8(ascii: " ")
        case .backslash: meaning = .backslash
        case .hash: meaning = .hash
        case .singleQuote: meaning = .singleQuote
        case .doubleQuote: meaning = .doubleQuote
        case .dollar where isQuoted: meaning = .dollar
        case UInt8(ascii: "n"): meaning = .newline
        case UInt8(ascii: "r"): meaning = .carriageReturn
        case UInt8(ascii: "t"): meaning = UInt8(ascii: "\t")
        case UInt8(ascii: "x"):
            meaning = try hexadecimal(cursor)
            length = 4
        default:
            meaning = .backslash
            length = 1
        }
        cursor.advance(by: length)
        return meaning
    }

    private static func hexadecimal(_ cursor: ByteCursor) throws(ConfigProblem) -> UInt8 {
        var value: UInt8 = 0
        for offset in 2...3 {
            guard let digit = cursor[offset].flatMap(hexadecimalDigit) else {
                var range = cursor.here
                range.length = offset
                throw ConfigProblem(
                    "'\\x' lacks digits", at: range, expected: "two hexadecimal digits after it, like \\x0a")
            }
            value = value << 4 | digit
        }
        if value == 0 {
            var range = cursor.here
            range.length = 4
            throw ConfigProblem("a word cannot hold a NUL byte", at: range)
        }
        return value
    }
}

private func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    let letter = asciiLowercased(byte)
    return switch letter {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): letter - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): letter - UInt8(ascii: "a") + 10
    default: nil
    }
}

// MARK: - Variables

extension WrittenWord {
    /// Parses `$NAME`, `${NAME}`, `${NAME-default}` or `${NAME[*]}`, and appends its value.
    private mutating func appendVariable(
        _ cursor: inout ByteCursor, _ variables: (String) -> String?
    ) throws(ConfigProblem) {
        var range = cursor.here
        let isBraced = cursor[1] == UInt8(ascii: "{")
        cursor.advance(by: isBraced ? 2 : 1)
        let name = try Self.name(&cursor, behind: range)
        var value: String? =
            switch name {
            case ".LINE": String(cursor.line)
            case ".FILE": cursor.file
            default: variables(name)
            }

        var isList = false
        if isBraced {
            if cursor.current == UInt8(ascii: "[") {
                guard cursor[1] == UInt8(ascii: "*"), cursor[2] == UInt8(ascii: "]") else {
                    throw ConfigProblem("'[' after a variable's name", at: cursor.here, expected: "[*] or }")
                }
                cursor.advance(by: 3)
                isList = true
            }
            if cursor.current == UInt8(ascii: "-") {
                cursor.advance()
                let standIn = cursor.read { $0 == UInt8(ascii: "}") }
                value = value ?? standIn
            }
        }
        range.length = max(1, cursor.column - range.column)
        if isBraced {
            guard cursor.current == UInt8(ascii: "}") else {
                throw ConfigProblem("'${' is not closed", at: range, expected: "} after the variable's name")
            }
            cursor.advance()
        }
        if name.hasPrefix("."), value == nil {
            throw ConfigProblem("unknown variable '\(name)'", at: range, expected: ".FILE, .LINE or .SECTION")
        }
        hasVariable = true
        hasList = hasList || isList
        append(value ?? "", asList: isList)
    }

    private static func name(_ cursor: inout ByteCursor, behind dollar: SourceRange) throws(ConfigProblem) -> String {
        var isFirst = true
        let name = cursor.read { byte in
            defer { isFirst = false }
            let isLetter = asciiLowercased(byte) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "_")
            return !isLetter && !(isFirst ? byte == UInt8(ascii: ".") : byte &- UInt8(ascii: "0") < 10)
        }
        guard !name.isEmpty else {
            throw ConfigProblem(
                "'$' without a variable's name", at: dollar,
                expected: "a letter or '_' after it, or '\\$' for a dollar sign")
        }
        return name
    }

    /// Appends a variable's value. The values of a list, separated by blanks, become separate words.
    private mutating func append(_ value: String, asList: Bool) {
        for byte in value.verbatimBytes {
            if asList, byte.isBlank || byte == .newline {
                if texts.last != [] { texts.append([]) }
            } else {
                texts[texts.count - 1].append(byte)
            }
        }
    }
}
