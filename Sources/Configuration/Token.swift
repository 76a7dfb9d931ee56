// The syntax of one word in a file: quotes, escapes, variables (HAProxy's manual, sections 2.2 and 2.3).
//
//              unquoted   "weak"   'strong'
//   \n \xHH…   yes        yes      no
//   \$         no         yes      no         no: the characters have no special meaning
//   $NAME      no         yes      no

import Basics

/// A word as written. If it contains a list variable, it may expand to several words, or to none.
struct Token {
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

extension Token {
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

extension Token {
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

// MARK: - Deceptive characters

/// Characters that get into a file when lines are copied from web pages or word processors: they look like a blank or a
/// quote, or are invisible, but are part of a word.
enum DeceptiveCharacter {
    /// The name and code of the deceptive character at the cursor; nil for any other character.
    static func name(at cursor: ByteCursor) -> String? {
        // All of them have two or three bytes in UTF-8.
        guard let first = cursor[0], let second = cursor[1] else { return nil }
        let value: UInt32
        if first & 0xE0 == 0xC0 {
            value = UInt32(first & 0x1F) << 6 | UInt32(second & 0x3F)
        } else if first & 0xF0 == 0xE0, let third = cursor[2] {
            value = UInt32(first & 0x0F) << 12 | UInt32(second & 0x3F) << 6 | UInt32(third & 0x3F)
        } else {
            return nil
        }
        return names[value].map { "\($0) (U+\(hexadecimal(value)))" }
    }

    private static let names: [UInt32: String] = [
        0xA0: "a no-break space", 0xAD: "a soft hyphen", 0x1680: "an Ogham space", 0x2000: "an en quad",
        0x2001: "an em quad", 0x2002: "an en space", 0x2003: "an em space", 0x2004: "a third of an em space",
        0x2005: "a quarter of an em space", 0x2006: "a sixth of an em space", 0x2007: "a figure space",
        0x2008: "a punctuation space", 0x2009: "a thin space", 0x200A: "a hair space",
        0x200B: "a zero-width space", 0x200C: "a zero-width non-joiner", 0x200D: "a zero-width joiner",
        0x200E: "a left-to-right mark", 0x200F: "a right-to-left mark", 0x2018: "a curly quote",
        0x2019: "a curly quote", 0x201C: "a curly quote", 0x201D: "a curly quote", 0x201E: "a low quote",
        0x2028: "a line separator", 0x2029: "a paragraph separator", 0x202A: "an embedding mark",
        0x202B: "an embedding mark", 0x202C: "an embedding mark", 0x202D: "an override mark",
        0x202E: "an override mark", 0x202F: "a narrow no-break space", 0x205F: "a mathematical space",
        0x2060: "a word joiner", 0x3000: "an ideographic space", 0xFEFF: "a byte order mark",
    ]

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
