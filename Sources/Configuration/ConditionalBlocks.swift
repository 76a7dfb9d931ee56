// Conditional blocks (`.if`): decides which lines of a file are processed.
//
// The state of a block after each line, where the left column applies if A is true, the right one if A is false:
//
//   .if A      taken                             waiting
//   .elif B    passed (B is not evaluated)       taken if B is true, otherwise waiting
//   .else      passed                            taken if B is false, otherwise passed
//   .endif
//
// A block inside lines that are not processed is `passed` as a whole; so is a block whose condition is malformed, so
// that only that mistake is reported.

/// The open blocks of one file, the innermost last.
struct ConditionalBlocks {
    private enum Branch { case taken, waiting, passed }

    private struct Block {
        let opener: Word
        var branch: Branch
        var hasElse = false
    }

    /// A directive that opens, changes or closes a block.
    enum Change: Sendable {
        case begin(Word, condition: [Word])
        case elseIf(Word, condition: [Word])
        case otherwise(Word)
        case end(Word)
    }

    /// Limit for nested blocks: far more than is readable.
    static let depthMax = 64

    /// The directives that are processed even where lines are not.
    static let keywords: Set<String> = [".if", ".elif", ".else", ".endif"]

    private var blocks: [Block] = []

    /// Whether lines are processed.
    var areLinesRead: Bool { blocks.last.map { $0.branch == .taken } ?? true }

    /// The problems of blocks that are open at the end of the file.
    var unclosed: [ConfigProblem] {
        blocks.map { ConfigProblem("'.if' is not closed", at: $0.opener.range, expected: "'.endif' below its lines") }
    }

    /// Processes a directive. As in HAProxy, `holds` is called only for conditions that matter: a block may guard
    /// conditions that this version does not know.
    mutating func process(_ change: Change, _ holds: ([Word]) throws(ConfigProblem) -> Bool) throws(ConfigProblem) {
        switch change {
        case .begin(let word, let condition):
            guard blocks.count < Self.depthMax else {
                throw ConfigProblem("more than \(Self.depthMax) '.if' blocks within each other", at: word.range)
            }
            let isRead = areLinesRead
            blocks.append(Block(opener: word, branch: .passed))
            if isRead { try decide(condition, holds) }
        case .elseIf(let word, let condition):
            try checkIsOpen(at: word)
            switch blocks[blocks.count - 1].branch {
            case .taken, .passed: blocks[blocks.count - 1].branch = .passed
            case .waiting: try decide(condition, holds)
            }
        case .otherwise(let word):
            try checkIsOpen(at: word)
            let last = blocks.count - 1
            blocks[last].hasElse = true
            blocks[last].branch = blocks[last].branch == .waiting ? .taken : .passed
        case .end(let word):
            guard blocks.popLast() != nil else { throw Self.unmatched(word) }
        }
    }

    /// Processes a `.if` or `.elif` whose line is malformed.
    mutating func processMalformed(_ word: Word) {
        if word.text == ".if" {
            blocks.append(Block(opener: word, branch: .passed))
        } else if word.text == ".elif", !blocks.isEmpty {
            blocks[blocks.count - 1].branch = .passed
        }
    }

    private mutating func decide(
        _ condition: [Word], _ holds: ([Word]) throws(ConfigProblem) -> Bool
    ) throws(ConfigProblem) {
        blocks[blocks.count - 1].branch = .passed
        blocks[blocks.count - 1].branch = try holds(condition) ? .taken : .waiting
    }

    private func checkIsOpen(at word: Word) throws(ConfigProblem) {
        guard let block = blocks.last else { throw Self.unmatched(word) }
        if block.hasElse {
            throw ConfigProblem("'\(word.text)' behind '.else'", at: word.range, expected: "'.endif'")
        }
    }

    private static func unmatched(_ word: Word) -> ConfigProblem {
        ConfigProblem("'\(word.text)' without '.if'", at: word.range, expected: "'.if' above it in the same file")
    }
}
