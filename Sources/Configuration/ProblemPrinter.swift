// Prints problems for a terminal:
//
//   site.cfg:12:5: error: unknown keyword 'blance'
//       blance roundrobin
//       ^~~~~~
//     did you mean 'balance'?
//
// or for a log, one line each. Control characters of the file are replaced, so that they do not reach the terminal.

internal import Basics

/// Prints the problems of a configuration in the order of its files and lines, without duplicates.
public struct ProblemPrinter {
    /// Longer source lines are truncated on both sides of the word.
    public static let columnsMax = 120

    private let sources: Sources
    private let usesColor: Bool
    /// The offset of each line in each file.
    private let lineStarts: [String: [Int]]

    /// - Parameter usesColor: whether to use ANSI colours, for a terminal.
    public init(sources: Sources, usesColor: Bool = false) {
        self.sources = sources
        self.usesColor = usesColor
        lineStarts = Dictionary(
            uniqueKeysWithValues: sources.names.map { name in
                let bytes = sources[name] ?? []
                return (name, [0] + bytes.indices.filter { bytes[$0] == .newline }.map { $0 + 1 })
            })
    }

    /// All problems with their source lines, for a terminal.
    public func text(for problems: [ConfigProblem]) -> String {
        sorted(problems).map(text).joined()
    }

    /// The problems in the order of files, lines and columns, without duplicates. Those without a position come last.
    public func sorted(_ problems: [ConfigProblem]) -> [ConfigProblem] {
        let ranks = Dictionary(uniqueKeysWithValues: sources.names.enumerated().map { ($1, $0) })
        var seen: Set<ConfigProblem> = []
        let once = problems.filter { seen.insert($0).inserted }
        // The index makes the sort stable for problems with the same position.
        let keyed = once.enumerated().map { index, problem in
            let range = problem.range
            let rank = range.map { ranks[$0.file] ?? sources.names.count } ?? Int.max
            return (key: (rank, range?.file ?? "", range?.line ?? 0, range?.column ?? 0, index), problem: problem)
        }
        return keyed.sorted { $0.key < $1.key }.map(\.problem)
    }

    /// One problem as a single line without its source line, for a log.
    public func line(_ problem: ConfigProblem) -> String {
        var text = position(problem) + "\(problem.severity.rawValue): \(problem.message)"
        if let expected = problem.expected { text += "; expected \(expected)" }
        if let suggestion = problem.suggestion { text += "; did you mean '\(suggestion)'?" }
        return text.printable
    }

    /// One problem with its source line. Every line ends with a line feed.
    public func text(for problem: ConfigProblem) -> String {
        let color: Style =
            switch problem.severity {
            case .error: .red
            case .warning: .yellow
            case .notice: .cyan
            }
        var text = styled(position(problem).printable, .bold) + styled("\(problem.severity.rawValue): ", color)
        text += styled(problem.message.printable, .bold) + "\n"
        if let range = problem.range, let (source, underline) = excerpt(range) {
            text += "  \(source)\n  \(underline.pad)\(styled(underline.mark, color))\n"
        }
        if let expected = problem.expected { text += "  expected \(expected.printable)\n" }
        if let suggestion = problem.suggestion { text += "  did you mean '\(suggestion.printable)'?\n" }
        return text
    }

    private func position(_ problem: ConfigProblem) -> String {
        guard let range = problem.range else { return "" }
        return "\(range.file):\(range.line):\(range.column): "
    }
}

// MARK: - The source line

extension ProblemPrinter {
    /// The source line in printable form, and the underline; nil if there is no such line.
    private func excerpt(_ range: SourceRange) -> (source: String, underline: (pad: String, mark: String))? {
        guard let bytes = sources[range.file], let starts = lineStarts[range.file], range.line >= 1,
            range.line <= starts.count
        else { return nil }
        let start = starts[range.line - 1]
        let end = range.line < starts.count ? starts[range.line] - 1 : bytes.count
        var letters = Array(String(verbatim: bytes[start..<end]).unicodeScalars)
        if letters.last == "\r" { letters.removeLast() }
        // Print each as one column.
        for i in letters.indices where letters[i].isVerbatimByte { letters[i] = "\u{FFFD}" }

        var first = min(max(0, range.column - 1), letters.count)
        // The underline ends at the end of the line; a position after that is marked with a single `^`.
        var length = max(1, min(range.length, letters.count - first))
        if letters.count > Self.columnsMax {
            (letters, first, length) = cut(letters, first, length)
        }
        let pad = letters.prefix(first).map { $0 == "\t" ? "\t" : " " }
        let mark = "^" + String(repeating: "~", count: length - 1)
        return (String(String.UnicodeScalarView(letters)).printable, (pad.joined(), mark))
    }

    /// The part of a long line around the underlined letters, with `…` for omitted text.
    private func cut(
        _ letters: [Unicode.Scalar], _ first: Int, _ length: Int
    ) -> (letters: [Unicode.Scalar], first: Int, length: Int) {
        // Start a third of the width before the word, if the line is long enough.
        let start = max(0, min(first - Self.columnsMax / 3, letters.count - Self.columnsMax))
        let end = min(letters.count, start + Self.columnsMax)
        var part = Array(letters[start..<end])
        if start > 0 { part[0] = "…" }
        if end < letters.count { part[part.count - 1] = "…" }
        return (part, first - start, min(length, max(1, part.count - (first - start))))
    }
}

// MARK: - Style

extension ProblemPrinter {
    private enum Style: String { case bold = "1", red = "1;31", yellow = "1;33", cyan = "1;36" }

    private func styled(_ text: String, _ style: Style) -> String {
        usesColor && !text.isEmpty ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }
}

extension String {
    /// The text with every control character except tab replaced by `\u{FFFD}`, so that a file cannot send escape
    /// sequences to the terminal, and with bytes that are not UTF-8 as `\xE9`.
    fileprivate var printable: String {
        let isControl = { (scalar: Unicode.Scalar) in
            scalar != "\t" && (scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value)
        }
        let text = showingVerbatimBytes
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "\u{FFFD}" : $0 }))
    }
}
