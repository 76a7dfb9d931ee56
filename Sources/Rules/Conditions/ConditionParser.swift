// Reads `acl` lines and conditions.

internal import Configuration
internal import Expressions
internal import Patterns

/// The names of a section's access lists.
struct AccessListNames: Sendable {
    private var indices: [String: Int] = [:]
    /// What stands behind the name in each line, for tables that compile it once more.
    private var lines: [String: [[Word]]] = [:]

    /// Reads `<name> <criterion> …` of an `acl` line. A name used before gets one more test.
    mutating func define(_ arguments: inout Arguments, _ table: inout ExpressionTable) throws(ConfigProblem) {
        let name = try arguments.next("a name for the condition")
        guard !name.text.isEmpty, name.text.utf8.allSatisfy(Self.isNameByte) else {
            throw arguments.problem(
                "'\(name.text)' cannot name a condition", at: name, expected: "letters, digits, '-', '_', '.' and ':'")
        }
        guard name.text != "or" else { throw arguments.problem("'or' joins conditions and cannot name one", at: name) }
        var behind = arguments
        var words: [Word] = []
        while let word = behind.nextIfPresent() { words.append(word) }
        table.compiledList = name.text
        defer { table.compiledList = nil }
        let criterion = try Criterion(&arguments, &table) { _ in false }
        lines[name.text, default: []].append(words)
        if let index = indices[name.text] {
            table.extend(index, criterion)
        } else {
            indices[name.text] = table.addList(criterion)
        }
    }

    /// All names, those that need no line too.
    var all: [String] { lines.keys.sorted() + PredefinedLists.names }

    /// Compiles a list into any table of the section. Returns its index there; nil if no list has this name.
    func compile(_ name: String, _ table: inout ExpressionTable) -> Int? {
        guard let lines = lines[name] else {
            return PredefinedLists.criterion(named: name, &table).map { table.addList($0) }
        }
        var place: Int?
        for words in lines {
            var arguments = Arguments(words: words, keyword: Word("acl", at: words[0].range))
            // It was compiled before, and has not changed.
            guard let criterion = try? Criterion(&arguments, &table, until: { _ in false }) else { continue }
            if let place { table.extend(place, criterion) } else { place = table.addList(criterion) }
        }
        return place
    }

    /// Reads `if …` or `unless …` to the end of the line; nil if neither is next.
    mutating func condition(
        _ arguments: inout Arguments, in hook: RuleHook, _ table: inout RuleTable
    ) throws(ConfigProblem) -> Condition? {
        guard let keyword = arguments.peek, keyword.text == "if" || keyword.text == "unless" else { return nil }
        _ = arguments.nextIfPresent()
        var terms: [Condition.Term] = []
        var isNegated = false
        var beginsAlternative = false
        /// What has to be followed by a term: `if`, `!`, `or`.
        var opener: Word? = keyword
        while let word = arguments.nextIfPresent() {
            if word.text == "or" || word.text == "||" {
                if let opener { throw Self.missing(behind: opener) }
                beginsAlternative = true
                opener = word
                continue
            }
            var rest = word
            while rest.text.hasPrefix("!") {
                isNegated.toggle()
                rest = rest.droppingFirst()
            }
            if rest.text.isEmpty {
                opener = word
                continue
            }
            let list = try list(rest, &arguments, in: hook, &table.expressions)
            terms.append(Condition.Term(list: Int32(list), isNegated: isNegated, beginsAlternative: beginsAlternative))
            isNegated = false
            beginsAlternative = false
            opener = nil
        }
        if let opener { throw Self.missing(behind: opener) }
        let start = table.terms.count
        table.terms += terms
        return Condition(terms: TableSlice(start..<table.terms.count), isInverted: keyword.text == "unless")
    }

    /// The list that a word names, or that begins with the brace it is.
    private mutating func list(
        _ word: Word, _ arguments: inout Arguments, in hook: RuleHook, _ table: inout ExpressionTable
    ) throws(ConfigProblem) -> Int {
        if word.text == "{" {
            let criterion = try Criterion(&arguments, &table) { $0.text == "}" }
            guard arguments.skip("}") else {
                throw ConfigProblem("'{' is not closed", at: word.range, expected: "'}' as a word of its own")
            }
            try hook.require(criterion.expression.row.availability, of: criterion.expression.row.name, at: word.range)
            return table.addList(criterion)
        }
        if indices[word.text] == nil, let predefined = PredefinedLists.criterion(named: word.text, &table) {
            indices[word.text] = table.addList(predefined)
        }
        guard let index = indices[word.text] else {
            throw ConfigProblem(
                "no condition is named '\(word.text)'", at: word.range,
                expected: "the name of an acl line above, or '{ <criterion> … }'",
                suggestion: nearest(word.text, among: Array(indices.keys) + PredefinedLists.names))
        }
        for criterion in table.criteria(of: index) {
            try hook.require(criterion.expression.row.availability, of: criterion.expression.row.name, at: word.range)
        }
        return index
    }

    private static func missing(behind word: Word) -> ConfigProblem {
        ConfigProblem(
            "a condition is missing behind '\(word.text)'", at: word.range,
            expected: "the name of an acl line, or '{ <criterion> … }'")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte | 0x20 &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x5F || byte == 0x2D || byte == 0x2E || byte == 0x3A
    }
}

extension Word {
    /// Without its first character, one column further on.
    fileprivate func droppingFirst() -> Word {
        var range = range
        range.column += 1
        range.length = max(1, range.length - 1)
        return Word(String(text.dropFirst()), at: range)
    }
}
