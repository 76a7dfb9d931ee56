// Lines of words out of the bytes of a file: HAProxy's rules of quotes, escapes, comments and variables
// (its manual, 2.2 and 2.3), as its program applies them where the two differ.
//
// Portico's own: a backslash at the end of a line continues it in the next one. Every word remembers
// where it was written. How a word is written is in WrittenWord.swift; what words mean is not known here.

internal import Basics

/// Takes one line after the other out of a file.
public struct Lexer: Sendable {
    /// The words of one line: of several, where a backslash continues it.
    public struct Line: Sendable {
        public var words: [Word] = []
        /// What is wrong with how it is written; `words` then ends before it.
        public var problem: ConfigProblem?
        public var warnings: [ConfigProblem] = []
    }

    private var cursor: ByteCursor

    public init(_ bytes: [UInt8], file: String) {
        cursor = ByteCursor(bytes, file: file)
    }

    /// The next line that has a word or a problem; nil at the end of the file.
    ///
    /// `variables` tells the value of an environment variable, nil if there is none; that of `.SECTION` too.
    public mutating func nextLine(variables: (String) -> String?) -> Line? {
        while !cursor.isAtEnd {
            var line = Line()
            do throws(ConfigProblem) {
                try readWords(into: &line, variables)
            } catch {
                line.problem = error
            }
            // Nothing is left of a good line.
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
            let word = try WrittenWord(reading: &cursor, variables)
            if let (range, name) = word.deception {
                line.warnings.append(
                    ConfigProblem(
                        "\(name) in a word: it parts no words and quotes nothing", at: range,
                        expected: "a space or a quote from the keyboard, or quotes around the word", severity: .notice))
            }
            for bytes in word.texts {
                line.words.append(Word(String(verbatim: bytes), at: word.range))
            }
            if !word.texts.isEmpty { emptyAtEnd = word.isEmptyVariable ? emptyAtEnd + 1 : 0 }
            cursor.skipBlanks()
        }
        // What an empty variable leaves at the end of a line was never there: `bind :80 "${BIND_OPTIONS}"`.
        line.words.removeLast(emptyAtEnd)
        cursor.skipComment()
    }
}
