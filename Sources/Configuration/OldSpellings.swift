// Spellings that HAProxy once had and removed, where their meaning is clear: they go through as their new
// form, with a warning that prints the line to write. Those whose meaning no rewriting keeps are refused by name.

/// One removed spelling.
struct OldSpelling: Sendable {
    let old: String
    /// The words that stand in its place.
    let new: String
    /// Whether the word behind it is a whole header line, `Name: value`, that becomes two words.
    var takesHeaderLine = false

    var wordCount: Int { old.split(separator: " ").count }

    static let table = [
        OldSpelling(old: "contimeout", new: "timeout connect"),
        OldSpelling(old: "clitimeout", new: "timeout client"),
        OldSpelling(old: "srvtimeout", new: "timeout server"),
        OldSpelling(old: "redisp", new: "option redispatch"),
        OldSpelling(old: "redispatch", new: "option redispatch"),
        OldSpelling(old: "option forceclose", new: "option httpclose"),
        OldSpelling(old: "block", new: "http-request deny"),
        OldSpelling(old: "reqadd", new: "http-request add-header", takesHeaderLine: true),
        OldSpelling(old: "rspadd", new: "http-response add-header", takesHeaderLine: true),
    ]

    /// Spellings that need more than other words: what they did to a message's text is said by rules on its parts.
    static let gone = HAProxyKeywords.set(
        """
        reqadd reqallow reqdel reqdeny reqiallow reqidel reqideny reqipass reqirep reqitarpit reqpass reqrep reqtarpit
        rspadd rspdel rspdeny rspidel rspideny rspirep rsprep
        """)

    static func refusal(of word: Word) -> ConfigProblem {
        let family = word.text.hasPrefix("rsp") ? "http-response" : "http-request"
        return ConfigProblem(
            "'\(word.text)' is an old spelling, gone from HAProxy", at: word.range,
            expected: "\(family) rules: portico help \(family)")
    }

    static func of(_ words: ArraySlice<Word>) -> OldSpelling? {
        table.first { spelling in
            words.starts(with: spelling.old.split(separator: " "), by: { $0.text == $1 })
                && (!spelling.takesHeaderLine || spelling.headerLine(words) != nil)
        }
    }

    /// The line's words in today's spelling; each keeps the place it was written at.
    func renew(_ words: ArraySlice<Word>) -> [Word] {
        guard let first = words.first else { return [] }
        var renewed = new.split(separator: " ").map { Word(String($0), at: first.range) }
        var behind = words.dropFirst(wordCount)
        if let (name, value) = headerLine(words), let line = behind.popFirst() {
            renewed += [Word(name, at: line.range), Word(value, at: line.range)]
        }
        return renewed + behind
    }

    private func headerLine(_ words: ArraySlice<Word>) -> (name: String, value: String)? {
        guard takesHeaderLine, let line = words.dropFirst(wordCount).first?.text,
            let colon = line.firstIndex(of: ":"), colon > line.startIndex
        else { return nil }
        let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        // The new form's value is a log format, in which a percent sign begins something.
        return (
            String(line[..<colon]),
            value.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
        )
    }
}
