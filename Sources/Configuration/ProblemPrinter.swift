// Problems as people read them:
//
//   site.cfg:12:5: error: unknown keyword 'blance'
//       blance roundrobin
//       ^~~~~~
//     did you mean 'balance'?
//
// and as logs do, one line each. What comes out is safe to print: control characters of the file do not
// reach the terminal.

internal import Basics

/// Prints the problems of a configuration in the order of its files and lines, each once.
public struct ProblemPrinter {
    /// Lines longer than this are cut around the word in question.
    public static let columnsMax = 120

    private let sources: Sources
    private let usesColor: Bool
    /// Where each line of a file begins, counted once per file.
    private let lineStarts: [String: [Int]]

    /// - Parameter usesColor: whether to mark up with ANSI colours, for a terminal.
    public init(sources: Sources, usesColor: Bool = false) {
        self.sources = sources
        self.usesColor = usesColor
        lineStarts = Dictionary(
            uniqueKeysWithValues: sources.names.map { name in
                let bytes = sources[name] ?? []
                return (name, [0] + bytes.indices.filter { bytes[$0] == .newline }.map { $0 + 1 })
            })
    }

    /// Every problem in full, for a terminal.
    public func text(for problems: [ConfigProblem]) -> String {
        sorted(problems).map(text).joined()
    }

    /// The problems in the order of files, lines and columns, without repetitions. Those without a place, which
    /// are about the whole, come last.
    public func sorted(_ problems: [ConfigProblem]) -> [ConfigProblem] {
        let ranks = Dictionary(uniqueKeysWithValues: sources.names.enumerated().map { ($1, $0) })
        var seen: Set<ConfigProblem> = []
        let once = problems.filter { seen.insert($0).inserted }
        // The position comes last, so that problems of one place stay in the order they were found in.
        let keyed = once.enumerated().map { position, problem in
            let range = problem.range
            let rank = range.map { ranks[$0.file] ?? sources.names.count } ?? Int.max
            return (key: (rank, range?.file ?? "", range?.line ?? 0, range?.column ?? 0, position), problem: problem)
        }
        return keyed.sorted { $0.key < $1.key }.map(\.problem)
    }

    /// One problem in one line, without its source, for a log.
    public func line(_ problem: ConfigProblem) -> String {
        var text = place(problem) + "\(problem.severity.rawValue): \(problem.message)"
        if let expected = problem.expected { text += "; expected \(expected)" }
        if let suggestion = problem.suggestion { text += "; did you mean '\(suggestion)'?" }
        return text.printable
    }

    /// One problem with its source line and a line feed behind each of its lines.
    public func text(for problem: ConfigProblem) -> String {
        let color: Style =
            switch problem.severity {
            case .error: .red
            case .warning: .yellow
            case .notice: .cyan
            }
        var text = styled(place(problem).printable, .bold) + styled("\(problem.severity.rawValue): ", color)
        text += styled(problem.message.printable, .bold) + "\n"
        if let range = problem.range, let (source, underline) = excerpt(range) {
            text += "  \(source)\n  \(underline.pad)\(styled(underline.mark, color))\n"
        }
        if let expected = problem.expected { text += "  expected \(expected.printable)\n" }
        if let suggestion = problem.suggestion { text += "  did you mean '\(suggestion.printable)'?\n" }
        return text
    }

    private func place(_ problem: ConfigProblem) -> String {
        guard let range = problem.range else { return "" }
        return "\(range.file):\(range.line):\(range.column): "
    }
}

// MARK: - The source line

extension ProblemPrinter {
    /// The line as it can be printed, and what to print below it; nil if there is no such line.
    private func excerpt(_ range: SourceRange) -> (source: String, underline: (pad: String, mark: String))? {
        guard let bytes = sources[range.file], let starts = lineStarts[range.file], range.line >= 1,
            range.line <= starts.count
        else { return nil }
        let start = starts[range.line - 1]
        let end = range.line < starts.count ? starts[range.line] - 1 : bytes.count
        var letters = Array(String(verbatim: bytes[start..<end]).unicodeScalars)
        if letters.last == "\r" { letters.removeLast() }
        // One column each, whatever they are.
        for i in letters.indices where letters[i].isVerbatimByte { letters[i] = "\u{FFFD}" }

        var first = min(max(0, range.column - 1), letters.count)
        // A word that goes on behind the line's end is marked up to there; a place behind it by a single mark.
        var length = max(1, min(range.length, letters.count - first))
        if letters.count > Self.columnsMax {
            (letters, first, length) = cut(letters, first, length)
        }
        let pad = letters.prefix(first).map { $0 == "\t" ? "\t" : " " }
        let mark = "^" + String(repeating: "~", count: length - 1)
        return (String(String.UnicodeScalarView(letters)).printable, (pad.joined(), mark))
    }

    /// A long line's part around the letters in question, with `…` where something was left out.
    private func cut(
        _ letters: [Unicode.Scalar], _ first: Int, _ length: Int
    ) -> (letters: [Unicode.Scalar], first: Int, length: Int) {
        // As much in front of the word as behind its first letters, as far as there is.
        let start = max(0, min(first - Self.columnsMax / 3, letters.count - Self.columnsMax))
        let end = min(letters.count, start + Self.columnsMax)
        var part = Array(letters[start..<end])
        if start > 0 { part[0] = "…" }
        if end < letters.count { part[part.count - 1] = "…" }
        return (part, first - start, min(length, max(1, part.count - (first - start))))
    }
}

// MARK: - Looks

extension ProblemPrinter {
    private enum Style: String { case bold = "1", red = "1;31", yellow = "1;33", cyan = "1;36" }

    private func styled(_ text: String, _ style: Style) -> String {
        usesColor && !text.isEmpty ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }
}

extension String {
    /// The text with every control character but the tab replaced by `\u{FFFD}`, so that a file cannot
    /// steer the terminal it is shown on, and with bytes that are no UTF-8 as `\xE9`.
    fileprivate var printable: String {
        let isControl = { (scalar: Unicode.Scalar) in
            scalar != "\t" && (scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value)
        }
        let text = showingVerbatimBytes
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "\u{FFFD}" : $0 }))
    }
}
