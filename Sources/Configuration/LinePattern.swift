// What a regular expression for a whole line of a message is about, where it says so: a field, or the request's target.

/// Such an expression, understood.
enum LinePattern {
    /// `^Name: value`: a field, and what is asked of its value; empty for anything. If it is grouped, the first group had
    /// the name in it.
    case field(name: String, value: String, isGrouped: Bool)
    /// `^Name`: all fields whose names begin so.
    case fields(prefix: String)
    /// `^[^ ]* /target`: a request line.
    case target(TargetPattern)

    init?(_ text: String) {
        guard text.hasPrefix("^"), let scan = ExpressionScan(text.dropFirst()), !scan.hasAlternatives else {
            return nil
        }
        if let target = TargetPattern(scan) {
            self = .target(target)
            return
        }
        var rest = scan.letters[...]
        // `^(Name: value)`: the group is then the value's.
        let isGrouped = scan.leadingGroup != nil
        if let group = scan.leadingGroup {
            guard let inside = ExpressionScan(scan.text(group)[...]), !inside.hasAlternatives else { return nil }
            rest = rest.dropFirst()
        }
        var name = ""
        while let letter = rest.first {
            // `\-` is a dash.
            if letter == "\\", rest.dropFirst().first == "-" {
                rest = rest.dropFirst()
                continue
            }
            guard letter.isASCII, letter.isLetter || letter.isNumber || letter == "-" || letter == "_" else { break }
            name.append(letter)
            rest = rest.dropFirst()
        }
        guard !name.isEmpty else { return nil }
        let behind = String(rest)
        if !isGrouped, ["", ".*", ".*:", ".*:.*", "[^:]*:", "[^:]*:.*"].contains(behind) {
            self = .fields(prefix: name)
            return
        }
        guard rest.first == ":" else { return nil }
        let value = Self.withoutBlank(String(rest.dropFirst()))
        self = .field(name: name, value: isGrouped ? "(" + value : value, isGrouped: isGrouped)
    }

    /// Without what stands for the blank behind a field's name.
    private static func withoutBlank(_ text: String) -> String {
        for blank in [" ", "\\s", "[ \\t]", "[[:space:]]", "[ ]"] where text.hasPrefix(blank) {
            let rest = text.dropFirst(blank.count)
            return String(rest.first == "*" || rest.first == "+" || rest.first == "?" ? rest.dropFirst() : rest)
        }
        return text
    }
}

/// A pattern for the request line: a method, a target, and the version or all that is left.
struct TargetPattern {
    /// For the target alone.
    let pattern: String
    /// The methods it is for; empty for any.
    let methods: [String]
    private let head: Head
    private let groups: Int
    /// Whether the version is matched by itself; otherwise the last group takes it along.
    private let hasVersion: Bool
    private let versionIsGroup: Bool
    private let endsWithRest: Bool

    /// How the pattern begins, and with it the new line.
    private enum Head {
        /// `([^ ]*) `: the first group is the method.
        case methodGroup
        /// `([^ ]* /app)`: it has the beginning of the target as well.
        case prefixGroup(String)
        /// `GET `.
        case name(String)
        /// `[^ ]* `.
        case unkept

        var groups: Int {
            switch self {
            case .methodGroup, .prefixGroup: 1
            case .name, .unkept: 0
            }
        }
    }

    /// What stands for any method.
    private static let anyMethod: Set<String> = [
        "[^ :]*", "[^ ]*", "[^ :]+", "[^ ]+", "[^: ]*", "[^: ]+", ".*", ".+", "\\S*", "\\S+", "[A-Z]*", "[A-Z]+",
        "\\w*", "\\w+",
        "[^\\ ]*", "[^\\ :]*", "[^\\s]*", "[^\\s]+",
    ]

    /// What stands for any version.
    private static let anyVersion: Set<String> = [
        ".*", ".+", "HTTP/.*", "HTTP.*", "HTTP/1\\.[01]", "HTTP/1.[01]", "HTTP/1\\..", "HTTP/1.*", "[^ ]*", "\\S*",
        "\\S+",
    ]

    fileprivate init?(_ scan: ExpressionScan) {
        var blanks = scan.blanks
        let start: Int
        var prefix = ""
        if let group = scan.leadingGroup, let inside = ExpressionScan(scan.text(group)[...]), inside.groups == 0,
            !inside.hasAlternatives, inside.blanks.count == 1, let blank = inside.blanks.first,
            let literal = Self.literal(inside.text(blank.upperBound..<inside.letters.count)),
            let methods = Self.methods(inside.text(0..<blank.lowerBound))
        {
            prefix = inside.text(blank.upperBound..<inside.letters.count)
            head = .prefixGroup(literal)
            self.methods = methods
            start = group.upperBound + 1
        } else {
            guard let first = blanks.first else { return nil }
            blanks.removeFirst()
            let (method, isGroup) = Self.bare(scan.text(0..<first.lowerBound))
            guard let methods = Self.methods(method) else { return nil }
            self.methods = methods
            head = isGroup ? .methodGroup : methods.count == 1 ? .name(methods[0]) : .unkept
            start = first.upperBound
        }
        guard blanks.count <= 1 else { return nil }
        var target = prefix + scan.text(start..<(blanks.first?.lowerBound ?? scan.letters.count))
        hasVersion = !blanks.isEmpty
        if let blank = blanks.first {
            var version = scan.text(blank.upperBound..<scan.letters.count)
            if version.hasSuffix("$") { version.removeLast() }
            let bare = Self.bare(version)
            guard Self.anyVersion.contains(bare.text) else { return nil }
            versionIsGroup = bare.isGroup
            pattern = "^" + target + "$"
        } else {
            versionIsGroup = false
            if target.hasSuffix("(.*)$") || target.hasSuffix(".*$") { target.removeLast() }
            // The version follows a target, always.
            guard !target.hasSuffix("$") else { return nil }
            pattern = "^" + target
        }
        guard !target.isEmpty, let inside = ExpressionScan(target[...]) else { return nil }
        groups = inside.groups
        endsWithRest = target.hasSuffix("(.*)")
    }

    /// The new target out of a new request line; nil if that does not keep the method and the version.
    func replacement(_ line: String) -> String? {
        var text: Substring
        switch head {
        case .methodGroup where line.hasPrefix("\\1 "): text = line.dropFirst(3)
        case .prefixGroup(let prefix) where line.hasPrefix("\\1"): text = prefix + line.dropFirst(2)
        case .name(let name) where line.hasPrefix(name + " "): text = line.dropFirst(name.count + 1)
        default: return nil
        }
        if hasVersion {
            let endings = [" HTTP/1.1"] + (versionIsGroup ? [" \\\(head.groups + groups + 1)"] : [])
            guard let ending = endings.first(where: { text.hasSuffix($0) }) else { return nil }
            text.removeLast(ending.count)
        } else {
            guard endsWithRest, text.hasSuffix("\\\(head.groups + groups)") else { return nil }
        }
        // Each `\n` names the group as the target's own pattern counts it.
        var new = ""
        while let letter = text.popFirst() {
            guard letter == "\\", let digit = text.first?.wholeNumberValue else {
                new.append(letter)
                continue
            }
            guard digit > head.groups, digit <= head.groups + groups else { return nil }
            text.removeFirst()
            new += "\\\(digit - head.groups)"
        }
        return new.isEmpty || new.contains(" ") ? nil : new
    }

    /// The methods that a pattern is for, empty for any; nil if that is not clear.
    private static func methods(_ text: String) -> [String]? {
        if anyMethod.contains(text) { return [] }
        let names = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        let areNames = names.allSatisfy { name in !name.isEmpty && name.allSatisfy { ("A"..."Z").contains($0) } }
        return areNames ? names : nil
    }

    /// What a piece of an expression stands for if that is one text.
    private static func literal(_ text: String) -> String? {
        var literal = ""
        var rest = text[...]
        while var letter = rest.popFirst() {
            if letter == "\\" {
                guard let next = rest.popFirst(), "./-".contains(next) else { return nil }
                letter = next
            } else if !letter.isLetter, !letter.isNumber, !"/-_~%".contains(letter) {
                return nil
            }
            literal.append(letter)
        }
        return literal
    }

    /// Without a group around all of it.
    private static func bare(_ text: String) -> (text: String, isGroup: Bool) {
        guard text.hasPrefix("("), text.hasSuffix(")"), !text.dropFirst().dropLast().contains("(") else {
            return (text, false)
        }
        return (String(text.dropFirst().dropLast()), true)
    }
}

/// A regular expression looked at from outside: what stands at its top, and how many groups it counts.
struct ExpressionScan {
    let letters: [Character]
    /// Blanks, or what stands for one, outside of groups and classes.
    private(set) var blanks: [Range<Int>] = []
    private(set) var groups = 0
    private(set) var hasAlternatives = false
    /// What is inside of the group with which it begins, if that is there once.
    private(set) var leadingGroup: Range<Int>?

    /// Nil for one that is beyond this: unclosed, or with named groups or references to its own groups.
    init?(_ text: Substring) {
        letters = Array(text)
        var depth = 0
        var index = 0
        var groupStart: Int?
        while index < letters.count {
            let letter = letters[index]
            let next = index + 1 < letters.count ? letters[index + 1] : nil
            switch letter {
            case "\\":
                guard let next, !next.isNumber, next != "k", next != "g", next != "Q" else { return nil }
                if depth == 0, next == "s" || next == " " { takeBlank(&index, letters: 2) } else { index += 2 }
                continue
            case "[":
                guard let end = classEnd(from: index) else { return nil }
                index = end
            case "(":
                depth += 1
                if next == "?" {
                    guard index + 2 < letters.count, !"<P'|(&R".contains(letters[index + 2]) else { return nil }
                } else {
                    groups += 1
                    if depth == 1 { groupStart = index }
                }
            case ")":
                depth -= 1
                guard depth >= 0 else { return nil }
                if depth == 0, groupStart == 0, next.map({ !"?*+{".contains($0) }) ?? true {
                    leadingGroup = 1..<index
                }
                if depth == 0 { groupStart = nil }
            case "|": if depth == 0 { hasAlternatives = true }
            case " ":
                if depth == 0 {
                    takeBlank(&index, letters: 1)
                    continue
                }
            default: break
            }
            index += 1
        }
        guard depth == 0 else { return nil }
    }

    func text(_ range: Range<Int>) -> String { String(letters[range]) }

    private mutating func takeBlank(_ index: inout Int, letters count: Int) {
        let start = index
        index += count
        if index < letters.count, letters[index] == "+" || letters[index] == "*" { index += 1 }
        blanks.append(start..<index)
    }

    /// Where the class that begins at `start` has its `]`.
    private func classEnd(from start: Int) -> Int? {
        var index = start + 1
        if index < letters.count, letters[index] == "^" { index += 1 }
        // The first may be a `]` of its own.
        if index < letters.count, letters[index] == "]" { index += 1 }
        while index < letters.count, letters[index] != "]" {
            if letters[index] == "\\" { index += 1 }
            if letters[index...].starts(with: "[:"), let end = letters[index...].firstIndex(of: "]") { index = end }
            index += 1
        }
        return index < letters.count ? index : nil
    }
}
