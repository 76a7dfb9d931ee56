// Splits the bytes of a file into lines of words, with HAProxy's rules for quotes, escapes, comments and variables (its
// manual, sections 2.2 and 2.3; where program and manual differ, those of the program).
//
// Portico's extension: a backslash at the end of a line continues it on the next one. Every word carries its position.
// The syntax of a single word is in Token.swift.

internal import Basics

/// Reads the lines of a file, one after another.
public struct Lexer: Sendable {
    /// The words of one line, including its continuation lines.
    public struct Line: Sendable {
        public var words: [Word] = []
        /// A syntax error; `words` then has the words before it.
        public var problem: ConfigProblem?
        public var warnings: [ConfigProblem] = []
    }

    private var cursor: ByteCursor

    public init(_ bytes: [UInt8], file: String) {
        cursor = ByteCursor(bytes, file: file)
    }

    /// The next line that has a word or a problem; nil at the end of the file.
    ///
    /// `variables` returns the value of an environment variable or of `.SECTION`; nil if it is not set.
    public mutating func nextLine(variables: (String) -> String?) -> Line? {
        while !cursor.isAtEnd {
            var line = Line()
            do throws(ConfigProblem) {
                try readWords(into: &line, variables)
            } catch {
                line.problem = error
            }
            // After an error, skip the rest of the line.
            cursor.skipLine()
            if !line.words.isEmpty || line.problem != nil { return line }
        }
        return nil
    }

    private mutating func readWords(
        into line: inout Line, _ variables: (String) -> String?
    ) throws(ConfigProblem) {
        var emptyAtEnd = 0
        cursor.skipBlanks()
        while !cursor.isAtLineEnd, cursor.current != UInt8(ascii: "#") {
            let word = try Token(reading: &cursor, variables)
            if let (range, name) = word.deception {
                line.warnings.append(
                    ConfigProblem(
                        "\(name) in a word: it neither separates words nor quotes anything", at: range,
                        expected: "a space or a quote from the keyboard, or quotes around the word", severity: .notice))
            }
            for bytes in word.texts {
                line.words.append(Word(String(verbatim: bytes), at: word.range))
            }
            if !word.texts.isEmpty { emptyAtEnd = word.isEmptyVariable ? emptyAtEnd + 1 : 0 }
            cursor.skipBlanks()
        }
        // Drop empty words at the end of a line that come from empty variables: `bind :80 "${BIND_OPTIONS}"`.
        line.words.removeLast(emptyAtEnd)
        cursor.skipComment()
    }
}
