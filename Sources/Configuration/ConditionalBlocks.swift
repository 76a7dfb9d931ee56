// Which lines of a file are read: the blocks that `.if` begins, the inner ones last.
//
//   .if A      taken            A is true          waiting          it is not
//   .elif B    passed           never looked at    taken/waiting    B is true, or not
//   .else      passed                              taken            unless B was
//   .endif
//
// A block within lines that are not read is `passed` from its first line to its last; so is one whose condition is wrong,
// so that only the mistake itself is reported.

/// The blocks of one file that are open.
struct ConditionalBlocks {
    private enum Branch { case taken, waiting, passed }

    private struct Block {
        let opener: Word
        var branch: Branch
        var hasElse = false
    }

    /// What a line says.
    enum Change: Sendable {
        case begin(Word, condition: [Word])
        case orElse(Word, condition: [Word])
        case otherwise(Word)
        case end(Word)
    }

    /// Far more than a person can follow.
    static let depthMax = 64

    /// The words of lines that change which lines are read.
    static let keywords: Set<String> = [".if", ".elif", ".else", ".endif"]

    private var blocks: [Block] = []

    /// Whether lines are read.
    var areLinesRead: Bool { blocks.last.map { $0.branch == .taken } ?? true }

    /// What `.if` lines the file's end has left open.
    var unclosed: [ConfigProblem] {
        blocks.map { ConfigProblem("'.if' is not closed", at: $0.opener.range, expected: "'.endif' below its lines") }
    }

    /// Takes a line. `holds` is asked for a condition only where it matters, as in HAProxy: what a version of the program
    /// does not know may stand behind a condition that keeps it from looking.
    mutating func take(_ change: Change, _ holds: ([Word]) throws(ConfigProblem) -> Bool) throws(ConfigProblem) {
        switch change {
        case .begin(let word, let condition):
            guard blocks.count < Self.depthMax else {
                throw ConfigProblem("more than \(Self.depthMax) '.if' blocks within each other", at: word.range)
            }
            let isRead = areLinesRead
            blocks.append(Block(opener: word, branch: .passed))
            if isRead { try decide(condition, holds) }
        case .orElse(let word, let condition):
            try checkPlace(of: word)
            switch blocks[blocks.count - 1].branch {
            case .taken, .passed: blocks[blocks.count - 1].branch = .passed
            case .waiting: try decide(condition, holds)
            }
        case .otherwise(let word):
            try checkPlace(of: word)
            let last = blocks.count - 1
            blocks[last].hasElse = true
            blocks[last].branch = blocks[last].branch == .waiting ? .taken : .passed
        case .end(let word):
            guard blocks.popLast() != nil else { throw Self.lonely(word) }
        }
    }

    /// Takes a line that begins a block and whose condition cannot be read.
    mutating func takeBroken(_ word: Word) {
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

    private func checkPlace(of word: Word) throws(ConfigProblem) {
        guard let block = blocks.last else { throw Self.lonely(word) }
        if block.hasElse {
            throw ConfigProblem("'\(word.text)' behind '.else'", at: word.range, expected: "'.endif'")
        }
    }

    private static func lonely(_ word: Word) -> ConfigProblem {
        ConfigProblem("'\(word.text)' without '.if'", at: word.range, expected: "'.if' above it in the same file")
    }
}
