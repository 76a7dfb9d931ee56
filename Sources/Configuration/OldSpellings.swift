// Keywords that HAProxy has removed and that have an exact equivalent: they are converted, with a warning that shows
// the new line. The old rules on the lines of messages are in OldRules.swift.

/// A removed keyword.
struct OldSpelling: Sendable {
    let old: String
    /// The words that replace it.
    let new: String

    var wordCount: Int { old.split(separator: " ").count }

    static let table = [
        OldSpelling(old: "contimeout", new: "timeout connect"),
        OldSpelling(old: "clitimeout", new: "timeout client"),
        OldSpelling(old: "srvtimeout", new: "timeout server"),
        OldSpelling(old: "redisp", new: "option redispatch"),
        OldSpelling(old: "redispatch", new: "option redispatch"),
        OldSpelling(old: "option forceclose", new: "option httpclose"),
        OldSpelling(old: "block", new: "http-request deny"),
    ]

    static func of(_ words: ArraySlice<Word>) -> OldSpelling? {
        table.first { spelling in
            words.starts(with: spelling.old.split(separator: " "), by: { $0.text == $1 })
        }
    }

    /// The line's words in today's syntax; each keeps its position.
    func convert(_ words: ArraySlice<Word>) -> [Word] {
        guard let first = words.first else { return [] }
        return new.split(separator: " ").map { Word(String($0), at: first.range) } + words.dropFirst(wordCount)
    }
}
